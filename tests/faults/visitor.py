"""Somebody who goes on working with the platform, and says what came of it."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import requests

from deploy.local.browser import Application, Merchant
from deploy.local.platforms import Platform
from services.chassis.testing.waiting import until

GENEROUS_SECONDS = 60.0
"""The promise is 15; a busy machine that measures must not fail by its own slowness."""
DEADLINE_SECONDS = 15.0
"""The gateway gives a service ten, and has to say so."""


@dataclass(frozen=True)
class Outcome:
    """What one request came to."""

    status: int
    reason: str
    seconds: float
    retry_after: str


@dataclass
class Visitor:
    """Alice, the owner of Les Halles du Port."""

    merchant: Merchant
    company: str
    shop: str

    @classmethod
    def signed_in(cls, platform: Platform) -> Self:
        description = platform.description
        alice = next(login for login in description["logins"] if login["login"] == "alice")
        company = description["companies"]["halles"]

        def sign_in() -> Merchant | None:
            application = Application(description["gateway"], description["ca"])
            try:
                tokens = application.sign_in("alice", alice["password"], company)
            except (requests.RequestException, AssertionError, LookupError):
                return None
            return Merchant(application.gateway, application.authority, tokens["access_token"])

        merchant = until(sign_in, "alice signs in", GENEROUS_SECONDS)
        found = cls(merchant, f"/v1/{company}", f"/v1/{company}/shops/12345678")
        for does in (found.reads_shop, found.renames_shop, found.reads_company, found.corrects_company):
            until(partial(_works, does), f"{does.__name__} works", GENEROUS_SECONDS)
        return found

    def through(self, gateway: str) -> Self:
        """The same person, who works by another door: its origin."""
        return replace(self, merchant=replace(self.merchant, gateway=gateway))

    def reads_shop(self) -> Outcome:
        """Through the database: what was written meanwhile would be in it."""
        return self._does("GET", f"{self.shop}/keys")

    def reads_company(self) -> Outcome:
        return self._does("GET", self.company)

    def renames_shop(self) -> Outcome:
        # Under a key, so that it may be sent again on the way: see docs/services/gateway.md.
        label, key = f"Boutique {time.monotonic_ns()}", secrets.token_hex(8)
        return self._does("PATCH", self.shop, json={"displayName": label}, headers={"Idempotency-Key": key})

    def corrects_company(self) -> Outcome:
        address = {
            "street": f"{time.monotonic_ns()} quai d'Exemple",
            "postalCode": "98800",
            "locality": "Nouméa",
        }
        return self._does("PATCH", self.company, json={"address": address})

    def _does(self, method: str, path: str, **options: Any) -> Outcome:
        began = time.monotonic()
        answer = self.merchant.request(method, path, **options)
        seconds = time.monotonic() - began
        problem = answer.json() if "problem" in answer.headers.get("Content-Type", "") else {}
        return Outcome(
            answer.status_code, problem.get("reason", ""), seconds, answer.headers.get("Retry-After", "")
        )


def _works(does: Callable[[], Outcome]) -> bool:
    return does().status == 200


def refused_in_time(outcome: Outcome) -> bool:
    """Whether it is a 503 with a reason and a time to come back, sooner than the caller gives up."""
    said = outcome.status == 503 and outcome.reason and outcome.retry_after
    return bool(said) and outcome.seconds < DEADLINE_SECONDS


def recovers(after: str, *doing: Callable[[], Outcome]) -> None:
    """Waits until each of these works again, and tells how long that took."""
    began = time.monotonic()
    for does in doing:
        until(partial(_works, does), f"{does.__name__} works again", GENEROUS_SECONDS)
        sys.stdout.write(f"after {after}: {does.__name__} works again at {time.monotonic() - began:.1f} s\n")
