"""Places in companies on the wire (ID6 to ID8)."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.changes.v1 import change_pb2
from comptoir.identity.v1 import membership_pb2
from services.chassis import etags, pages
from services.chassis.authorize import unknown
from services.chassis.changes import history
from services.chassis.contract import PATTERNS
from services.chassis.db.database import Database
from services.chassis.masks import merge
from services.chassis.rpc.call import Call
from services.identity import companies, explaining, managing, memberships, users
from services.identity.mail.mails import Mails
from services.identity.managing import Held
from services.identity.memberships import MemberRow

SHOP = PATTERNS["comptoir.shop/Shop"]


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
        return self._shown(row, call)

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
        return self._shown(row, call)

    def delete_membership(
        self, request: membership_pb2.DeleteMembershipRequest, call: Call
    ) -> membership_pb2.DeleteMembershipResponse:
        held = _hold(call)
        if held.place is not held.manager:
            held.allow()
        held.keep_an_owner()
        call.db.delete(held.place)
        self.mails.place_taken(call.db, held.place, call.now)
        return membership_pb2.DeleteMembershipResponse()

    def update_membership(
        self, request: membership_pb2.UpdateMembershipRequest, call: Call
    ) -> membership_pb2.Membership:
        held = _hold(call)
        row = held.place
        etags.check(request.membership.etag, row.etag, row.name)
        held.allow()
        asked = self._shown(row, call)
        merge(request.membership, asked, call.paths)
        memberships.check_shops(asked.all_shops, asked.shop_ids)
        role = membership_pb2.Role.Name(asked.role)
        if role != memberships.OWNER:
            held.keep_an_owner()
        if row.write(role, asked.all_shops, asked.shop_ids):
            held.allow()
            self.mails.place_changed(call.db, row, call.now)
        return self._shown(row, call)

    def suspend_membership(
        self, request: membership_pb2.SuspendMembershipRequest, call: Call
    ) -> membership_pb2.Membership:
        held = _hold(call)
        held.allow()
        held.keep_an_owner()
        if held.place.suspend(True):
            self.mails.place_suspended(call.db, held.place, call.now)
        return self._shown(held.place, call)

    def resume_membership(
        self, request: membership_pb2.ResumeMembershipRequest, call: Call
    ) -> membership_pb2.Membership:
        held = _hold(call)
        held.allow()
        if held.place.suspend(False):
            self.mails.place_resumed(call.db, held.place, call.now)
        return self._shown(held.place, call)

    def explain_permission(
        self, request: membership_pb2.ExplainPermissionRequest, call: Call
    ) -> membership_pb2.ExplainPermissionResponse:
        shop = SHOP.parse(request.shop) if request.shop else None
        if shop is not None and shop["company"] != call.company:
            raise unknown(request.shop)
        place = memberships.seek(call.db, call.company, call.ids["membership"])
        found = explaining.explain(place, request.permission, shop["shop"] if shop else None)
        return membership_pb2.ExplainPermissionResponse(
            allowed=found.allowed,
            reason=membership_pb2.PermissionReason.Value(f"PERMISSION_REASON_{found.reason}"),
            explanation=found.sentence,
            role=membership_pb2.Role.Value(place.role) if place else membership_pb2.ROLE_UNSPECIFIED,
        )

    def list_membership_changes(
        self, request: membership_pb2.ListMembershipChangesRequest, call: Call
    ) -> membership_pb2.ListMembershipChangesResponse:
        return membership_pb2.ListMembershipChangesResponse(**history.listed(request, call))

    def get_membership_change(
        self, request: membership_pb2.GetMembershipChangeRequest, call: Call
    ) -> change_pb2.Change:
        return history.get(request, call)

    def _shown(self, row: MemberRow, call: Call) -> membership_pb2.Membership:
        return membership(row, companies.names(call.db, [row.company]).get(row.company, ""))


def _hold(call: Call) -> Held:
    return managing.hold(call.db, call.company, call.ids["membership"], managing.manager(call.caller))


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
        suspended=row.suspended,
        etag=row.etag,
    )
    message.create_time.FromDatetime(row.create_time)
    return message
