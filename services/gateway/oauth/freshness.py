"""Whether a sign-in is recent enough for what the application asked (OIDC Core 3.1.2.1: `prompt`, `max_age`).

A request that asks for a new sign-in carries a signed mark of the time it was sent to the sign-in page. Without the
mark, `prompt=login` would ask for ever, and `max_age=0` too; merely dropping the parameter instead would let whoever
sits at a signed-in browser go straight to the address that the sign-in page leads on to.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from itsdangerous import BadSignature, TimestampSigner

from services.chassis.clock import Clock

MARK = "signed_in_after"
MARK_SECONDS = 600
_SKEW = timedelta(seconds=1)


class _Signer(TimestampSigner):
    def __init__(self, key: bytes, clock: Clock) -> None:
        super().__init__(key, salt="comptoir.gateway.freshness")
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock().timestamp())


class Freshness:
    """Issues marks and judges sign-ins by them."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._signer = _Signer(key, clock)
        self._clock = clock

    def mark(self) -> str:
        """A mark of now."""
        return self._signer.sign(MARK).decode("ascii")

    def suffices(self, signed_in: datetime, prompts: frozenset[str], max_age: int | None, mark: str) -> bool:
        """Whether the person need not sign in again."""
        asks_anew = bool(prompts & {"login", "select_account"})
        too_old = max_age is not None and self._clock() - signed_in > timedelta(seconds=max_age)
        return not (asks_anew or too_old) or self._since(signed_in, mark)

    def _since(self, signed_in: datetime, mark: str) -> bool:
        try:
            _, sent = self._signer.unsign(mark, max_age=MARK_SECONDS, return_timestamp=True)
        except BadSignature:
            return False
        return signed_in >= sent - _SKEW
