"""What a service would have heard from the others, were they there: companies, shops, grants of the tokens minted."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
from google.protobuf.message import Message
from psycopg import sql

from services.chassis.applications import is_application
from services.chassis.contract import Method
from services.chassis.service import Service
from services.chassis.testing.postgres import Clone

_HEARD = (
    "company_policies",
    "known_companies",
    "known_shops",
    "known_grants",
    "known_applications",
    "ended_sessions",
    "mirror_cursors",
    "password_policies",
)


class Acquaintance:
    """Writes rows of mirrors as the mirrors themselves would have. Tests that are about mirrors `forget` first."""

    def __init__(self, service: Service, database: Clone) -> None:
        self._tables = service.metadata.tables
        self._database = database
        self._connection: psycopg.Connection | None = None
        self._lock = threading.Lock()
        self._met: set[tuple[str, ...]] = set()
        self._tokens: dict[str | None, dict[str, Any]] = {}
        self._granted: dict[tuple[str, str], dict[str, Any]] = {}
        self.on = service.mirrors is not None
        if self.on and "known_grants" in self._tables:
            self._write("mirror_cursors", source="identity", cursor="", holder="", heard_time="infinity")

    def meet(self, method: Method, request: Message, token: str | None) -> None:
        """Makes known what the request names, and that its sender has what the token says."""
        for name in method.names:
            ids = name.pattern.parse(name.value(request)) or {}
            company, shop = ids.get("company", "-"), ids.get("shop", "-")
            if company != "-" and ("known_companies", company) not in self._met:
                self.company(company)
            if "-" not in (company, shop):
                self.shop(company, shop)
        if token in self._tokens:
            self.grant(self._tokens[token])

    def minted(self, token: str, claims: dict[str, Any]) -> None:
        """Makes known that a person has what their token says; the last one that they used counts."""
        self._tokens[token] = claims
        self.grant(claims)

    def shop(self, company: str, shop_id: str) -> None:
        """Makes a shop known."""
        self._once("known_shops", company=company, shop_id=shop_id, display_name="Boutique")

    def company(self, company: str, display_name: str = "Les Halles du Port") -> None:
        """Makes a company known."""
        where = {"region_code": "NC", "time_zone": "Pacific/Noumea", "language_code": "fr"}
        self._once("known_companies", company=company, display_name=display_name, **where)
        self._met.add(("known_companies", company))

    def require_second_factor(self, company: str, required: bool = True) -> None:
        """Makes known whom a company lets in."""
        self._write("company_policies", company=company, second_factor_required=required, generation="")

    def require_password_renewal(self, company: str) -> None:
        """Makes known that a company asks for new passwords."""
        self._write("password_policies", company=company, password_renewal_required=True, generation="")

    def grant(self, claims: dict[str, Any]) -> None:
        """Gives a person in a company what the claims of a token say."""
        company, person, role, shops = (claims.get(name) for name in ("company", "sub", "role", "shops"))
        if isinstance(person, str) and is_application(person):
            self.application(str(company), person, claims)
        if not (isinstance(company, str) and isinstance(person, str) and isinstance(role, str)):
            return
        row = {
            "company": company,
            "user_id": person,
            "role": f"ROLE_{role.upper()}",
            "all_shops": shops == "all",
            "shop_ids": shops if isinstance(shops, list) else [],
            "suspended": False,
        }
        with self._lock:
            hears = self.on and "known_grants" in self._tables
            if hears and self._granted.get((company, person)) != row:
                self._write("known_grants", **row, generation="")
                self._granted[company, person] = row

    def application(self, company: str, client_id: str, claims: dict[str, Any]) -> None:
        """Makes an application known that may do what the claims of its token say."""
        shops = claims.get("shops")
        self._once(
            "known_applications",
            company=company,
            application_id=client_id,
            scopes=claims["scope"].split(),
            grant_types=["client_credentials"],
            all_shops=shops == "all",
            shop_ids=shops if isinstance(shops, list) else [],
            suspended=False,
        )

    def forget(self) -> None:
        """From now on the service knows only what it hears."""
        self.on = False
        for table in _HEARD:
            if table in self._tables:
                self._execute(sql.SQL("delete from {}").format(sql.Identifier(table)), ())

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _once(self, table: str, **row: Any) -> None:
        known = (table, *map(str, row.values()))
        with self._lock:
            if self.on and table in self._tables and known not in self._met:
                self._write(table, **row, generation="")
                self._met.add(known)

    def _write(self, table: str, **row: Any) -> None:
        columns = sql.SQL(", ").join(sql.Identifier(column) for column in row)
        values = sql.SQL(", ").join(sql.Placeholder() for _ in row)
        changed = sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(each)) for each in row
        )
        statement = sql.SQL("insert into {} ({}) values ({}) on conflict ({}) do update set {}")
        key = sql.SQL(", ").join(sql.Identifier(each.name) for each in self._tables[table].primary_key)
        self._execute(
            statement.format(sql.Identifier(table), columns, values, key, changed), tuple(row.values())
        )

    def _execute(self, statement: sql.Composed, values: tuple[Any, ...]) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = self._database.administrator()
            self._connection.autocommit = True
        self._connection.execute(statement, values)
