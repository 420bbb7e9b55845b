"""What was saved is found again whole, or not at all, and says why not."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from comptoir_client import shops
from comptoir_client.copies import Copy, State
from comptoir_client.replica import SHOPS
from comptoir_client.saved import Saved
from comptoir_client.shops import Shop
from comptoir_client.tests.telling import COMPANY, Hands, heartbeat, resource, snapshot_end


@pytest.fixture
def hands() -> Hands:
    return Hands()


def saved(directory: Path, platform: str = "ours") -> Saved[Shop]:
    return Saved(directory, platform, lambda shop: (shop.name, shops.state(shop)))


def told(hands: Hands) -> Copy[Shop]:
    copy = Copy(SHOPS, hands.clock)
    copy.begin()
    for answer in (
        resource(),
        resource(f"companies/{COMPANY}/shops/00000001", display_name="Œuvre « d'art »\u2028"),
        snapshot_end("c1"),
        heartbeat("c2", 0.0),
    ):
        copy.take(answer)
    return copy


def loaded(hands: Hands, directory: Path, platform: str = "ours") -> Copy[Shop]:
    copy = Copy(SHOPS, hands.clock)
    saved(directory, platform).load(copy)
    return copy


def sealed(path: Path, body: bytes) -> None:
    path.write_bytes(body + b"\n" + sha256(body).hexdigest().encode() + b"\n")


def with_header(path: Path, **changed: object) -> None:
    """The file with another header, and the checksum that goes with it."""
    header, *lines = path.read_bytes().split(b"\n")[:-2]
    sealed(path, b"\n".join((json.dumps({**json.loads(header), **changed}).encode(), *lines)))


def assert_ignored(copy: Copy[Shop], caplog: pytest.LogCaptureFixture) -> None:
    assert copy.state is State.COLD
    assert "is ignored" in caplog.text


def test_a_restart_finds_what_was_known_and_how_old_it_is(hands: Hands, tmp_path: Path) -> None:
    before = told(hands)
    hands.pass_(5)
    saved(tmp_path).save(before)
    # Another process has another monotonic clock; only the wall's goes on.
    hands.monotonic, hands.wall = 3.0, hands.wall + 60

    after = loaded(hands, tmp_path)
    assert dict(after.entries) == dict(before.entries)
    assert (after.cursor, after.state, after.staleness_seconds) == ("c2", State.STALE, 65)


def test_what_was_saved_before_the_first_beat_is_found_too(hands: Hands, tmp_path: Path) -> None:
    copy = Copy(SHOPS, hands.clock)
    copy.begin()
    for answer in (resource(), snapshot_end("c1")):
        copy.take(answer)
    saved(tmp_path).save(copy)

    after = loaded(hands, tmp_path)
    assert (after.cursor, after.state, after.staleness_seconds) == ("c1", State.STALE, float("inf"))


def test_a_wall_clock_that_was_set_back_makes_nothing_younger_than_now(hands: Hands, tmp_path: Path) -> None:
    saved(tmp_path).save(told(hands))
    hands.wall -= 3600
    copy = loaded(hands, tmp_path)
    assert (copy.staleness_seconds, copy.state) == (0, State.STALE)


def test_what_was_saved_is_live_only_by_the_feeds_own_word(hands: Hands, tmp_path: Path) -> None:
    saved(tmp_path).save(told(hands))
    copy = loaded(hands, tmp_path)
    before = copy.state
    copy.begin()
    copy.take(heartbeat("c3", 0.0))
    assert (before, copy.state) == (State.STALE, State.LIVE)


@pytest.mark.parametrize(
    "header",
    [
        {"cursor": 7},
        {"cursor": None},
        {"cursor": ["c2"]},
        {"complete_time": float("nan")},
        {"complete_time": float("inf")},
        {"complete_time": "today"},
        {"complete_time": 10**400},
        {"count": "2"},
    ],
)
def test_a_header_with_a_right_checksum_and_odd_content_is_ignored(
    hands: Hands, tmp_path: Path, caplog: pytest.LogCaptureFixture, header: dict[str, object]
) -> None:
    copy = told(hands)
    saved(tmp_path).save(copy)
    with_header(saved(tmp_path).path(copy), **header)

    assert_ignored(loaded(hands, tmp_path), caplog)


@pytest.mark.parametrize(
    "line", ["7", "[]", '["x", {}]', "[7, {}]", "{}", "[{}, []]", "[" * 5000 + "]" * 5000, "null"]
)
def test_a_line_with_a_right_checksum_and_odd_content_is_ignored(
    hands: Hands, tmp_path: Path, caplog: pytest.LogCaptureFixture, line: str
) -> None:
    copy = told(hands)
    saved(tmp_path).save(copy)
    path = saved(tmp_path).path(copy)
    first, second, _, _, _ = path.read_bytes().split(b"\n")
    sealed(path, b"\n".join((first, second, line.encode())))

    assert_ignored(loaded(hands, tmp_path), caplog)


@pytest.mark.parametrize("position", [0, 60, 400, -70, -3])
def test_a_flipped_bit_anywhere_is_noticed(
    hands: Hands, tmp_path: Path, caplog: pytest.LogCaptureFixture, position: int
) -> None:
    copy = told(hands)
    saved(tmp_path).save(copy)
    path = saved(tmp_path).path(copy)
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)

    assert_ignored(loaded(hands, tmp_path), caplog)


@pytest.mark.parametrize("length", [0, 1, 100, -2, -66])
def test_a_file_that_was_cut_is_noticed(hands: Hands, tmp_path: Path, length: int) -> None:
    copy = told(hands)
    saved(tmp_path).save(copy)
    path = saved(tmp_path).path(copy)
    whole = path.read_bytes()
    path.write_bytes(whole[:length])
    assert loaded(hands, tmp_path).state is State.COLD


def test_another_version_is_named(hands: Hands, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    copy = told(hands)
    saved(tmp_path).save(copy)
    with_header(saved(tmp_path).path(copy), version=9)

    assert loaded(hands, tmp_path).state is State.COLD
    assert "its version is 9, not 1" in caplog.text


def test_another_platforms_file_is_not_taken(
    hands: Hands, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved(tmp_path, "theirs").save(told(hands))
    assert loaded(hands, tmp_path).state is State.COLD
    assert "of another source or platform" in caplog.text


def test_nothing_saved_is_nothing_to_say(
    hands: Hands, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert loaded(hands, tmp_path).state is State.COLD
    assert caplog.text == ""


def test_nobody_else_may_read_it_and_no_half_of_it_stays(hands: Hands, tmp_path: Path) -> None:
    copy, place = told(hands), saved(tmp_path / "new")
    place.save(copy)
    place.save(copy)
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["shop.copy"]
    assert place.path(copy).stat().st_mode & 0o077 == 0


def test_a_save_that_fails_leaves_the_former_file(hands: Hands, tmp_path: Path) -> None:
    copy, place = told(hands), saved(tmp_path)
    place.save(copy)
    before = place.path(copy).read_bytes()
    broken = Saved[Shop](tmp_path, "ours", lambda shop: 1 / 0)  # type: ignore[arg-type,return-value]
    with pytest.raises(ZeroDivisionError):
        broken.save(copy)
    assert place.path(copy).read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["shop.copy"]
