"""`python -m services.identity rotate-signing-keys`: the next key signs access tokens from now on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from services.chassis import log
from services.chassis.clock import system_clock
from services.chassis.config import CommandRefused, DatabaseSettings, load
from services.chassis.db.database import Database
from services.chassis.db.role import service_url
from services.chassis.service import Service
from services.chassis.vault.configured import configured_vault
from services.chassis.vault.errors import VaultError
from services.identity.oauth.signing_keys import KeyRing


def rotate_signing_keys(service: Service, arguments: Sequence[str]) -> None:
    """Lets the next key sign access tokens, and says its id."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{service.name} rotate-signing-keys")
    parser.add_argument("--forget", action="store_true", help="refuse what former keys signed")
    given = parser.parse_args(arguments)
    settings = load(DatabaseSettings)
    vault = configured_vault(service.name, service.tables.data_keys, settings)
    database = Database(service_url(service.name, settings))
    try:
        kid = KeyRing(vault, database, system_clock).rotate(forget=given.forget)
    except VaultError as error:
        raise CommandRefused(str(error)) from None
    finally:
        database.close()
    log.event("signing keys rotated", kid=kid, former="forgotten" if given.forget else "published on")
