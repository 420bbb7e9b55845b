"""However streams break, feeds forget and processes restart: a copy that heard all shows what its source holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir_client import shops
from comptoir_client.copies import Copy
from comptoir_client.replica import SHOPS
from comptoir_client.saved import Saved
from comptoir_client.shops import Shop
from comptoir_client.tests.telling import COMPANY, Hands, change, heartbeat, resource, resync, snapshot_end

_SHOP_IDS = st.sampled_from(["00000001", "00000002", "00000003"])
_STEPS = st.one_of(
    st.tuples(st.just("label"), _SHOP_IDS),
    st.tuples(st.just("close"), _SHOP_IDS),
    st.tuples(st.just("hear"), st.integers(1, 5)),
    st.tuples(st.sampled_from(["break", "compact", "restart", "save"])),
)


class Source:
    """A feed by the letter of its contract: cursors are places in its log, which it may forget."""

    def __init__(self) -> None:
        self.labels: dict[str, str] = {}
        self._log: list[str] = []
        self._floor = 0

    def label(self, shop_id: str) -> None:
        self._log.append(shop_id)
        self.labels[shop_id] = f"label {len(self._log)}"

    def close(self, shop_id: str) -> None:
        if self.labels.pop(shop_id, None) is not None:
            self._log.append(shop_id)

    def compact(self) -> None:
        self._floor = len(self._log)

    def stream(self, cursor: str) -> Iterator[Any]:
        """What a watcher is told, up to the moment; then it beats."""
        place = int(cursor) if cursor else -1
        while True:
            if place < self._floor:
                if cursor:
                    yield resync()
                # As they stand at one moment, whatever happens while it is told.
                place, held = len(self._log), dict(self.labels)
                for shop_id, label in held.items():
                    yield resource(_name(shop_id), display_name=label)
                yield snapshot_end(str(place))
                cursor = str(place)
            elif place < len(self._log):
                shop_id = self._log[place]
                place += 1
                # The change comes with the resource as it stands now, maybe after later changes.
                stands = self.labels.get(shop_id)
                if stands is None:
                    yield change(str(place), place, _name(shop_id), gone=True)
                else:
                    yield change(str(place), place, _name(shop_id), display_name=stands)
            else:
                yield heartbeat(str(place), 0.0)


class Watcher:
    """A copy, the stream that it hears, and the disk that it is saved to."""

    def __init__(self, source: Source, directory: Path) -> None:
        self._source = source
        self._saved = Saved[Shop](directory, "ours", lambda shop: (shop.name, shops.state(shop)))
        self.restart()

    def restart(self) -> None:
        self.copy: Copy[Shop] = Copy(SHOPS, Hands().clock)
        self._saved.load(self.copy)
        self.reconnect()

    def reconnect(self) -> None:
        self.copy.begin()
        self._stream = self._source.stream(self.copy.cursor)

    def save(self) -> None:
        if self.copy.cursor:
            self._saved.save(self.copy)

    def hear(self) -> bool:
        """The next message; whether it was a heartbeat."""
        answer = next(self._stream)
        self.copy.take(answer)
        return bool(answer.WhichOneof("event") == "heartbeat")

    @property
    def labels(self) -> dict[str, str]:
        return {shop.shop_id: shop.display_name for shop in self.copy.entries.values()}


def _name(shop_id: str) -> str:
    return f"companies/{COMPANY}/shops/{shop_id}"


def _do(step: tuple[Any, ...], source: Source, watcher: Watcher) -> None:
    match step:
        case ("label", shop_id):
            source.label(shop_id)
        case ("close", shop_id):
            source.close(shop_id)
        case ("hear", times):
            for _ in range(times):
                watcher.hear()
        case ("break",):
            watcher.reconnect()
        case ("compact",):
            source.compact()
        case ("restart",):
            watcher.restart()
        case ("save",):
            watcher.save()


@settings(max_examples=300, deadline=None)
@given(st.lists(_STEPS, max_size=40))
def test_in_the_end_it_shows_what_the_source_holds(steps: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as directory:
        source = Source()
        watcher = Watcher(source, Path(directory))
        for step in steps:
            _do(step, source, watcher)
        while not watcher.hear():
            pass

        assert watcher.labels == source.labels
