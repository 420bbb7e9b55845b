"""Every shop's settings and every company's zone, in this process: without a call, and while services are away."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from comptoir_client import companies, shops
from comptoir_client.channel import Channel, Credentials
from comptoir_client.companies import Company
from comptoir_client.copies import Clock, Copy, Kind, State
from comptoir_client.following import SAVE_SECONDS, Follower, Listener
from comptoir_client.saved import Saved
from comptoir_client.shops import Shop

_CLOCK = Clock(time.monotonic, time.time)


@dataclass(frozen=True)
class Feeds:
    """Where what is followed is told: HOST:PORT, or any target of gRPC."""

    shop: str
    company: str


def _last(name: str) -> str:
    return name.rpartition("/")[2]


SHOPS: Kind[Shop] = Kind("shop", "comptoir.shop/Shop", _last, shops.read)
COMPANIES: Kind[Company] = Kind("company", "comptoir.company/Company", _last, companies.read)


class Replica:
    """Two copies, each kept by a thread. Make it after the process has forked, never before."""

    def __init__(
        self,
        feeds: Feeds,
        credentials: Credentials,
        cache_directory: Path | None = None,
        *,
        listener: Listener | None = None,
        save_seconds: float = SAVE_SECONDS,
        clock: Clock = _CLOCK,
    ) -> None:
        """`cache_directory` is this process's own; without one nothing outlives it.

        What changed is saved there after `save_seconds` at most.
        """
        self.shops: Copy[Shop] = Copy(SHOPS, clock)
        self.companies: Copy[Company] = Copy(COMPANIES, clock)
        kept_shops = kept_companies = None
        if cache_directory is not None:
            platform = credentials.platform
            kept_shops = Saved[Shop](cache_directory, platform, lambda shop: (shop.name, shops.state(shop)))
            kept_companies = Saved[Company](
                cache_directory, platform, lambda company: (company.name, companies.state(company))
            )

        def dial(address: str) -> Channel:
            return Channel(address, credentials, retries=False)

        self._followers = (
            Follower(
                self.shops, lambda: dial(feeds.shop), clock.monotonic, kept_shops, listener, save_seconds
            ),
            Follower(
                self.companies,
                lambda: dial(feeds.company),
                clock.monotonic,
                kept_companies,
                listener,
                save_seconds,
            ),
        )
        for follower in self._followers:
            follower.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def shop(self, shop: str) -> Shop | None:
        """The shop, by full name or public id; None if it is not known here."""
        company, shop_id = shops.split(shop)
        found = self.shops.get(shop_id)
        return found if found is None or company in (shops.ANY, found.company) else None

    def company(self, company: str) -> Company | None:
        """The company, by name or id; None if it is not known here."""
        return self.companies.get(companies.split(company))

    @property
    def state(self) -> State:
        """Of the copy that is worse off."""
        order = (State.COLD, State.STALE, State.LIVE)
        return min(self.shops.state, self.companies.state, key=order.index)

    @property
    def staleness_seconds(self) -> float:
        """How old what is known may be, of the copy that is worse off."""
        return max(self.shops.staleness_seconds, self.companies.staleness_seconds)

    def wait_live(self, seconds: float) -> bool:
        """Whether both copies are LIVE, or become so in time."""
        until = time.monotonic() + seconds
        return all(
            copy.wait_live(max(0.0, until - time.monotonic())) for copy in (self.shops, self.companies)
        )

    def close(self) -> None:
        """Ends the threads, and saves what they know."""
        for follower in self._followers:
            follower.close()
