"""Violations that a service reports, renamed to what the client of REST wrote: `shop.capture_delay_days` of the
request is `captureDelayDays` of the body."""

from __future__ import annotations

import re
from dataclasses import replace

from services.chassis.errors import Fault
from services.gateway import revisions
from services.gateway.json_text import BODY
from services.gateway.routes import WHOLE, Route
from services.gateway.scalars import camel_case

_HEADERS = {"min_revision": revisions.LEAST}
"""What a client says by a header."""
_NAME = re.compile(r"(^|\.)(\w+)(?![^\[]*\])")


def place(route: Route, fault: Fault) -> Fault:
    """The same fault, speaking of the client's own fields."""
    if fault.violations:
        fault.violations = tuple(replace(v, field=client_field(route, v.field)) for v in fault.violations)
        fault.message = "; ".join(f"{v.field}: {v.description}" for v in fault.violations)
    return fault


def client_field(route: Route, path: str) -> str:
    """A path of the request message as the client would write it."""
    if path in _HEADERS:
        return _HEADERS[path]
    if route.body not in ("", WHOLE):
        if path == route.body:
            return BODY
        path = path.removeprefix(route.body + ".")
    return _NAME.sub(lambda found: found[1] + camel_case(found[2]), path)
