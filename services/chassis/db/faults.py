"""Errors of the driver, given their meaning by SQLSTATE and constraint name, in this one place and never by text."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import psycopg
from sqlalchemy import exc

from services.chassis import log
from services.chassis.errors import Fault, Internal, Invalid, TimedOut, Unavailable

Conflicts = Mapping[str, Callable[[], Fault]]
"""For each constraint that callers can violate, the fault that it is."""

DRIVER_ERRORS = (exc.TimeoutError, exc.DBAPIError, psycopg.Error)
"""What SQLAlchemy and psycopg raise; anything else is a mistake of our own."""

_UNAVAILABLE = ("08", "53", "57P", "58")
_BUSY = ("40001", "40P01", "55P03")
"""Serialization failure, deadlock, lock not to be had in time: others work on the same rows."""
_TIMEOUT = "57014"
_READ_ONLY = "25006"
_FULL = "53100"


@contextmanager
def translated(conflicts: Conflicts) -> Iterator[None]:
    """Turns errors of SQLAlchemy and psycopg inside the block into faults; what is unexpected stays as it is."""
    try:
        yield
    except DRIVER_ERRORS as error:
        raise fault(error, conflicts) from error


def fault(error: BaseException, conflicts: Conflicts) -> Fault:
    """What one of `DRIVER_ERRORS` means."""
    if isinstance(error, exc.TimeoutError):
        return Unavailable(
            "Every database connection is busy.", reason="DATABASE_BUSY", retry_after_seconds=1
        )
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    if not isinstance(original, psycopg.Error):
        return Internal("The database driver failed.")
    state = original.sqlstate or ""
    conflict = conflicts.get(original.diag.constraint_name or "")
    if conflict is not None:
        return conflict()
    if state == _TIMEOUT:
        return TimedOut("The database did not answer in time.", reason="DATABASE_TIMEOUT")
    if state in _BUSY:
        return Unavailable(
            "Others are changing the same at this moment.", reason="DATABASE_BUSY", retry_after_seconds=1
        )
    if state == _READ_ONLY:
        return Unavailable(
            "The database takes no writes at present.", reason="DATABASE_READ_ONLY", retry_after_seconds=5
        )
    if state == _FULL:
        return Unavailable(
            "The database has no room for changes at present.", reason="DATABASE_FULL", retry_after_seconds=5
        )
    if not state and isinstance(original, psycopg.DataError):
        return Invalid("The request holds text or a number that cannot be kept, such as the character NUL.")
    if not state or state.startswith(_UNAVAILABLE):
        return Unavailable(
            "The database is away at present.", reason="DATABASE_UNAVAILABLE", retry_after_seconds=1
        )
    _unforeseen(error, original)
    return Internal("The database refused the statement.")


def _unforeseen(error: BaseException, original: psycopg.Error) -> None:
    """The line of an error that no caller can cause: what and where, but never its text, which quotes values."""
    log.event(
        "unforeseen database error",
        sqlstate=original.sqlstate,
        constraint=original.diag.constraint_name,
        where=[
            f"{frame.filename.rpartition('/services/')[2]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
            if "/services/" in frame.filename
        ][-8:],
    )
