"""What each role really sees and writes in a service's database, tried with plain SQL: no session scopes anything.

The catalog test says that policies read as they must; this one, that they do what they must. It knows of no policy, but
only of whose rows a class of tables holds. A missing policy hides rows that must be seen; a loose one shows what must
not be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from deploy.local.databases import role_name
from services.chassis.db.rows import TableClass
from services.chassis.service import Service
from services.chassis.testing.declared import classes_of, fed, sealed

MINE, THEIRS = "acme-of-ours", "victim-of-theirs"
ADA, BOB = "ada-of-ours", "bob-of-theirs"
_ENTER = (
    "select set_config('role', %s, true), set_config('app.company', %s, true),"
    " set_config('app.user', %s, true), set_config('app.mirror', %s, true)"
)
_PEOPLE = "users"
Owner = Mapping[str, str]
"""Columns that say whose a row is."""


@dataclass(frozen=True)
class Setting:
    """What a transaction was told at its start."""

    company: str = ""
    user: str = ""
    mirror: bool = False


SETTINGS = (Setting(company=MINE), Setting(user=ADA), Setting(), Setting(mirror=True))
_PLACES = {
    TableClass.TENANT: [{"company": each} for each in (MINE, THEIRS)],
    TableClass.MIRROR: [{"company": each} for each in (MINE, THEIRS)],
    TableClass.PERSON: [{"user_id": each} for each in (ADA, BOB)],
    TableClass.MEMBERSHIP: [{"company": c, "user_id": u} for c in (MINE, THEIRS) for u in (ADA, BOB)],
    TableClass.VAULT: [{"company": each} for each in (MINE, THEIRS, f"users/{ADA}", f"users/{BOB}", "-")],
    TableClass.LOG: [
        {"scope": each}
        for each in (f"companies/{MINE}", f"companies/{THEIRS}", f"users/{ADA}", f"users/{BOB}", "platform")
    ],
}
_VALUES = {
    "boolean": "false",
    "bytea": "decode('{n:02x}', 'hex')",
    "timestamp with time zone": "now()",
    "date": "now()",
    "ARRAY": "'{{}}'",
    "jsonb": "'{{}}'",
    "json": "'{{}}'",
    "uuid": "gen_random_uuid()",
    "interval": "interval '0'",
}
"""Anything of the type; another one for each `n` where it may be part of a key. The rest can be read from a number."""


def breaches(connection: Connection, service: Service, only: Iterable[str] = ()) -> Iterator[str]:
    """Everything that a role sees or does and must not, or must and cannot. The transaction is to be rolled back."""
    chosen = set(only)
    tables = {
        name: kind
        for name, kind in classes_of(service).items()
        if kind in _PLACES and (not chosen or name in chosen)
    }
    with connection.begin_nested() as trial:
        # Neither triggers nor foreign keys are what is looked at.
        connection.exec_driver_sql("set local session_replication_role = replica")
        for name, kind in tables.items():
            columns = _columns(connection, name)
            for number, owner in enumerate(_PLACES[kind]):
                connection.exec_driver_sql(_insert(name, owner, columns, number))
        yield from _of_other_relations(connection, service)
        for name, kind in tables.items():
            yield from _of_owner(connection, service, name, kind)
            yield from _of_feed(connection, service, name)
            yield from _of_service(connection, service, name, kind, _PEOPLE in tables)
        trial.rollback()


def _is_seen(kind: TableClass, owner: Owner, now: Setting) -> bool:
    company, user = owner.get("company"), owner.get("user_id")
    if kind is TableClass.MIRROR and now.mirror:
        return True
    if kind is TableClass.LOG:
        scopes = {f"companies/{now.company}" if now.company else "", f"users/{now.user}" if now.user else ""}
        return owner["scope"] in (scopes - {""} or {"platform"})
    if kind is TableClass.VAULT:
        return company in {now.company, f"users/{now.user}", "-"} - {"", "users/"}
    return bool((now.company and company == now.company) or (now.user and user == now.user))


def _is_inserted(kind: TableClass, owner: Owner, now: Setting) -> bool:
    """A company's or person's call adds no key of the platform's, but for the person's one that never seals."""
    if kind is TableClass.VAULT and owner["company"] == "-":
        return not now.company and not now.user
    return _is_seen(kind, owner, now)


def _is_deleted(kind: TableClass, owner: Owner, now: Setting, accounts: bool) -> bool:
    """A person's keys go, confined to them, once there is no account that they could hide something of."""
    if kind is TableClass.VAULT:
        return bool(now.user) and owner["company"] == f"users/{now.user}" and not accounts
    return _is_seen(kind, owner, now)


