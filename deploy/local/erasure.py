"""Forgetting a platform, its data, keys and logs: `python -m deploy.local.erasure DIRECTORY`.

Needs nothing installed, so that it works where the environment is broken.
"""

import shutil
import sys
from pathlib import Path

from deploy.local import accounts, lock
from deploy.local.errors import CannotStart
from deploy.local.layout import Layout


def erase(directory: Path) -> None:
    """Removes all that the platform in `directory` kept, wherever it lies; `CannotStart` while it runs."""
    layout = Layout(directory.absolute())
    if not layout.root.exists():
        return
    with lock.held(layout.lock):
        accounts.erase(layout.postgres)
        for kept in layout.directories():
            shutil.rmtree(kept, ignore_errors=True)
        layout.description.unlink(missing_ok=True)
        layout.lock.unlink()


def main() -> None:
    """Erases the platform in the directory given."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m deploy.local.erasure DIRECTORY")
    try:
        erase(Path(sys.argv[1]))
    except CannotStart as error:
        sys.exit(f"comptoir: {error}")


if __name__ == "__main__":
    main()
