"""Sends the same thing twenty times at once, by turns to either gateway."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any, TypeVar
from urllib.parse import urljoin

import requests

from comptoir.identity.v1 import user_pb2
from deploy.local.browser import Application, Forms, Merchant
from deploy.local.mailbox import Mail, Mailbox
from deploy.local.platforms import Platform
from services.chassis.testing.waiting import until
from tests.accounts import PASSWORD, opened

AT_ONCE = 20
T = TypeVar("T")


@dataclass
class Doors:
    """The gateways, of which the first is the issuer."""

    platform: Platform
    addresses: tuple[str, str]

    @property
    def authority(self) -> str:
        return str(self.platform.description["ca"])

    def race(self, send: Callable[[str, int], T]) -> list[T]:
        """What each of twenty got, all sent at one moment: each is told its door and its number."""
        together = Barrier(AT_ONCE)

        def one(number: int) -> T:
            together.wait()
            return send(self.addresses[number % 2], number)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(one, range(AT_ONCE)))

    def post(self, door: str, path: str, data: dict[str, str], **more: Any) -> requests.Response:
        """A form as our own pages send it."""
        return requests.post(
            f"{door}{path}",
            data=data,
            headers={"Origin": self.addresses[0]},
            verify=self.authority,
            timeout=60,
            allow_redirects=False,
            **more,
        )

    def form(self, page: requests.Response, **typed: str) -> tuple[str, dict[str, str]]:
        """Where the page's form goes, and what it sends."""
        assert page.status_code == 200, page.text
        form = max(Forms(page.text).found, key=lambda each: len(each["fields"]))
        return form["action"], {**form["fields"], **typed}

    def submit(
        self, browser: requests.Session, page: requests.Response, door: str, **typed: str
    ) -> requests.Response:
        """Sends the page's form through a door."""
        path, data = self.form(page, **typed)
        headers = {"Origin": self.addresses[0]}
        address = urljoin(door, path)
        return browser.post(address, data=data, headers=headers, timeout=60, allow_redirects=False)

    def browser(self) -> requests.Session:
        return self.application().session

    def application(self) -> Application:
        return Application(self.addresses[0], self.authority)

    def person(self) -> user_pb2.User:
        """Somebody new, of the platform's staff, who needs no company."""
        return opened(self.platform, f"racer{uuid.uuid4().hex[:12]}")

    def signed_in(self, login: str) -> Merchant:
        tokens = self.application().sign_in(login, PASSWORD)
        return Merchant(self.addresses[0], self.authority, tokens["access_token"])

    def link_to(self, address: str) -> str:
        """The link in the one mail to the address."""
        mailbox = Mailbox(self.platform.layout.mail)

        def arrived() -> Sequence[Mail]:
            return [mail for mail in mailbox.mails(mailbox.ids()) if mail.recipients == (address,)]

        [mail] = until(arrived, "the mail arrives", 60)
        [link] = mail.links
        return link
