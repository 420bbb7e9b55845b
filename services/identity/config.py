"""Settings of identity."""

from __future__ import annotations

from pydantic import PositiveInt

from services.chassis.config import Address
from services.chassis.outbox.settings import MailSettings


class IdentitySettings(MailSettings):
    """What every service that sends mail needs, and how many wrong passwords one place may send."""

    identity_address: Address = "localhost:0"
    """Not used: the signing keys are in identity's own database."""
    source_tries: PositiveInt = 100
    """Failed sign-ins accepted from one source address (of IPv6: one /64) within the pause's length."""
    source_pause_seconds: PositiveInt = 900
    """How long a source that used them up is made to wait."""
