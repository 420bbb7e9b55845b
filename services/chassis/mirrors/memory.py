"""What is kept in memory of a mirror (`services.chassis.cache`) is forgotten when the mirror changes, by a trigger:
whoever follows the source is another process than those that answer."""

from __future__ import annotations

from alembic import op

_FORGET = """
create or replace function forget_mirrored() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
  perform pg_notify(tg_argv[0], tg_table_name || '/' || (to_jsonb(old) ->> tg_argv[1]));
  return null;
end $$
"""


def entry(table: str, key: str) -> str:
    """Under what a service keeps what it read of one row."""
    return f"{table}/{key}"


def forget_changed(table: str, key: str, column: str, service: str) -> None:
    """For a migration: entries of this mirror are forgotten when the column changes, and when the row goes.

    A row that comes needs nothing: that one is not known is never kept.
    """
    op.execute(_FORGET)
    run = f"execute function forget_mirrored('cache_{service}', '{key}')"
    changed = f"old.{column} is distinct from new.{column}"
    op.execute(f"create trigger {table}_changed after update on {table} for each row when ({changed}) {run}")
    op.execute(f"create trigger {table}_gone after delete on {table} for each row {run}")
