"""A browser without a script: links, forms, cookies, and redirects as far as they stay on the gateway."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from services.chassis.testing.tokens import ISSUER

_HOST = urlsplit(ISSUER).hostname or ""


@dataclass
class Form:
    """The form of a page: where it goes, and what its fields hold before anybody types."""

    action: str = ""
    values: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.form = Form()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.form.action = found["action"]
        elif tag == "input" and found["type"] == "radio":
            self.form.choices.setdefault(found["name"], []).append(found["value"])
        elif tag == "input":
            self.form.values[found["name"]] = found.get("value", "")


class Browser:
    """One browser with its own cookies."""

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()

    def get(self, path: str, **headers: str) -> TestResponse:
        return self._client.get(path, base_url=ISSUER, headers=headers)

    def post(self, path: str, data: dict[str, str], **headers: str) -> TestResponse:
        return self._client.post(path, data=data, base_url=ISSUER, headers=headers)

    def open(self, path: str) -> TestResponse:
        """Follows redirects on the gateway; the answer that leads elsewhere comes back as it is."""
        return self._follow(self.get(path))

    def submit(self, page: TestResponse, **typed: str) -> TestResponse:
        """Sends the page's form as a browser does, and follows."""
        form = form_of(page)
        return self._follow(self.post(form.action, {**form.values, **typed}, Origin=ISSUER))

    def plant(self, name: str, value: str) -> None:
        """Puts a cookie into the browser."""
        self._client.set_cookie(name, value, domain=_HOST, secure=True)

    def cookie(self, name: str) -> str:
        found = self._client.get_cookie(name, _HOST)
        return found.value if found else ""

    def _follow(self, response: TestResponse) -> TestResponse:
        while response.status_code in (302, 303) and response.location.startswith("/"):
            response = self.get(response.location)
        return response


def form_of(page: TestResponse) -> Form:
    """The only form of the page."""
    parser = _Forms()
    parser.feed(page.text)
    return parser.form


def focused(page: TestResponse) -> list[str]:
    """The field in which the cursor is."""
    return re.findall(r'<input id="(\w+)"[^>]* autofocus>', page.text)


def answer_in(response: TestResponse) -> dict[str, str]:
    """Parameters that a redirect carries back to the application."""
    return dict(parse_qsl(urlsplit(response.location).query, strict_parsing=True))
