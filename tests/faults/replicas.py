"""Further processes of what runs already, as where one is restarted after the other."""

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
def replica(platform: Platform, name: str, directory: Path, **settings: str) -> Iterator[Kept]:
    """A further process of a service or of the front, with settings of its own beside the platform's."""
    names = [each for each in (name, f"{name}-health", f"{name}-metrics") if each in platform.ports]
    programs = platform.topology.programs(platform.layout, {**platform.ports, **ports.free(names)})
    program = next(each for each in programs if each.name == name)
    own = {
        "COMPTOIR_ISSUER": origin(platform.ports, "gateway"),
        "COMPTOIR_STATE_DIRECTORY": str(directory),
        **settings,
    }
    with Supervisor(directory) as supervisor:
        kept = supervisor.start(replace(program, environment={**program.environment, **own}))
        kept.wait_healthy()
        yield kept


def address(kept: Kept) -> str:
    """Where it listens."""
    return kept.program.environment["COMPTOIR_LISTEN"]


def port(kept: Kept) -> int:
    """The same, as a number."""
    return int(address(kept).rpartition(":")[2])
