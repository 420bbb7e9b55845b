"""What a service's database must look like, read back from PostgreSQL's own catalogs and compared with the classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Row
from sqlalchemy.dialects.postgresql.base import ischema_names

from deploy.local.databases import ROLES, role_name
from services.chassis.changes.tables import TransactionId
from services.chassis.db.rows import OWNERS, TableClass
from services.chassis.service import Service
from services.chassis.testing.declared import classes_of, fed, sealed
from services.chassis.testing.policies import KEYS_ERASED, KEYS_INSERTED, POLICIES

UNRECORDED = {
    "identity.application_uses": "counters",
    "inbox.read_marks": "a person's cursor",
    "shop.shop_key_uses": "counters",
    "sample.notes": "for tests",
    "sample.lines": "for tests",
}
"""Tables of tenants whose writes are no change of the record: counters, cursors and sessions, by name."""

_ERASE_PEOPLE = frozenset({"identity"})
"""Services that make the history of a person unreadable by themselves, once the account is gone."""
_EVERY_RIGHT = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
_RIGHTS = dict.fromkeys((TableClass.VAULT, TableClass.LOG), _EVERY_RIGHT - {"UPDATE", "DELETE"})
_SHORT_LIVED = frozenset({"kept_replies"})
"""Sealed, but gone long before a former data key is."""
_HEADS = "change_heads"
"""The one table of the log that moves on."""
_KEYS: dict[TableClass | None, tuple[str, ...]] = {
    **OWNERS,
    TableClass.VAULT: ("company",),
    TableClass.LOG: ("scope",),
}
_OTHER_OBJECTS = {
    "v": "view",
    "m": "materialised view",
    "S": "sequence",
    "p": "partitioned table",
    "f": "foreign table",
}

Check = Callable[[Connection, Service], Iterator[str]]


def departures(connection: Connection, service: Service, *about: str) -> list[str]:
    """Everything in the database that is not as it must be, in words that say what to put right."""
    checks = [CHECKS[name] for name in about] or CHECKS.values()
    return [found for check in checks for found in check(connection, service)]


def _classes(_: Connection, service: Service) -> Iterator[str]:
    for name, kind in classes_of(service).items():
        if not isinstance(kind, TableClass):
            yield f"{name}: its class derives from none of the bases in services/chassis/db/rows.py"


def _shape(connection: Connection, service: Service) -> Iterator[str]:
    """Tables, columns, types, nullability, defaults, indexes, foreign keys; and primary keys, which Alembic omits."""
    ischema_names["xid8"] = TransactionId
    options = {"compare_type": True, "compare_server_default": True}
    for found in compare_metadata(MigrationContext.configure(connection, opts=options), service.metadata):
        for difference in found if isinstance(found, list) else [found]:
            parts = [part for part in difference if part is not None and not isinstance(part, dict)]
            words = [str(getattr(part, "name", part)) for part in parts]
            yield f"migrations and mapped classes differ: {' '.join(words)}"
    primary = {row.table: set(row.columns) for row in _indexes(connection) if row.is_primary}
    for name, table in service.metadata.tables.items():
        if primary.get(name) != {column.name for column in table.primary_key}:
            yield f"{name}: migrations and mapped classes differ in the primary key"


def _row_security(connection: Connection, service: Service) -> Iterator[str]:
    rows = _rows(
        connection,
        "select relname::text as name, relrowsecurity as enabled, relforcerowsecurity as forced from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind = 'r'",
    )
    for row in rows:
        expected = classes_of(service).get(row.name) in POLICIES
        if (row.enabled, row.forced) != (expected, expected):
            yield f"{row.name}: row-level security must be {'enabled and forced' if expected else 'off'}"


def _policies(connection: Connection, service: Service) -> Iterator[str]:
    found: dict[str, list[Any]] = {name: [] for name in classes_of(service)}
    for row in _rows(connection, "select * from pg_policies"):
        found.setdefault(row.tablename, []).append(
            (row.permissive, row.roles, row.cmd, row.qual, row.with_check)
        )
    role = [role_name(service.name, "svc")]
    for name, rules in found.items():
        rule = POLICIES.get(classes_of(service).get(name))
        expected: list[Any] = [("PERMISSIVE", role, "ALL", rule, rule)] if rule else []
        if classes_of(service).get(name) is TableClass.LOG or (rule and name in sealed(service)):
            expected.append(("PERMISSIVE", [role_name(service.name, "owner")], "ALL", "true", None))
        if rule and name in fed(service):
            expected.append(("PERMISSIVE", [role_name(service.name, "feed")], "SELECT", "true", None))
        if classes_of(service).get(name) is TableClass.VAULT:
            expected = [
                ("PERMISSIVE", role, "SELECT", rule, None),
                ("PERMISSIVE", role, "INSERT", None, KEYS_INSERTED),
                ("PERMISSIVE", [role_name(service.name, "owner")], "ALL", "true", None),
            ]
            if service.name in _ERASE_PEOPLE:
                expected.append(("PERMISSIVE", role, "DELETE", KEYS_ERASED, None))
        if sorted(rules, key=str) != sorted(expected, key=str):
            yield f"{name}: must have {'the policies of its class' if rule else 'no policy'}"


def _sealed_columns(_: Connection, service: Service) -> Iterator[str]:
    """A rotation of data keys must find every sealed value."""
    declared = {field.name for field in service.sealed_fields}
    for name, table in service.metadata.tables.items():
        if "sealed" in table.columns and name not in _SHORT_LIVED and f"{name}.sealed" not in declared:
            yield f"{name}: its sealed column must be in `sealed` of the service"


def _grants(connection: Connection, service: Service) -> Iterator[str]:
    """Only the service's role may touch tables; nobody but the owner may make any."""
    rows = _rows(
        connection,
        "select c.relname::text as name, a.grantee::regrole::text as role, a.privilege_type::text as right,"
        "  a.is_grantable from pg_class c, aclexplode(c.relacl) a"
        " where c.relnamespace = 'public'::regnamespace and a.grantee <> c.relowner"
        " union all select c.relname::text, a.grantee::regrole::text,"
        "  a.privilege_type::text || ' ' || t.attname::text, a.is_grantable"
        " from pg_attribute t join pg_class c on c.oid = t.attrelid, aclexplode(t.attacl) a"
        " where c.relnamespace = 'public'::regnamespace"
        " union all select 'schema public', a.grantee::regrole::text, a.privilege_type::text, a.is_grantable"
        " from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = 'public' and a.grantee <> n.nspowner"
        " and (a.privilege_type <> 'USAGE' or a.grantee = 0)"
        " union all select 'default privileges', a.grantee::regrole::text, a.privilege_type::text, true"
        " from pg_default_acl d, aclexplode(d.defaclacl) a",
    )
    feed = role_name(service.name, "feed")
    missing = {(name, right) for name, rights in fed(service).items() for right in rights}
    for row in rows:
        if row.role == feed and (row.name, row.right) in missing and not row.is_grantable:
            missing.discard((row.name, row.right))
            continue
        kind = classes_of(service).get(row.name)
        allowed: frozenset[str] = _RIGHTS.get(kind, _EVERY_RIGHT) if kind else frozenset()
        if row.name == _HEADS:
            allowed |= {"UPDATE"}
        if kind is TableClass.VAULT and service.name in _ERASE_PEOPLE:
            allowed |= {"DELETE"}
        # A right to one column is less than the same to all.
        right = row.right.partition(" ")[0]
        if row.role != role_name(service.name, "svc") or right not in allowed or row.is_grantable:
            yield f"{row.name}: {row.role} must not be granted {row.right}"
    for name, right in missing:
        yield f"{name}: {feed} must be granted {right}"


