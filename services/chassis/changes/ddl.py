"""DDL of the log, for migrations: its tables, and the triggers that hold everybody to it."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from services.chassis.changes.tables import TransactionId
from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure

# Their search path is fixed, so that a temporary table of the same name is not taken for the log.
_REQUIRE_CHANGE = """
create function require_change() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
  if not exists (
    select from change_heads where transaction = pg_current_xact_id() and scope = coalesce(
      'companies/' || nullif(current_setting('app.company', true), ''),
      'users/' || nullif(current_setting('app.user', true), ''),
      'platform'
    )
  ) and not (
    -- The owner's rotation of data keys seals a value again: nothing of what is recorded changes.
    tg_op = 'UPDATE' and to_jsonb(new) - 'sealed' = to_jsonb(old) - 'sealed'
    and current_user = (select relowner::regrole::text from pg_class where oid = tg_relid)
  ) then
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
        sa.Column("transaction", TransactionId, nullable=False),
        sa.Column("position", TransactionId, nullable=False),
    )
    op.create_table(
        "changes",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("transaction", TransactionId, nullable=False),
        sa.Column("position", TransactionId, nullable=False),
        sa.Column("history", sa.Text, nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("fields", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("commitment", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_index("changes_position", "changes", ["position", "scope", "sequence"])
    op.create_index("changes_history", "changes", ["scope", "history", "sequence"])
    op.create_table(
        "change_values",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("value_id", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("source", sa.LargeBinary),
    )
    for table in ("change_heads", "changes", "change_values"):
        secure(table, TableClass.LOG, service)
        # Compaction and restores concern everybody's log.
        op.execute(f"create policy {table}_sweep on {table} for all to {service}_owner using (true)")
    op.execute(f"grant update on change_heads to {service}_svc")
    op.create_table(
        "change_feed",
        sa.Column("only", sa.Boolean, primary_key=True),
        sa.Column("epoch", sa.Text, nullable=False),
        sa.Column("token_key", sa.LargeBinary, nullable=False),
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("floor", TransactionId, nullable=False),
    )
    secure("change_feed", TableClass.PLATFORM, service, "select")
    op.execute(
        "insert into change_feed select true, '', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), '', '0'"
    )
    for table in ("change_heads", "changes"):
        publish(table, service)
    op.execute(f"grant select on change_feed to {service}_feed")
    op.execute(_ONLY_GROW)
    op.execute(
        "create trigger change_heads_grow before update on change_heads"
        " for each row execute function only_grow()"
    )
    op.execute(_REQUIRE_CHANGE)


def recorded(table: str, writes: str = "insert or update or delete") -> None:
    """Makes a commit that touched the table fail unless the same transaction appended to the log."""
    op.execute(
        f"create constraint trigger {table}_recorded after {writes} on {table}"
        " deferrable initially deferred for each row execute function require_change()"
    )


def publish(table: str, service: str, columns: Iterable[str] = ()) -> None:
    """Lets the feed read the table, or only these columns of it, of everybody's rows."""
    listed = ", ".join(columns)
    op.execute(f"grant select {f'({listed})' if listed else ''} on {table} to {service}_feed")
    if op.get_bind().scalar(
        sa.text("select relrowsecurity from pg_class where oid = to_regclass(:t)"), {"t": table}
    ):
        op.execute(f"create policy {table}_feed on {table} for select to {service}_feed using (true)")
