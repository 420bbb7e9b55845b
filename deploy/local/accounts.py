"""The unprivileged account PostgreSQL runs under when root starts the platform, and where it can live.

PostgreSQL refuses to run as root. An account it can run under often cannot enter the project's own folder:
a clone in the home of root is closed to it, and so is the virtual environment with the server's programs.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import CannotStart

STAND_INS = Path("/var/lib/comptoir")
"""Where root keeps what the account must reach. Only root can create it, so nobody can lay a trap there."""


@dataclass(frozen=True)
class Account:
    """A user and group by number, with no further groups."""

    user: int
    group: int


def unprivileged(data: Path) -> Account | None:
    """The account to leave root for, or None when the platform is not started by root.

    Existing `data` keeps its owner: PostgreSQL refuses files that are another's.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise CannotStart(
        "PostgreSQL refuses to run as root and there is neither a user postgres nor nobody: add one"
    )


def run(command: list[str], account: Account | None) -> subprocess.CompletedProcess[str]:
    """Runs a short `command` as `account`, with nothing of our environment, and captures what it says."""
    return subprocess.run(
        command,
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        user=account.user if account else None,
        group=account.group if account else None,
        extra_groups=[] if account else None,
    )


def can_execute(program: Path, account: Account | None) -> bool:
    """Whether `account` gets `program` to start: tried, since modes alone do not tell (mounts, ACLs)."""
    try:
        return run([str(program), "--version"], account).returncode == 0
    except PermissionError:
        return False


def home(directory: Path, account: Account | None) -> Path:
    """`directory`, or what stands in for it where `account` cannot enter it; `directory` then links there."""
    if not directory.is_symlink():
        directory.mkdir(parents=True, exist_ok=True)
        if _can_enter(directory, account):
            return directory
        _stand_in(directory)
    target = directory.resolve()
    target.mkdir(parents=True, exist_ok=True)
    if not _can_enter(target, account):
        raise CannotStart(f"{directory} leads to {target}, which PostgreSQL's unprivileged user cannot enter")
    return target


def erase(directory: Path) -> None:
    """Removes `directory` and, where it links to a stand-in, the stand-in."""
    if directory.is_symlink():
        if (target := directory.resolve()).parent == STAND_INS:
            shutil.rmtree(target, ignore_errors=True)
        directory.unlink()
    elif directory.exists():
        shutil.rmtree(directory)


def _can_enter(directory: Path, account: Account | None) -> bool:
    return (
        account is None or run(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)], account).returncode == 0
    )


def _stand_in(directory: Path) -> None:
    try:
        directory.rmdir()
    except OSError:
        raise CannotStart(
            f"{directory} holds data but PostgreSQL's unprivileged user cannot enter it: open its parents"
        ) from None
    STAND_INS.mkdir(parents=True, exist_ok=True)
    STAND_INS.chmod(0o711)
    # A fresh name each time: a new clone in an old clone's place must not find data whose keys are gone.
    target = Path(tempfile.mkdtemp(dir=STAND_INS))
    target.chmod(0o711)
    directory.symlink_to(target)
