"""The rules can be taken along anywhere: they need the standard library, and nothing that acts."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

MODULES = sorted(Path(__file__).parents[1].glob("*.py"))
OWN = "comptoir_rules"
# What only computes. `zoneinfo` reads the system's zones, once each.
ALLOWED = {
    "__future__",
    "collections.abc",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "itertools",
    "re",
    "typing",
    "zoneinfo",
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_of_the_rules_imports_only_what_computes(path: Path) -> None:
    tree = ast.parse(path.read_text())
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    others = {name for name in plain | named if name != OWN and not name.startswith(f"{OWN}.")}

    assert others <= ALLOWED, (
        "rules depend on nothing: neither on the rest of the client nor on what does I/O"
    )
