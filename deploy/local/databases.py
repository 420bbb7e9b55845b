"""Each service's database and its three roles, with passwords that only the service's files know."""

from collections.abc import Iterable
from pathlib import Path

import psycopg
from psycopg import sql

from deploy.local import files
from deploy.local.servers import Server

ROLES = ("owner", "svc", "feed")
"""owner: migrations and nothing else; svc: the service under row-level security; feed: what watch reads."""


def database_name(service: str) -> str:
    """The database of a service."""
    return f"comptoir_{service}"


def role_name(service: str, role: str) -> str:
    """One of a service's three roles on the server."""
    return f"{service}_{role}"


def url_file(secrets: Path, service: str, role: str) -> Path:
    """The file that holds the URL under which a service connects in one of its roles."""
    return secrets / service / f"{role}-database-url"


def provide(server: Server, services: Iterable[str], secrets: Path) -> None:
    """Creates the roles and databases that are missing, sets their rights, and writes the URL files."""
    with server.administrator() as connection:
        for service in services:
            directory = files.private_directory(secrets / service)
            for role in ROLES:
                password = files.kept(directory / f"{role}-password", files.password)
                url = server.url(database_name(service), role_name(service, role), password)
                files.write(url_file(secrets, service, role), url.encode())
                _provide_role(connection, role_name(service, role), password)
            _provide_database(connection, service)
            with server.administrator(database_name(service)) as inside:
                _close_schema(inside, service)


def _provide_role(connection: psycopg.Connection, role: str, password: str) -> None:
    name = sql.Identifier(role)
    if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).rowcount:
        connection.execute(sql.SQL("CREATE ROLE {}").format(name))
    # Only a verifier travels: the server, and so its log, never sees the password.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(
        sql.SQL(
            "ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS"
            " PASSWORD {}"
        ).format(name, sql.Literal(verifier))
    )


def _provide_database(connection: psycopg.Connection, service: str) -> None:
    database, owner = sql.Identifier(database_name(service)), sql.Identifier(role_name(service, "owner"))
    if not connection.execute(
        "SELECT FROM pg_database WHERE datname = %s", (database_name(service),)
    ).rowcount:
        statement = "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' {}"
        connection.execute(sql.SQL(statement).format(database, owner, _locale(connection)))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    for role in ROLES:
        name = sql.Identifier(role_name(service, role))
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, name))


def _close_schema(connection: psycopg.Connection, service: str) -> None:
    connection.execute(
        sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(role_name(service, "owner")))
    )
    connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    for role in ("svc", "feed"):
        name = sql.Identifier(role_name(service, role))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name))


def _locale(connection: psycopg.Connection) -> sql.SQL:
    """The order of bytes with Unicode's notion of letters, whatever the server's own default."""
    if connection.info.server_version >= 170000:
        return sql.SQL("LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C'")
    return sql.SQL("LOCALE 'C.UTF-8'")
