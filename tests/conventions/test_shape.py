"""Conventions that matter, executed: each failure says what to do instead."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("identity", "company", "shop", "media", "inbox")
LONGEST_MODULE = 400
STAND_ALONE = {"deploy/verify_log.py"}
"""An auditor takes it along as the one file that it is."""
WIRE_MODULES = {"api.py", "service.py"}


def modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "tests" not in path.parts and "node_modules" not in path.parts:
                yield path


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


OWN = list(modules(*(f"services/{name}" for name in SERVICES)))


@pytest.mark.parametrize("path", OWN, ids=name_of)
def test_wire_types_stay_on_the_edge(path: Path) -> None:
    if path.name in WIRE_MODULES or {"api", "migrations"} & set(path.parts):
        return
    found = {name for name in imports(path) if name.startswith("comptoir.")}

    assert found == set(), "wire types belong in api.py or api/: pass plain values or rows on"


@pytest.mark.parametrize("path", OWN, ids=name_of)
def test_services_neither_commit_nor_serve_http(path: Path) -> None:
    calls = {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }

    assert "flask" not in imports(path), "Flask lives in the gateway and the Back Office"
    assert calls & {"commit", "rollback"} == set(), "the chassis ends the transaction of a call"


@pytest.mark.parametrize("path", list(modules("services", "deploy", "clients", "bench")), ids=name_of)
def test_modules_stay_small(path: Path) -> None:
    if path.relative_to(ROOT).as_posix() in STAND_ALONE:
        return
    lines = len(path.read_text().splitlines())

    assert lines <= LONGEST_MODULE, "one idea a module: split it along its seam"


@pytest.mark.parametrize(
    "path", list(modules("services", "deploy", "clients", "bench", "tests")), ids=name_of
)
def test_every_module_says_what_belongs_there(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), "begin with a docstring"
