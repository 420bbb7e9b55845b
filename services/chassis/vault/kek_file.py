"""The generations of the KEK in a file, one a line; the first wraps, all unwrap.

A line is a name and 32 bytes in base64url; where the keys are in a token (`token.py`), a name alone.
"""

import base64
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from services.chassis.vault.errors import KekFileInvalid
from services.chassis.vault.kek import FixedKeyring, KekToken, KeyEncryptionKey, LocalKek, TokenKek
from services.chassis.vault.secret import Secret

_LINE = re.compile(rb"([A-Za-z0-9._-]{1,64})[ \t]+([A-Za-z0-9_-]{43})=?")
_NAME = re.compile(rb"([A-Za-z0-9._-]{1,64})")
_LARGEST_FILE = 65_536


@dataclass(frozen=True, slots=True)
class Generation:
    """One line of the file."""

    key_id: str
    key: Secret | None
    """None where a token keeps it."""

    def to_line(self) -> bytes:
        if self.key is None:
            return self.key_id.encode() + b"\n"
        encoded = base64.urlsafe_b64encode(self.key.reveal()).rstrip(b"=")
        return self.key_id.encode() + b" " + encoded + b"\n"


def parse(content: Secret, *, in_token: bool = False) -> list[Generation] | str:
    """The generations, current first, or what is wrong with the first bad line.

    A problem is returned, not raised: tools that log the variables of raising frames would log the line.
    """
    generations: list[Generation] = []
    for number, line in enumerate(content.reveal().splitlines(), start=1):
        if not line.strip():
            continue
        match = (_NAME if in_token else _LINE).fullmatch(line.strip())
        if match is None:
            rule = "a name alone, its key being in the token"
            return f"line {number} is not {rule if in_token else 'a name, a space and 32 bytes in base64url'}"
        key = None if in_token else Secret(base64.urlsafe_b64decode(match[2] + b"="))
        parsed = Generation(match[1].decode(), key)
        if any(parsed.key_id == other.key_id for other in generations):
            return f"line {number} repeats the name of an earlier line"
        if key is not None and any(key == other.key for other in generations):
            return f"line {number} repeats the key of an earlier line"
        generations.append(parsed)
    return generations or "it holds no key"


def _without_waiting(path: str, flags: int) -> int:
    # A pipe under this name would otherwise hold the start for ever.
    return os.open(path, flags | os.O_NONBLOCK)


def read(
    path: Path, *, group_may_read: bool = False, in_token: bool = False
) -> tuple[list[Generation], os.stat_result]:
    """The file's generations and the state it was in. Raises KekFileInvalid."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            state = os.fstat(file.fileno())
            content = Secret(file.read(_LARGEST_FILE + 1) if stat.S_ISREG(state.st_mode) else b"")
    except OSError as error:
        raise KekFileInvalid(path, error.strerror or "it cannot be read") from None
    if not stat.S_ISREG(state.st_mode):
        raise KekFileInvalid(path, "it is not a regular file")
    if state.st_mode & (0o037 if group_may_read else 0o077):
        mode = stat.S_IMODE(state.st_mode)
        raise KekFileInvalid(path, f"mode {mode:04o} lets others in; make it 0400 or 0600")
    if state.st_size > _LARGEST_FILE:
        raise KekFileInvalid(path, "it is too large to be a KEK file")
    parsed = parse(content, in_token=in_token)
    if isinstance(parsed, str):
        raise KekFileInvalid(path, parsed)
    return parsed, state


@dataclass(frozen=True, slots=True)
class _Loaded:
    mark: tuple[int, ...]
    ring: FixedKeyring


def _mark(state: os.stat_result) -> tuple[int, ...]:
    return (state.st_dev, state.st_ino, state.st_size, state.st_mode, state.st_mtime_ns, state.st_ctime_ns)


class FileKeyring:
    """The file's generations, read again as soon as it changes, so that a KEK rotates without a restart.

    A file that can no longer be read makes every key unavailable (KekFileInvalid is a KeyUnavailable): to go
    on with what was in memory would undo a destruction.
    """

    def __init__(self, path: Path, group_may_read: bool, token: KekToken | None) -> None:
        self._path = path
        self._group_may_read = group_may_read
        self._token = token
        self._loaded = self._load()

    @classmethod
    def load(cls, path: Path, *, group_may_read: bool = False, token: KekToken | None = None) -> Self:
        """Raises KekFileInvalid, naming the file. With a token, the file only says which of its keys count.

        `group_may_read` admits mode 0440, which Kubernetes gives to the secrets of a pod with an `fsGroup`.
        """
        return cls(path, group_may_read, token)

    def current(self) -> KeyEncryptionKey:
        return self._ring().current()

    def generation(self, key_id: str) -> KeyEncryptionKey | None:
        return self._ring().generation(key_id)

    def _ring(self) -> FixedKeyring:
        try:
            mark = _mark(os.stat(self._path))
        except OSError as error:
            raise KekFileInvalid(self._path, error.strerror or "it cannot be read") from None
        if mark != self._loaded.mark:
            self._loaded = self._load()
        return self._loaded.ring

    def _load(self) -> _Loaded:
        generations, state = read(
            self._path, group_may_read=self._group_may_read, in_token=self._token is not None
        )
        return _Loaded(_mark(state), FixedKeyring([self._kek(each) for each in generations]))

    def _kek(self, generation: Generation) -> KeyEncryptionKey:
        if generation.key is not None:
            return LocalKek(generation.key_id, generation.key)
        if self._token is None:
            raise ValueError("a generation without a key needs a token")
        return TokenKek(generation.key_id, self._token)
