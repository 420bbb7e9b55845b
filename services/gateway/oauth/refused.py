"""What pages say where identity takes no proof for now, or no such password."""

from __future__ import annotations

from math import ceil

from flask import Response

from services.chassis.errors import Exhausted, Invalid
from services.look.page import Problem


def later(fault: Exhausted) -> Problem:
    """That there were too many tries from here, or that too many sign in at once."""
    if fault.reason == "BUSY":
        return Problem("sign_in.busy")
    return Problem("sign_in.throttled", values={"minutes": ceil(_seconds(fault) / 60)})


def told_when(response: Response, fault: Exhausted) -> Response:
    """The page, with the time after which to come back."""
    response.headers["Retry-After"] = str(ceil(_seconds(fault)))
    return response


def broken_password(fault: Invalid, field: str) -> list[Problem]:
    """The rules that the password in the field breaks, to be shown where it was typed."""
    rules = [found.rule for found in fault.violations if found.field == field]
    keys = [f"reset.{rule}" if rule.startswith("password_") else "reset.password_length" for rule in rules]
    return [Problem(key, "new_password") for key in keys]


def _seconds(fault: Exhausted) -> float:
    return fault.retry_after_seconds or 60.0
