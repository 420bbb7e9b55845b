"""The application that waits behind a page, and where its answer will go.

The browser applies a page's policy to the redirects that follow its form, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis.errors import Fault
from services.gateway.oauth.authorization_request import registered
from services.gateway.oauth.identity import Identity
from services.gateway.oauth.pushed import PushedRequests
from services.look.headers import form_target


@dataclass(frozen=True)
class Targets:
    """Finds them."""

    identity: Identity
    pushed: PushedRequests

    def pending(self, onto: str) -> dict[str, str]:
        """Parameters of the authorization request that waits there; empty if none does."""
        return self.pushed.pending(onto)

    def of(self, onto: str) -> list[str]:
        """Sources for the policy of a page that leads there."""
        return self.waiting(onto)[1]

    def waiting(self, onto: str) -> tuple[str, list[str]]:
        """The application's name, and those sources."""
        pending = self.pending(onto)
        try:
            client = self.identity.client(pending["client_id"]) if "client_id" in pending else None
        except Fault:
            return "", []
        uri = pending.get("redirect_uri", "")
        if client is None or not registered(client, uri):
            return "", []
        return client.display_name, [form_target(uri)]
