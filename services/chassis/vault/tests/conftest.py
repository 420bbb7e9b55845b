"""A real PostgreSQL, an empty table of data keys for each test, and vaults over a KEK file."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, make_url

from deploy.local.postgres import temporary_cluster
from services.chassis.vault.data_keys import DataKeys
from services.chassis.vault.kek_file import FileKeyring
from services.chassis.vault.kek_rotation import add_generation
from services.chassis.vault.key_cache import KeyCache
from services.chassis.vault.sql_store import SqlDataKeyStore, data_keys_table
from services.chassis.vault.vault import Vault

MakeVault = Callable[..., Vault]


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with temporary_cluster() as cluster:
        url = make_url(cluster.server.administrator_url)
        engine = create_engine(url.set(drivername="postgresql+psycopg"))
        yield engine
        engine.dispose()


@pytest.fixture
def table(engine: Engine) -> Iterator[Table]:
    metadata = MetaData()
    table = data_keys_table(metadata)
    metadata.create_all(engine)
    yield table
    metadata.drop_all(engine)


@pytest.fixture
def connection(engine: Engine, table: Table) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def kek_path(tmp_path: Path) -> Path:
    path = tmp_path / "kek"
    add_generation(path)
    return path


@pytest.fixture
def make_vault(table: Table, kek_path: Path) -> MakeVault:
    """Makes a vault as one more process would have it: its own cache, the same table and KEK file."""

    def make(service: str = "shop", *, minimum_version: int = 1, cache: KeyCache | None = None) -> Vault:
        keyring = FileKeyring.load(kek_path)
        store = SqlDataKeyStore(table)
        return Vault(DataKeys(service, keyring, store, minimum_version=minimum_version, cache=cache))

    return make


@pytest.fixture
def vault(make_vault: MakeVault) -> Vault:
    return make_vault()
