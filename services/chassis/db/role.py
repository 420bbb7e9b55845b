"""Whether an operator's command was given the URL of the role that does its work.

Under another it would not always fail: row-level security shows it too little, and that then counts as all there is.
"""

from __future__ import annotations

import psycopg

from services.chassis.config import CommandRefused, DatabaseSettings, OwnerSettings


def service_url(service: str, settings: DatabaseSettings) -> str:
    """The URL for what is done under row-level security, one owner at a time."""
    return _of_role(f"{service}_svc", settings.database_url, "COMPTOIR_DATABASE_URL_FILE")


def owner_url(service: str, settings: OwnerSettings) -> str:
    """The URL for what is done to the rows of all, and to the tables."""
    return _of_role(f"{service}_owner", settings.database_url, "COMPTOIR_OWNER_DATABASE_URL_FILE")


def _of_role(role: str, url: str, setting: str) -> str:
    """The URL, unless its sessions are not the role's, or cannot begin."""
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            user = connection.info.user
    except psycopg.OperationalError as error:
        reason = "; ".join(line.strip() for line in str(error).strip().splitlines())
        raise CommandRefused(f"{setting}: {reason}") from None
    except psycopg.Error:
        # Its text repeats the URL, password included.
        raise CommandRefused(f"{setting} holds no URL of a PostgreSQL database") from None
    if user != role:
        raise CommandRefused(f"{setting} holds the URL of {user}; this is done as {role}")
    return url
