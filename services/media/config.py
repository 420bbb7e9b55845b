"""Settings of the media service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from services.chassis.config import Settings


def _directory(path: Path) -> Path:
    # Never created here: where a volume was not mounted, images would go to the wrong disk and vanish with it.
    if not path.is_dir():
        raise ValueError("must be a directory that exists")
    return path


class MediaSettings(Settings):
    """What the media service needs beside what every service needs."""

    media_directory: Annotated[Path, AfterValidator(_directory)]
    """Holds the published images."""
    decoder_slots: Annotated[int, Field(ge=1)] = 2
    """Imports in hand at once; fewer than `threads`, so that reads are served meanwhile."""

    @property
    def public_url(self) -> str:
        """Where the public reaches images: through the gateway."""
        return self.issuer
