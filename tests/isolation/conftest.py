"""Says how many calls the matrix was."""

from __future__ import annotations

from typing import Any

from tests.isolation.wire import CALLS


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if CALLS.total():
        terminalreporter.write_line(f"isolation: {CALLS.total()} calls {dict(CALLS)}")
