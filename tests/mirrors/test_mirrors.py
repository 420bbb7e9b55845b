"""Mirrors follow their sources, and what was taken away is felt by writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from comptoir.company.v1 import company_pb2
from comptoir.identity.v1 import membership_pb2, session_pb2, user_pb2
from comptoir.inbox.v1 import message_pb2
from comptoir.shop.v1 import key_pb2, shop_pb2
from services.chassis.errors import Denied, NotFound, NotReady, Unauthenticated, Unavailable
from services.chassis.testing.feeding import Feeding
from services.chassis.testing.running import Running
from services.chassis.testing.waiting import until
from services.company.service import COMPANY
from services.identity.service import IDENTITY
from services.identity.tests.acts import Acts
from services.identity.tests.registering import Registrant
from services.inbox.service import INBOX
from services.shop.service import SHOP

PASSWORD = "a made-up phrase 4 you"


@dataclass
class Suite:
    """Three services that know each other by nothing but their feeds."""

    company: Running
    identity: Running
    shop: Running
    inbox: Running

    def open_company(self, name: str = "Les Halles du Port") -> str:
        contact = company_pb2.Contact(
            title=company_pb2.TITLE_MRS,
            given_name="Alice",
            family_name="Exemple",
            email="alice@halles.example",
        )
        company = company_pb2.Company(
            legal_name=name,
            region_code="NC",
            time_zone="Pacific/Noumea",
            language_code="fr",
            manager_contact=contact,
            technical_contact=contact,
        )
        company.legal_identifier.kind = company_pb2.LEGAL_IDENTIFIER_KIND_RIDET
        company.legal_identifier.value = "0 123 455.001"
        request = company_pb2.CreateCompanyRequest(company=company)
        answer = self.company.call(
            "CompanyService/CreateCompany", request, company_pb2.Company, service="bootstrap"
        )
        return answer.name

    def open_account(self, login: str) -> str:
        user = user_pb2.User(
            login=login,
            email=f"{login}@halles.example",
            given_name="Alice",
            family_name="Exemple",
            language_code="fr",
            time_zone="Pacific/Noumea",
        )
        request = user_pb2.CreateUserRequest(user=user, initial_password=PASSWORD)
        return self.identity.call("UserService/CreateUser", request, user_pb2.User, service="bootstrap").name

    def place(self, company: str, user: str, role: str = "ROLE_OWNER") -> membership_pb2.Membership:
        membership = membership_pb2.Membership(
            user=user, role=membership_pb2.Role.Value(role), all_shops=True
        )
        request = membership_pb2.CreateMembershipRequest(parent=company, membership=membership)
        found: membership_pb2.Membership = until(
            lambda: ready(
                lambda: self.identity.call(
                    "MembershipService/CreateMembership",
                    request,
                    membership_pb2.Membership,
                    service="bootstrap",
                )
            ),
            "identity hears of the company",
        )
        return found

    def open_shop(self, company: str) -> shop_pb2.Shop:
        request = shop_pb2.CreateShopRequest(parent=company, shop=shop_pb2.Shop(display_name="Boutique"))
        found: shop_pb2.Shop = until(
            lambda: ready(
                lambda: self.shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap")
            ),
            "the shop service hears of the company",
        )
        return found

    def token(self, company: str, user: str, **claims: Any) -> str:
        return self.shop.mint.token(
            company=company.removeprefix("companies/"), sub=user.removeprefix("users/"), **claims
        )

    def registrant(self, company: str, user: str) -> Registrant:
        """Somebody who manages the company's applications."""
        person, token = user_pb2.User(name=user), self.identity.mint.token
        minted = token(company=company.removeprefix("companies/"), sub=user.removeprefix("users/"))
        return Registrant(Acts(self.identity), person, company, minted)

    def rename(self, shop: shop_pb2.Shop, token: str, label: str = "Autre") -> shop_pb2.Shop:
        request = shop_pb2.UpdateShopRequest(shop=shop_pb2.Shop(name=shop.name, display_name=label))
        request.update_mask.paths.append("display_name")
        return self.shop.call("ShopService/UpdateShop", request, shop_pb2.Shop, token=token)


def ready(call: Callable[[], Any]) -> Any:
    """The answer, or None as long as it is NOT_READY."""
    try:
        return call()
    except NotReady:
        return None


def refusal(call: Callable[[], Any], *kinds: type[Exception]) -> Any:
    """The fault that a call ends with, or None while it succeeds."""
    try:
        call()
    except kinds as fault:
        return fault
    return None


@pytest.fixture(scope="module")
def running(run_service: Callable[..., Running]) -> tuple[Running, Running, Running, Running]:
    # Identity too believes the tokens of the test.
    identity = replace(IDENTITY, find_key=None)
    return run_service(COMPANY), run_service(identity), run_service(SHOP), run_service(INBOX)