def _objects(connection: Connection, _: Service) -> Iterator[str]:
    """What row-level security does not reach, or what shows one tenant's volume to another, is not there at all."""
    kinds = "".join(_OTHER_OBJECTS)
    rows = _rows(
        connection,
        "select relname::text as name, relkind::text as kind"
        " from pg_class c join pg_namespace n on n.oid = relnamespace"
        f" where strpos('{kinds}', relkind) > 0 and nspname not in ('pg_catalog', 'information_schema')"
        " union all select proname::text, 'SECURITY DEFINER function' from pg_proc p"
        " join pg_namespace n on n.oid = pronamespace where prosecdef and nspname not in ('pg_catalog')"
        " union all select r.rulename::text, 'rule' from pg_rewrite r join pg_class c on c.oid = ev_class"
        " where relnamespace = 'public'::regnamespace and rulename <> '_RETURN'"
        " union all select nspname::text, 'schema' from pg_namespace"
        " where nspname not in ('public', 'information_schema') and nspname not like 'pg\\_%'",
    )
    for row in rows:
        yield f"{row.name}: there must be no {_OTHER_OBJECTS.get(row.kind, row.kind)}"


def _functions(connection: Connection, _: Service) -> Iterator[str]:
    """A function looks where it was meant to, whatever temporary tables its caller made."""
    rows = _rows(
        connection,
        "select proname::text as name from pg_proc where pronamespace = 'public'::regnamespace"
        " and not coalesce('search_path=public, pg_temp' = any (proconfig), false)",
    )
    for row in rows:
        yield f"{row.name}: must set search_path = public, pg_temp"


