"""People, places and sessions on the wire: decodes, calls, encodes. `oauth.api` serves the rest of identity."""

from __future__ import annotations

from dataclasses import dataclass

from google.api import httpbody_pb2

from comptoir.changes.v1 import change_pb2
from comptoir.identity.v1 import membership_pb2, session_pb2, user_pb2
from services.chassis import etags, pages
from services.chassis.changes import as_of, export, history, revert
from services.chassis.db.database import Database
from services.chassis.masks import merge
from services.chassis.names import new_id
from services.chassis.rpc.call import Call
from services.identity import (
    bearers,
    companies,
    memberships,
    password_rule,
    profile,
    sessions,
    users,
)
from services.identity.mail.mails import Mails
from services.identity.memberships import MemberRow
from services.identity.passwords import PasswordRow, Passwords
from services.identity.profile import Findings
from services.identity.sessions import SessionRow
from services.identity.sign_in import SignIn
from services.identity.users import UserRow

_DETAILS = ("given_name", "family_name", "language_code", "time_zone")
_CHOICES = {"title": user_pb2.Title, "home_page": user_pb2.HomePage}
_RULED = ("email", "phones", "time_zone")


@dataclass(frozen=True)
class UserApi:
    """`comptoir.identity.v1.UserService`."""

    passwords: Passwords

    def get_user(self, request: user_pb2.GetUserRequest, call: Call) -> user_pb2.User:
        return as_of.read(users.find(call.db, call.user), _user, request, call)

    def get_user_info(self, request: user_pb2.GetUserInfoRequest, call: Call) -> user_pb2.User:
        call.enter(user=call.ids["user"])
        return _user(users.find(call.db, call.user))

    def update_user(self, request: user_pb2.UpdateUserRequest, call: Call) -> user_pb2.User:
        row = users.find(call.db, call.user, for_update=True)
        etags.check(request.user.etag, row.etag, row.name)
        before, user = _user(row), _user(row)
        merge(request.user, user, call.paths)
        _settle(user, call.paths, Findings())
        if user != before:
            former = row.display_name
            _write(user, row)
            row.touch(call.now)
            if row.display_name != former:
                memberships.rename(call.db, row.user_id, row.display_name)
        return _user(row)

    def list_user_memberships(
        self, request: user_pb2.ListUserMembershipsRequest, call: Call
    ) -> user_pb2.ListUserMembershipsResponse:
        places = memberships.of_person(call.db, call.user)
        return user_pb2.ListUserMembershipsResponse(memberships=[_membership(*place) for place in places])

    def create_user(self, request: user_pb2.CreateUserRequest, call: Call) -> user_pb2.User:
        user, findings = request.user, Findings()
        names = (user.email.partition("@")[0], user.given_name, user.family_name)
        for rule, sentence in password_rule.broken(request.initial_password, login=user.login, names=names):
            findings.note("initial_password", rule, sentence)
        _settle(user, _RULED, findings)
        user_id = new_id()
        users.register(call.db, user.login, user_id)
        call.enter(user=user_id)
        row = UserRow(login=user.login, email=user.email, operator=request.operator, create_time=call.now)
        row.update_time = call.now
        _write(user, row)
        call.db.add(row)
        call.db.flush()
        call.db.add(PasswordRow(hash=self.passwords.hash(request.initial_password), set_time=call.now))
        return _user(row)

    def list_user_changes(
        self, request: user_pb2.ListUserChangesRequest, call: Call
    ) -> user_pb2.ListUserChangesResponse:
        return user_pb2.ListUserChangesResponse(**history.listed(request, call))

    def get_user_change(self, request: user_pb2.GetUserChangeRequest, call: Call) -> change_pb2.Change:
        return history.get(request, call)

    def export_user_changes(
        self, request: user_pb2.ExportUserChangesRequest, call: Call
    ) -> httpbody_pb2.HttpBody:
        return export.export(request, call)

    def revert_user_change(self, request: user_pb2.RevertUserChangeRequest, call: Call) -> user_pb2.User:
        row = users.find(call.db, call.user, for_update=True)
        return self.update_user(revert.update_of(row, request, call), call)


