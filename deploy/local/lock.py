"""One platform at a time in a directory."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.errors import CannotStart

_PATIENCE = 5.0
_POLL = 0.1


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Holds the lock on `path` and yields its descriptor, for child processes to keep open.

    Whoever has the descriptor open holds the lock, so the processes of a killed platform hold it until the last
    has ended. A few seconds are allowed for that; then `CannotStart`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _taken(descriptor):
            owner = os.pread(descriptor, 20, 0).decode() or "unknown"
            raise CannotStart(
                f"the platform in {path.parent} is running already (process {owner}): "
                "stop it, or use another --var"
            )
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL)
        else:
            return True
