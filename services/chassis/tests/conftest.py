"""An administrator's eyes on a database of any service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from services.chassis.service import Service
from services.chassis.testing.postgres import Clone


@pytest.fixture(scope="module")
def engine(clone: Callable[[Service], Clone]) -> Callable[[Service], Engine]:
    """Leads an administrator to a database of the service."""

    made: dict[str, Engine] = {}

    def of(service: Service) -> Engine:
        if service.name not in made:
            database = clone(service)

            def connect() -> psycopg.Connection:
                connection = database.administrator()
                connection.autocommit = False
                return connection

            made[service.name] = create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)
        return made[service.name]

    return of


@pytest.fixture
def look(engine: Callable[[Service], Engine]) -> Iterator[Callable[[Service], Connection]]:
    """Connects to a database of the service; what is done there is rolled back at the end of the test."""
    with ExitStack() as opened:
        yield lambda service: opened.enter_context(engine(service).connect())
