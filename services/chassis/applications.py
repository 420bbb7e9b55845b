"""Applications that companies register: told from the platform's own clients by the form of their id."""

from __future__ import annotations

import re

from services.chassis.names import new_id

_CLIENT_ID = re.compile(r"app-[a-z][a-z2-7]{19}")


def new_client_id() -> str:
    """The id of a new application. No person's id looks like it."""
    return f"app-{new_id()}"


def is_application(client_id: str) -> bool:
    """Whether a company has registered the client, rather than the platform."""
    return _CLIENT_ID.fullmatch(client_id) is not None
