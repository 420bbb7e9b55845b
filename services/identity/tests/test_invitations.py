"""Places are offered by mail, once, within what the inviter holds; who has an account, nobody learns (ID7, ID8)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from comptoir.identity.v1 import invitation_pb2, membership_pb2, user_pb2
from services.chassis.errors import (
    Denied,
    Exhausted,
    Exists,
    Fault,
    Invalid,
    NotFound,
    Precondition,
    Unauthenticated,
)
from services.chassis.outbox.outbox import Outbox
from services.chassis.testing.relay import Relay
from services.chassis.testing.running import Running
from services.chassis.testing.tokens import ISSUER
from services.identity.mail.mails import MailRow
from services.identity.service import IDENTITY, sender
from services.identity.tests.acts import PASSWORD, Acts, Hands, at_once
from services.identity.tests.post import mailing, text_of
from services.identity.tests.test_erasing import erase
from services.identity.tests.test_managing import Member, listed, member, suspend, update

Invitation = invitation_pb2.Invitation
PENDING, ACCEPTED, WITHDRAWN, EXPIRED = (
    invitation_pb2.INVITATION_STATE_PENDING,
    invitation_pb2.INVITATION_STATE_ACCEPTED,
    invitation_pb2.INVITATION_STATE_WITHDRAWN,
    invitation_pb2.INVITATION_STATE_EXPIRED,
)
SHOPS = ["11111111", "22222222"]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def acts(run_service: Callable[..., Running], hands: Hands, relay: Relay) -> Acts:
    return Acts(run_service(IDENTITY, clock=hands, source_tries=1000, **mailing(relay)))


@dataclass(frozen=True)
class Inviter:
    """The calls around invitations, and the mailbox where they arrive."""

    acts: Acts
    relay: Relay

    def call(self, name: str, request: Any, answer: Any, token: str | None = None) -> Any:
        return self.acts.identity.call(f"InvitationService/{name}", request, answer, token=token)

    def invite(self, token: str, company: str, **values: Any) -> Invitation:
        values = {
            "email": f"newcomer{next(_numbers)}@halles.example",
            "role": membership_pb2.ROLE_READER,
            "all_shops": True,
            **values,
        }
        request = invitation_pb2.CreateInvitationRequest(parent=company, invitation=Invitation(**values))
        made: Invitation = self.call("CreateInvitation", request, Invitation, token)
        return made

    def get(self, token: str, name: str) -> Invitation:
        request = invitation_pb2.GetInvitationRequest(name=name)
        found: Invitation = self.call("GetInvitation", request, Invitation, token)
        return found

    def resend(self, token: str, name: str) -> Invitation:
        request = invitation_pb2.ResendInvitationRequest(name=name)
        sent: Invitation = self.call("ResendInvitation", request, Invitation, token)
        return sent

    def withdraw(self, token: str, name: str) -> Invitation:
        request = invitation_pb2.WithdrawInvitationRequest(name=name, reason="Sent by mistake")
        over: Invitation = self.call("WithdrawInvitation", request, Invitation, token)
        return over

    def show(self, link: str) -> invitation_pb2.ShownInvitation:
        request = invitation_pb2.ShowInvitationRequest(link=link)
        shown: invitation_pb2.ShownInvitation = self.call(
            "ShowInvitation", request, invitation_pb2.ShownInvitation
        )
        return shown

    def accept(self, link: str, **values: Any) -> str:
        values = {
            "login": f"newcomer{next(_numbers)}",
            "given_name": "Noé",
            "family_name": "Exemple",
            "language_code": "de",
            "password": PASSWORD,
            **values,
        }
        request = invitation_pb2.AcceptInvitationRequest(link=link, **values)
        answer = self.call("AcceptInvitation", request, invitation_pb2.AcceptInvitationResponse)
        user: str = answer.user
        return user

    def claim(self, link: str, session: str) -> None:
        request = invitation_pb2.ClaimInvitationRequest(link=link, session_token=session)
        self.call("ClaimInvitation", request, invitation_pb2.ClaimInvitationResponse)

    def admissions(self, token: str, person: str) -> list[invitation_pb2.Admission]:
        request = invitation_pb2.ListAdmissionsRequest(page_size=200)
        found = self.call("ListAdmissions", request, invitation_pb2.ListAdmissionsResponse, token)
        return [each for each in found.admissions if each.user == person]

    def approve(self, token: str, name: str) -> membership_pb2.Membership:
        request = invitation_pb2.ApproveAdmissionRequest(name=name, reason="Confirmed by telephone")
        given: membership_pb2.Membership = self.call(
            "ApproveAdmission", request, membership_pb2.Membership, token
        )
        return given

    def refuse(self, token: str, name: str) -> None:
        request = invitation_pb2.RefuseAdmissionRequest(name=name, reason="Unknown to the company")
        self.call("RefuseAdmission", request, invitation_pb2.RefuseAdmissionResponse, token)

    def mails(self) -> list[Any]:
        """What arrived since the last look."""
        post = sender(
            self.acts.identity.resources,
            Outbox(MailRow, self.acts.identity.settings.mail_domain),  # type: ignore[attr-defined]
        )
        post.work()
        post.stop()
        taken = list(self.relay.taken)
        self.relay.taken.clear()
        return taken

    def link(self, email: str) -> str:
        """What the link bears that was mailed last to the address."""
        texts = [text_of(mail) for mail in self.mails() if mail.recipients == [email]]
        found = re.search(re.escape(ISSUER) + r"/invitation\?link=(\S+)", texts[-1])
        assert found is not None
        return found[1]


@pytest.fixture
def inviter(acts: Acts, relay: Relay) -> Inviter:
    return Inviter(acts, relay)


@pytest.fixture
def owner(acts: Acts) -> Member:
    return member(acts, acts.company())


@pytest.fixture(scope="module")
def operator(acts: Acts) -> user_pb2.User:
    return acts.person(operator=True)


def test_a_newcomer_takes_the_place_with_an_account_of_their_own(
    acts: Acts, inviter: Inviter, owner: Member
) -> None:
    made = inviter.invite(owner.token, owner.company, role=membership_pb2.ROLE_DEVELOPER)
    link = inviter.link(made.email)
    shown = inviter.show(link)
    user = inviter.accept(link, login="noe")
    place = acts.touch(acts.sign_in("noe")).memberships[0]
    after = inviter.get(owner.token, made.name)

    assert (made.state, made.inviter) == (PENDING, owner.person.name)
    assert (shown.company_display_name, shown.role, shown.email) == (
        *("Les Halles du Port", membership_pb2.ROLE_DEVELOPER),
        made.email,
    )
    assert (place.user, place.role, place.user_display_name) == (
        *(user, membership_pb2.ROLE_DEVELOPER),
        "Noé Exemple",
    )
    assert (after.state, after.email) == (ACCEPTED, "")
    token = acts.token("noe", owner.company)
    account = acts.identity.call(
        "UserService/GetUser", user_pb2.GetUserRequest(name=user), user_pb2.User, token=token
    )
    assert (account.email, account.language_code) == (made.email, "de")


def test_history_tells_who_was_invited_by_whom_and_that_they_came(
    acts: Acts, inviter: Inviter, owner: Member
) -> None:
    made = inviter.invite(owner.token, owner.company)
    user = inviter.accept(inviter.link(made.email))
    found = acts.identity.call(
        "MembershipService/ListMembershipChanges",
        membership_pb2.ListMembershipChangesRequest(parent=f"{owner.company}/memberships/-"),
        membership_pb2.ListMembershipChangesResponse,
        token=owner.token,
    )
    told = [
        (each.type.rpartition("/")[2], each.actor, each.method.rpartition("/")[2]) for each in found.changes
    ]

    assert set(told[:3]) == {
        ("Membership", "services/gateway", "AcceptInvitation"),
        ("Invitation", "services/gateway", "AcceptInvitation"),
        ("Invitation", owner.person.name, "CreateInvitation"),
    }
    assert f"{owner.company}/memberships/{user.removeprefix('users/')}" in {
        each.resource for each in found.changes
    }


def test_of_twenty_who_take_one_place_at_once_one_does(acts: Acts, inviter: Inviter, owner: Member) -> None:
    link = inviter.link(inviter.invite(owner.token, owner.company).email)
    ends = at_once(20, lambda: inviter.accept(link))
    won = [end for end in ends if isinstance(end, str)]

    assert len(won) == 1
    assert [each.user for each in listed(acts, owner.token, owner.company).values()].count(won[0]) == 1
    assert len(listed(acts, owner.token, owner.company)) == 2


@pytest.mark.parametrize("known", [False, True])
def test_the_inviter_learns_nothing_of_who_has_an_account(
    acts: Acts, inviter: Inviter, owner: Member, operator: user_pb2.User, known: bool
) -> None:
    """Neither from the answer nor from what becomes of it, until the person belongs to the company."""
    address = f"somebody{next(_numbers)}@halles.example"
    person = acts.person(email=address) if known else None
    made = inviter.invite(owner.token, owner.company, email=address)
    link = inviter.link(address)
    if person is not None:
        inviter.claim(link, acts.sign_in(person.login))
    before = inviter.get(owner.token, made.name)

    assert before == made
    assert (made.state, len(listed(acts, owner.token, owner.company))) == (PENDING, 1)
    if person is not None:
        [asked] = inviter.admissions(acts.token(operator.login), person.name)
        inviter.refuse(acts.token(operator.login), asked.name)
        assert inviter.get(owner.token, made.name) == made


def test_an_account_that_exists_gets_the_place_once_an_operator_agrees(
    acts: Acts, inviter: Inviter, owner: Member, operator: user_pb2.User
) -> None:
    person, staff = acts.person(), acts.token(operator.login)
    made = inviter.invite(owner.token, owner.company, role=membership_pb2.ROLE_ACCOUNTANT)
    link = inviter.link(made.email)
    inviter.claim(link, acts.sign_in(person.login))
    [asked] = inviter.admissions(staff, person.name)
    given = inviter.approve(staff, asked.name)
    changes = acts.identity.call(
        "MembershipService/ListMembershipChanges",
        membership_pb2.ListMembershipChangesRequest(parent=given.name),
        membership_pb2.ListMembershipChangesResponse,
        token=owner.token,
    ).changes

    assert (asked.user_display_name, asked.company_display_name) == ("Ada Exemple", "Les Halles du Port")
    assert [each.role for each in acts.touch(acts.sign_in(person.login)).memberships] == [given.role]
    assert inviter.get(owner.token, made.name).state == ACCEPTED
    assert (changes[0].actor, changes[0].on_behalf_of, changes[0].reason) == (
        *(operator.name, owner.company),
        "Confirmed by telephone",
    )
    with pytest.raises(NotFound):
        inviter.approve(staff, asked.name)


def test_who_asks_again_with_a_later_invitation_waits_for_that_one(
    acts: Acts, inviter: Inviter, owner: Member, operator: user_pb2.User
) -> None:
    person, staff = acts.person(), acts.token(operator.login)
    first = inviter.invite(owner.token, owner.company)
    inviter.claim(inviter.link(first.email), acts.sign_in(person.login))
    [former] = inviter.admissions(staff, person.name)
    inviter.withdraw(owner.token, first.name)
    later = inviter.invite(owner.token, owner.company, role=membership_pb2.ROLE_ACCOUNTANT)
    inviter.claim(inviter.link(later.email), acts.sign_in(person.login))
    [asked] = inviter.admissions(staff, person.name)
    with pytest.raises(NotFound):
        inviter.approve(staff, former.name)

    assert asked.invitation == later.name
    assert inviter.approve(staff, asked.name).role == membership_pb2.ROLE_ACCOUNTANT


def test_who_is_refused_is_told_and_stays_out(
    acts: Acts, inviter: Inviter, owner: Member, operator: user_pb2.User
) -> None:
    person = acts.person(email="refused@halles.example")
    made = inviter.invite(owner.token, owner.company)
    inviter.claim(inviter.link(made.email), acts.sign_in(person.login))
    staff = acts.token(operator.login)
    [asked] = inviter.admissions(staff, person.name)
    inviter.refuse(staff, asked.name)
    [mail] = inviter.mails()

    assert mail.recipients == ["refused@halles.example"]
    assert "Les Halles du Port" in text_of(mail)
    assert not acts.touch(acts.sign_in(person.login)).memberships
    assert not inviter.admissions(staff, person.name)


def test_a_link_is_over_once_it_was_used_replaced_taken_back_or_is_old(
    inviter: Inviter, owner: Member, hands: Hands
) -> None:
    made = [inviter.invite(owner.token, owner.company) for _ in range(4)]
    mails = {mail.recipients[0]: text_of(mail) for mail in inviter.mails()}
    links = [re.search(r"link=(\S+)", mails[each.email])[1] for each in made]  # type: ignore[index]
    inviter.accept(links[0])
    inviter.resend(owner.token, made[1].name)
    over = inviter.withdraw(owner.token, made[2].name)
    hands.forward(days=7, minutes=1)
    for link in (*links, "nothing.at-all", ""):
        with pytest.raises((Precondition, Invalid)):
            inviter.accept(link)

    token = owner.token
    states = [inviter.get(token, each.name).state for each in made]
    assert (over.state, states) == (WITHDRAWN, [ACCEPTED, EXPIRED, WITHDRAWN, EXPIRED])
    assert inviter.resend(token, made[3].name).state == PENDING
    inviter.accept(inviter.link(made[3].email))
    for over_already in (made[0], made[2]):
        with pytest.raises(Precondition) as refused:
            inviter.resend(token, over_already.name)
        assert refused.value.reason == "INVITATION_OVER"


def test_nobody_offers_what_they_lack(acts: Acts, inviter: Inviter, owner: Member) -> None:
    administrator = member(acts, owner.company, "ROLE_ADMINISTRATOR")
    local = member(acts, owner.company, "ROLE_ADMINISTRATOR", SHOPS[:1])
    reader = member(acts, owner.company, "ROLE_READER")
    made = inviter.invite(owner.token, owner.company, role=membership_pb2.ROLE_OWNER)
    local_token = local.token
    tries: list[Callable[[], object]] = [
        lambda: inviter.invite(administrator.token, owner.company, role=membership_pb2.ROLE_OWNER),
        lambda: inviter.invite(local_token, owner.company),
        lambda: inviter.invite(local_token, owner.company, all_shops=False, shop_ids=SHOPS),
        lambda: inviter.invite(reader.token, owner.company),
        lambda: inviter.resend(administrator.token, made.name),
        lambda: inviter.withdraw(administrator.token, made.name),
    ]
    for act in tries:
        with pytest.raises(Denied):
            act()

    within = inviter.invite(local_token, owner.company, all_shops=False, shop_ids=SHOPS[:1])
    assert list(within.shop_ids) == SHOPS[:1]


def test_an_invitation_ends_with_the_rights_of_whoever_made_it(
    acts: Acts, inviter: Inviter, owner: Member
) -> None:
    demoted = member(acts, owner.company, "ROLE_ADMINISTRATOR")
    put_out = member(acts, owner.company, "ROLE_ADMINISTRATOR")
    links = [inviter.link(inviter.invite(each.token, owner.company).email) for each in (demoted, put_out)]
    update(acts, owner.token, demoted.place.name, role=membership_pb2.ROLE_READER)
    suspend(acts, owner.token, put_out.place.name)
    for link in links:
        with pytest.raises(Precondition) as refused:
            inviter.accept(link)
        assert refused.value.reason == "INVITATION_OVER"


def test_another_companys_invitations_are_unknown(acts: Acts, inviter: Inviter, owner: Member) -> None:
    hidden = inviter.invite(owner.token, owner.company)
    stranger = member(acts, acts.company()).token
    acts_on: list[Callable[[str, str], object]] = [inviter.get, inviter.resend, inviter.withdraw]
    for act in acts_on:
        with pytest.raises(NotFound):
            act(stranger, hidden.name)
    with pytest.raises(NotFound):
        inviter.invite(stranger, owner.company)


def test_operators_invite_the_first_owner(acts: Acts, inviter: Inviter, operator: user_pb2.User) -> None:
    company = acts.company()
    made = inviter.invite(acts.token(operator.login), company, role=membership_pb2.ROLE_OWNER)
    inviter.accept(inviter.link(made.email), login="firstowner")

    assert [each.role for each in acts.touch(acts.sign_in("firstowner")).memberships] == [
        membership_pb2.ROLE_OWNER
    ]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@",
        "ada@halles.example\nBcc: eve@other.example",
        "ada@halles.example, eve@other.example",
        "ada@halles.example;eve@other.example",
        "Ada <ada@halles.example>",
        "a" * 250 + "@halles.example",
    ],
)
def test_what_is_no_address_is_named(inviter: Inviter, owner: Member, address: str) -> None:
    with pytest.raises(Invalid) as refused:
        inviter.invite(owner.token, owner.company, email=address)

    assert [violation.field for violation in refused.value.violations] == ["invitation.email"]
    assert not [mail for mail in inviter.mails() if "/invitation?" in text_of(mail)]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"login": "two words"}, "login"),
        ({"password": "short"}, "password"),
        ({"password": "halles halles halles 1", "login": "halles"}, "password"),
        ({"password": "quartz LesHallesDuPort 4 you"}, "password"),
        ({"given_name": "Noé\nBcc: eve"}, "given_name"),
        ({"family_name": ""}, "family_name"),
        ({"language_code": "xx"}, "language_code"),
    ],
)
def test_a_newcomers_mistake_is_named_and_leaves_the_link_as_it_was(
    inviter: Inviter, owner: Member, values: dict[str, str], field: str
) -> None:
    link = inviter.link(inviter.invite(owner.token, owner.company).email)
    with pytest.raises(Invalid) as refused:
        inviter.accept(link, **values)

    assert {violation.field for violation in refused.value.violations} == {field}
    assert inviter.accept(link)


def test_a_login_that_is_taken_leaves_the_link_as_it_was(acts: Acts, inviter: Inviter, owner: Member) -> None:
    link = inviter.link(inviter.invite(owner.token, owner.company).email)
    with pytest.raises(Exists):
        inviter.accept(link, login=owner.person.login.upper())

    assert inviter.accept(link)


def test_an_invitation_does_not_tell_of_logins_without_end(
    acts: Acts, inviter: Inviter, owner: Member, hands: Hands
) -> None:
    link = inviter.link(inviter.invite(owner.token, owner.company).email)
    for _ in range(20):
        with pytest.raises(Exists):
            inviter.accept(link, login=owner.person.login)
    for login in (owner.person.login, "somethingelse"):
        with pytest.raises(Exhausted) as refused:
            inviter.accept(link, login=login)
        assert refused.value.reason == "TOO_MANY_ATTEMPTS"
    hands.forward(hours=2)

    assert inviter.accept(link)


def test_a_place_that_is_agreed_to_bears_the_name_that_the_person_has_by_now(
    acts: Acts, inviter: Inviter, owner: Member, operator: user_pb2.User
) -> None:
    person, staff, elsewhere = acts.person(), acts.token(operator.login), acts.company()
    acts.place(elsewhere, person.name)
    inviter.claim(inviter.link(inviter.invite(owner.token, owner.company).email), acts.sign_in(person.login))
    acts.identity.call(
        "UserService/UpdateUser",
        user_pb2.UpdateUserRequest(user=user_pb2.User(name=person.name, family_name="Nouveau")),
        user_pb2.User,
        token=acts.token(person.login, elsewhere),
    )
    [asked] = inviter.admissions(staff, person.name)

    assert inviter.approve(staff, asked.name).user_display_name == "Ada Nouveau"


@pytest.mark.parametrize("turn", range(3))
def test_a_place_agreed_to_while_the_person_is_erased_goes_with_them(
    acts: Acts, inviter: Inviter, owner: Member, operator: user_pb2.User, turn: int
) -> None:
    person, staff = acts.person(), acts.token(operator.login)
    inviter.claim(inviter.link(inviter.invite(owner.token, owner.company).email), acts.sign_in(person.login))
    [asked] = inviter.admissions(staff, person.name)
    moves: list[Callable[[], object]] = [
        lambda: inviter.approve(staff, asked.name),
        lambda: erase(acts, staff, person.name),
    ]
    at_once(2, lambda: moves.pop()())

    assert person.name not in {each.user for each in listed(acts, owner.token, owner.company).values()}


def test_who_belongs_to_the_company_or_is_not_signed_in_asks_for_nothing(
    acts: Acts, inviter: Inviter, owner: Member, operator: user_pb2.User
) -> None:
    link = inviter.link(inviter.invite(owner.token, owner.company).email)
    with pytest.raises(Exists):
        inviter.claim(link, acts.sign_in(owner.person.login))
    with pytest.raises(Unauthenticated):
        inviter.claim(link, "A" * 43)

    assert inviter.accept(link)
    assert not inviter.admissions(acts.token(operator.login), owner.person.name)


def test_mails_to_one_address_are_bounded(inviter: Inviter, owner: Member, hands: Hands) -> None:
    made = inviter.invite(owner.token, owner.company)
    for _ in range(2):
        inviter.resend(owner.token, made.name)
    with pytest.raises(Exhausted) as refused:
        inviter.resend(owner.token, made.name)
    hands.forward(hours=2)

    assert refused.value.reason == "TOO_MANY_INVITATIONS"
    assert inviter.resend(owner.token, made.name).state == PENDING


@pytest.mark.parametrize(("language", "word"), [("", "invité"), ("de", "eingeladen"), ("it", "invitato")])
def test_the_mail_speaks_the_companys_language_or_the_one_asked_for(
    acts: Acts, inviter: Inviter, language: str, word: str
) -> None:
    company = acts.company(display_name="Halles\r\nBcc: eve@other.example")
    owner = member(acts, company)
    inviter.mails()
    made = inviter.invite(owner.token, company, language_code=language)
    [mail] = inviter.mails()

    assert mail.recipients == [made.email]
    assert word in str(mail.message["Subject"])
    assert (mail.message["Bcc"], mail.message["To"]) == (None, made.email)


def test_only_operators_decide(acts: Acts, inviter: Inviter, owner: Member) -> None:
    person = acts.person()
    inviter.claim(inviter.link(inviter.invite(owner.token, owner.company).email), acts.sign_in(person.login))
    tries: list[Callable[[], object]] = [
        lambda: inviter.admissions(owner.token, person.name),
        lambda: inviter.approve(owner.token, "admissions/w3k7n2m5x4c6q2z7h5rt"),
        lambda: inviter.refuse(owner.token, "admissions/w3k7n2m5x4c6q2z7h5rt"),
    ]
    for act in tries:
        with pytest.raises(Fault):
            act()
