"""One call opens a company; its first owner and its first shop follow from it, each once (CO13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import pytest

from comptoir.company.v1 import company_pb2
from comptoir.identity.v1 import invitation_pb2, membership_pb2
from comptoir.shop.v1 import key_pb2, shop_pb2
from services.chassis.errors import Denied, Invalid
from services.chassis.testing.feeding import Feeding
from services.chassis.testing.running import METHODS, Running
from services.chassis.testing.waiting import until
from services.company.service import COMPANY
from services.identity import first_owner
from services.identity.service import IDENTITY
from services.shop.service import SHOP

_NOBODY = "127.0.0.1:1"
"""A feed at which nobody answers."""


@dataclass
class Opener:
    """The operator, and the services that hear of what they open."""

    company: Running
    identity: Running
    shop: Running
    feed: Feeding

    def open(self, **changes: Any) -> company_pb2.Company:
        request = METHODS["CompanyService/OpenCompany"].example()
        for name, value in changes.items():
            setattr(request, name, value)
        token = self.company.mint.operator()
        return self.company.call("CompanyService/OpenCompany", request, company_pb2.Company, token=token)

    def invitations(self, company: str) -> list[invitation_pb2.Invitation]:
        request = invitation_pb2.ListInvitationsRequest(parent=company)
        answer = self.identity.call(
            "InvitationService/ListInvitations",
            request,
            invitation_pb2.ListInvitationsResponse,
            token=self.identity.mint.operator(),
        )
        return list(answer.invitations)

    def shops(self, company: str) -> list[shop_pb2.Shop]:
        request, token = shop_pb2.ListShopsRequest(parent=company), self.shop.mint.operator()
        answer = self.shop.call("ShopService/ListShops", request, shop_pb2.ListShopsResponse, token=token)
        return list(answer.shops)

    def both(self, company: str) -> None:
        """Waits until the invitation and the shop are there."""
        until(lambda: self.invitations(company) and self.shops(company), "both are there")

    def keys(self, shop: str) -> list[key_pb2.Key]:
        request, token = key_pb2.ListKeysRequest(parent=shop), self.shop.mint.operator()
        answer = self.shop.call("KeyService/ListKeys", request, key_pb2.ListKeysResponse, token=token)
        return list(answer.keys)

    def mails(self, company: str) -> int:
        with self.identity.database.administrator() as connection:
            query = "select count(*) from outbox where kind = 'invited' and arguments->>'company' = %s"
            [[count]] = connection.execute(query, (company.removeprefix("companies/"),)).fetchall()
        return int(count)


@pytest.fixture(scope="module")
def running(run_service: Callable[..., Running]) -> tuple[Running, Running, Running]:
    # Identity too believes the tokens of the test.
    return run_service(COMPANY), run_service(replace(IDENTITY, find_key=None)), run_service(SHOP)


@pytest.fixture
def opener(running: tuple[Running, Running, Running], feed_of: Callable[..., Feeding]) -> Opener:
    company, identity, shop = running
    feed = feed_of(company)
    for service in (identity, shop):
        service.unfollow()
    identity.follow(company=feed.address)
    shop.follow(company=feed.address, identity=_NOBODY)
    for service in (identity, shop):
        follows(service)
    return Opener(company, identity, shop, feed)


def follows(service: Running) -> None:
    """Waits until it hears changes, and no snapshot any more."""

    def hears() -> bool:
        query = "select 1 from mirror_cursors where source = 'company' and cursor <> ''"
        with service.database.administrator() as connection:
            return bool(connection.execute(query).fetchall())

    until(hears, "the snapshot is complete")


def test_the_owner_is_invited_and_the_shop_is_opened_with_its_defaults(opener: Opener) -> None:
    opened = opener.open()
    [invitation] = until(lambda: opener.invitations(opened.name), "identity invites the owner")
    [shop] = until(lambda: opener.shops(opened.name), "the shop is opened")

    assert (invitation.email, invitation.role) == ("ada@halles.example", membership_pb2.ROLE_OWNER)
    assert (invitation.all_shops, invitation.language_code) == (True, "fr")
    assert invitation.inviter == "users/operatorexample"
    assert opener.mails(opened.name) == 1
    assert (shop.display_name, shop.extra_attempts) == ("Boutique du port", 3)
    assert shop.state == shop_pb2.SHOP_STATE_TEST_ONLY
    assert len([key for key in opener.keys(shop.name) if key.HasField("generate_time")]) == 4


def test_one_address_is_not_mailed_without_end(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_owner, "ADDRESS", replace(first_owner.ADDRESS, tries=2))
    opened = [opener.open(owner_email=email).name for email in ("eve@x.example", "Eve@X.example") * 2]
    for name in opened:
        opener.both(name)

    assert sum(opener.mails(name) for name in opened) == 2
    assert opener.invitations(opened[-1])[0].state == invitation_pb2.INVITATION_STATE_PENDING


def test_what_follows_is_done_once_however_often_the_services_begin_again(opener: Opener) -> None:
    opened = []
    for _ in range(4):
        opened.append(opener.open().name)
        for service in (opener.identity, opener.shop):
            service.follow_again()
    for name in opened:
        opener.both(name)
    for service in (opener.identity, opener.shop):
        service.follow_again()
    last = opener.open().name
    opener.both(last)

    for name in opened:
        found = (len(opener.invitations(name)), opener.mails(name), len(opener.shops(name)))
        assert found == (1, 1, 1)


def test_what_was_opened_while_nobody_listened_is_made_up_for_once(opener: Opener) -> None:
    for service in (opener.identity, opener.shop):
        service.unfollow()
    opened = opener.open().name
    for _ in range(2):
        opener.identity.follow(company=opener.feed.address)
        opener.shop.follow(company=opener.feed.address, identity=_NOBODY)
        for service in (opener.identity, opener.shop):
            follows(service)
            service.unfollow()

    assert [invitation.inviter for invitation in opener.invitations(opened)] == ["services/company"]
    assert (opener.mails(opened), len(opener.shops(opened))) == (1, 1)


def test_the_record_says_who_made_them_and_of_what_they_follow(opener: Opener) -> None:
    opened = opener.open()
    opener.both(opened.name)
    found = []
    for service in (opener.company, opener.identity, opener.shop):
        with service.database.administrator() as connection:
            found += connection.execute(
                "select type, actor, reason from changes where scope = %s order by sequence", (opened.name,)
            ).fetchall()
    types = [kind.rpartition("/")[2] for kind, _, _ in found]

    assert (types[:4], set(types[4:])) == (["Company", "Opening", "Invitation", "Shop"], {"Key"})
    assert {actor for _, actor, _ in found} == {"users/operatorexample"}
    assert {reason for _, _, reason in found[2:]} == {f"follows from {opened.name}/opening"}


def test_an_address_that_is_none_opens_nothing_and_a_merchant_neither(opener: Opener) -> None:
    with pytest.raises(Invalid) as refused:
        opener.open(owner_email="nobody")
    request, token = METHODS["CompanyService/OpenCompany"].example(), opener.company.mint.token()
    with pytest.raises(Denied):
        opener.company.call("CompanyService/OpenCompany", request, company_pb2.Company, token=token)

    assert [violation.field for violation in refused.value.violations] == ["owner_email"]


def test_only_those_who_make_something_of_it_hear_who_the_owner_is(opener: Opener) -> None:
    opener.open()

    def types(service: str) -> set[str]:
        told = opener.feed.watch(service=service)
        before = takewhile(lambda answer: not answer.HasField("snapshot_end"), told)
        return {answer.resource.type for answer in before}

    assert types("identity") == types("shop") == {"comptoir.company/Company", "comptoir.company/Opening"}
    assert types("inbox") == types("mailer") == {"comptoir.company/Company"}
