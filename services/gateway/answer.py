"""What is sent back: by REST as it is, by the pages through Flask."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from services.gateway.default_headers import Headers, with_defaults


@dataclass
class Answer:
    """One answer. Its headers have each name once."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    def sent(self, verb: str) -> tuple[int, Headers, bytes]:
        """As it goes out to a request of this verb."""
        if self.status != HTTPStatus.NOT_MODIFIED:
            self.headers["Content-Length"] = str(len(self.body))
        return self.status, with_defaults(list(self.headers.items())), b"" if verb == "HEAD" else self.body
