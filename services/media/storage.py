"""Where published images lie: a small port, and files behind it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from services.chassis.durable import sync_directory, write_new
from services.chassis.errors import Unavailable

_ID = re.compile(r"[a-z2-7]{26}")


class ImageStore(Protocol):
    """Keeps images by their ids. Raises `Unavailable` when it cannot, or has lost what it is asked for."""

    def put(self, image_id: str, content: bytes) -> None:
        """Keeps the image: whole or not at all, and past any crash once this returns."""

    def get(self, image_id: str) -> bytes:
        """The image as it was put."""

    def delete(self, image_id: str) -> None:
        """Forgets the image, for good; one that is not there is no error."""


@dataclass(frozen=True)
class FileStore:
    """An `ImageStore` of files below `directory`, spread over 1,024 sub-directories by the ids' first characters."""

    directory: Path

    def put(self, image_id: str, content: bytes) -> None:
        path = self._path(image_id)
        draft = path.with_name(f".{image_id}.{secrets.token_hex(4)}")
        with _answering():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            try:
                write_new(draft, content, 0o600)
                draft.rename(path)
            except OSError:
                draft.unlink(missing_ok=True)
                raise
            # A name is durable once its directory is, and that once its own is.
            sync_directory(path.parent)
            sync_directory(self.directory)

    def get(self, image_id: str) -> bytes:
        with _answering():
            return self._path(image_id).read_bytes()

    def delete(self, image_id: str) -> None:
        with _answering():
            self._path(image_id).unlink(missing_ok=True)

    def _path(self, image_id: str) -> Path:
        if not _ID.fullmatch(image_id):
            raise ValueError("an image is kept under an id of ours, and nothing else")
        return self.directory / image_id[:2] / image_id


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            "The images cannot be reached at present.", reason="STORE_UNAVAILABLE", retry_after_seconds=5
        ) from error
