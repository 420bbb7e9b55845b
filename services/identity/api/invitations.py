"""Invitations, and what comes of them, on the wire (ID7, ID8)."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.identity.v1 import invitation_pb2, membership_pb2, user_pb2
from services.chassis import pages
from services.chassis.caller import Kind
from services.chassis.names import new_id
from services.chassis.rpc.call import Call
from services.identity import admissions, companies, invitations, opening, profile, users
from services.identity.accepting import Accepting, Offer
from services.identity.admissions import AdmissionRow
from services.identity.api.memberships import membership
from services.identity.api.users import new_row
from services.identity.invitations import InvitationRow
from services.identity.inviting import Inviting
from services.identity.profile import Findings
from services.identity.users import UserRow


@dataclass(frozen=True)
class InvitationApi:
    """`comptoir.identity.v1.InvitationService`."""

    inviting: Inviting
    accepting: Accepting

    def list_invitations(
        self, request: invitation_pb2.ListInvitationsRequest, call: Call
    ) -> invitation_pb2.ListInvitationsResponse:
        page = pages.page(request.page_size, request.page_token, call.method.path, request.parent)
        rows = invitations.listed(call.db, page)
        shown = rows[: page.size]
        last = (shown[-1].create_time.isoformat(), shown[-1].invitation_id) if shown else ()
        return invitation_pb2.ListInvitationsResponse(
            invitations=[_invitation(row, call) for row in shown],
            next_page_token=page.next_token(rows, last) if last else "",
        )

    def get_invitation(
        self, request: invitation_pb2.GetInvitationRequest, call: Call
    ) -> invitation_pb2.Invitation:
        return _invitation(invitations.find(call.db, call.company, call.ids["invitation"]), call)

    def create_invitation(
        self, request: invitation_pb2.CreateInvitationRequest, call: Call
    ) -> invitation_pb2.Invitation:
        row = _row(request.invitation, call)
        self.inviting.invite(call, row)
        return _invitation(row, call)

    def resend_invitation(
        self, request: invitation_pb2.ResendInvitationRequest, call: Call
    ) -> invitation_pb2.Invitation:
        return _invitation(self.inviting.resend(call, call.company, call.ids["invitation"]), call)

    def withdraw_invitation(
        self, request: invitation_pb2.WithdrawInvitationRequest, call: Call
    ) -> invitation_pb2.Invitation:
        return _invitation(self.inviting.withdraw(call, call.company, call.ids["invitation"]), call)

    def show_invitation(
        self, request: invitation_pb2.ShowInvitationRequest, call: Call
    ) -> invitation_pb2.ShownInvitation:
        offer = self.accepting.show(call, request.link)
        return invitation_pb2.ShownInvitation(
            company_display_name=offer.company.display_name,
            role=membership_pb2.Role.Value(offer.role),
            email=offer.email,
            language_code=offer.language_code,
        )

    def accept_invitation(
        self, request: invitation_pb2.AcceptInvitationRequest, call: Call
    ) -> invitation_pb2.AcceptInvitationResponse:
        def newcomer(offer: Offer) -> UserRow:
            return _newcomer(request, offer, call)

        row = self.accepting.accept(call, request.link, newcomer, request.password)
        return invitation_pb2.AcceptInvitationResponse(user=row.name)

    def claim_invitation(
        self, request: invitation_pb2.ClaimInvitationRequest, call: Call
    ) -> invitation_pb2.ClaimInvitationResponse:
        self.accepting.claim(call, request.link, request.session_token)
        return invitation_pb2.ClaimInvitationResponse()

    def list_admissions(
        self, request: invitation_pb2.ListAdmissionsRequest, call: Call
    ) -> invitation_pb2.ListAdmissionsResponse:
        page = pages.page(request.page_size, request.page_token, call.method.path)
        rows = admissions.listed(call.db, page)
        shown = rows[: page.size]
        names = companies.names(call.db, [row.company for row in shown])
        last = (shown[-1].create_time.isoformat(), shown[-1].admission_id) if shown else ()
        return invitation_pb2.ListAdmissionsResponse(
            admissions=[_admission(row, names.get(row.company, "")) for row in shown],
            next_page_token=page.next_token(rows, last) if last else "",
        )

    def approve_admission(
        self, request: invitation_pb2.ApproveAdmissionRequest, call: Call
    ) -> membership_pb2.Membership:
        place = self.accepting.approve(call, call.ids["admission"])
        return membership(place, companies.names(call.db, [place.company]).get(place.company, ""))

    def refuse_admission(
        self, request: invitation_pb2.RefuseAdmissionRequest, call: Call
    ) -> invitation_pb2.RefuseAdmissionResponse:
        self.accepting.refuse(call, call.ids["admission"])
        return invitation_pb2.RefuseAdmissionResponse()


def _row(asked: invitation_pb2.Invitation, call: Call) -> InvitationRow:
    findings = Findings()
    address = profile.email(asked.email, findings, "invitation.email")
    findings.conclude()
    return InvitationRow(
        company=call.company,
        invitation_id=new_id(),
        email=address,
        role=membership_pb2.Role.Name(asked.role),
        all_shops=asked.all_shops,
        shop_ids=list(asked.shop_ids),
        language_code=asked.language_code,
        inviter=users.NAME.format({"user": call.caller.subject}),
        by_operator=call.caller.kind is Kind.OPERATOR,
        state=invitations.PENDING,
        create_time=call.now,
        send_time=call.now,
    )


def _newcomer(request: invitation_pb2.AcceptInvitationRequest, offer: Offer, call: Call) -> UserRow:
    """The account: its address is that of the invitation, whatever anybody says."""
    findings = Findings()
    user = user_pb2.User(
        login=request.login,
        email=offer.email,
        title=request.title,
        given_name=request.given_name,
        family_name=request.family_name,
        language_code=request.language_code,
        time_zone=offer.company.time_zone,
    )
    row = new_row(user, call.now, findings)
    opening.judge_password(row, request.password, "password", findings, [offer.company.display_name])
    findings.conclude()
    return row


def _invitation(row: InvitationRow, call: Call) -> invitation_pb2.Invitation:
    state = row.state_at(call.now)
    message = invitation_pb2.Invitation(
        name=row.name,
        email=row.email,
        role=membership_pb2.Role.Value(row.role),
        all_shops=row.all_shops,
        shop_ids=row.shop_ids,
        language_code=row.language_code,
        state=invitation_pb2.InvitationState.Value(f"INVITATION_STATE_{state}"),
        inviter=row.inviter,
    )
    message.create_time.FromDatetime(row.create_time)
    message.send_time.FromDatetime(row.send_time)
    message.expire_time.FromDatetime(row.expire_time)
    return message


def _admission(row: AdmissionRow, company: str) -> invitation_pb2.Admission:
    message = invitation_pb2.Admission(
        name=row.name,
        invitation=row.invitation,
        user=row.user,
        user_display_name=row.user_display_name,
        company_display_name=company,
    )
    message.create_time.FromDatetime(row.create_time)
    return message