def _owners(connection: Connection, service: Service) -> Iterator[str]:
    rows = _rows(
        connection,
        "select relname::text as name, relowner::regrole::text as owner from pg_class"
        " where relnamespace = 'public'::regnamespace"
        " union all select proname::text, proowner::regrole::text from pg_proc"
        " where pronamespace = 'public'::regnamespace"
        " union all select 'schema public', nspowner::regrole::text from pg_namespace where nspname = 'public'",
    )
    owner = role_name(service.name, "owner")
    for row in rows:
        if row.owner != owner:
            yield f"{row.name}: must belong to {owner}"


def _roles(connection: Connection, service: Service) -> Iterator[str]:
    names = ", ".join(f"'{role_name(service.name, role)}'" for role in ROLES)
    rows = _rows(
        connection,
        "select rolname::text as name, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication"
        "  or exists (select from pg_auth_members m where m.member = r.oid) as strong"
        f" from pg_roles r where rolname in ({names})",
    )
    for row in rows:
        if row.strong:
            yield f"{row.name}: must have no attribute but LOGIN, and be in no other role"


def _keys(connection: Connection, service: Service) -> Iterator[str]:
    """Keys and indexes of owned rows begin with their owner: uniqueness is no oracle, and shards can take over."""
    for row in _indexes(connection):
        kind = classes_of(service).get(row.table)
        first = row.columns[0]
        if kind in OWNERS and first not in OWNERS[kind]:
            yield f"{row.name}: must begin with {' or '.join(OWNERS[kind])}"
        elif kind in _KEYS and row.is_unique and first not in _KEYS[kind]:
            yield f"{row.name}: must begin with {' or '.join(_KEYS[kind])}"


def _foreign_keys(connection: Connection, service: Service) -> Iterator[str]:
    """Foreign keys ignore policies: they tie owner to owner, or they would tell of other owners' rows."""
    rows = _rows(
        connection,
        "select conname::text as name, c.relname::text as table, f.relname::text as target,"
        " array(select a.attname::text || '=' || b.attname::text from unnest(conkey, confkey) k(here, there)"
        "  join pg_attribute a on a.attrelid = conrelid and a.attnum = k.here"
        "  join pg_attribute b on b.attrelid = confrelid and b.attnum = k.there) as pairs"
        " from pg_constraint join pg_class c on c.oid = conrelid join pg_class f on f.oid = confrelid"
        " where contype = 'f'",
    )
    for row in rows:
        for name in (row.table, row.target):
            owners = _KEYS.get(classes_of(service).get(name))
            if owners and not any(f"{owner}={owner}" in row.pairs for owner in owners):
                yield f"{row.name}: must include {' or '.join(owners)} on both sides"


def _recorded(connection: Connection, service: Service) -> Iterator[str]:
    """Tables of tenants insist on a change in the log at commit, except those that are named."""
    rows = _rows(
        connection,
        "select relname::text as table from pg_trigger join pg_class c on c.oid = tgrelid"
        " join pg_proc p on p.oid = tgfoid where proname = 'require_change' and tgdeferrable and tginitdeferred"
        " and tgenabled = 'O' and tgtype = 29",
    )
    insisting = {row.table for row in rows}
    if not _rows(
        connection,
        "select from pg_trigger join pg_proc p on p.oid = tgfoid"
        f" where tgrelid = '{_HEADS}'::regclass and proname = 'only_grow' and tgenabled = 'O' and tgtype = 19",
    ):
        yield f"{_HEADS}: must refuse to go back"
    for name, kind in classes_of(service).items():
        if kind is TableClass.TENANT and (name in insisting) == (f"{service.name}.{name}" in UNRECORDED):
            yield f"{name}: must be recorded, or stand in UNRECORDED, and not both"


CHECKS: dict[str, Check] = {
    "classes": _classes,
    "shape": _shape,
    "row security": _row_security,
    "policies": _policies,
    "sealed columns": _sealed_columns,
    "grants": _grants,
    "objects": _objects,
    "functions": _functions,
    "owners": _owners,
    "roles": _roles,
    "keys": _keys,
    "foreign keys": _foreign_keys,
    "records": _recorded,
}


def _indexes(connection: Connection) -> list[Row[Any]]:
    return _rows(
        connection,
        "select c.relname::text as table, i.relname::text as name,"
        " indisunique as is_unique, indisprimary as is_primary,"
        " array(select coalesce(attname::text, '') from unnest(indkey) with ordinality k(number, place)"
        "  left join pg_attribute on attrelid = indrelid and attnum = number and number <> 0 order by place) as columns"
        " from pg_index join pg_class c on c.oid = indrelid join pg_class i on i.oid = indexrelid"
        " where c.relnamespace = 'public'::regnamespace",
    )


def _rows(connection: Connection, query: str) -> list[Row[Any]]:
    return list(connection.exec_driver_sql(query.replace("%", "%%")))
