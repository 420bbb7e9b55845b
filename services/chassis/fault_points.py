"""Named points on both sides of each commit, where a test lets the process end as a failing machine would end it.

A list such as `call.after_commit=kill:0.01,mirror.before_commit=kill@3` arms them: each passage kills with that
probability, or the third one does. Only where a second variable allows it: what ends a service on purpose must not
come with one variable that was copied from somewhere.
"""

from __future__ import annotations

import os
import random
import re
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic_settings import BaseSettings, SettingsConfigDict

from services.chassis.config import ConfigError, load

POINTS = frozenset(
    {
        "call.before_commit",
        "call.after_commit",
        "mirror.before_commit",
        "mirror.after_commit",
        "outbox.after_send",
        "checkpoint.before_rename",
        "vault.before_commit",
    }
)
ALLOWED = "for-tests-only"
_ENTRY = re.compile(r"([a-z_.]+)=kill(?::(0|1|0?\.[0-9]+)|@([1-9][0-9]*))", re.ASCII)


@dataclass
class _Armed:
    """When a point kills: by chance, or at one passage."""

    probability: float = 0.0
    at: int = 0
    passed: int = 0


_armed: dict[str, _Armed] = {}
_lock = threading.Lock()


def reach(point: str) -> None:
    """Says that the process is at the point; does not return if it was armed and its time has come."""
    if _armed:
        _pass(point)


def arm() -> None:
    """Arms what the environment names. Raises `ConfigError` where it does so without being allowed to, or wrongly."""
    settings = load(_Settings)
    if settings.fault_points and settings.fault_points_allowed != ALLOWED:
        raise ConfigError(
            "COMPTOIR_FAULT_POINTS: ends this process on purpose, and is refused unless"
            f" COMPTOIR_FAULT_POINTS_ALLOWED is {ALLOWED}"
        )
    found = _parsed(settings.fault_points)
    _armed.clear()
    _armed.update(found)


def environment(points: str) -> Mapping[str, str]:
    """What a test tells a process to arm its points."""
    return {"COMPTOIR_FAULT_POINTS": points, "COMPTOIR_FAULT_POINTS_ALLOWED": ALLOWED}


def _pass(point: str) -> None:
    armed = _armed.get(point)
    if armed is None:
        return
    with _lock:
        armed.passed += 1
        now = armed.passed == armed.at
    if now or random.random() < armed.probability:  # noqa: S311 - a test's dice
        os.kill(os.getpid(), signal.SIGKILL)
        # The signal ends every thread, though not always before the next line.
        threading.Event().wait()


def _parsed(text: str) -> dict[str, _Armed]:
    found = {}
    for entry in filter(None, text.split(",")):
        match = _ENTRY.fullmatch(entry)
        if match is None or match[1] not in POINTS:
            raise ConfigError(
                "COMPTOIR_FAULT_POINTS: must be a list of POINT=kill:PROBABILITY or POINT=kill@PASSAGE,"
                f" with points of {', '.join(sorted(POINTS))}"
            )
        found[match[1]] = _Armed(float(match[2] or 0), int(match[3] or 0))
    return found


class _Settings(BaseSettings):
    """What the environment says of fault points; by default nothing."""

    model_config = SettingsConfigDict(env_prefix="COMPTOIR_", frozen=True, extra="ignore")

    fault_points: str = ""
    fault_points_allowed: str = ""
