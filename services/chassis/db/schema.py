"""DDL that migrations share: who may touch a table, and which of its rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db.rows import TableClass
from services.chassis.vault.place import PLATFORM

_COMPANY = "company = nullif(current_setting('app.company', true), '')"
_USER = "user_id = nullif(current_setting('app.user', true), '')"
# The setting reads '' and not NULL on a pooled connection that had it once.
_POLICY = {
    TableClass.TENANT: _COMPANY,
    TableClass.PERSON: _USER,
    TableClass.MEMBERSHIP: f"({_COMPANY}) or ({_USER})",
    TableClass.VAULT: f"({_COMPANY}) or company = '{PLATFORM}'",
}


def secure(table: str, kind: TableClass, service: str) -> None:
    """Grants a new table to the service's role and, if its rows belong to somebody, forces row-level security on it."""
    role = f"{service}_svc"
    # Wrapped keys are added, never changed: a sweep that rewraps them runs under the owner.
    rights = "select, insert" if kind is TableClass.VAULT else "select, insert, update, delete"
    op.execute(f"grant {rights} on {table} to {role}")
    rule = _POLICY.get(kind)
    if rule is None:
        return
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy {table}_scope on {table} for all to {role} using ({rule}) with check ({rule})")


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
