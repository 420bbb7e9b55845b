"""Keys of a shop: formats, generation, sealing (SH3 to SH5). A value leaves the vault only to sign."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import TenantRow
from services.chassis.errors import Invalid, Precondition
from services.chassis.vault.fingerprints import check_code
from services.chassis.vault.place import Place
from services.chassis.vault.secret import DOTS, Secret
from services.chassis.vault.vault import Vault
from services.shop.rows import Base

NAME = PATTERNS["comptoir.shop/Key"]
TEST, PRODUCTION = "ENVIRONMENT_TEST", "ENVIRONMENT_PRODUCTION"
FORM, REST_PASSWORD, PUBLIC, HMAC = (
    "KEY_USE_FORM",
    "KEY_USE_REST_PASSWORD",
    "KEY_USE_PUBLIC",
    "KEY_USE_HMAC",
)
_ALPHANUMERIC = string.ascii_letters + string.digits


@dataclass(frozen=True)
class KeyKind:
    """One of the eight keys that every shop has a place for."""

    key_id: str
    use: str
    environment: str
    prefix: str
    length: int
    imported: re.Pattern[str]
    """What a value that moves here from elsewhere looks like."""

    @property
    def is_public(self) -> bool:
        return self.use == PUBLIC

    def accepts(self, value: str, shop_id: str) -> bool:
        """Whether a value from elsewhere is one of this kind, and of this shop."""
        own = not self.is_public or value.startswith(f"{shop_id}:")
        return own and self.imported.fullmatch(value) is not None

    def generate(self, shop_id: str, alphabet: str = _ALPHANUMERIC) -> str:
        """A fresh value."""
        random = "".join(secrets.choice(alphabet) for _ in range(self.length))
        return self.prefix.format(shop=shop_id) + random


def _kinds() -> dict[str, KeyKind]:
    found = {}
    for environment, word, rest, public in (
        (TEST, "test", "testpassword_", "testpublickey_"),
        (PRODUCTION, "production", "prodpassword_", "publickey_"),
    ):
        for part, use, prefix, length, imported in (
            ("form", FORM, "", 16, r"[A-Za-z0-9]{16}"),
            ("rest-password", REST_PASSWORD, rest, 45, rest + r"[A-Za-z0-9]{32,64}"),
            ("public", PUBLIC, "{shop}:" + public, 45, r"[0-9]{8}:" + public + r"[A-Za-z0-9]{32,64}"),
            ("hmac", HMAC, "", 45, r"[A-Za-z0-9]{32,64}"),
        ):
            key_id = f"{part}-{word}"
            found[key_id] = KeyKind(key_id, use, environment, prefix, length, re.compile(imported))
    return found


KINDS = _kinds()
"""The keys by id, such as `form-test`."""


class KeyRow(TenantRow, Base):
    """The present value of one key, sealed; a key that is still to be generated has no row."""

    __tablename__ = "shop_keys"
    __recorded__ = Recorded("comptoir.shop/Key", secret=frozenset({"sealed"}))
    __table_args__ = (
        ForeignKeyConstraint(["company", "shop_id"], ["shops.company", "shops.shop_id"]),
        TenantRow.__table_args__,
    )

    shop_id: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(default=0)
    """Counts the values this key has had: part of the seal's place, so that no former value can be put back."""
    sealed: Mapped[bytes | None]
    public_value: Mapped[str] = mapped_column(default="")
    masked_value: Mapped[str] = mapped_column(default="")
    check_value: Mapped[str] = mapped_column(default="")
    generate_time: Mapped[datetime]

    @property
    def name(self) -> str:
        return NAME.format({"company": self.company, "shop": self.shop_id, "key": self.key_id})

    @property
    def history(self) -> str:
        return NAME.parent.format({"company": self.company, "shop": self.shop_id})


class KeyRing:
    """The keys of shops, over the vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def generate_test_keys(self, db: Session, company: str, shop_id: str, now: datetime) -> None:
        """Gives a new shop its four test keys (SH3)."""
        for kind in KINDS.values():
            if kind.environment == TEST:
                self._put(db, company, shop_id, kind, kind.generate(shop_id), now)

    def regenerate(
        self, db: Session, company: str, shop_id: str, kind: KeyKind, now: datetime, *, numeric: bool
    ) -> KeyRow:
        """Replaces a test key."""
        if kind.environment != TEST:
            raise Precondition("Only test keys are regenerated here.", reason="NOT_A_TEST_KEY")
        if numeric and kind.use != FORM:
            raise Invalid.field("format", "key_format", "only form keys can be numeric")
        alphabet = string.digits if numeric else _ALPHANUMERIC
        return self._put(db, company, shop_id, kind, kind.generate(shop_id, alphabet), now)

    def import_value(
        self, db: Session, company: str, shop_id: str, kind: KeyKind, value: str, now: datetime
    ) -> KeyRow:
        """Sets a key to a value from elsewhere."""
        if not kind.accepts(value, shop_id):
            raise Invalid.field("value", "key_format", f"is not in the format of {kind.key_id} keys")
        return self._put(db, company, shop_id, kind, value, now)

    def open(self, db: Session, company: str, shop_id: str, kind: KeyKind) -> Secret:
        """The value, to sign with; nobody outside this process ever gets it."""
        row = find(db, shop_id, kind)
        if row is None or row.sealed is None:
            raise Precondition(
                f"The key {kind.key_id} of shop {shop_id} is still to be generated.",
                reason="KEY_NOT_GENERATED",
            )
        return self._vault.open(db.connection(), _place(company, shop_id, kind, row.generation), row.sealed)

    def _put(
        self, db: Session, company: str, shop_id: str, kind: KeyKind, value: str, now: datetime
    ) -> KeyRow:
        row = find(db, shop_id, kind, for_update=True)
        if row is None:
            row = KeyRow(company=company, shop_id=shop_id, key_id=kind.key_id)
            db.add(row)
        row.generation = (row.generation or 0) + 1
        row.generate_time = now
        if kind.is_public:
            row.public_value = value
            return row
        secret, connection = Secret(value), db.connection()
        row.sealed = self._vault.seal(connection, _place(company, shop_id, kind, row.generation), secret)
        row.masked_value = kind.prefix + DOTS
        row.check_value = check_code(self._vault.fingerprint(connection, company, "check-value", secret))
        return row


def find(db: Session, shop_id: str, kind: KeyKind, *, for_update: bool = False) -> KeyRow | None:
    """The row of a key, if it was generated."""
    query = select(KeyRow).where(KeyRow.shop_id == shop_id, KeyRow.key_id == kind.key_id)
    return db.scalars(query.with_for_update() if for_update else query).one_or_none()


def all_of(db: Session, shop_id: str) -> Sequence[KeyRow]:
    """The generated keys of a shop."""
    return db.scalars(select(KeyRow).where(KeyRow.shop_id == shop_id)).all()


def _place(company: str, shop_id: str, kind: KeyKind, generation: int) -> Place:
    return Place(
        service="shop",
        company=company,
        table=KeyRow.__tablename__,
        column="sealed",
        row=f"{shop_id}/{kind.key_id}/{generation}",
        kind=kind.use,
        environment=kind.environment,
    )
