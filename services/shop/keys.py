"""Keys of a shop: formats, rows, sealing (SH3 to SH5). How their values follow each other: `rotation`."""

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
from services.chassis.vault.fingerprints import check_code
from services.chassis.vault.place import Place
from services.chassis.vault.secret import DOTS, Secret
from services.chassis.vault.vault import Vault
from services.shop.key_values import KeyValue
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
    """One key; one that is still to be generated has no row. Its values lie beside it, in `KeyValueRow`."""

    __tablename__ = "shop_keys"
    __recorded__ = Recorded("comptoir.shop/Key", paths={"former_until": "former.expire_time"})
    __table_args__ = (
        ForeignKeyConstraint(["company", "shop_id"], ["shops.company", "shops.shop_id"]),
        TenantRow.__table_args__,
    )

    shop_id: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(default=0)
    """Counts the values this key has had: part of the seal's place, so that no former value can be put back."""
    public_value: Mapped[str] = mapped_column(default="")
    masked_value: Mapped[str] = mapped_column(default="")
    check_value: Mapped[str] = mapped_column(default="")
    generate_time: Mapped[datetime]
    former_until: Mapped[datetime | None]
    """End of the overlap with the former value."""
    former_count: Mapped[int] = mapped_column(default=0)
    expire_time: Mapped[datetime | None]
    """Scheduled end of the present value."""
    reminder_time: Mapped[datetime | None]
    ended_time: Mapped[datetime | None]
    """When it was noted that the present value had expired."""
    reveal_time: Mapped[datetime | None]
    reveal_count: Mapped[int] = mapped_column(default=0)

    @property
    def name(self) -> str:
        return NAME.format({"company": self.company, "shop": self.shop_id, "key": self.key_id})

    @property
    def history(self) -> str:
        return NAME.parent.format({"company": self.company, "shop": self.shop_id})

    def overlaps(self, now: datetime) -> bool:
        """Whether the former value is valid beside the present one."""
        running = self.former_until is not None and now < self.former_until
        return running and not self.is_expired(now)

    def is_expired(self, now: datetime) -> bool:
        return self.expire_time is not None and self.expire_time <= now


class KeyValueRow(TenantRow, Base):
    """One value of a key: the present one, one still valid beside it, or one kept to be named in refusals.

    Part of its key for the record: whoever writes it writes the key's row too.
    """

    __tablename__ = "shop_key_values"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company", "shop_id", "key_id"],
            ["shop_keys.company", "shop_keys.shop_id", "shop_keys.key_id"],
        ),
        TenantRow.__table_args__,
    )

    shop_id: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sealed: Mapped[bytes | None]
    """None of a value that is public by nature."""
    public_value: Mapped[str] = mapped_column(default="")
    check_value: Mapped[str] = mapped_column(default="")
    counted_as: Mapped[int | None]
    """The generation under which its uses are counted, where it has come back in a place of its own; else its own."""
    generate_time: Mapped[datetime]
    retire_time: Mapped[datetime | None]
    """When it stops being valid beside its successor; None of the present value."""
    expire_time: Mapped[datetime | None]
    """What was scheduled for it when it was succeeded, for the case that this is undone."""

    @property
    def counted(self) -> int:
        """The generation under which its uses are counted: the one in which it was first."""
        return self.generation if self.counted_as is None else self.counted_as


