"""Judges for callers: what is right is counted as a use of its key, what is wrong is looked into, not too often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from services.shop import answers, credentials, diagnosis, forms, rewriting
from services.shop.answers import Answer
from services.shop.budget import Budget
from services.shop.credentials import Credentials
from services.shop.forms import Form
from services.shop.key_uses import Use
from services.shop.verdicts import ShopKeys, Verdict

if TYPE_CHECKING:
    from services.shop.key_values import KeyValue

_ALL = "all shops"


@dataclass(frozen=True)
class Judge:
    """`by` is the service that asks and counts as an integration of the shop; empty for people, who try things out."""

    count: Callable[[Use, datetime], None]
    """Told every use of a key."""
    each: Budget = field(default_factory=lambda: Budget(per_second=1, burst=20))
    """Refusals of one shop that are looked into: what somebody needs who makes an integration work."""
    together: Budget = field(default_factory=lambda: Budget(per_second=20, burst=60))
    """Those of all shops: at some milliseconds each, a small part of a process."""

    def form(self, shop: ShopKeys, form: Form, now: datetime, by: str) -> Verdict:
        verdict = self._explained(
            shop,
            forms.judge(shop, form, now),
            lambda: _size(form),
            lambda: diagnosis.of_form(shop, form, now),
        )
        return self._counted(shop, verdict, now, by, "form")

    def answer(self, shop: ShopKeys, answer: Answer, now: datetime, by: str) -> Verdict:
        verdict = self._explained(
            shop,
            answers.judge(shop, answer, now),
            lambda: len(answer.text),
            lambda: diagnosis.of_answer(shop, answer, now),
        )
        return self._counted(shop, verdict, now, by, "answer")

    def credentials(self, shop: ShopKeys, given: Credentials, now: datetime, by: str) -> Verdict:
        verdict = self._explained(
            shop,
            credentials.judge(shop, given, now),
            lambda: 0,
            lambda: diagnosis.of_credentials(shop, given, now),
        )
        return self._counted(shop, verdict, now, by, "credentials")

    def used(self, shop: ShopKeys, value: KeyValue, now: datetime, by: str, doing: str) -> None:
        """Counts one use of the value."""
        kind = value.kind.key_id
        self.count(Use(shop.company, shop.shop_id, kind, value.counted, f"{by}/{doing}"), now)

    def _counted(self, shop: ShopKeys, verdict: Verdict, now: datetime, by: str, doing: str) -> Verdict:
        if by and verdict.valid and verdict.value is not None:
            self.used(shop, verdict.value, now, by, doing)
        return verdict

    def _explained(
        self,
        shop: ShopKeys,
        verdict: Verdict,
        size: Callable[[], int],
        diagnose: Callable[[], Verdict | None],
    ) -> Verdict:
        if not verdict.is_unexplained:
            return verdict
        if size() > rewriting.LARGEST or not (self.each.spend(shop.shop_id) and self.together.spend(_ALL)):
            return verdict._replace(undiagnosed=True)
        return diagnose() or verdict


def _size(form: Form) -> int:
    return sum(len(name) + len(value) for name, value in form.fields.items())
