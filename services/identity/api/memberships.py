"""Places in companies on the wire (ID6 to ID8)."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.changes.v1 import change_pb2
from comptoir.identity.v1 import membership_pb2
from services.chassis import pages
from services.chassis.changes import history
from services.chassis.db.database import Database
from services.chassis.rpc.call import Call
from services.identity import companies, memberships, users
from services.identity.mail.mails import Mails
from services.identity.memberships import MemberRow


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
            memberships=[membership(row, company) for row in shown], next_page_token=token
        )

    def get_membership(
        self, request: membership_pb2.GetMembershipRequest, call: Call
    ) -> membership_pb2.Membership:
        row = memberships.find(call.db, call.company, call.ids["membership"])
        return membership(row, companies.names(call.db, [row.company]).get(row.company, ""))

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
        return membership(row, companies.names(call.db, [row.company]).get(row.company, ""))

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


def membership(row: MemberRow, company_name: str) -> membership_pb2.Membership:
    message = membership_pb2.Membership(
        name=row.name,
        user=users.NAME.format({"user": row.user_id}),
        role=membership_pb2.Role.Value(row.role),
        all_shops=row.all_shops,
        shop_ids=row.shop_ids,
        permissions=row.permissions,
        company_display_name=company_name,
        user_display_name=row.user_display_name,
    )
    message.create_time.FromDatetime(row.create_time)
    return message
