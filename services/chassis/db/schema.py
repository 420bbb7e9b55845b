"""DDL that migrations share: who may touch a table, and which of its rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.changes.tables import TransactionId
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
    op.execute(f"create policy data_keys_sweep on data_keys for all to {service}_owner using (true)")


# Their search path is fixed, so that a temporary table of the same name is not taken for the log.
_REQUIRE_CHANGE = """
create function require_change() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
  if not exists (select from changes where transaction = pg_current_xact_id()) then
    raise exception 'a write on % without a change in the log', tg_table_name using errcode = 'CM001';
  end if;
  return null;
end $$
"""
_ONLY_GROW = """
create function only_grow() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
  if new.scope <> old.scope or new.sequence <= old.sequence then
    raise exception 'the head of a log goes on, never back' using errcode = 'CM002';
  end if;
  return new;
end $$
"""


def change_log(service: str) -> None:
    """The tables of the log, and the function by which recorded tables insist on it."""
    op.create_table(
        "change_heads",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "changes",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("transaction", TransactionId, nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("fields", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("commitment", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_index("changes_transaction", "changes", ["transaction"])
    op.create_index("changes_resource", "changes", ["scope", "resource", "sequence"])
    op.create_table(
        "change_values",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("value_id", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    for table in ("change_heads", "changes", "change_values"):
        secure(table, TableClass.LOG, service)
    op.execute(f"grant update on change_heads to {service}_svc")
    op.execute(_ONLY_GROW)
    op.execute(
        "create trigger change_heads_grow before update on change_heads"
        " for each row execute function only_grow()"
    )
    op.execute(_REQUIRE_CHANGE)


def recorded(table: str) -> None:
    """Makes a commit that touched the table fail unless the same transaction appended to the log."""
    op.execute(
        f"create constraint trigger {table}_recorded after insert or update or delete on {table}"
        " deferrable initially deferred for each row execute function require_change()"
    )
