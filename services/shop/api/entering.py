"""How a call comes to the company of a shop that it may have named by public id alone."""

from __future__ import annotations

from services.chassis.authorize import unknown
from services.chassis.names import ANY
from services.chassis.rpc.call import Call
from services.shop import shops


def enter(call: Call, name: str) -> str:
    """The company of the shop; confines a call that named its shop by public id alone (AIP-159)."""
    if call.ids["company"] == ANY:
        company = shops.owner(call.db, call.ids["shop"])
        if company is None:
            raise unknown(name)
        call.enter(company=company)
    return call.company
