"""What must be so in the end, whatever was killed: each check says how many things it compared."""

from __future__ import annotations

import os
import subprocess
import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from deploy.local.topology import PROJECT, feed_environment
from services.chassis.changes.recorder import CREATE, DELETE
from tests.log.waiting import until, while_moving
from tests.log.watchers import SHOP, Segment, Watcher, label_print, mark
from tests.log.world import Company, World
from tests.log.writers import Journal

FOLLOWERS = ("company", "media", "inbox")
"""Of the shops."""
_MEMBERSHIP, _KEY = "comptoir.identity/Membership", "comptoir.shop/Key"


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a log."""

    sequence: int
    request: str
    type: str
    resource: str
    action: str


_SEQUENCE = attrgetter("sequence")


def log_of(world: World, service: str, scope: str) -> list[Entry]:
    """The log of a scope, which has no gap."""
    query = (
        "select sequence, request_id, type, resource, action from changes where scope = %s order by sequence"
    )
    entries = [Entry(*row) for row in world.rows(service, query, scope)]
    assert list(range(1, len(entries) + 1)) == [entry.sequence for entry in entries], scope
    ((head,),) = world.rows(
        service, "select coalesce(max(sequence), 0) from change_heads where scope = %s", scope
    )
    assert len(entries) == head, scope
    return entries


def effects_are_what_was_acknowledged(world: World, journal: Journal) -> int:
    """Every acknowledged request made its changes, once; and nothing else was changed."""
    query = "select request_id, count(*) from changes where starts_with(request_id, %s) group by request_id"
    for service, made in journal.made.items():
        assert made == dict(world.rows(service, query, f"{world.run}-")), service
    return sum(map(len, journal.made.values()))


def watchers_are_abreast(watchers: list[Watcher]) -> None:
    """From here on nobody begins anew, so that everybody is told what is written next as a change."""
    for watcher in watchers:
        watcher.settle()

    def is_abreast(watcher: Watcher) -> bool:
        watcher.raise_failure()
        return watcher.is_abreast

    for watcher in watchers:
        while_moving(
            partial(is_abreast, watcher),
            partial(getattr, watcher, "heard"),
            f"{watcher.name} knows all there is",
        )


def mirrors_are_abreast(world: World) -> None:
    """Everybody who follows the shops has heard all there is of them."""
    now: datetime
    ((now,),) = world.rows("shop", "select now()")
    query = "select heard_time, cursor from mirror_cursors where source = 'shop'"

    def place(service: str) -> tuple[datetime, str]:
        ((heard, cursor),) = world.rows(service, query)
        return heard, cursor

    def has_heard(service: str) -> bool:
        return place(service)[0] > now

    for service in FOLLOWERS:
        while_moving(
            partial(has_heard, service), partial(place, service), f"{service} has heard all of the shops"
        )


def watchers_saw_everything(world: World, watchers: list[Watcher]) -> int:
    """Each of them, in each of its segments, was told exactly what the log says, from there to there."""
    for watcher in watchers:
        until(partial(_is_at_end, world, watcher), f"{watcher.name} has seen the last change")
    for watcher in watchers:
        watcher.stop()
    told = 0
    for source in sorted({each.source for each in watchers}):
        for scope in world.scopes(source):
            entries = log_of(world, source, scope)
            told += sum(_was_told(world, each, scope, entries) for each in watchers if each.source == source)
    return told


def mirrors_equal_their_sources(world: World) -> int:
    """What services keep of each other is what the others have; how many rows that is."""
    shops = ("shop", "select company, shop_id, display_name from shops")
    companies = ("company", "select company, time_zone, language_code from companies")
    places = ("identity", "select company, user_id, role from memberships")
    kept = (
        (shops, "select company, shop_id, display_name from known_shops", ("media", "company")),
        (
            companies,
            "select company, time_zone, language_code from known_companies",
            ("identity", "shop", "inbox"),
        ),
        (places, "select company, user_id, role from known_grants", ("company", "shop", "media", "inbox")),
    )
    compared = 0
    for source, query, mirrors in kept:
        expected = sorted(world.rows(*source))
        for mirror in mirrors:
            until(
                partial(_keeps, world, mirror, query, expected),
                f"{mirror} mirrors {source[0]}",
            )
            compared += len(expected)
    return compared


def each_reaction_is_one_message(world: World) -> int:
    """The inbox has one message for every change that it reacts to, and none twice."""
    total = 0
    for company in world.companies:
        beside = _beside_shops(world, company)
        expected = Counter(
            entry.request
            for entry in log_of(world, "shop", company.name)
            if entry.type == _KEY and (entry.action, entry.request) not in beside
        )
        places = log_of(world, "identity", company.name)
        expected.update(
            each.request for each in places if each.type == _MEMBERSHIP and each.action in (CREATE, DELETE)
        )
        until(
            partial(_has_messages, world, company, expected),
            f"the inbox has its messages for {company.name}",
        )
        query = "select count(*) from messages where company = %s"
        ((messages,),) = world.rows("inbox", query, company.company_id)
        assert expected.total() == messages
        total += messages
    return total


def chains_hold(world: World, services: Sequence[str]) -> int:
    """The stand-alone verifier finds nothing in these services, with a checkpoint that was written just now."""
    layout = world.platform.layout
    for service in services:
        environment = {**os.environ, **feed_environment(service, layout, world.platform.ports)}
        checkpoint = (sys.executable, "-m", f"services.{service}", "checkpoint")
        _run(checkpoint, environment)
        parts = urlsplit(world.url(service, "owner"))
        place = f"{parts.username}@{parts.hostname}:{parts.port}"
        command = (
            *(sys.executable, str(PROJECT / "deploy" / "verify_log.py")),
            *("--database", urlunsplit(parts._replace(netloc=place))),
            *("--checkpoints", str(layout.checkpoints(service))),
            *("--public-key", str(layout.secret(service, "checkpoint-key.pem"))),
        )
        _run(command, {**os.environ, "PGPASSWORD": unquote(parts.password or "")})
    return len(services)


def _keeps(world: World, service: str, query: str, expected: list[tuple[Any, ...]]) -> bool:
    return sorted(world.rows(service, query)) == expected


def _has_messages(world: World, company: Company, expected: Counter[str]) -> bool:
    return _messages(world, company) == expected


def _run(command: tuple[str, ...], environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def _is_at_end(world: World, watcher: Watcher) -> bool:
    watcher.raise_failure()
    return all(
        watcher.reached(scope) == _last(world, watcher, scope)
        for scope in world.scopes(watcher.source)
        if _sees(watcher, scope)
    )


def _last(world: World, watcher: Watcher, scope: str) -> int:
    query = "select max(sequence) from changes where scope = %s and (type = any(%s) or %s)"
    ((last,),) = world.rows(watcher.source, query, scope, list(watcher.types), not watcher.types)
    return int(last)


def _was_told(world: World, watcher: Watcher, scope: str, entries: list[Entry]) -> int:
    """How many of a scope's changes the watcher was told: all that it asked for, once and in order."""
    wanted = [each for each in entries if _covers(watcher, each)]
    told = sum(_trace_is_true(watcher, segment, scope, wanted) for segment in watcher.segments)
    if watcher.source == "shop":
        _snapshots_are_true(world, watcher, scope, wanted)
    if _sees(watcher, scope):
        end = watcher.segments[-1]
        assert wanted[-1].sequence == end.traces[scope].last, watcher.name
        if watcher.source == "shop" and end.began_with is not None:
            assert _labels(world, scope) == _within(watcher.labels, scope), watcher.name
    return told