@pytest.fixture
def suite(running: tuple[Running, Running, Running, Running], feed_of: Callable[..., Feeding]) -> Suite:
    company, identity, shop, inbox = running
    feeds = {each.service.name: feed_of(each).address for each in (company, identity, shop)}
    for each in running:
        each.unfollow()
        # Nobody has a logo here: media's feed is an address at which nobody answers.
        each.follow(media="127.0.0.1:1", **feeds)
    return Suite(company, identity, shop, inbox)


def test_a_company_is_not_ready_elsewhere_until_it_was_heard_of(suite: Suite) -> None:
    suite.shop.unfollow()
    company = suite.open_company()
    request = shop_pb2.CreateShopRequest(parent=company, shop=shop_pb2.Shop(display_name="Boutique"))
    with pytest.raises(NotReady) as refused:
        suite.shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap")
    assert (refused.value.reason, refused.value.retry_after_seconds) == ("NOT_READY", 1)


def test_a_place_that_was_taken_away_is_felt_by_writes_and_reads_go_on(suite: Suite) -> None:
    company, first, second = suite.open_company(), suite.open_account("ada"), suite.open_account("eve")
    suite.place(company, first)
    membership = suite.place(company, second)
    shop, token = suite.open_shop(company), suite.token(company, second)
    until(
        lambda: not refusal(lambda: suite.rename(shop, token), NotFound, Unavailable), "the grant is heard of"
    )

    suite.identity.call(
        "MembershipService/DeleteMembership",
        membership_pb2.DeleteMembershipRequest(name=membership.name),
        membership_pb2.DeleteMembershipResponse,
        token=suite.identity.mint.operator(),
    )
    fault = until(lambda: refusal(lambda: suite.rename(shop, token), NotFound), "the end is heard of")
    assert fault.metadata["name"] == shop.name
    request = shop_pb2.GetShopRequest(name=shop.name)
    assert suite.shop.call("ShopService/GetShop", request, shop_pb2.Shop, token=token).name == shop.name


def test_a_suspension_is_felt_by_writes_until_it_is_lifted(suite: Suite) -> None:
    company, first, second = suite.open_company(), suite.open_account("ines"), suite.open_account("marc")
    suite.place(company, first)
    membership = suite.place(company, second)
    shop, token = suite.open_shop(company), suite.token(company, second)

    def writes() -> bool:
        return not refusal(lambda: suite.rename(shop, token), NotFound, Unavailable)

    until(writes, "the grant is heard of")
    operator = suite.identity.mint.operator()
    suite.identity.call(
        "MembershipService/SuspendMembership",
        membership_pb2.SuspendMembershipRequest(name=membership.name),
        membership_pb2.Membership,
        token=operator,
    )
    until(lambda: refusal(lambda: suite.rename(shop, token), NotFound), "the suspension is heard of")
    suite.identity.call(
        "MembershipService/ResumeMembership",
        membership_pb2.ResumeMembershipRequest(name=membership.name),
        membership_pb2.Membership,
        token=operator,
    )
    until(writes, "the resumption is heard of")


def test_a_role_is_what_the_place_says_and_not_what_the_token_says(suite: Suite) -> None:
    company, user = suite.open_company(), suite.open_account("rem")
    suite.place(company, user, "ROLE_READER")
    shop, token = suite.open_shop(company), suite.token(company, user, role="owner")

    def denial() -> Denied | None:
        fault = refusal(lambda: suite.rename(shop, token), Denied, NotFound, Unavailable)
        return fault if isinstance(fault, Denied) else None

    fault = until(denial, "the role is heard of")
    assert fault.metadata["permission"] == "shop.settings.update"


def test_a_session_that_ended_writes_no_more(suite: Suite) -> None:
    company, user = suite.open_company(), suite.open_account("bob")
    suite.place(company, user)
    shop = suite.open_shop(company)
    request = session_pb2.StartSessionRequest(
        login="bob", password=PASSWORD, source_address="192.0.2.7", user_agent="Example/1.0"
    )
    started = suite.identity.call("SessionService/StartSession", request, session_pb2.StartSessionResponse)
    with suite.identity.database.administrator() as connection:
        row = connection.execute(
            "select session_id from sessions where user_id = %s", (user.removeprefix("users/"),)
        ).fetchone()
    assert row is not None
    token = suite.token(company, user, sid=row[0])
    until(
        lambda: not refusal(lambda: suite.rename(shop, token), NotFound, Unavailable), "the grant is heard of"
    )

    suite.identity.call(
        "SessionService/EndSession",
        session_pb2.EndSessionRequest(session_token=started.session_token),
        session_pb2.EndSessionResponse,
    )
    fault = until(lambda: refusal(lambda: suite.rename(shop, token), Unauthenticated), "the end is heard of")
    assert fault.reason == "SESSION_ENDED"


