"""What each process holds after the load: its own memory and its part of what it shares (proc(5), `smaps_rollup`)."""

from __future__ import annotations

from pathlib import Path

from bench import cpu
from bench.report import Holding
from deploy.local.platforms import Platform


def held(platform: Platform) -> list[Holding]:
    """Of each service and its feed, and of the gateway with its workers."""
    services = [*platform.topology.services, *(f"{name}-feed" for name in platform.topology.fed())]
    return [Holding(name, megabytes(platform.process(name).pid)) for name in (*services, "gateway")]


def megabytes(process: int) -> float:
    """Of the process and everything below it."""
    return sum(_proportional_bytes(each) for each in cpu.family(process)) / 1e6


def _proportional_bytes(process: int) -> int:
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name == "Pss":
            return int(rest.split()[0]) * 1024
    raise LookupError(f"the kernel does not say what process {process} holds")
