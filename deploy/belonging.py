"""Whether what a server holds of a platform is what a directory has the secrets of.

A run with another directory would replace the roles' passwords, so that the running platform no longer connects, and
make keys that open nothing in its databases.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import LiteralString

import psycopg

from deploy.local import databases
from deploy.local.errors import CannotStart
from deploy.local.layout import Layout
from deploy.local.servers import Server


def require(server: Server, services: Iterable[str], layout: Layout) -> None:
    """Refuses a server with a database or role whose secret is not in the directory.

    Secrets are written before the server is told of them: what an interrupted run left behind belongs to its directory.
    """
    with server.administrator() as connection:
        found = connection.execute("SELECT datname FROM pg_database").fetchall()
        verifiers: dict[str, str | None] = dict(connection.execute(_verifiers(connection)).fetchall())
    strangers = list(_strangers({name for (name,) in found}, verifiers, services, layout))
    if strangers:
        there = ", ".join(name for name, _ in strangers)
        wanted = dict.fromkeys(_wanted(secret, layout) for _, secret in strangers)
        raise CannotStart(
            f"the server of --postgres-url-file already has {there}, but in {layout.root} their secrets are missing"
            f" or another platform's ({', '.join(wanted)}): name the directory in which they were made"
        )


def _verifiers(connection: psycopg.Connection) -> LiteralString:
    """The query for each role's verifier; null for all where somebody else runs the server and shows none."""
    shown = connection.execute("SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT')").fetchone()
    if shown == (True,):
        return "SELECT rolname, rolpassword FROM pg_authid"
    return "SELECT rolname, NULL FROM pg_roles"


def _wanted(secret: Path, layout: Layout) -> str:
    """The secret, or the directory that is not there for all it should hold."""
    place = next((place for place in (layout.secrets, secret.parent) if not place.exists()), secret)
    return str(place.relative_to(layout.root))


def _strangers(
    found: set[str], verifiers: dict[str, str | None], services: Iterable[str], layout: Layout
) -> Iterator[tuple[str, Path]]:
    for service in services:
        name, kek = databases.database_name(service), layout.secret(service, "kek")
        if name in found and not kek.exists():
            yield name, kek
        for role in databases.ROLES:
            name, password = databases.role_name(service, role), layout.secret(service, f"{role}-password")
            if name in verifiers and not _is_password(password, verifiers[name]):
                yield name, password


def _is_password(file: Path, verifier: str | None) -> bool:
    """Whether the file holds the password of a role, as far as that is shown; one that has none yet is given it."""
    return file.exists() and (verifier is None or _verifies(verifier, file.read_text()))


def _verifies(verifier: str, password: str) -> bool:
    """Whether PostgreSQL would let the password in (RFC 5802: SCRAM-SHA-256$iterations:salt$stored:server)."""
    try:
        _, salted, keys = verifier.split("$")
        iterations, salt = salted.split(":")
        stored = base64.b64decode(keys.partition(":")[0])
        salted_password = hashlib.pbkdf2_hmac(
            "sha256", password.encode(), base64.b64decode(salt), int(iterations)
        )
    except ValueError:
        # Kept in another way (md5), or not at all: this project never set it.
        return False
    key = hmac.digest(salted_password, b"Client Key", "sha256")
    return hmac.compare_digest(hashlib.sha256(key).digest(), stored)
