"""Signing keys: fetched once for all who wait, kept through an outage, and no burden on identity."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from services.chassis import signing_keys
from services.chassis.errors import Unavailable
from services.chassis.signing_keys import SigningKeys


def published(*kids: str) -> str:
    keys = [ECKey.generate_key("P-256", {"kid": kid}).as_dict(private=False) for kid in kids]
    return json.dumps({"keys": keys})


class Identity:
    """What publishes; counts how often it is asked, and may be away, or slow."""

    def __init__(self, *kids: str) -> None:
        self.text = published(*kids)
        self.asked = 0
        self.away = False
        self.slow: threading.Event | None = None
        self.under_way = threading.Event()

    def fetch(self) -> str:
        self.asked += 1
        self.under_way.set()
        if self.slow is not None:
            assert self.slow.wait(10)
        if self.away:
            raise Unavailable("away")
        return self.text


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcomes do not depend on how busy the machine is."""
    monkeypatch.setattr(signing_keys, "PATIENCE_SECONDS", 10.0)


def test_all_who_come_while_the_keys_are_fetched_get_theirs_from_one_fetch() -> None:
    identity = Identity("one")
    identity.slow = threading.Event()
    keys = SigningKeys(identity.fetch)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(keys.find, "one")
        assert identity.under_way.wait(10)
        others = [pool.submit(keys.find, "one") for _ in range(7)]
        identity.slow.set()

        assert all(found.result() is not None for found in [first, *others])
    assert identity.asked == 1


def test_a_known_key_never_waits_for_a_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = Identity("one")
    keys = SigningKeys(identity.fetch)
    assert keys.find("one") is not None
    monkeypatch.setattr(signing_keys, "RETRY_SECONDS", 0.0)
    identity.slow = threading.Event()
    identity.under_way.clear()
    with ThreadPoolExecutor(1) as pool:
        unknown = pool.submit(keys.find, "new")
        assert identity.under_way.wait(10)

        assert keys.find("one") is not None
        identity.slow.set()
        assert unknown.result() is None


def test_a_new_key_is_fetched_and_forged_ids_cost_identity_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = Identity("one")
    keys = SigningKeys(identity.fetch)
    keys.find("one")
    assert [keys.find(f"forged-{number}") for number in range(1000)] == [None] * 1000
    assert identity.asked == 1

    monkeypatch.setattr(signing_keys, "RETRY_SECONDS", 0.0)
    identity.text = published("one", "two")
    assert keys.find("two") is not None


def test_the_last_known_good_keys_serve_a_restart_while_identity_is_away(tmp_path: Path) -> None:
    kept = tmp_path / "signing-keys.json"
    identity = Identity("one")
    assert SigningKeys(identity.fetch, kept).find("one") is not None
    identity.away = True

    assert SigningKeys(identity.fetch, kept).find("one") is not None


def test_an_outage_leaves_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = Identity("one")
    keys = SigningKeys(identity.fetch)
    keys.find("one")
    monkeypatch.setattr(signing_keys, "RETRY_SECONDS", 0.0)
    identity.away = True

    assert keys.find("two") is None
    assert keys.find("one") is not None
    assert identity.asked == 2


@pytest.mark.parametrize(
    "answer", ["<html>502</html>", '{"keys": []}', '{"keys": [{"kty": "EC", "kid": "one"}]}', "[]"]
)
def test_a_malformed_answer_leaves_what_is_known_and_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    kept = tmp_path / "signing-keys.json"
    identity = Identity("one")
    good = identity.text
    keys = SigningKeys(identity.fetch, kept)
    keys.find("one")
    monkeypatch.setattr(signing_keys, "RETRY_SECONDS", 0.0)
    identity.text = answer

    assert keys.find("two") is None
    assert keys.find("one") is not None
    assert kept.read_text() == good
    assert identity.asked == 2


