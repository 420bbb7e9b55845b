"""DDL that migrations share: who may touch a table, and which of its rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db.rows import TableClass
from services.chassis.vault.place import PLATFORM

_COMPANY = "company = nullif(current_setting('app.company', true), '')"
_USER = "user_id = nullif(current_setting('app.user', true), '')"
# The setting reads '' and not NULL on a pooled connection that had it once.
_NO_COMPANY = "nullif(current_setting('app.company', true), '') is null"
_NO_USER = "nullif(current_setting('app.user', true), '') is null"
_OWN_KEYS = f"({_COMPANY}) or company = 'users/' || nullif(current_setting('app.user', true), '')"
_POLICY = {
    TableClass.TENANT: _COMPANY,
    TableClass.PERSON: _USER,
    TableClass.MEMBERSHIP: f"({_COMPANY}) or ({_USER})",
    TableClass.MIRROR: f"({_COMPANY}) or current_setting('app.mirror', true) = 'on'",
    TableClass.VAULT: f"{_OWN_KEYS} or company = '{PLATFORM}'",
    TableClass.LOG: (
        "scope = 'companies/' || nullif(current_setting('app.company', true), '')"
        " or scope = 'users/' || nullif(current_setting('app.user', true), '')"
        f" or (scope = 'platform' and {_NO_COMPANY} and {_NO_USER})"
    ),
}
_INSERT = {
    # A company's call adds no key of the platform's. A person's may add the one that never seals (version 0), as a
    # refresh token, whose fingerprint is under it, may be the first thing that ever needs one.
    TableClass.VAULT: (
        f"{_OWN_KEYS} or (company = '{PLATFORM}' and {_NO_COMPANY} and ({_NO_USER} or version = 0))"
    ),
}
"""What may be inserted, where that is not all that may be seen."""
_RIGHTS = {
    # Wrapped keys are added, never changed: a sweep that rewraps them runs under the owner.
    TableClass.VAULT: "select, insert",
    # What was written into the log stays as it was written.
    TableClass.LOG: "select, insert",
}


def secure(table: str, kind: TableClass, service: str, rights: str | None = None) -> None:
    """Grants a new table to the service's role and, if its rows belong to somebody, forces row-level security on it.

    `rights` is for a table of which the code needs less than its class is given, such as "select, insert".
    """
    role = f"{service}_svc"
    granted = rights or _RIGHTS.get(kind, "select, insert, update, delete")
    op.execute(f"grant {granted} on {table} to {role}")
    rule = _POLICY.get(kind)
    if rule is None:
        return
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    inserted = _INSERT.get(kind)
    if inserted is None:
        op.execute(
            f"create policy {table}_scope on {table} for all to {role} using ({rule}) with check ({rule})"
        )
    else:
        op.execute(f"create policy {table}_scope on {table} for select to {role} using ({rule})")
        op.execute(f"create policy {table}_insert on {table} for insert to {role} with check ({inserted})")


def data_keys(service: str) -> None:
    """The table of the vault; see `services.chassis.vault.sql_store`."""
    op.create_table(
        "data_keys",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kek_id", sa.Text, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    secure("data_keys", TableClass.VAULT, service)
    # Rotating the KEK rewraps every company's keys, and must see them all to say that none is left behind.
    swept("data_keys", service)


def erasable_people(service: str) -> None:
    """Lets the service's role delete the data keys of a person, confined to them, once their account is gone.

    Rows of `users` are theirs alone to see, so while the account is there, nothing makes its history unreadable.
    """
    gone = "not exists (select from users where user_id = nullif(current_setting('app.user', true), ''))"
    own = "company = 'users/' || nullif(current_setting('app.user', true), '')"
    op.execute(f"grant delete on data_keys to {service}_svc")
    op.execute(
        f"create policy data_keys_erase on data_keys for delete to {service}_svc using ({own} and {gone})"
    )


def swept(table: str, service: str) -> None:
    """Lets the owner of a table with row-level security see all its rows, for what an operator does to every company.

    Needed by each table of which a column is sealed: a rotation of data keys seals it again.
    """
    op.execute(f"create policy {table}_sweep on {table} for all to {service}_owner using (true)")
