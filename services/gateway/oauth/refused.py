"""What pages say where identity takes no proof for now."""

from __future__ import annotations

from math import ceil

from flask import Response

from services.chassis.errors import Exhausted
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


def _seconds(fault: Exhausted) -> float:
    return fault.retry_after_seconds or 60.0
