"""One process that serves: everything in it is made here, after it was started, since channels survive no fork."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys

from services.chassis import log, tracing
from services.chassis.config import load
from services.gateway.app import create_front
from services.gateway.config import GatewaySettings
from services.gateway.front import Front

_PR_SET_PDEATHSIG = 1


def application() -> Front:
    """What Granian serves."""
    _end_with_parent()
    log.configure("gateway")
    tracing.configure("gateway")
    settings = load(GatewaySettings)
    front = create_front(settings)
    log.event("serving", listen=settings.listen)
    return front


def _end_with_parent() -> None:
    """A killed parent must not leave processes that go on answering on its port."""
    parent = multiprocessing.parent_process()
    if sys.platform != "linux" or parent is None:
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent.pid:
        sys.exit("the parent ended first")
