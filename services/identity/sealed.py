"""The sealed columns of identity, for rotations of its data keys."""

from __future__ import annotations

from typing import Any

from sqlalchemy import literal

from services.chassis.vault.place import PLATFORM, Place
from services.chassis.vault.sealed_fields import SealedField
from services.identity.factors import totp
from services.identity.factors.totp import TotpRow
from services.identity.mail import mails
from services.identity.mail.mails import MailRow
from services.identity.oauth.signing_keys import SigningKeyRow, place_of
from services.identity.rows import Base

_SIGNING_KEYS = Base.metadata.tables[SigningKeyRow.__tablename__]
_TOTPS = Base.metadata.tables[TotpRow.__tablename__]
_MAILS = Base.metadata.tables[MailRow.__tablename__]


def _signing_key(row: Any) -> Place:
    return place_of(row.kid)


def _totp(row: Any) -> Place:
    return totp.place_of(row.user_id)


def _mail(row: Any) -> Place:
    return mails.place_of(row.mail_id, row.recipient)


SEALED = (
    SealedField(_SIGNING_KEYS, "sealed", literal(PLATFORM), _signing_key),
    SealedField(_TOTPS, "sealed", literal("users/") + _TOTPS.c.user_id, _totp),
    SealedField(_MAILS, "sealed_to", _MAILS.c.recipient, _mail),
)
