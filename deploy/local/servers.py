"""A PostgreSQL server seen by its administrator's URL, whoever runs it."""

from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

from deploy.local.binaries import OLDEST
from deploy.local.errors import CannotStart


@dataclass(frozen=True)
class Server:
    """A running server; the URL holds the administrator's password, so it is never shown."""

    administrator_url: str = field(repr=False)

    def url(self, database: str, user: str, password: str) -> str:
        """The same server for another user and database, with the same host, port and options (`sslmode`)."""
        parts = urlsplit(self.administrator_url)
        _, _, place = parts.netloc.rpartition("@")
        credentials = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return urlunsplit(
            parts._replace(netloc=f"{credentials}@{place}", path=f"/{quote(database, safe='')}")
        )

    def administrator(self, database: str | None = None) -> psycopg.Connection:
        """A connection as administrator to `database` or the URL's own; each statement is a transaction."""
        # A name of None leaves the URL's own.
        return psycopg.connect(self.administrator_url, autocommit=True, connect_timeout=5, dbname=database)


def existing(administrator_url: str, source: str = "COMPTOIR_POSTGRES_URL") -> Server:
    """The server that `source` names; raises `CannotStart` unless it answers, is recent and obeys."""
    if not administrator_url.startswith(("postgresql://", "postgres://")):
        raise CannotStart(f"{source} must begin with postgresql://")
    server = Server(administrator_url)
    try:
        with server.administrator() as connection:
            version = connection.info.server_version // 10000
            row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    except psycopg.ProgrammingError:
        # Its text repeats the URL, password included.
        raise CannotStart(f"{source} holds no URL of a server") from None
    except psycopg.Error as error:
        reason = "; ".join(line.strip() for line in str(error).strip().splitlines())
        raise CannotStart(f"the server of {source} does not let us in: {reason}") from None
    if version < OLDEST:
        raise CannotStart(
            f"the server of {source} is PostgreSQL {version}; {OLDEST} is the oldest that works"
        )
    if row != (True,):
        raise CannotStart(f"the user of {source} is no superuser")
    return server
