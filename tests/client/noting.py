"""A service that writes down every change it is told, line by line, until it is killed."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from comptoir_client import Addresses, Change, Comptoir, Credentials, Feeds, Renewed

START = "start"
_SAVE_SECONDS = 0.5
"""Often, so that some kills fall into a saving."""


def line_of(values: list[Any]) -> bytes:
    """One line of the notes."""
    return f"{json.dumps(values)}\n".encode()


def main(
    shop: str, company: str, shop_feed: str, company_feed: str, tls: str, cache: str, notes: str
) -> None:
    """Runs until a signal ends it."""
    # One write a line: whatever the kill, each line is there whole or not at all.
    descriptor = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(heard: Change | Renewed) -> None:
        if isinstance(heard, Renewed):
            line: list[str | int] = ["renewed", heard.source]
        else:
            line = [heard.type, heard.resource, heard.scope, heard.sequence, heard.request_id]
        os.write(descriptor, line_of(line))

    os.write(descriptor, line_of([START]))
    addresses = Addresses(shop, company, Feeds(shop_feed, company_feed))
    credentials = Credentials(Path(tls))
    with Comptoir(addresses, credentials, Path(cache), listener=note, save_seconds=_SAVE_SECONDS):
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
