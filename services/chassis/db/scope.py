"""What a transaction is confined to, set in PostgreSQL at its start and for its length only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, event

from services.chassis.db.patience import AT_ONCE_SECONDS, Dialling
from services.chassis.vault.place import PLATFORM

_SET = (
    "select set_config('app.company', %s, true), set_config('app.user', %s, true),"
    " set_config('statement_timeout', %s, true)"
)
_MIRROR = ", set_config('app.mirror', 'on', true)"
# Only ever turned on: a server that takes no writes refuses to have it turned off, and reads must go on there.
_READ_ONLY = ", set_config('transaction_read_only', 'on', true)"


@dataclass(frozen=True)
class Scope:
    """A company, or a person, or neither; never both, so that a policy that knows two kinds shows only one."""

    company: str | None = None
    user: str | None = None
    read_only: bool = False
    timeout_ms: int = 10_000
    mirror: bool = False
    """Whether what is kept of other services may be written, whosever it is."""

    def __post_init__(self) -> None:
        if self.company and self.user:
            raise ValueError("a transaction is confined to a company or to a person, not to both")

    @property
    def owner(self) -> str:
        """Under whose data keys the vault seals what is written here."""
        return self.company or (f"users/{self.user}" if self.user else PLATFORM)


class Unscoped(Exception):
    """A transaction was begun, or a statement sent, that nothing confines. Always a mistake in our own code."""


def confine(connection: Connection, scope: Scope) -> None:
    """Sets the scope of the running transaction and its time; one round trip."""
    driver: Any = connection.connection.driver_connection
    seconds = scope.timeout_ms / 1000
    driver.be_patient(min(seconds, AT_ONCE_SECONDS))
    values = (scope.company or "", scope.user or "", str(scope.timeout_ms))
    also = (_READ_ONLY if scope.read_only else "") + (_MIRROR if scope.mirror else "")
    driver.execute(_SET + also, values)
    driver.be_patient(seconds)


def watch_transactions(engine: Engine) -> None:
    """Confines every transaction of the engine at its start; one without a scope is refused."""
    event.listen(engine, "do_connect", Dialling())

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        session = connection.get_execution_options().get("scope_of")
        if session is None:
            raise Unscoped("a transaction was begun without a scope")
        confine(connection, session.scope)
