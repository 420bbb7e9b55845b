"""A browser without scripts and the application that sends people to it: code + PKCE by plain requests."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests


class Forms(HTMLParser):
    """The forms of a page: action, method, and the fields with their present values."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append({"action": given.get("action", ""), "fields": {}})
        elif tag in ("input", "button") and self.found and "name" in given:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        fields = self.found[-1]["fields"]
        chosen = given.get("type") not in ("radio", "checkbox") or "checked" in given
        if (tag == "button" or not chosen) and given["name"] in fields:
            return
        fields[given["name"]] = given.get("value", "")


@dataclass
class Application:
    """An OAuth client in the hands of a person."""

    gateway: str
    authority: str
    client_id: str = "demo-app"
    client_secret: str = ""
    redirect_uri: str = "http://127.0.0.1:53682/callback"
    scope: str = "openid profile email account company users applications shop inbox platform"
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.verify = self.authority
        # Otherwise a REQUESTS_CA_BUNDLE in the environment would win over the development authority.
        self.session.trust_env = False

    def sign_in(self, login: str, password: str, company: str = "", **more: str) -> dict[str, Any]:
        """The tokens that the person's consent gives."""
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": secrets.token_urlsafe(8),
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            **({"company": company} if company else {}),
            **more,
        }
        answer = self._through_pages(
            f"{self.gateway}/oauth2/authorize",
            asked,
            {"login": login, "password": password, "company": company},
        )
        assert answer["state"] == asked["state"]
        assert answer["iss"] == self.gateway
        return self.redeem(
            grant_type="authorization_code",
            code=answer["code"],
            redirect_uri=self.redirect_uri,
            code_verifier=verifier,
        )

    def redeem(self, **grant: str) -> dict[str, Any]:
        """The token endpoint's answer, which must be a success."""
        answer = self.token(**grant)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def token(self, **grant: str) -> requests.Response:
        """The token endpoint's answer, whatever it is."""
        basic = (self.client_id, self.client_secret) if self.client_secret else None
        body = grant if basic else {**grant, "client_id": self.client_id}
        return requests.post(
            f"{self.gateway}/oauth2/token", data=body, auth=basic, verify=self.authority, timeout=30
        )

    def _through_pages(self, url: str, asked: dict[str, str], typed: dict[str, str]) -> dict[str, str]:
        page = self.session.get(url, params=asked, allow_redirects=False, timeout=30)
        for _ in range(12):
            location = page.headers.get("Location", "")
            if location.startswith(self.redirect_uri):
                return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
            if location:
                page = self.session.get(urljoin(page.url, location), allow_redirects=False, timeout=30)
                continue
            page = self._submit(page, typed)
        raise AssertionError(f"no way back to the application from {page.url}: {page.text[:500]}")

    def _submit(self, page: requests.Response, typed: dict[str, str]) -> requests.Response:
        assert page.status_code == 200, (page.status_code, page.text[:500])
        form = max(Forms(page.text).found, key=lambda each: len(each["fields"]))
        fields = {name: typed.get(name) or value for name, value in form["fields"].items()}
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.gateway))
        return self.session.post(
            urljoin(page.url, form["action"]),
            data=fields,
            headers={"Origin": origin, "Referer": page.url},
            allow_redirects=False,
            timeout=30,
        )


@dataclass
class Merchant:
    """A person or system that holds an access token and speaks REST."""

    gateway: str
    authority: str
    token: str

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return requests.request(
            method, self.gateway + path, headers=headers, verify=self.authority, timeout=30, **options
        )

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def patch(self, path: str, **options: Any) -> requests.Response:
        return self.request("PATCH", path, **options)
