"""Whether the time that sign-in and "forgotten" take tells an account that is there from one that is not."""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.report import Figure
from comptoir.identity.v1 import password_pb2, session_pb2, user_pb2
from deploy.local.platforms import Platform
from services.chassis.contract import Method
from services.chassis.errors import Unauthenticated
from services.chassis.names import new_id
from services.chassis.rpc.client import Client

PAIRS = 400
_FEWEST = 40
_TRIES_OF_A_LOGIN = 8
"""Fewer than lock it, so that all calls find it as it was."""
MOST_TIMES, MOST_ERRORS = 1.05, 3.0
_PASSWORD = "seven tall herons wait 4 rain"
Ask = Callable[[str], None]


@dataclass(frozen=True)
class Pairs:
    """Milliseconds of calls about an account that is there, each beside one about nobody's."""

    there: Sequence[float]
    nobodys: Sequence[float]

    @property
    def times(self) -> float:
        """The longer of the medians over the shorter."""
        there, nobodys = statistics.median(self.there), statistics.median(self.nobodys)
        return max(there / nobodys, nobodys / there)

    @property
    def share(self) -> float:
        """Of the pairs, in which the account that is there took longer; a half by chance."""
        return statistics.fmean(a > b for a, b in zip(self.there, self.nobodys, strict=True))

    @property
    def errors(self) -> float:
        """How many standard errors of a fair coin that share is from a half (sign test)."""
        return abs(self.share - 0.5) * 2 * math.sqrt(len(self.there))


def telling_apart(platform: Platform, scale: float) -> list[Figure]:
    """Wrong passwords, and links asked for: one call at a time, each pair in an order by chance."""
    count = max(int(PAIRS * scale), _FEWEST)
    with _identity(platform) as client:
        logins = _accounts(platform, count // _TRIES_OF_A_LOGIN + 1)
        found = (
            ("a wrong password", _pairs(_signing_in(client), logins, count)),
            ("a link asked for", _pairs(_forgetting(client), logins, count)),
        )
    return [figure for title, pairs in found for figure in _figures(title, pairs)]


def _figures(title: str, pairs: Pairs) -> list[Figure]:
    there, nobodys = statistics.median(pairs.there), statistics.median(pairs.nobodys)
    about = f"{title}, for an account that is there"
    return [
        Figure(f"{about}, ms", there, "for nobody's", nobodys, pairs.times, MOST_TIMES),
        Figure(
            f"{about}: share that took longer, in standard errors from chance",
            pairs.share,
            "by chance",
            0.5,
            pairs.errors,
            MOST_ERRORS,
        ),
    ]


def _pairs(ask: Ask, logins: Sequence[str], count: int) -> Pairs:
    taken: dict[bool, list[float]] = {True: [], False: []}
    for number in range(-_TRIES_OF_A_LOGIN, count):
        both = [(True, logins[number % len(logins)]), (False, new_id())]
        for there, login in random.sample(both, 2):
            begun = time.perf_counter()
            ask(login)
            # The first ones warm everybody up.
            if number >= 0:
                taken[there].append((time.perf_counter() - begun) * 1e3)
    return Pairs(taken[True], taken[False])


def _signing_in(client: Client) -> Ask:
    def ask(login: str) -> None:
        request = session_pb2.StartSessionRequest(
            login=login, password="not the password 1", source_address=_somewhere()
        )
        try:
            client.call(_method(session_pb2, "SessionService", "StartSession"), request)
        except Unauthenticated:
            return
        raise RuntimeError(f"{login} got in")

    return ask


def _forgetting(client: Client) -> Ask:
    def ask(login: str) -> None:
        request = password_pb2.RequestPasswordResetRequest(login_or_email=login, source_address=_somewhere())
        client.call(_method(password_pb2, "PasswordService", "RequestPasswordReset"), request)

    return ask


def _somewhere() -> str:
    """Another source for each call, so that no throttle has its say."""
    return f"198.{random.randrange(18, 20)}.{random.randrange(256)}.{random.randrange(256)}"


def _accounts(platform: Platform, count: int) -> list[str]:
    """Logins of so many new people."""
    client = Client(platform.addresses["identity"], platform.layout.certificates / "bootstrap")
    logins = [new_id() for _ in range(count)]
    for login in logins:
        user = user_pb2.User(
            login=login,
            email=f"{login}@figures.example",
            given_name="Ada",
            family_name="Exemple",
            language_code="fr",
            time_zone="Pacific/Noumea",
        )
        request = user_pb2.CreateUserRequest(user=user, initial_password=_PASSWORD, operator=True)
        client.call(_method(user_pb2, "UserService", "CreateUser"), request)
    client.close()
    return logins


@contextmanager
def _identity(platform: Platform) -> Iterator[Client]:
    """Identity as the gateway calls it."""
    client = Client(platform.addresses["identity"], platform.layout.certificates / "gateway")
    yield client
    client.close()


def _method(module: Any, service: str, name: str) -> Method:
    return Method(module.DESCRIPTOR.services_by_name[service].methods_by_name[name])