def test_an_application_writes_as_itself_until_it_is_suspended(suite: Suite) -> None:
    company, user = suite.open_company(), suite.open_account("ana")
    suite.place(company, user)
    shop = suite.open_shop(company)
    owner = suite.registrant(company, user)
    made = owner.register(scopes=["shop"])
    token = suite.shop.mint.application(
        made.client_id, company=company.removeprefix("companies/"), scope="shop"
    )
    until(
        lambda: not refusal(lambda: suite.rename(shop, token), Unauthenticated, Unavailable),
        "the application is heard of",
    )
    changes = suite.shop.call(
        "ShopService/ListShopChanges",
        shop_pb2.ListShopChangesRequest(parent=shop.name, actors=[f"applications/{made.client_id}"]),
        shop_pb2.ListShopChangesResponse,
        token=token,
    ).changes
    assert {(change.actor, change.client) for change in changes} == {
        (f"applications/{made.client_id}", made.client_id)
    }

    owner.suspend(made.name)
    fault = until(lambda: refusal(lambda: suite.rename(shop, token), Unauthenticated), "the end is heard of")
    assert fault.reason == "APPLICATION_ENDED"


def test_grants_that_were_not_heard_of_lately_let_nobody_write(suite: Suite) -> None:
    company, user = suite.open_company(), suite.open_account("zoe")
    suite.place(company, user)
    shop, token = suite.open_shop(company), suite.token(company, user)
    until(
        lambda: not refusal(lambda: suite.rename(shop, token), NotFound, Unavailable), "the grant is heard of"
    )
    suite.shop.unfollow()
    with suite.shop.database.administrator() as connection:
        connection.execute("update mirror_cursors set heard_time = now() - interval '6 s'")

    with pytest.raises(Unavailable) as refused:
        suite.rename(shop, token)
    assert refused.value.reason == "GRANTS_STALE"
    request = shop_pb2.GetShopRequest(name=shop.name)
    assert suite.shop.call("ShopService/GetShop", request, shop_pb2.Shop, token=token).name == shop.name


def test_a_mirror_that_lost_its_cursor_is_rebuilt_without_what_is_gone(suite: Suite) -> None:
    company = suite.open_company()
    suite.open_shop(company)
    suite.shop.unfollow()
    with suite.shop.database.administrator() as connection:
        connection.execute("update mirror_cursors set cursor = 'cut' where source = 'company'")
        connection.execute(
            "insert into known_companies values ('ghost', 'Fantôme', 'NC', 'Pacific/Noumea', 'fr', 'old')"
        )
    suite.shop.follow_again()

    def known() -> set[str]:
        with suite.shop.database.administrator() as connection:
            return {row[0] for row in connection.execute("select company from known_companies")}

    until(lambda: "ghost" not in known() and company.removeprefix("companies/") in known(), "it is rebuilt")


def test_only_one_of_several_processes_follows_and_another_takes_over(
    suite: Suite, run_service: Callable[..., Running]
) -> None:
    company = suite.open_company()
    suite.open_shop(company)
    with suite.shop.database.administrator() as connection:
        holders = connection.execute("select source, holder from mirror_cursors where lease_until > now()")
        before: dict[str, str] = dict(holders.fetchall())
    suite.shop.follow_again(close=False)
    other = suite.open_company("Atelier")
    suite.open_shop(other)
    with suite.shop.database.administrator() as connection:
        holders = connection.execute("select source, holder from mirror_cursors where lease_until > now()")
        assert before == dict(holders.fetchall())

    suite.shop.unfollow(first=True)
    suite.open_shop(suite.open_company("Troisième"))
    with suite.shop.database.administrator() as connection:
        row = connection.execute("select holder from mirror_cursors where source = 'company'").fetchone()
    assert row is not None
    assert before["company"] != row[0]


def test_the_inbox_tells_a_company_what_happened_to_it_once(suite: Suite) -> None:
    company, user = suite.open_company(), suite.open_account("tea")
    suite.place(company, user)
    shop, token = suite.open_shop(company), suite.token(company, user)

    def regenerate() -> key_pb2.Key:
        request = key_pb2.RegenerateTestKeyRequest(name=f"{shop.name}/keys/form-test")
        return suite.shop.call("KeyService/RegenerateTestKey", request, key_pb2.Key, token=token)

    until(lambda: not refusal(regenerate, NotFound, Unavailable), "the grant is heard of")

    def titles() -> list[str]:
        reader = suite.inbox.mint.token(company=company.removeprefix("companies/"), sub="reader")
        answer = suite.inbox.call(
            "MessageService/ListMessages",
            message_pb2.ListMessagesRequest(parent=company),
            message_pb2.ListMessagesResponse,
            token=reader,
        )
        return sorted(
            text.title for message in answer.messages for text in message.texts if text.language_code == "fr"
        )

    expected = ["Un utilisateur accède à votre société", "Une clé a été générée"]
    until(lambda: titles() == expected, "both are told")
    suite.inbox.unfollow()
    suite.inbox.follow_again()
    regenerate()
    until(lambda: titles() == [*expected, "Une clé a été générée"], "each is told once")