@dataclass(frozen=True)
class MembershipApi:
    """`comptoir.identity.v1.MembershipService`."""

    database: Database
    mails: Mails

    def list_memberships(
        self, request: membership_pb2.ListMembershipsRequest, call: Call
    ) -> membership_pb2.ListMembershipsResponse:
        page = pages.page(request.page_size, request.page_token, call.method.path, request.parent)
        rows = memberships.listed(call.db, page)
        shown = rows[: page.size]
        company = companies.names(call.db, [call.company]).get(call.company, "")
        token = page.next_token(rows, (shown[-1].user_id,)) if shown else ""
        return membership_pb2.ListMembershipsResponse(
            memberships=[_membership(row, company) for row in shown], next_page_token=token
        )

    def get_membership(
        self, request: membership_pb2.GetMembershipRequest, call: Call
    ) -> membership_pb2.Membership:
        row = memberships.find(call.db, call.company, call.ids["membership"])
        return _membership(row, companies.names(call.db, [row.company]).get(row.company, ""))

    def create_membership(
        self, request: membership_pb2.CreateMembershipRequest, call: Call
    ) -> membership_pb2.Membership:
        asked = request.membership
        row = MemberRow(
            company=call.company,
            user_id=(users.NAME.parse(asked.user) or {})["user"],
            role=membership_pb2.Role.Name(asked.role),
            all_shops=asked.all_shops,
            shop_ids=list(asked.shop_ids),
            create_time=call.now,
        )
        memberships.give(call.db, self.database, row)
        self.mails.place_given(call.db, row, call.now)
        return _membership(row, companies.names(call.db, [row.company]).get(row.company, ""))

    def delete_membership(
        self, request: membership_pb2.DeleteMembershipRequest, call: Call
    ) -> membership_pb2.DeleteMembershipResponse:
        place = memberships.take(call.db, call.company, call.ids["membership"])
        self.mails.place_taken(call.db, place, call.now)
        return membership_pb2.DeleteMembershipResponse()

    def list_membership_changes(
        self, request: membership_pb2.ListMembershipChangesRequest, call: Call
    ) -> membership_pb2.ListMembershipChangesResponse:
        return membership_pb2.ListMembershipChangesResponse(**history.listed(request, call))

    def get_membership_change(
        self, request: membership_pb2.GetMembershipChangeRequest, call: Call
    ) -> change_pb2.Change:
        return history.get(request, call)


@dataclass(frozen=True)
class SessionApi:
    """`comptoir.identity.v1.SessionService`."""

    sign_in: SignIn

    def start_session(
        self, request: session_pb2.StartSessionRequest, call: Call
    ) -> session_pb2.StartSessionResponse:
        person = self.sign_in.check(call, request.login, request.password, request.source_address)
        if request.language_code:
            users.prefer_language(person, request.language_code, call.now)
        value, row = sessions.start(
            call.db, person.user_id, request.source_address, request.user_agent, call.now
        )
        bearers.sweep(call.db, call.now)
        sessions.sweep_ended(call.db, call.now)
        return session_pb2.StartSessionResponse(session_token=value, session=_session(call, row, person))

    def touch_session(self, request: session_pb2.TouchSessionRequest, call: Call) -> session_pb2.Session:
        row = sessions.enter(call, request.session_token)
        sessions.note_use(call.db, row, call.now)
        return _session(call, row, users.find(call.db, row.user_id))

    def end_session(
        self, request: session_pb2.EndSessionRequest, call: Call
    ) -> session_pb2.EndSessionResponse:
        sessions.end(call, request.session_token)
        return session_pb2.EndSessionResponse()


def _user(row: UserRow) -> user_pb2.User:
    user = user_pb2.User(
        name=row.name,
        login=row.login,
        email=row.email,
        phones=row.phones,
        operator=row.operator,
        etag=row.etag,
    )
    user.create_time.FromDatetime(row.create_time)
    user.update_time.FromDatetime(row.update_time)
    for field in _DETAILS:
        setattr(user, field, getattr(row, field))
    for field, choices in _CHOICES.items():
        setattr(user, field, choices.Value(getattr(row, field)))
    return user


def _settle(user: user_pb2.User, written: tuple[str, ...], findings: Findings) -> None:
    """Puts what is written into its stored form, or names every rule it breaks."""
    if "email" in written:
        user.email = profile.email(user.email, findings)
    if "phones" in written:
        user.phones[:] = profile.phones(user.phones, findings)
    if "time_zone" in written:
        user.time_zone = profile.time_zone(user.time_zone, findings)
    findings.conclude()


def _write(user: user_pb2.User, row: UserRow) -> None:
    """Takes over the details; a choice that was left out keeps the row's, or its default."""
    row.phones = list(user.phones)
    for field in _DETAILS:
        setattr(row, field, getattr(user, field))
    for field, choices in _CHOICES.items():
        number = getattr(user, field)
        if number:
            setattr(row, field, choices.Name(number))


def _membership(row: MemberRow, company_name: str) -> membership_pb2.Membership:
    membership = membership_pb2.Membership(
        name=row.name,
        user=users.NAME.format({"user": row.user_id}),
        role=membership_pb2.Role.Value(row.role),
        all_shops=row.all_shops,
        shop_ids=row.shop_ids,
        permissions=row.permissions,
        company_display_name=company_name,
        user_display_name=row.user_display_name,
    )
    membership.create_time.FromDatetime(row.create_time)
    return membership


def _session(call: Call, row: SessionRow, person: UserRow) -> session_pb2.Session:
    session = session_pb2.Session(
        user=person.name,
        language_code=person.language_code,
        memberships=[_membership(*place) for place in memberships.of_person(call.db, person.user_id)],
        operator=person.operator,
        user_display_name=person.display_name,
    )
    session.authenticate_time.FromDatetime(row.authenticate_time)
    return session
