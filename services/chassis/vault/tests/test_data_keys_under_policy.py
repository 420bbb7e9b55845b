"""The vault in a transaction bound to one company by row-level security."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection, Engine, Table, text
from sqlalchemy.exc import ProgrammingError

from services.chassis.vault.errors import SealBroken
from services.chassis.vault.tests.conftest import MakeVault
from services.chassis.vault.tests.places import PASSWORD, REST_PASSWORD

POLICY = """
create role clerk;
grant select, insert, update, delete on data_keys to clerk;
alter table data_keys enable row level security;
create policy company on data_keys using (company = nullif(current_setting('app.company', true), ''));
"""


@pytest.fixture
def clerk(engine: Engine, table: Table) -> Iterator[Connection]:
    """A connection that sees one company at a time; `enter` changes it."""
    with engine.begin() as connection:
        connection.execute(text(POLICY))
    with engine.connect() as connection:
        yield connection
    with engine.begin() as connection:
        connection.execute(text("drop owned by clerk; drop role clerk"))


def enter(connection: Connection, company: str) -> None:
    connection.rollback()
    connection.execute(text("set local role clerk"))
    connection.execute(text("select set_config('app.company', :company, true)"), {"company": company})


def test_a_company_seals_and_opens_within_its_own_transaction(
    make_vault: MakeVault, clerk: Connection
) -> None:
    enter(clerk, "acme")
    sealed = make_vault().seal(clerk, REST_PASSWORD, PASSWORD)
    clerk.commit()
    enter(clerk, "acme")
    assert make_vault().open(clerk, REST_PASSWORD, sealed) == PASSWORD


def test_another_company_s_key_is_neither_read_nor_made(make_vault: MakeVault, clerk: Connection) -> None:
    enter(clerk, "acme")
    sealed = make_vault().seal(clerk, REST_PASSWORD, PASSWORD)
    clerk.commit()
    enter(clerk, "other")
    with pytest.raises(SealBroken):
        make_vault().open(clerk, REST_PASSWORD, sealed)
    assert make_vault().erase_company(clerk, "acme") == 0
    for place in (REST_PASSWORD, replace(REST_PASSWORD, company="third")):
        enter(clerk, "other")
        with pytest.raises(ProgrammingError):
            make_vault().seal(clerk, place, PASSWORD)
    enter(clerk, "acme")
    assert make_vault().open(clerk, REST_PASSWORD, sealed) == PASSWORD
