"""The media service, running."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.chassis.testing.running import Running
from services.media.service import MEDIA


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it keeps images."""
    return tmp_path_factory.mktemp("images")


@pytest.fixture(scope="module")
def media(run_service: Callable[..., Running], directory: Path) -> Running:
    return run_service(MEDIA, media_directory=directory)
