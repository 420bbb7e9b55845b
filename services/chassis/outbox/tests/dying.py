"""A process that sends what is due, for a test to kill, or to read the log of."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime
from multiprocessing.context import SpawnProcess

from services.chassis import fault_points, log
from services.chassis.outbox.tests.office import Office, letter, sender_to


def started(office: Office) -> SpawnProcess:
    """The process, for one round."""
    arguments = (office.clone.urls["svc"], office.address)
    process = multiprocessing.get_context("spawn").Process(target=_send, args=arguments)
    process.start()
    return process


def _send(url: str, address: str) -> None:
    log.configure("post")
    fault_points.arm()
    sender_to(url, address, lambda: datetime.now(UTC), letter).work()
