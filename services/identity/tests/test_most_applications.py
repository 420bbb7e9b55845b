"""A company has so many applications and no more."""

from __future__ import annotations

from services.chassis.errors import Fault
from services.identity.applications.rows import MOST
from services.identity.tests.acts import Acts, at_once
from services.identity.tests.registering import Application, registrant


def test_of_several_who_register_the_last_one_at_once_one_does(acts: Acts) -> None:
    owner = registrant(acts)
    first, *_ = [owner.register() for _ in range(MOST - 1)]
    ends = at_once(5, owner.register)
    refused = [end for end in ends if isinstance(end, Fault)]

    assert len(refused) == 4
    assert {fault.reason for fault in refused} == {"TOO_MANY_APPLICATIONS"}
    assert all(str(MOST) in str(fault) for fault in refused)
    owner.delete(first.name)
    assert isinstance(owner.register(), Application)
    assert registrant(acts).register().name
