"""Waiting for processes by the kernel's own notice of their end."""

import os
import select


def ends(pid: int, patience: float = 15.0) -> bool:
    """Whether process `pid`, not necessarily a child, ends within `patience` seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], patience)[0])
    finally:
        os.close(descriptor)
