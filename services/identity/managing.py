"""Who may manage whose place (ID8): within what they hold themselves, never their own, an owner's only as an owner.

Rights and shops are those of this moment: the places that matter are held until the call ends, in one order, so that
two who manage each other at once are judged one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from services.chassis.authorize import unknown
from services.chassis.caller import Caller, Kind
from services.chassis.errors import Denied, Precondition
from services.chassis.rights import PRESETS, refusal
from services.chassis.rpc.call import Call
from services.identity import memberships
from services.identity.mail.mails import Mails
from services.identity.memberships import NAME, OWNER, MemberRow

_MANAGE = "users.manage"


class Gift(Protocol):
    """What a place gives, or would give."""

    role: Any
    all_shops: Any
    shop_ids: Any

    @property
    def preset(self) -> str: ...


@dataclass(frozen=True)
class Held:
    """A place about to be changed, and what decides whether it may be."""

    place: MemberRow
    manager: MemberRow | None
    """Place of whoever changes it; None for the platform's staff."""
    other_owners: int
    """Owners who can act, without this one."""

    def allow(self) -> None:
        """Refuses whoever may not touch the place as it is."""
        if self.manager is not None:
            if self.manager.user_id == self.place.user_id:
                raise Denied("Nobody changes their own place: ask somebody else.", reason="OWN_MEMBERSHIP")
            within(self.manager, self.place)

    def keep_an_owner(self) -> None:
        """Refuses to do without the last owner."""
        if self.place.role == OWNER and not self.place.suspended and not self.other_owners:
            raise Precondition("The last owner of a company stays.", reason="LAST_OWNER")


def manager(caller: Caller) -> str | None:
    """The person by whose own place a change is judged; None for the platform's staff."""
    return caller.subject if caller.kind is Kind.MERCHANT else None


def hold(db: Session, company: str, user_id: str, manager: str | None) -> Held:
    """The place, with its manager's and all owners', so that two owners do not leave at once."""
    people = [user_id, manager] if manager else [user_id]
    rows = db.scalars(
        select(MemberRow)
        .where(or_(MemberRow.role == OWNER, MemberRow.user_id.in_(people)))
        .order_by(MemberRow.user_id)
        .with_for_update(),
        execution_options={"populate_existing": True},
    ).all()
    found = {row.user_id: row for row in rows}
    place = found.get(user_id)
    # A manager who was put out a moment ago is answered as one who never was in.
    if place is None or (manager and not _acts(found.get(manager))):
        raise unknown(NAME.format({"company": company, "membership": user_id}))
    others = sum(row.role == OWNER and _acts(row) for row in rows if row is not place)
    return Held(place, found[manager] if manager else None, others)


def leave(call: Call, mails: Mails, company: str, user_id: str) -> None:
    """Takes a person's place in the company away at their own wish: it needs no right, but an owner stays."""
    with call.visit(company=company):
        held = hold(call.db, company, user_id, None)
        held.keep_an_owner()
        call.db.delete(held.place)
        mails.place_taken(call.db, held.place, call.now)


def check_gift(db: Session, company: str, manager: str | None, gift: Gift) -> None:
    """Refuses to offer what the manager does not hold at this moment; the platform's staff may offer anything."""
    if manager is None:
        return
    place = memberships.seek(db, company, manager)
    if place is None or place.suspended:
        raise unknown(NAME.format({"company": company, "membership": manager}))
    if _MANAGE not in PRESETS[place.preset]:
        raise Denied(refusal(_MANAGE), metadata={"permission": _MANAGE})
    within(place, gift)


def within(manager: MemberRow, place: Gift) -> None:
    """Refuses to give, or to touch, what the manager does not hold."""
    if place.role == OWNER and manager.role != OWNER:
        raise Denied("Only owners manage owners.", reason="OWNERS_ONLY")
    lacking = sorted(PRESETS[place.preset] - PRESETS[manager.preset])
    if lacking:
        raise Denied(refusal(lacking[0]), metadata={"permission": lacking[0]})
    if not manager.all_shops and (place.all_shops or not set(place.shop_ids) <= set(manager.shop_ids)):
        raise Denied("This reaches shops that you do not reach.", reason="SHOPS_NOT_REACHED")


def _acts(row: MemberRow | None) -> bool:
    return row is not None and not row.suspended