class KeyRing:
    """The values of keys, over the vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def generate_test_keys(self, db: Session, company: str, shop_id: str, now: datetime) -> None:
        """Gives a new shop its four test keys (SH3)."""
        for kind in KINDS.values():
            if kind.environment == TEST:
                self.add(db, new(db, company, shop_id, kind, now), kind, Secret(kind.generate(shop_id)), now)

    def add(
        self,
        db: Session,
        row: KeyRow,
        kind: KeyKind,
        secret: Secret,
        now: datetime,
        counted_as: int | None = None,
    ) -> None:
        """Makes this the present value of the key, in a place that none had before."""
        row.generation += 1
        row.generate_time = now
        value = KeyValueRow(
            company=row.company,
            shop_id=row.shop_id,
            key_id=row.key_id,
            generation=row.generation,
            counted_as=counted_as,
            generate_time=now,
        )
        if kind.is_public:
            row.public_value = value.public_value = secret.reveal_text()
        else:
            connection = db.connection()
            place = place_of(row.company, row.shop_id, kind, row.generation)
            digest = self._vault.fingerprint(connection, row.company, "check-value", secret)
            value.sealed = self._vault.seal(connection, place, secret)
            row.check_value = value.check_value = check_code(digest)
            row.masked_value = kind.prefix + DOTS
        db.flush()
        db.add(value)
        db.flush()

    def open(self, db: Session, value: KeyValueRow) -> Secret:
        """One value in clear."""
        if value.sealed is None:
            return Secret(value.public_value)
        place = place_of(value.company, value.shop_id, KINDS[value.key_id], value.generation)
        return self._vault.open(db.connection(), place, value.sealed)

    def values(self, db: Session, company: str, shop_id: str, kind: KeyKind) -> tuple[KeyValue, ...]:
        """The values of a key, opened, the present one first; nobody outside this process ever gets one.

        Those that retired are among them for as long as they are kept, so that a refusal can name them.
        """
        row = find(db, shop_id, kind)
        if row is None:
            return ()
        return tuple(
            KeyValue(
                kind,
                each.generation,
                each.check_value,
                end(each.retire_time, row),
                self.open(db, each),
                each.counted,
            )
            for each in values_of(db, row)
        )


def end(retire_time: datetime | None, row: KeyRow) -> datetime | None:
    """When a value stops being valid: when the key expires, nothing of it stays so."""
    return min((time for time in (retire_time, row.expire_time) if time is not None), default=None)


def new(db: Session, company: str, shop_id: str, kind: KeyKind, now: datetime) -> KeyRow:
    """A key that has no value yet."""
    row = KeyRow(
        company=company,
        shop_id=shop_id,
        key_id=kind.key_id,
        generation=0,
        public_value="",
        masked_value="",
        check_value="",
        former_count=0,
        reveal_count=0,
    )
    row.generate_time = now
    db.add(row)
    return row


def has_production(db: Session, shop_id: str) -> bool:
    """Whether the shop has any production key."""
    return any(KINDS[row.key_id].environment == PRODUCTION for row in all_of(db, shop_id))


def find(db: Session, shop_id: str, kind: KeyKind, *, for_update: bool = False) -> KeyRow | None:
    """The row of a key, if it was generated."""
    query = select(KeyRow).where(KeyRow.shop_id == shop_id, KeyRow.key_id == kind.key_id)
    return db.scalars(query.with_for_update() if for_update else query).one_or_none()


def all_of(db: Session, shop_id: str) -> Sequence[KeyRow]:
    """The generated keys of a shop."""
    return db.scalars(select(KeyRow).where(KeyRow.shop_id == shop_id)).all()


def values_of(db: Session, row: KeyRow) -> Sequence[KeyValueRow]:
    """The values of a key, sealed, the present one first."""
    query = select(KeyValueRow).where(KeyValueRow.shop_id == row.shop_id, KeyValueRow.key_id == row.key_id)
    return db.scalars(query.order_by(KeyValueRow.generation.desc())).all()


def formers(db: Session, shop_id: str, now: datetime) -> dict[str, KeyValueRow]:
    """Of a shop's keys by id, the value that is still valid beside the present one."""
    query = select(KeyValueRow).where(KeyValueRow.shop_id == shop_id, KeyValueRow.retire_time > now)
    return {row.key_id: row for row in db.scalars(query)}


def place_of(company: str, shop_id: str, kind: KeyKind, generation: int) -> Place:
    """Where a value of a key is sealed."""
    return Place(
        service="shop",
        company=company,
        table=KeyValueRow.__tablename__,
        column="sealed",
        row=f"{shop_id}/{kind.key_id}/{generation}",
        kind=kind.use,
        environment=kind.environment,
    )
