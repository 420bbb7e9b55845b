"""The same request under the same key: one effect, and the answer of the first time."""

from __future__ import annotations

from contextlib import suppress

import pytest

from comptoir.company.v1 import company_pb2
from comptoir.identity.v1 import membership_pb2, session_pb2, user_pb2
from comptoir.shop.v1 import shop_pb2
from services.chassis.errors import Fault, KeyInUse, NotFound
from services.chassis.rpc.metadata import MIN_REVISION
from services.chassis.testing.running import METHODS, Running
from services.identity.tests.acts import PASSWORD, Acts
from tests.idempotency.sending import (
    at_once,
    changes,
    open_shop,
    rows,
    send,
    shops_of,
    until_answered,
)


def test_a_creation_sent_twice_makes_one(shop: Running) -> None:
    first, second = (open_shop(shop, "creating", "one") for _ in range(2))

    assert first.content == second.content
    assert (first.replayed, second.replayed) == (False, True)
    assert shops_of(shop, "creating") == 1


def test_an_update_sent_twice_counts_once_and_answers_as_it_did_then(shop: Running) -> None:
    opened = open_shop(shop, "acme", None).message
    before = changes(shop, "ShopService/UpdateShop")

    def rename(label: str, key: str) -> bytes:
        request = shop_pb2.UpdateShopRequest(shop=shop_pb2.Shop(name=opened.name, display_name=label))
        request.update_mask.paths.append("display_name")
        return send(shop, "ShopService/UpdateShop", request, key, token=shop.mint.token()).content

    first = rename("Quai", "first")
    rename("Digue", "second")

    assert first == rename("Quai", "first")
    assert changes(shop, "ShopService/UpdateShop") == before + 2
    assert rows(shop, "select display_name from shops where company = 'acme'") == [("Digue",)]


def test_a_deletion_sent_twice_is_no_error(acts: Acts) -> None:
    home = acts.company()
    place = acts.place(home, acts.person().name).name
    acts.place(home, acts.person().name)
    operator = acts.token(acts.person(operator=True).login)
    request = membership_pb2.DeleteMembershipRequest(name=place)

    def delete(key: str) -> bool:
        return send(
            acts.identity, "MembershipService/DeleteMembership", request, key, token=operator
        ).replayed

    assert [delete("leaving") for _ in range(2)] == [False, True]
    with pytest.raises(NotFound):
        delete("another-key")


def test_a_person_changes_their_own_account_once(acts: Acts) -> None:
    person, home = acts.person(), acts.company()
    acts.place(home, person.name)
    user = user_pb2.User(name=person.name, given_name="Grace")
    request = user_pb2.UpdateUserRequest(user=user)
    request.update_mask.paths.append("given_name")
    token = acts.token(person.login, home)
    before = changes(acts.identity, "UserService/UpdateUser")

    first, second = (
        send(acts.identity, "UserService/UpdateUser", request, "renaming", token=token) for _ in range(2)
    )

    assert first.content == second.content
    assert first.message.given_name == "Grace"
    assert (first.replayed, second.replayed) == (False, True)
    assert changes(acts.identity, "UserService/UpdateUser") == before + 1


def test_a_company_is_opened_once_though_its_call_enters_it_only_on_the_way(company: Running) -> None:
    request = METHODS["CompanyService/CreateCompany"].example()
    first, second = (
        send(company, "CompanyService/CreateCompany", request, "opening", service="bootstrap")
        for _ in range(2)
    )

    assert first.content == second.content
    assert (first.replayed, second.replayed) == (False, True)
    assert rows(company, "select count(*) from companies") == [(1,)]


def test_a_repetition_tells_the_revision_of_the_first_time(company: Running) -> None:
    record = METHODS["CompanyService/CreateCompany"].example()
    opened = [
        send(company, "CompanyService/CreateCompany", record, "revision", service="bootstrap")
        for _ in range(2)
    ]
    read = company_pb2.GetCompanyRequest(name=opened[0].message.name)
    found = [
        company.call(
            "CompanyService/GetCompany",
            read,
            company_pb2.Company,
            service="mailer",
            metadata={MIN_REVISION: answer.revision},
        )
        for answer in opened
    ]

    assert found == [opened[0].message] * 2


def test_a_company_takes_keys_also_after_the_platform_has_its_own(company: Running) -> None:
    record = METHODS["CompanyService/CreateCompany"].example()
    opened = send(company, "CompanyService/CreateCompany", record, "again", service="bootstrap").message
    request = company_pb2.SwapContactsRequest(name=opened.name)
    token = company.mint.token(company=opened.name.removeprefix("companies/"))
    first, second = (
        send(company, "CompanyService/SwapContacts", request, "again", token=token) for _ in range(2)
    )

    assert first.content == second.content
    assert first.message.manager_contact == opened.technical_contact


def test_a_session_is_started_once_and_its_secret_told_again(acts: Acts) -> None:
    person = acts.person()
    request = session_pb2.StartSessionRequest(
        login=person.login, password=PASSWORD, source_address="192.0.2.7", user_agent="Example/1.0"
    )
    first, second = (send(acts.identity, "SessionService/StartSession", request, "in") for _ in range(2))

    assert first.message.session_token == second.message.session_token
    assert acts.touch(first.message.session_token).user == person.name


def test_a_fresh_token_asks_for_the_same_answer(shop: Running) -> None:
    opened = open_shop(shop, "fresh", None).message
    request = shop_pb2.UpdateShopRequest(shop=shop_pb2.Shop(name=opened.name, display_name="Quai"))

    def rename(session: str) -> bool:
        token = shop.mint.token(company="fresh", sid=session)
        return send(shop, "ShopService/UpdateShop", request, "expired-meanwhile", token=token).replayed

    assert [rename("one"), rename("two")] == [False, True]


def test_of_twenty_at_once_one_has_an_effect_and_the_others_its_answer_or_are_told_to_wait(
    shop: Running,
) -> None:
    outcomes = at_once(20, lambda: open_shop(shop, "crowd", "crowd"))
    answered = [outcome for outcome in outcomes if not isinstance(outcome, Fault)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Fault)]

    assert shops_of(shop, "crowd") == 1
    assert len({answer.content for answer in answered}) == 1
    assert [answer.replayed for answer in answered].count(False) == 1
    assert {type(fault) for fault in refused} <= {KeyInUse}
    assert {fault.retry_after_seconds for fault in refused} <= {1.0}
    assert open_shop(shop, "crowd", "crowd").content == answered[0].content


@pytest.mark.parametrize("milliseconds", range(1, 25))
def test_whoever_never_learned_how_it_ended_learns_it_by_asking_again(
    shop: Running, milliseconds: int
) -> None:
    """Deadlines from hopeless to ample: some calls never begin, some commit after their client has gone."""
    company = f"patient{milliseconds}"
    with suppress(Fault):
        open_shop(shop, company, "patience", seconds=milliseconds / 1000)

    assert until_answered(lambda: open_shop(shop, company, "patience")).message.state
    assert shops_of(shop, company) == 1
