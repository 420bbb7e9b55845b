"""Passkeys (WebAuthn Level 3): public keys of a person's authenticators, which sign in alone as they verify the person.

The relying party is the issuer of the configuration, and never what a header says. An authenticator that counts its
signatures and comes with a count that is no higher than the last was copied, or is a replay: it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import ARRAY, BigInteger, ForeignKeyConstraint, Index, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import PersonRow
from services.identity import users
from services.identity.rows import Base
from services.identity.users import UserRow

T = TypeVar("T")
NAME = PATTERNS["comptoir.identity/Passkey"]
MOST = 20
"""More than anybody has devices; what sign-in offers a browser must not grow without end."""
_TIMEOUT = 300_000
"""Milliseconds, as long as the challenge lives."""
_VERIFIED = UserVerificationRequirement.REQUIRED
_DISCOVERABLE = AuthenticatorSelectionCriteria(
    resident_key=ResidentKeyRequirement.REQUIRED, require_resident_key=True, user_verification=_VERIFIED
)


class PasskeyRow(PersonRow, Base):
    """One passkey. Uses are counted, and no change of the record."""

    __tablename__ = "passkeys"
    __recorded__ = Recorded(
        "comptoir.identity/Passkey",
        secret=frozenset({"credential_id", "public_key"}),
        omit=frozenset({"sign_count", "use_time", "transports"}),
    )
    __table_args__ = (
        Index("passkeys_credential_id", "user_id", "credential_id", unique=True),
        ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
        PersonRow.__table_args__,
    )

    passkey_id: Mapped[str] = mapped_column(primary_key=True)
    display_name: Mapped[str]
    credential_id: Mapped[bytes]
    public_key: Mapped[bytes]
    device_bound: Mapped[bool]
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text))
    sign_count: Mapped[int] = mapped_column(BigInteger)
    create_time: Mapped[datetime]
    use_time: Mapped[datetime | None]

    @property
    def name(self) -> str:
        return NAME.format({"user": self.user_id, "passkey": self.passkey_id})

    @property
    def history(self) -> str:
        return users.NAME.format({"user": self.user_id})

    @property
    def method(self) -> str:
        """How it proves possession, in the words of RFC 8176: by hardware of its own, or by what is copied around."""
        return "hwk" if self.device_bound else "swk"


class NotVerified(Exception):
    """What an authenticator sent does not prove what it should."""


class RelyingParty:
    """This platform towards authenticators."""

    def __init__(self, issuer: str, name: str = "Comptoir") -> None:
        parts = urlsplit(issuer)
        self._origin, self._id, self._name = f"{parts.scheme}://{parts.netloc}", parts.hostname or "", name

    def creation(self, challenge: str, person: UserRow, known: Sequence[PasskeyRow]) -> str:
        """Options for `navigator.credentials.create()`; authenticators that hold one already are left out."""
        options = webauthn.generate_registration_options(
            rp_id=self._id,
            rp_name=self._name,
            user_id=person.user_id.encode(),
            user_name=person.login,
            user_display_name=person.display_name,
            challenge=challenge.encode(),
            timeout=_TIMEOUT,
            authenticator_selection=_DISCOVERABLE,
            exclude_credentials=_described(known),
        )
        return webauthn.options_to_json(options)

    def request(self, challenge: str, allowed: Sequence[PasskeyRow] = ()) -> str:
        """Options for `navigator.credentials.get()`; with none allowed by name, the authenticator offers its own."""
        options = webauthn.generate_authentication_options(
            rp_id=self._id,
            challenge=challenge.encode(),
            timeout=_TIMEOUT,
            allow_credentials=_described(allowed),
            user_verification=_VERIFIED,
        )
        return webauthn.options_to_json(options)

    def registered(self, credential_json: str, challenge: str) -> VerifiedRegistration:
        """What was made (WebAuthn 7.1). Raises `NotVerified`."""
        return _judged(
            webauthn.verify_registration_response,
            credential=credential_json,
            expected_challenge=challenge.encode(),
            expected_rp_id=self._id,
            expected_origin=self._origin,
            require_user_verification=True,
        )

    def asserted(
        self, credential: AuthenticationCredential, challenge: str, row: PasskeyRow
    ) -> VerifiedAuthentication:
        """What was signed (WebAuthn 7.2). Raises `NotVerified`."""
        return _judged(
            webauthn.verify_authentication_response,
            credential=credential,
            expected_challenge=challenge.encode(),
            expected_rp_id=self._id,
            expected_origin=self._origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )


def parsed(credential_json: str) -> AuthenticationCredential:
    """What a browser sent. Raises `NotVerified`."""
    return _judged(parse_authentication_credential_json, credential_json)


def transports_of(credential_json: str) -> list[str]:
    """How the browser says that the authenticator is reached."""
    transports = webauthn.helpers.parse_registration_credential_json(credential_json).response.transports
    return [transport.value for transport in transports or ()]


def is_device_bound(found: VerifiedRegistration) -> bool:
    return found.credential_device_type is CredentialDeviceType.SINGLE_DEVICE


def listed(db: Session, user_id: str) -> Sequence[PasskeyRow]:
    """The person's passkeys, the newest last."""
    query = select(PasskeyRow).where(PasskeyRow.user_id == user_id)
    return db.scalars(query.order_by(PasskeyRow.create_time, PasskeyRow.passkey_id)).all()


def find(db: Session, user_id: str, passkey_id: str) -> PasskeyRow | None:
    """The passkey of this id."""
    return db.scalars(
        select(PasskeyRow).where(PasskeyRow.user_id == user_id, PasskeyRow.passkey_id == passkey_id)
    ).one_or_none()


def hold(db: Session, user_id: str, credential_id: bytes) -> PasskeyRow | None:
    """The passkey with this credential, held until the call ends."""
    query = select(PasskeyRow).where(PasskeyRow.user_id == user_id, PasskeyRow.credential_id == credential_id)
    return db.scalars(query.with_for_update(), execution_options={"populate_existing": True}).one_or_none()


def _described(rows: Sequence[PasskeyRow]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=row.credential_id, transports=[AuthenticatorTransport(each) for each in row.transports]
        )
        for row in rows
    ]


def _judged(step: Callable[..., T], *given: Any, **more: Any) -> T:
    """What the library makes of what anybody may have sent; it raises whatever its parsers do."""
    try:
        return step(*given, **more)
    except Exception as error:
        raise NotVerified from error
