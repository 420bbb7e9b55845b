"""Puts back what one update changed, by the update of the same resource and all of its rules."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format
from sqlalchemy import Row

from services.chassis.authorize import check_fields, require
from services.chassis.changes import history
from services.chassis.changes.log import Known, scope_of
from services.chassis.changes.recorder import UPDATE, state_of
from services.chassis.contract import Method
from services.chassis.errors import Precondition
from services.chassis.masks import mask_violations
from services.chassis.rpc.call import Call
from services.chassis.validate import validate


def update_of(row: Any, request: Any, call: Call, right: str = "") -> Any:
    """The request of the sibling method (`UpdateShop` of `RevertShopChange`) that reverts the change on this row.

    It is valid, and the call is ready for its handler. The row must be locked. `right` is what reading the history
    takes. Raises `Precondition`: NOT_REVERTIBLE, VALUES_ERASED, VALUES_DOUBTFUL, CHANGED_SINCE.
    """
    if right:
        require(call.caller, right)
    change = history.find(call, request.name)
    if change.action != UPDATE or change.resource != row.name:
        raise _not_revertible("only updates of the resource itself are reverted")
    known = history.log_of(call).opened(call.db, scope_of(call.db), [change.sequence]).get(change.sequence)
    if known is None:
        raise Precondition("The values of this change were erased.", reason="VALUES_ERASED")
    if known.doubtful:
        raise history.doubtful(request.name)
    update = _update(call, change, known, row, request)
    _check_unchanged(row, known)
    # Like any change it says why, and whoever gave no reason had this one.
    request.reason = request.reason or f"reverts {request.name}"
    return update


def _update(call: Call, change: Row[Any], known: Known, row: Any, request: Any) -> Any:
    method = _sibling(call.method)
    for path in change.fields:
        if not history.in_contract(change.type, path) or _is_secret(known, path):
            raise _not_revertible("it holds a secret")
    update: Any = method.request()
    resource = getattr(update, method.updated or "")
    json_format.ParseDict(_nested(known.before), resource)
    resource.name, resource.etag = row.name, request.etag
    update.update_mask.paths.extend(change.fields)
    update.validate_only = request.validate_only
    check_fields(call.caller, method, update, call.now)
    _check_writable(method, update, change)
    call.paths = validate(method, update, call.caller)
    return update


def _check_writable(method: Method, update: Any, change: Row[Any]) -> None:
    refused = {path: list(mask_violations(method, update, (path,))) for path in change.fields}
    fixed = [path for path, found in refused.items() if any(each.rule == "field_mask" for each in found)]
    if fixed:
        by = change.method.rpartition("/")[2] or "another call"
        raise _not_revertible(f"{', '.join(fixed)} is changed by {by}, not by {method.name}")
    emptied = [each.description for found in refused.values() for each in found]
    if emptied:
        raise _not_revertible("; ".join(emptied))


def _check_unchanged(row: Any, known: Known) -> None:
    now = state_of(row)
    later = sorted(path for path, value in known.after.items() if now[path] != value)
    if later:
        raise Precondition(
            f"Changed again since: {', '.join(later)}.",
            reason="CHANGED_SINCE",
            metadata={"fields": ",".join(later)},
        )


def _is_secret(known: Known, path: str) -> bool:
    return known.before[path] is None and known.after[path] is None


def _sibling(method: Method) -> Method:
    name = "Update" + method.name.removeprefix("Revert").removesuffix("Change")
    return Method(method.descriptor.containing_service.methods_by_name[name])


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    """Values by dotted paths as the message that they make."""
    found: dict[str, Any] = {}
    for path, value in values.items():
        *outer, last = path.split(".")
        inside = found
        for step in outer:
            inside = inside.setdefault(step, {})
        inside[last] = value
    return found


def _not_revertible(why: str) -> Precondition:
    return Precondition(f"This change cannot be reverted: {why}.", reason="NOT_REVERTIBLE")
