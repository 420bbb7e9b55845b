"""Further processes of a platform's services, beside the first ones and on their databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from deploy.local import ports
from deploy.local.platforms import Platform
from deploy.local.processes import Kept, Supervisor
from deploy.local.topology import origin


@contextmanager
def beside(platform: Platform, directory: Path, *names: str) -> Iterator[dict[str, Kept]]:
    """One more of each, healthy inside the block: with the same issuer, and calling those of them that it calls."""
    listeners = ("", "-health", "-metrics")
    wanted = {f"{name}{part}" for name in names for part in listeners} & set(platform.ports)
    found = ports.free(sorted(wanted))
    programs = platform.topology.programs(platform.layout, {**platform.ports, **found})
    with Supervisor(directory) as supervisor:
        kept = {}
        for program in (each for each in programs if each.name in names):
            state = directory / program.name
            state.mkdir()
            own = {
                "COMPTOIR_ISSUER": origin(platform.ports, "gateway"),
                "COMPTOIR_STATE_DIRECTORY": str(state),
            }
            kept[program.name] = supervisor.start(
                replace(program, environment={**program.environment, **own})
            )
        for each in kept.values():
            each.wait_healthy()
        yield kept


def port_of(kept: Kept) -> int:
    """Where it listens."""
    return int(kept.program.environment["COMPTOIR_LISTEN"].rpartition(":")[2])
