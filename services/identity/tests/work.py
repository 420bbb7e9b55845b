"""What a call costs: for answers that must not be told apart by their time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import argon2
import pytest
from sqlalchemy import event

from services.identity.tests.acts import Acts


@contextmanager
def work(acts: Acts, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements sent and the hashes verified meanwhile, in their order."""
    seen: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(hasher: argon2.PasswordHasher, kept: str, password: str) -> bool:
        seen.append(f"verify {argon2.extract_parameters(kept)}")
        return verify(hasher, kept, password)

    def sent(_connection: object, _cursor: object, statement: str, *_: Any) -> None:
        seen.append(statement)

    engine = acts.identity.resources.database.engine
    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    event.listen(engine, "before_cursor_execute", sent)
    yield seen
    event.remove(engine, "before_cursor_execute", sent)
    monkeypatch.undo()
