"""What this service mails to the managers of shops, and in which words (SH12, IN5; decision 0009).

Written down in the transaction of what it tells of, as ids and codes; address, label and words are found when it is
sent, in the company's language and by its clock (ID3). No letter holds a value of a key: it could not, as none is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.contract import PATTERNS
from services.chassis.db.database import enter
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.outbox.mail import Letter, Mail
from services.chassis.outbox.message import one_line
from services.chassis.outbox.outbox import Outbox
from services.chassis.outbox.tables import OutboxRow
from services.look import dates
from services.look.languages import first_known
from services.look.words import SHARED, Translate, Words
from services.shop import zones
from services.shop.keys import KINDS, PRODUCTION, KeyRow
from services.shop.rows import Base
from services.shop.shops import ShopRow

WORDS = Words(SHARED, Path(__file__).parent / "words")
_COMPANY = PATTERNS["comptoir.company/Company"]
_MANAGER = "manager"
_CODED_TIME = "%Y-%m-%dT%H:%M:%SZ"


class MailRow(OutboxRow, Base):
    """One mail to a manager."""


@dataclass(frozen=True)
class Occasion:
    """Something that managers are told of."""

    kind: str
    """Key of its words: `<kind>.subject` and `<kind>.text`."""
    of_test_keys: bool = True
    """Whether they are told of it when it happens to a test key, with which no money moves."""
    at_end: bool = False
    """Whether the time that they are told is the end of the key, and not the present."""


KEY_EXPIRING = Occasion("key_expiring", at_end=True)
KEY_EXPIRED = Occasion("key_expired", at_end=True)
KEY_REVEALED = Occasion("key_revealed")
KEY_GENERATED = Occasion("key_generated", of_test_keys=False)
KEY_REPLACED = Occasion("key_replaced", of_test_keys=False)
ROTATION_UNDONE = Occasion("rotation_undone", of_test_keys=False)
SHOP_READY = Occasion("shop_ready")
OCCASIONS = (
    KEY_EXPIRING,
    KEY_EXPIRED,
    KEY_REVEALED,
    KEY_GENERATED,
    KEY_REPLACED,
    ROTATION_UNDONE,
    SHOP_READY,
)
"""All of them."""


@dataclass(frozen=True)
class Letters:
    """Writes mails, in the transaction of what they tell of."""

    outbox: Outbox[MailRow]

    def of_key(self, db: Session, occasion: Occasion, key: KeyRow, now: datetime) -> None:
        """Tells the manager of something that has become of a key."""
        if not occasion.of_test_keys and KINDS[key.key_id].environment != PRODUCTION:
            return
        time = key.expire_time if occasion.at_end and key.expire_time else now
        codes = {"key": key.key_id, "check": key.check_value}
        self._add(db, occasion, key, time, now, **{name: code for name, code in codes.items() if code})

    def of_shop(self, db: Session, occasion: Occasion, shop: ShopRow, now: datetime) -> None:
        """Tells the manager of something that has become of the shop."""
        self._add(db, occasion, shop, now, now)

    def _add(
        self,
        db: Session,
        occasion: Occasion,
        row: KeyRow | ShopRow,
        time: datetime,
        now: datetime,
        **codes: str,
    ) -> None:
        recipient = _COMPANY.format({"company": row.company})
        arguments = {"shop": row.shop_id, "time": time.astimezone(UTC).strftime(_CODED_TIME), **codes}
        self.outbox.add(db, Mail(occasion.kind, recipient, arguments, _MANAGER), now)


def letter(db: ScopedSession, mail: MailRow) -> Letter | None:
    """The letter to the shop's manager; None if there is no such shop any more, or nobody is named for it."""
    company = (_COMPANY.parse(mail.recipient) or {})["company"]
    enter(db, Scope(company))
    shop = db.scalars(select(ShopRow).where(ShopRow.shop_id == mail.arguments["shop"])).one_or_none()
    if shop is None or not shop.manager_email:
        return None
    place = zones.reader(db, company)
    language = first_known(place.language_code)
    say = WORDS.into(language)
    values = {
        "label": one_line(shop.display_name),
        "shop": shop.shop_id,
        "key_id": _key(mail.arguments, say),
        "time": dates.time(datetime.fromisoformat(mail.arguments["time"]), place.time_zone, say),
    }
    body = say(f"{mail.kind}.text", **values)
    return Letter(
        to=shop.manager_email,
        subject=say(f"{mail.kind}.subject", **values),
        text=say("letter", body=body.strip()).lstrip(),
        language=language,
    )


def _key(arguments: Mapping[str, str], say: Translate) -> str:
    """A key as people tell it from others: its id, and its check value if it has one."""
    key, check = arguments.get("key", ""), arguments.get("check", "")
    return say("checked_key", key_id=key, check=check) if check else key
