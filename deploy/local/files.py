"""Files that only their owner may read, written whole or not at all."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path


def private_directory(path: Path) -> Path:
    """Creates `path` for its owner alone (0700) and returns it; an existing one is closed to others."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replaces `path` in one step, on disk before it returns: whoever reads it sees the old or the new."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            # The mode given to open() is narrowed by the umask, which differs from one machine to the next.
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def kept(path: Path, make: Callable[[], str]) -> str:
    """The secret in `path`, made by `make` the first time and the same ever after."""
    if not path.exists():
        write(path, make().encode())
    return path.read_text()


def password() -> str:
    """A password of 256 random bits that needs no quoting in a URL."""
    return secrets.token_urlsafe(32)


def key() -> str:
    """A key of 32 random bytes, as base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
