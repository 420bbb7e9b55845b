"""The keys that sign tokens: one active, the next published ahead, retired ones kept until nothing of theirs is left.

They are made when first needed, by whichever process is first, and follow each other by age. Private keys lie sealed.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from joserfc.jwk import ECKey
from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.clock import Clock
from services.chassis.db.database import Database
from services.chassis.db.rows import PlatformRow
from services.chassis.db.scope import Scope
from services.chassis.tokens import ALGORITHM
from services.chassis.vault.place import PLATFORM, Place
from services.chassis.vault.secret import Secret
from services.chassis.vault.vault import Vault
from services.identity.rows import Base

ACTIVE, NEXT, RETIRED = "ACTIVE", "NEXT", "RETIRED"
LIFETIME = timedelta(days=90)
"""How long a key signs."""
PUBLISHED_AFTER = timedelta(days=1)
"""Longer than any token lives and any process remembers a key to sign with."""
REMEMBERED = timedelta(seconds=60)


class SigningKeyRow(PlatformRow, Base):
    """One key pair."""

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(primary_key=True)
    public_jwk: Mapped[str]
    sealed: Mapped[bytes]
    state: Mapped[str]
    create_time: Mapped[datetime]
    activate_time: Mapped[datetime | None]
    retire_time: Mapped[datetime | None]


class KeyRing:
    """The signing keys of the platform. It works in transactions of its own: a call may be read-only, or fail."""

    def __init__(self, vault: Vault, database: Database, clock: Clock) -> None:
        self._vault = vault
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._signer: ECKey | None = None
        self._remembered_until = datetime.min.replace(tzinfo=UTC)

    def signer(self) -> ECKey:
        """The active private key."""
        with self._lock:
            now = self._clock()
            if self._signer is None or now >= self._remembered_until:
                with self._database.transaction(Scope()) as db:
                    active = next(row for row in self._settled(db, now) if row.state == ACTIVE)
                    secret = self._vault.open(db.connection(), place_of(active.kid), active.sealed)
                self._signer = ECKey.import_key(secret.reveal(), {"kid": active.kid})
                self._remembered_until = now + REMEMBERED
            return self._signer

    def jwks(self) -> str:
        """The public keys that verify what was and will be signed, as a JWK Set (RFC 7517)."""
        now = self._clock()
        with self._database.transaction(Scope()) as db:
            rows = [row for row in self._settled(db, now) if _published(row, now)]
        return json.dumps({"keys": [json.loads(row.public_jwk) for row in rows]})

    def rotate(self, *, forget: bool = False) -> str:
        """Lets the next key sign from now on, whatever the age of the active one, and returns its id.

        What was signed before is accepted as long as it lives, unless all keys are to be forgotten because somebody
        else may have them: then only where it was accepted before, once verifiers have asked for the keys again.
        """
        now = self._clock()
        with self._database.transaction(Scope()) as db:
            _lock(db)
            rows = _all(db)
            if forget:
                for row in rows:
                    db.delete(row)
                db.flush()
            self._move_on(db, () if forget else rows, now)
            active: str = next(row.kid for row in _all(db) if row.state == ACTIVE)
        with self._lock:
            self._signer = None
        return active

    def _settled(self, db: Session, now: datetime) -> Sequence[SigningKeyRow]:
        """All keys, in good order: one of several processes at once makes or moves them."""
        rows = _all(db)
        if _due(rows, now):
            _lock(db)
            rows = _all(db)
            if _due(rows, now):
                self._move_on(db, rows, now)
                rows = _all(db)
        return rows

    def _move_on(self, db: Session, rows: Sequence[SigningKeyRow], now: datetime) -> None:
        for row in rows:
            if row.state == ACTIVE:
                row.state, row.retire_time = RETIRED, now
            elif row.state == RETIRED and not _published(row, now):
                db.delete(row)
        active = next((row for row in rows if row.state == NEXT), None) or self._new(db, now)
        active.state, active.activate_time = ACTIVE, now
        self._new(db, now)
        db.flush()

    def _new(self, db: Session, now: datetime) -> SigningKeyRow:
        key = ECKey.generate_key("P-256")
        kid = key.thumbprint()
        public = {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": ALGORITHM}
        private = Secret(key.as_pem(private=True))
        row = SigningKeyRow(
            kid=kid,
            public_jwk=json.dumps(public),
            sealed=self._vault.seal(db.connection(), place_of(kid), private),
            state=NEXT,
            create_time=now,
        )
        db.add(row)
        return row


def _lock(db: Session) -> None:
    db.execute(select(func.pg_advisory_xact_lock(func.hashtext("comptoir.identity.signing_keys"))))


def _all(db: Session) -> Sequence[SigningKeyRow]:
    query = select(SigningKeyRow).order_by(SigningKeyRow.create_time, SigningKeyRow.kid)
    return db.scalars(query, execution_options={"populate_existing": True}).all()


def _due(rows: Sequence[SigningKeyRow], now: datetime) -> bool:
    active = next((row for row in rows if row.state == ACTIVE), None)
    return active is None or active.activate_time is None or now - active.activate_time >= LIFETIME


def _published(row: SigningKeyRow, now: datetime) -> bool:
    return row.retire_time is None or now - row.retire_time < PUBLISHED_AFTER


def place_of(kid: str) -> Place:
    """Where a private key is sealed."""
    return Place(
        service="identity",
        company=PLATFORM,
        table=SigningKeyRow.__tablename__,
        column="sealed",
        row=kid,
        kind="signing-key",
        environment="-",
    )
