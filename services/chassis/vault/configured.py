"""The vault of a service as its settings describe it."""

from __future__ import annotations

from sqlalchemy import Table

from services.chassis.config import ConfigError, VaultSettings
from services.chassis.vault.data_keys import DataKeys
from services.chassis.vault.errors import KekFileInvalid
from services.chassis.vault.kek import KekToken
from services.chassis.vault.kek_file import FileKeyring
from services.chassis.vault.sql_store import SqlDataKeyStore
from services.chassis.vault.vault import Vault


def configured_vault(service: str, data_keys: Table, settings: VaultSettings) -> Vault:
    """The vault over the KEKs of the settings. Raises ConfigError for a KEK file that cannot be used."""
    try:
        keyring = FileKeyring.load(settings.kek_file, token=configured_token(settings))
    except KekFileInvalid as error:
        raise ConfigError(f"COMPTOIR_KEK_FILE: {error}") from None
    store, floor = SqlDataKeyStore(data_keys), settings.vault_minimum_version
    return Vault(DataKeys(service, keyring, store, minimum_version=floor))


def configured_token(settings: VaultSettings) -> KekToken | None:
    """The token that holds the KEKs, None if the file does. It is spoken to at the first use of a key."""
    module, pin_file = settings.kek_token_module, settings.kek_token_pin_file
    if module is None or pin_file is None:
        return None
    try:
        from services.chassis.vault.token import Token
    except ImportError:
        raise ConfigError(
            "COMPTOIR_KEK_TOKEN_MODULE: needs the extra `pkcs11` of this project, which is not installed"
        ) from None
    return Token(module, settings.kek_token_label, pin_file)
