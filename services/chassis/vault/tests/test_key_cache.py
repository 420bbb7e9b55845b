from services.chassis.vault.aead import new_key
from services.chassis.vault.key_cache import DataKey, KeyCache, WrappedKey


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def key(company: str, version: int = 1) -> DataKey:
    return DataKey(WrappedKey(company, version, "kek", b"wrapped"), new_key())


def test_the_least_recently_used_key_leaves_first() -> None:
    cache = KeyCache(capacity=2)
    first, second, third = key("a"), key("b"), key("c")
    cache.put(first)
    cache.put(second)
    assert first == cache.get("a", 1)
    cache.put(third)
    assert (first, None, third) == (cache.get("a", 1), cache.get("b", 1), cache.get("c", 1))


def test_a_key_is_gone_at_its_age_however_often_it_is_used() -> None:
    clock = Clock()
    cache = KeyCache(max_age_seconds=10, clock=clock)
    kept = key("a")
    cache.put(kept)
    clock.now = 9.9
    assert kept == cache.get("a", 1)
    clock.now = 10
    assert cache.get("a", 1) is None


def test_an_aged_key_leaves_memory_at_the_next_one() -> None:
    clock = Clock()
    cache = KeyCache(max_age_seconds=10, clock=clock)
    cache.put(key("a"))
    clock.now = 10
    cache.put(key("b"))
    assert len(cache) == 1


def test_versions_and_companies_are_kept_apart() -> None:
    cache = KeyCache()
    one, two, other = key("a", 1), key("a", 2), key("b", 1)
    for each in (one, two, other):
        cache.put(each)
    assert [one, two, other] == [cache.get("a", 1), cache.get("a", 2), cache.get("b", 1)]


def test_forgetting_a_company_leaves_the_others() -> None:
    cache = KeyCache()
    for each in (key("a", 1), key("a", 2), key("b")):
        cache.put(each)
    cache.forget("a")
    assert len(cache) == 1
    cache.flush()
    assert len(cache) == 0


def test_a_remembered_key_prints_as_dots() -> None:
    remembered = key("a")
    assert repr(remembered.key.reveal()) not in repr(remembered)
    assert "Secret(••••••••)" in repr(remembered)
