"""A platform of its own, as its people get factors that others would be asked for, and a browser in front of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from deploy.local import ports
from deploy.local.platforms import Platform

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="package")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("shown"), ports.free(ports.DEFAULTS)) as running:
        yield running


@pytest.fixture
def browser() -> Iterator[BrowserContext]:
    """A fresh French browser. The development authority is not in its store."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(_ARGUMENTS))
        yield chromium.new_context(ignore_https_errors=True, locale="fr-FR")
        chromium.close()
