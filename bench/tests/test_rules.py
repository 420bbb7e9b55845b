"""What is measured are the kinds of payment that the figures name."""

from __future__ import annotations

from bench.rules import KINDS, SHOP
from comptoir_rules import resolve


def test_each_kind_of_payment_is_what_its_name_says() -> None:
    plain, deferred, several = (resolve(SHOP, transaction) for transaction in KINDS.values())

    assert (plain.course.deferred.value, plain.instalments) == (False, ())
    assert deferred.course.deferred.value
    assert deferred.course.expire_time is not None
    assert len(several.instalments) == 4
