"""Accounts on the wire (ID2, ID3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from google.api import httpbody_pb2

from comptoir.changes.v1 import change_pb2
from comptoir.identity.v1 import user_pb2
from services.chassis import etags
from services.chassis.changes import as_of, export, history, revert
from services.chassis.masks import merge
from services.chassis.names import new_id
from services.chassis.rpc.call import Call
from services.identity import home_pages, managing, memberships, opening, personal, profile, users
from services.identity.api.memberships import membership
from services.identity.change_email import ChangeEmail, change_login
from services.identity.change_password import ChangePassword
from services.identity.erasing import Erasing
from services.identity.mail.mails import Mails
from services.identity.passwords import Passwords
from services.identity.profile import Findings
from services.identity.users import UserRow

_DETAILS = ("given_name", "family_name", "language_code", "time_zone")
_CHOICES = {"title": user_pb2.Title, "home_page": user_pb2.HomePage}
_RULED = ("email", "phones", "time_zone")


@dataclass(frozen=True)
class UserApi:
    """`comptoir.identity.v1.UserService`."""

    passwords: Passwords
    mails: Mails
    erasing: Erasing
    change: ChangePassword
    email: ChangeEmail

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
        findings = Findings()
        _settle(user, call.paths, findings)
        findings.conclude()
        if user.home_page != before.home_page:
            home_pages.check(call.caller, user_pb2.HomePage.Name(user.home_page))
        if user != before:
            former = row.display_name
            _write(user, row)
            row.touch(call.now)
            if row.display_name != former:
                memberships.rename(call.db, row.user_id, row.display_name)
        return _user(row)

    def change_password(self, request: user_pb2.ChangePasswordRequest, call: Call) -> user_pb2.User:
        return _user(self.change.change(call, request.current_password, request.new_password))

    def change_email(self, request: user_pb2.ChangeEmailRequest, call: Call) -> user_pb2.User:
        return _user(self.email.ask(call, request.email))

    def resend_email_confirmation(
        self, request: user_pb2.ResendEmailConfirmationRequest, call: Call
    ) -> user_pb2.User:
        return _user(self.email.ask_again(call))

    def cancel_email_change(self, request: user_pb2.CancelEmailChangeRequest, call: Call) -> user_pb2.User:
        return _user(self.email.cancel(call))

    def confirm_email(
        self, request: user_pb2.ConfirmEmailRequest, call: Call
    ) -> user_pb2.ConfirmEmailResponse:
        self.email.confirm(call, request.link)
        return user_pb2.ConfirmEmailResponse()

    def change_login(self, request: user_pb2.ChangeLoginRequest, call: Call) -> user_pb2.User:
        return _user(change_login(call, self.mails, request.login))

    def list_user_memberships(
        self, request: user_pb2.ListUserMembershipsRequest, call: Call
    ) -> user_pb2.ListUserMembershipsResponse:
        places = memberships.of_person(call.db, call.user)
        return user_pb2.ListUserMembershipsResponse(memberships=[membership(*place) for place in places])

    def delete_user_membership(
        self, request: user_pb2.DeleteUserMembershipRequest, call: Call
    ) -> user_pb2.DeleteUserMembershipResponse:
        managing.leave(call, self.mails, call.ids["membership"], call.user)
        return user_pb2.DeleteUserMembershipResponse()

    def create_user(self, request: user_pb2.CreateUserRequest, call: Call) -> user_pb2.User:
        findings = Findings()
        row = new_row(request.user, call.now, findings)
        row.operator = request.operator
        opening.judge_password(row, request.initial_password, "initial_password", findings)
        findings.conclude()
        users.register(call.db, row.login, row.user_id)
        call.enter(user=row.user_id)
        opening.open_account(call.db, row, self.passwords.hash(request.initial_password), call.now)
        return _user(row)

    def export_user(self, request: user_pb2.ExportUserRequest, call: Call) -> httpbody_pb2.HttpBody:
        changes = user_pb2.ExportUserChangesRequest(parent=request.name, page_token=request.page_token)
        changes.format = change_pb2.EXPORT_FORMAT_NDJSON
        body = export.export(changes, call, "data")
        if not request.page_token:
            body.data = b"".join(personal.lines(call.db, call.user)) + body.data
        return body

    def delete_user(self, request: user_pb2.DeleteUserRequest, call: Call) -> user_pb2.DeleteUserResponse:
        self.erasing.erase(call, call.user)
        return user_pb2.DeleteUserResponse()

    def erase_user(self, request: user_pb2.EraseUserRequest, call: Call) -> user_pb2.EraseUserResponse:
        self.erasing.erase(call, call.ids["user"])
        return user_pb2.EraseUserResponse()

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


def new_row(user: user_pb2.User, now: datetime, findings: Findings) -> UserRow:
    """The account that a person of these details would get, under an id of its own."""
    _settle(user, _RULED, findings)
    row = UserRow(user_id=new_id(), login=user.login, email=user.email, operator=False)
    row.create_time = row.update_time = now
    _write(user, row)
    return row


def _user(row: UserRow) -> user_pb2.User:
    user = user_pb2.User(
        name=row.name,
        login=row.login,
        email=row.email,
        phones=row.phones,
        operator=row.operator,
        etag=row.etag,
        unconfirmed_email=row.unconfirmed_email,
    )
    user.create_time.FromDatetime(row.create_time)
    user.update_time.FromDatetime(row.update_time)
    if row.password_change_time is not None:
        user.password_change_time.FromDatetime(row.password_change_time)
    for field in _DETAILS:
        setattr(user, field, getattr(row, field))
    for field, choices in _CHOICES.items():
        setattr(user, field, choices.Value(getattr(row, field)))
    return user


def _settle(user: user_pb2.User, written: tuple[str, ...], findings: Findings) -> None:
    """Puts what is written into its stored form, and notes every rule it breaks."""
    if "email" in written:
        user.email = profile.email(user.email, findings)
    if "phones" in written:
        user.phones[:] = profile.phones(user.phones, findings)
    if "time_zone" in written:
        user.time_zone = profile.time_zone(user.time_zone, findings)


def _write(user: user_pb2.User, row: UserRow) -> None:
    """Takes over the details; a choice that was left out keeps the row's, or its default."""
    row.phones = list(user.phones)
    for field in _DETAILS:
        setattr(row, field, getattr(user, field))
    for field, choices in _CHOICES.items():
        number = getattr(user, field)
        if number:
            setattr(row, field, choices.Name(number))
