"""Read your own writes over HTTP: a change tells its revision, and a read that names one is never older."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.chassis.errors import Violation
from services.chassis.rpc.metadata import MIN_REVISION
from services.gateway.routes import Route

HEADER = "Comptoir-Revision"
"""Of the answer to a change."""
LEAST = "Comptoir-Min-Revision"
"""Of a read: a revision that the same part of the platform told."""

FORM = r"^[a-z]+\.[A-Za-z0-9_-]+$"
"""What every revision looks like; which of them it is, only the service that told it knows."""


def violations(route: Route, given: str | None) -> Iterator[Violation]:
    """What is wrong with the header: what cannot be a revision cannot go with a call either."""
    if given is not None and takes_revision(route) and not re.fullmatch(FORM, given):
        yield Violation(LEAST, "revision", "is no revision that a change told")


def least(route: Route, given: str | None) -> dict[str, str]:
    """The metadata for the header of a read."""
    return {MIN_REVISION: given} if given is not None and takes_revision(route) else {}


def takes_revision(route: Route) -> bool:
    """Whether there can be an older answer at all: what anybody may read never changes."""
    return route.method.reads_only and not route.is_public
