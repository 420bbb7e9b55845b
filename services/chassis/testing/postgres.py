"""A real PostgreSQL for tests: the one of a URL, a container where an engine answers, or the embedded one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from deploy.local import databases
from deploy.local.postgres import temporary_cluster
from deploy.local.servers import Server
from services.chassis.db.migrate import migrate
from services.chassis.feed.reader import CLUSTER
from services.chassis.service import Service


@contextmanager
def server() -> Iterator[Server]:
    """The server that this run of the tests uses."""
    url = os.environ.get("COMPTOIR_TEST_POSTGRES_URL")
    if url:
        yield Server(url)
    elif _container_engine_answers():
        from testcontainers.postgres import PostgresContainer

        with PostgresContainer("postgres:18", driver=None) as container:
            yield Server(container.get_connection_url())
    else:
        with temporary_cluster() as cluster:
            yield cluster.server


def _container_engine_answers() -> bool:
    import docker

    try:
        return bool(docker.from_env(timeout=2).ping())
    except docker.errors.DockerException:
        return False


class Databases:
    """For each service a migrated template, made once; each module of tests gets a clone of its own."""

    def __init__(self, server: Server, directory: Path) -> None:
        self._server = server
        self._directory = directory
        self._templates: set[str] = set()

    def clone(self, service: Service) -> Clone:
        """A fresh database of the service."""
        template = databases.database_name(service.name)
        if service.name not in self._templates:
            databases.provide(self._server, [service.name], self._directory)
            migrate(self._url(service.name, "owner"), service.versions, service.metadata)
            self._templates.add(service.name)
        name = f"{template}_{uuid.uuid4().hex[:12]}"
        owner = databases.role_name(service.name, "owner")
        with self._server.administrator() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(template), sql.Identifier(owner)
                )
            )
            # Rights on the database itself are not cloned.
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
            for role in databases.ROLES:
                connection.execute(
                    sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                        sql.Identifier(name), sql.Identifier(databases.role_name(service.name, role))
                    )
                )
        with self._server.administrator(name) as inside:
            # A clone is another database, but no restore.
            inside.execute("update change_feed set cluster = " + CLUSTER)
        urls = {
            role: self._url(service.name, role).replace(f"/{template}", f"/{name}")
            for role in databases.ROLES
        }
        return Clone(self._server, name, urls)

    def _url(self, service: str, role: str) -> str:
        return databases.url_file(self._directory, service, role).read_text()


class Clone:
    """One database of one module of tests."""

    def __init__(self, server: Server, name: str, urls: dict[str, str]) -> None:
        self._server = server
        self.name = name
        self.urls = urls

    def administrator(self) -> psycopg.Connection:
        """A superuser's connection, to look behind the service's back."""
        return self._server.administrator(self.name)

    def neighbour(self) -> psycopg.Connection:
        """The same in another database of the same server."""
        return self._server.administrator()

    def drop(self) -> None:
        with self._server.administrator() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name)))
