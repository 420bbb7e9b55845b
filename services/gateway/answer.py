"""What is sent back: by REST as it is, by the pages through Flask."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any


@dataclass
class Answer:
    """One answer. Its headers have each name once."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    def send(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """By WSGI (PEP 3333)."""
        if self.status != HTTPStatus.NOT_MODIFIED:
            self.headers["Content-Length"] = str(len(self.body))
        start_response(f"{self.status} {HTTPStatus(self.status).phrase}", list(self.headers.items()))
        return () if environ["REQUEST_METHOD"] == "HEAD" else (self.body,)