def _sees(watcher: Watcher, scope: str) -> bool:
    return watcher.company in ("", scope)


def _covers(watcher: Watcher, entry: Entry) -> bool:
    return (not watcher.types or entry.type in watcher.types) and (
        not watcher.company or entry.resource.startswith(f"{watcher.company}/")
    )


def _trace_is_true(watcher: Watcher, segment: Segment, scope: str, wanted: list[Entry]) -> int:
    trace = segment.traces.get(scope)
    if trace is None:
        return 0
    start = bisect_left(wanted, trace.first, key=_SEQUENCE)
    within = wanted[start : bisect_right(wanted, trace.last, key=_SEQUENCE)]
    digest = 0
    for each in within:
        digest = mark(digest, each.sequence, each.request, each.resource, each.action)
    assert (len(within), digest) == (trace.told, trace.digest), f"{watcher.name}, {scope}"
    return trace.told


def _snapshots_are_true(world: World, watcher: Watcher, scope: str, wanted: list[Entry]) -> None:
    """Each holds all that comes before the first change that was told after it, and nothing that comes after."""
    begun = [(each.traces[scope].first, each.began_with) for each in watcher.segments if scope in each.traces]
    shops = (each for each in wanted if each.type == SHOP)
    stood: dict[str, int] = {}
    total, coming = 0, next(shops, None)
    for first, began_with in begun:
        while coming is not None and coming.sequence < first:
            added = label_print(coming.resource, world.label(coming.request))
            total += added - stood.get(coming.resource, 0)
            stood[coming.resource] = added
            coming = next(shops, None)
        assert began_with is None or total == began_with.get(scope, 0), f"{watcher.name}, {scope}, {first}"


def _labels(world: World, company: str) -> dict[str, str]:
    query = "select shop_id, display_name from shops where company = %s"
    found = world.rows("shop", query, company.removeprefix("companies/"))
    return {f"{company}/shops/{each}": label for each, label in found}


def _within(state: dict[str, str], company: str) -> dict[str, str]:
    return {name: label for name, label in state.items() if name.startswith(f"{company}/")}


def _beside_shops(world: World, company: Company) -> set[tuple[str, str]]:
    """Changes of keys that came with their shop: those are no news."""
    query = "select action, request_id from changes where scope = %s and method like '%%/CreateShop'"
    return set(world.rows("shop", query, company.name))


def _messages(world: World, company: Company) -> Counter[str]:
    query = "select request_id from changes where scope = %s and type = 'comptoir.inbox/Message' and action = 'CREATE'"
    return Counter(row[0] for row in world.rows("inbox", query, company.name))
