"""The feed of a service running beside it, in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from comptoir.changes.v1 import feed_pb2
from services.chassis.config import FeedSettings
from services.chassis.feed.client import FeedClient
from services.chassis.feed.server import FeedServer
from services.chassis.service import Service
from services.chassis.testing.postgres import Clone
from services.chassis.testing.running import CALLERS


class Feeding:
    """The feed, and watchers of it."""

    def __init__(
        self, service: Service, database: Clone, certificates: Path, directory: Path, **settings: Any
    ) -> None:
        self._certificates = certificates
        url = directory / "feed-database-url"
        url.write_text(database.urls["feed"])
        chosen = FeedSettings(
            **{
                "feed_listen": "127.0.0.1:0",
                "feed_health_listen": "127.0.0.1:0",
                "feed_metrics_listen": "127.0.0.1:0",
                "tls_directory": certificates / service.name,
                "callers_file": CALLERS,
                "feed_database_url_file": url,
                **settings,
            }
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._clients: list[FeedClient] = []
        self.server = self._do(self._started(service, chosen))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    def watch(
        self, cursor: str = "", *, service: str = "mailer", **request: Any
    ) -> Iterator[feed_pb2.WatchChangesResponse]:
        """What a service is told, heartbeats included."""
        client = FeedClient(self.address, self._certificates / service)
        self._clients.append(client)
        return client.watch(feed_pb2.WatchChangesRequest(cursor=cursor, **request))

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self._do(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _started(self, service: Service, settings: FeedSettings) -> FeedServer:
        server = FeedServer(service.published, settings)
        await server.start()
        return server

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)
