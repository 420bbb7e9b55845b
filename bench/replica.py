"""What the client of internal services costs its host: memory for every shop, time for one payment's rules.

Measured in a process of its own (`python -m bench.replica TLS CACHE SHOPS`), which begins with what was saved.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

from bench.measure import ROUNDS
from bench.report import Figure
from bench.stand import Stand
from comptoir_client import Addresses, Company, Comptoir, Credentials, Feeds, Shop, companies, shops
from comptoir_client.copies import Clock, Copy
from comptoir_client.replica import COMPANIES, SHOPS
from comptoir_client.saved import Saved
from comptoir_client.shops import ShopState, SignatureAlgorithm
from comptoir_rules import Source, Transaction, ValidationMode
from deploy.local.topology import PROJECT

COUNT = 100_000
"""Shops, of a quarter as many companies."""
MOST_MEGABYTES, MOST_MICROSECONDS = 150.0, 20.0
_SERVICE = "payment-engine"
_RESOLUTIONS = 50_000
_NOBODY = "127.0.0.1:1"
_CLOCK = Clock(time.monotonic, time.time)


def replica(stand: Stand, scale: float) -> list[Figure]:
    """Both figures; the memory is always that of all shops, since a part of them would say nothing of the rest."""
    tls = stand.certificates(_SERVICE)
    with tempfile.TemporaryDirectory(prefix="comptoir-bench-") as cache:
        save(Path(cache), Credentials(tls).platform, COUNT)
        arguments = (str(tls), cache, str(max(int(_RESOLUTIONS * scale), 1_000)))
        done = subprocess.run(
            [sys.executable, "-m", "bench.replica", *arguments],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
        )
    megabytes, microseconds = json.loads(done.stdout)
    return [
        _figure(f"replica of {COUNT} shops, MB", megabytes, MOST_MEGABYTES),
        _figure("payment rules from the replica, µs", microseconds, MOST_MICROSECONDS),
    ]


def save(directory: Path, platform: str, count: int) -> None:
    """Writes what a client would have saved of so many shops."""
    of_shops, of_companies = Copy[Shop](SHOPS, _CLOCK), Copy[Company](COMPANIES, _CLOCK)
    made = {shop.shop_id: shop for shop in _shops(count)}
    zones = cycle(("Pacific/Noumea", "Europe/Paris", "Indian/Reunion"))
    owners = {shop.company: next(zones) for shop in made.values()}
    of_shops.restore(made, "cursor", time.time())
    of_companies.restore(
        {each: Company(each, f"Maison {each}", "NC", zone, "fr") for each, zone in owners.items()},
        "cursor",
        time.time(),
    )
    Saved[Shop](directory, platform, lambda shop: (shop.name, shops.state(shop))).save(of_shops)
    Saved[Company](directory, platform, lambda each: (each.name, companies.state(each))).save(of_companies)


def _shops(count: int) -> Iterator[Shop]:
    for number in range(count):
        yield Shop(
            f"company{number // 4:013d}",
            f"{number:08d}",
            f"Boutique n° {number} du port",
            f"https://www.boutique-{number}.example/",
            number % 30,
            ValidationMode.AUTOMATIC,
            3,
            False,
            SignatureAlgorithm.HMAC_SHA_256,
            ShopState.PRODUCTION_READY,
        )


def _figure(title: str, ours: float, most: float) -> Figure:
    return Figure(title, ours, "limit", most, ours / most, 1.0)


def _resident_bytes() -> int:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096


def _measure(tls: Path, cache: Path, resolutions: int) -> tuple[float, float]:
    before = _resident_bytes()
    addresses = Addresses(_NOBODY, _NOBODY, Feeds(_NOBODY, _NOBODY))
    with Comptoir(addresses, Credentials(tls), cache) as client:
        megabytes = (_resident_bytes() - before) / 1e6
        if len(client.replica.shops) != COUNT:
            raise RuntimeError("not every shop was found again")
        names = [f"{number:08d}" for number in range(0, COUNT, 7)]
        transaction = Transaction(datetime.now(UTC), Source.FORM, 5124, "978", brand="CB")
        rounds = [_round(client, names, transaction, resolutions) for _ in range(ROUNDS)]
        return megabytes, statistics.median(rounds)


def _round(client: Comptoir, names: list[str], transaction: Transaction, resolutions: int) -> float:
    chosen = [name for name, _ in zip(cycle(names), range(resolutions), strict=False)]
    begun = time.process_time()
    for name in chosen:
        client.resolve_rules(name, transaction)
    return (time.process_time() - begun) / resolutions * 1e6


if __name__ == "__main__":
    _tls, _cache, _resolutions = sys.argv[1:]
    print(json.dumps(_measure(Path(_tls), Path(_cache), int(_resolutions))))
