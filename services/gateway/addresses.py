"""Which routes an address has: a walk along its segments, which costs the same however many addresses there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.gateway.routes import Route


@dataclass
class Address:
    """What is served at one address."""

    service: str
    """The service behind it, by its short name."""
    routes: dict[str, Route] = field(default_factory=dict)
    """By verb."""

    @property
    def allowed(self) -> str:
        """For the header `Allow`: what can be read has a head, and anything can be asked for its options."""
        also = ("HEAD", "OPTIONS") if "GET" in self.routes else ("OPTIONS",)
        return ", ".join(sorted((*self.routes, *also)))


@dataclass
class _Place:
    """Where a walk has come to."""

    onward: dict[str | None, _Place] = field(default_factory=dict)
    """By the next segment; None for any, which a template writes as `*`."""
    here: dict[str, Address] = field(default_factory=dict)
    """By the custom verb behind the last segment (AIP-136); empty for none."""


class Addresses:
    """All addresses of these routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Place()
        self.services: set[str] = set()
        for route in routes:
            path, _, verb = route.template.shape.partition(":")
            place = self._root
            for segment in path.split("/"):
                place = place.onward.setdefault(None if segment == "*" else segment, _Place())
            service = route.method.service.split(".")[1]
            place.here.setdefault(verb, Address(service)).routes[route.verb] = route
            self.services.add(service)

    def find(self, path: str) -> tuple[Address, Sequence[str]] | None:
        """The address, and the segments that stand where its templates have a `*`: neither empty nor with a colon."""
        path, colon, verb = path.partition(":")
        place, found = self._root, []
        for segment in path.split("/"):
            onward = place.onward.get(segment)
            if onward is None:
                onward = place.onward.get(None)
                if onward is None or not segment:
                    return None
                found.append(segment)
            place = onward
        address = place.here.get(verb)
        return None if address is None or (colon and not verb) else (address, found)