def _of_service(
    connection: Connection, service: Service, table: str, kind: TableClass, accounts: bool
) -> Iterator[str]:
    role, columns = role_name(service.name, "svc"), _columns(connection, table)
    acts = {right: act for right, act in _ACTS.items() if _may(connection, role, table, right)}
    for now in SETTINGS:
        wanted = [owner for owner in _PLACES[kind] if _is_seen(kind, owner, now)]
        seen = _as(connection, role, now, partial(_seen, connection, table, kind))
        if seen != wanted:
            yield f"{table}: {role} with {now} must see {wanted} and sees {seen}"
        for number, owner in enumerate(_PLACES[kind]):
            for right, act in acts.items():
                expected = {
                    "insert": _is_inserted(kind, owner, now),
                    "update": _is_seen(kind, owner, now),
                    "delete": _is_deleted(kind, owner, now, accounts),
                }[right]
                statement = act(table, owner, columns, 100 + number)
                done = _as(connection, role, now, partial(_rows_of, connection, statement))
                if bool(done) != expected:
                    yield f"{table}: {role} with {now} must {'' if expected else 'not '}{right} {owner}"


def _of_feed(connection: Connection, service: Service, table: str) -> Iterator[str]:
    role = role_name(service.name, "feed")
    shown = {right.partition(" ")[2] or "*" for right in fed(service).get(table, ())}
    every = connection.exec_driver_sql(f"select count(*) from {table}").scalar_one()
    for column in sorted(shown or {"*", *_columns(connection, table)}):
        look = partial(_rows_of, connection, f"select {column} from {table}")
        found = _as(connection, role, Setting(), look)
        if found != (every if shown else None):
            yield f"{table}: {role} must {'see every row' if shown else 'see no row'}, by {column}"


def _of_owner(connection: Connection, service: Service, table: str, kind: TableClass) -> Iterator[str]:
    role = role_name(service.name, "owner")
    sweeps = kind in (TableClass.LOG, TableClass.VAULT) or table in sealed(service)
    wanted = _PLACES[kind] if sweeps else []
    seen = _as(connection, role, Setting(), partial(_seen, connection, table, kind))
    if seen != wanted:
        yield f"{table}: {role} must see {'every row' if sweeps else 'no row'}"


def _of_other_relations(connection: Connection, service: Service) -> Iterator[str]:
    """Views and the like, through which a role sees what the tables refuse."""
    others = connection.exec_driver_sql(
        "select relname::text from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('v', 'm', 'p', 'f')"
    ).scalars()
    roles = [role_name(service.name, each) for each in ("svc", "feed")]
    for name, role in product(others.all(), roles):
        look = partial(_texts, connection, name)
        if any(THEIRS in row or BOB in row for row in _as(connection, role, Setting(MINE), look) or ()):
            yield f"{name}: shows {role} rows of others"


def _texts(connection: Connection, relation: str) -> list[str]:
    return list(connection.exec_driver_sql(f"select row_to_json(r)::text from {relation} r").scalars())


def _as(connection: Connection, role: str, now: Setting, act: Any) -> Any:
    """What the role gets under these settings; None where it is refused. Nothing of it stays."""
    trial = connection.begin_nested()
    values = (role, now.company, now.user, "on" if now.mirror else "")
    connection.exec_driver_sql(_ENTER, values)
    try:
        return act()
    except DBAPIError as error:
        refused: Any = error.orig
        # Keys are compared once the policy has agreed.
        if refused.sqlstate == "23505":
            return 1
        if refused.sqlstate != "42501":
            raise
        return None
    finally:
        trial.rollback()


def _seen(connection: Connection, table: str, kind: TableClass) -> list[Owner]:
    columns = list(_PLACES[kind][0])
    rows = connection.exec_driver_sql(f"select distinct {', '.join(columns)} from {table}").all()
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    return [owner for owner in _PLACES[kind] if owner in found]


def _rows_of(connection: Connection, statement: str) -> int:
    return connection.exec_driver_sql(statement).rowcount


def _insert(table: str, owner: Owner, columns: Mapping[str, str], number: int) -> str:
    values = ", ".join(
        f"'{owner[name]}'" if name in owner else _VALUES.get(kind, "'{n}'").format(n=number)
        for name, kind in columns.items()
    )
    return f"insert into {table} ({', '.join(columns)}) values ({values})"


def _update(table: str, owner: Owner, *_: object) -> str:
    column = next(iter(owner))
    return f"update {table} set {column} = {column} where {_where(owner)}"


def _delete(table: str, owner: Owner, *_: object) -> str:
    return f"delete from {table} where {_where(owner)}"


_ACTS: dict[str, Callable[..., str]] = {"insert": _insert, "update": _update, "delete": _delete}


def _where(owner: Owner) -> str:
    return " and ".join(f"{column} = '{value}'" for column, value in owner.items())


def _columns(connection: Connection, table: str) -> dict[str, str]:
    rows = connection.execute(
        text(
            "select attname::text, case when attndims > 0 then 'ARRAY' else format_type(atttypid, null) end"
            " from pg_attribute where attrelid = to_regclass(:t) and attnum > 0 and not attisdropped"
            " and attgenerated = ''"
        ),
        {"t": table},
    )
    return {row[0]: row[1] for row in rows}


def _may(connection: Connection, role: str, table: str, right: str) -> bool:
    query = text("select has_table_privilege(:role, :table, :right)")
    return bool(connection.execute(query, {"role": role, "table": table, "right": right}).scalar_one())