def test_keys_of_other_types_are_for_others() -> None:
    identity = Identity("one")
    other = RSAKey.generate_key(2048, {"kid": "other"}).as_dict(private=False)
    identity.text = json.dumps({"keys": [other, *json.loads(identity.text)["keys"]]})
    keys = SigningKeys(identity.fetch)

    assert keys.find("one") is not None
    assert keys.find("other") is None


def test_a_damaged_kept_file_is_no_reason_not_to_start(tmp_path: Path) -> None:
    kept = tmp_path / "signing-keys.json"
    kept.write_bytes(b"\xff\xfe")

    assert SigningKeys(Identity("one").fetch, kept).find("one") is not None


def test_whatever_goes_wrong_with_a_fetch_stays_inside() -> None:
    def fetch() -> str:
        raise RuntimeError("a mistake of ours")

    with pytest.raises(Unavailable) as refused:
        SigningKeys(fetch).find("one")

    assert refused.value.reason == "SIGNING_KEYS_UNAVAILABLE"


def test_before_there_are_any_keys_no_token_is_called_forged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_keys, "PATIENCE_SECONDS", 0.0)
    identity = Identity("one")
    identity.slow = threading.Event()
    keys = SigningKeys(identity.fetch)
    for _ in range(3):
        with pytest.raises(Unavailable) as refused:
            keys.find("one")
        assert (refused.value.reason, refused.value.retry_after_seconds) == ("SIGNING_KEYS_UNAVAILABLE", 1)
    identity.slow.set()

    monkeypatch.setattr(signing_keys, "PATIENCE_SECONDS", 10.0)
    assert keys.find("one") is not None
    assert identity.asked == 1


def test_unknown_ids_hold_threads_only_while_a_fetch_is_young(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = Identity("one")
    keys = SigningKeys(identity.fetch)
    keys.find("one")
    monkeypatch.setattr(signing_keys, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(signing_keys, "PATIENCE_SECONDS", 0.3)
    identity.slow = threading.Event()
    started = time.monotonic()
    for number in range(30):
        with pytest.raises(Unavailable):
            keys.find(f"forged-{number}")
    took = time.monotonic() - started
    identity.slow.set()

    assert took < 3
    assert identity.asked == 2


def test_a_stale_set_is_refreshed_behind_the_back_of_whoever_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = Identity("one")
    keys = SigningKeys(identity.fetch)
    keys.find("one")
    monkeypatch.setattr(signing_keys, "REFRESH_SECONDS", 0.0)
    identity.slow = threading.Event()
    identity.under_way.clear()

    assert keys.find("one") is not None
    assert identity.under_way.wait(10)
    identity.slow.set()


def test_the_set_itself_is_told_fresh_while_it_can_be_had_and_as_it_was_while_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    identity = Identity("one")
    keys = SigningKeys(identity.fetch)
    first = keys.text()
    monkeypatch.setattr(signing_keys, "REFRESH_SECONDS", -1.0)
    identity.text = published("one", "two")
    second = keys.text()
    monkeypatch.setattr(signing_keys, "PATIENCE_SECONDS", 0.0)
    identity.slow = threading.Event()
    begun = time.monotonic()
    third = [keys.text() for _ in range(3)]
    took = time.monotonic() - begun
    identity.slow.set()

    assert [json.loads(text)["keys"][-1]["kid"] for text in (first, second, *third)] == ["one", *["two"] * 4]
    assert took < 5


def test_there_is_no_set_before_there_was_one() -> None:
    identity = Identity("one")
    identity.away = True
    with pytest.raises(Unavailable) as refused:
        SigningKeys(identity.fetch).text()

    assert refused.value.reason == "SIGNING_KEYS_UNAVAILABLE"


def test_who_was_there_before_identity_finds_its_keys_as_soon_as_it_is_there() -> None:
    identity = Identity("one")
    identity.away = True
    keys = SigningKeys(identity.fetch)
    keys.prepare()
    with pytest.raises(Unavailable):
        keys.find("one")
    identity.away = False

    assert keys.find("one") is not None
