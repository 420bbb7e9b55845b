"""Settings of a service that sends mail."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from services.chassis.config import Address, DatabaseSettings, SecretFile, Settings
from services.chassis.outbox.mail import Undelivered
from services.chassis.outbox.message import single_address


def _sender(value: str) -> str:
    try:
        return single_address(value) if value else ""
    except Undelivered:
        raise ValueError("must be one plain address") from None


class SenderSettings(DatabaseSettings):
    """Who mail is from, for whatever puts some into an outbox."""

    issuer: str
    """The gateway's public origin, to which links lead."""
    mail_from: Annotated[str, AfterValidator(_sender)] = ""
    """The sender's address, to which undeliverable mail returns; `no-reply` at the issuer's host if empty."""

    @property
    def sender(self) -> str:
        return self.mail_from or f"no-reply@{urlsplit(self.issuer).hostname}"

    @property
    def mail_domain(self) -> str:
        return self.sender.rpartition("@")[2]


class MailSettings(SenderSettings, Settings):
    """What every service needs, and the way of its mail. Nothing of it is ever taken from a request."""

    smtp_address: Address
    """The mail server that takes everything."""
    smtp_starttls: bool = True
    """Whether mail goes to it encrypted, or not at all: off only where nobody can listen."""
    smtp_ca_file: SecretFile | None = None
    """Who vouches for its certificate, if not the authorities of the machine."""
    smtp_user: str = ""
    smtp_password_file: SecretFile | None = None

    @model_validator(mode="after")
    def _guard_password(self) -> MailSettings:
        if bool(self.smtp_user) != bool(self.smtp_password_file):
            raise ValueError("COMPTOIR_SMTP_USER and COMPTOIR_SMTP_PASSWORD_FILE need each other")
        if self.smtp_user and not self.smtp_starttls:
            raise ValueError("COMPTOIR_SMTP_STARTTLS: a password is never sent in clear")
        return self
