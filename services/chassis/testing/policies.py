"""The policies of each class of tables, written a second time, as PostgreSQL prints them: so a slip in the shared DDL
is found."""

from __future__ import annotations

from services.chassis.db.rows import TableClass

_COMPANY = "NULLIF(current_setting('app.company'::text, true), ''::text)"
_USER = "NULLIF(current_setting('app.user'::text, true), ''::text)"
POLICIES: dict[TableClass | None, str] = {
    TableClass.TENANT: f"(company = {_COMPANY})",
    TableClass.PERSON: f"(user_id = {_USER})",
    TableClass.MEMBERSHIP: f"((company = {_COMPANY}) OR (user_id = {_USER}))",
    TableClass.MIRROR: f"((company = {_COMPANY}) OR (current_setting('app.mirror'::text, true) = 'on'::text))",
    TableClass.VAULT: (
        f"((company = {_COMPANY}) OR (company = ('users/'::text || {_USER})) OR (company = '-'::text))"
    ),
    TableClass.LOG: (
        f"((scope = ('companies/'::text || {_COMPANY})) OR (scope = ('users/'::text || {_USER}))"
        f" OR ((scope = 'platform'::text) AND ({_COMPANY} IS NULL) AND ({_USER} IS NULL)))"
    ),
}
KEYS_INSERTED = (
    f"((company = {_COMPANY}) OR (company = ('users/'::text || {_USER})) OR ((company = '-'::text)"
    f" AND ({_COMPANY} IS NULL) AND (({_USER} IS NULL) OR (version = 0))))"
)
KEYS_ERASED = (
    f"((company = ('users/'::text || {_USER})) AND (NOT (EXISTS ( SELECT\n   FROM users\n"
    f"  WHERE (users.user_id = {_USER})))))"
)
