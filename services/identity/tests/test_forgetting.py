"""Addresses of invitations go when these end, and some time after they expired."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from comptoir.identity.v1 import invitation_pb2
from services.chassis.errors import Precondition
from services.chassis.testing.relay import Relay
from services.chassis.testing.running import Running
from services.identity.forgetting import Forgetting
from services.identity.service import IDENTITY
from services.identity.tests.acts import Acts, Hands
from services.identity.tests.post import mailing
from services.identity.tests.test_invitations import Inviter
from services.identity.tests.test_managing import member


@pytest.fixture(scope="module")
def acts(run_service: Callable[..., Running], hands: Hands, relay: Relay) -> Acts:
    return Acts(run_service(IDENTITY, clock=hands, **mailing(relay)))


def forget(acts: Acts) -> None:
    resources = acts.identity.resources
    Forgetting(resources.database, resources.changes, resources.clock).work()


def test_an_invitation_that_is_taken_back_forgets_whom_it_was_for(acts: Acts, relay: Relay) -> None:
    inviter, owner = Inviter(acts, relay), member(acts, acts.company())
    made = inviter.invite(owner.token, owner.company)

    assert inviter.withdraw(owner.token, made.name).email == ""
    assert inviter.withdraw(owner.token, made.name).email == ""


def test_one_that_nobody_took_forgets_it_a_month_after_it_was_mailed_last(
    acts: Acts, relay: Relay, hands: Hands
) -> None:
    inviter, owner = Inviter(acts, relay), member(acts, acts.company())
    old, young = (inviter.invite(owner.token, owner.company) for _ in range(2))
    hands.forward(days=29)
    inviter.resend(owner.token, young.name)
    forget(acts)
    before = inviter.get(owner.token, old.name)
    hands.forward(days=1)
    forget(acts)
    forget(acts)
    after = inviter.get(owner.token, old.name)

    assert (before.email, after.email) == (old.email, "")
    assert after.state == invitation_pb2.INVITATION_STATE_EXPIRED
    assert inviter.get(owner.token, young.name).email == young.email
    with pytest.raises(Precondition) as refused:
        inviter.resend(owner.token, old.name)
    assert refused.value.reason == "INVITATION_OVER"
    assert inviter.withdraw(owner.token, old.name).state == invitation_pb2.INVITATION_STATE_WITHDRAWN


def test_a_place_that_was_asked_for_is_given_all_the_same(acts: Acts, relay: Relay, hands: Hands) -> None:
    inviter, owner, person = Inviter(acts, relay), member(acts, acts.company()), acts.person()
    made = inviter.invite(owner.token, owner.company)
    inviter.claim(inviter.link(made.email), acts.sign_in(person.login))
    hands.forward(days=31)
    forget(acts)
    staff = acts.token(acts.person(operator=True).login)
    [asked] = inviter.admissions(staff, person.name)

    assert inviter.approve(staff, asked.name).user == person.name
