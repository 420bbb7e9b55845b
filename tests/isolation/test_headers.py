"""What comes beside a request, or names fields instead of things: keys, revisions, cursors, masks, extra fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from comptoir.options.v1 import policy_pb2
from services.chassis.caller import Kind
from services.chassis.contract import Method, behaviors, every_method
from services.chassis.masks import FIXED
from services.chassis.testing.every_service import SERVICES
from services.chassis.testing.feeding import Feeding
from services.chassis.testing.running import Running
from tests.isolation.companies import SIBLING
from tests.isolation.escapes import NO_REAL_CALL, named
from tests.isolation.matrix import OURS, THEIRS, Matrix

MERCHANTS = [
    method
    for method in every_method()
    if Kind.MERCHANT.value in method.callers and method.policy.scope == policy_pb2.SCOPE_COMPANY
]
WRITES = [method for method in MERCHANTS if not method.reads_only]
READS = [method for method in MERCHANTS if method.reads_only]
UPDATES = [
    method
    for method in every_method()
    if method.updated and method.callers & {Kind.MERCHANT.value} and named(method) not in NO_REAL_CALL
]
by_name: Any = lambda method: method.name  # noqa: E731


@pytest.mark.parametrize("method", WRITES, ids=by_name)
def test_a_key_of_another_company_is_no_key_here(matrix: Matrix, method: Method) -> None:
    """Somebody of both companies sends the same key in each: the second is no repetition of the first."""
    both = next(who for who in matrix.callers if who.name == "two companies")
    there = matrix.theirs.token(sub=both.user)
    key = {"idempotency-key": f"key-{method.name}"}
    first = matrix.theirs.filled(method, SIBLING)
    matrix.world.send(method, first, service="gateway", token=there, **key)
    own = matrix.cells.base(method, both, SIBLING)
    matrix.ours.token(sub=both.user)
    answer = matrix.world.send(method, own, service="gateway", token=both.token, **key)

    assert not answer.is_broken, answer
    assert ("idempotency-replayed", b"true") not in answer.rest
    assert answer.reason not in ("IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_REPLY_NOT_KEPT")
    assert not any(THEIRS.encode() in text for text in answer.texts())


@pytest.mark.parametrize("method", READS, ids=by_name)
def test_a_revision_of_another_company_opens_nothing(matrix: Matrix, method: Method) -> None:
    service = method.service.split(".")[1]
    revision = _revision(matrix, service)
    owner = next(who for who in matrix.callers if who.name == "owner")
    request = matrix.cells.base(method, owner)
    answer = matrix.world.send(
        method, request, service="gateway", token=owner.token, **{"x-min-revision": revision}
    )

    assert (answer.code, answer.reason) == ("INVALID_ARGUMENT", "INVALID")
    assert not any(THEIRS.encode() in text for text in answer.texts())


def _revision(matrix: Matrix, service: str) -> str:
    """A revision of the other company's log in this service, told by a write there."""
    for method in WRITES:
        if method.service.split(".")[1] != service:
            continue
        request, token = matrix.theirs.filled(method, None), matrix.theirs.token()
        told = dict(matrix.world.send(method, request, service="gateway", token=token).rest)
        if "x-revision" in told:
            return told["x-revision"].decode()
    # Nothing of this service can be written by people of a company: any other service's is as strange.
    return _revision(matrix, "shop")


@pytest.mark.parametrize("method", UPDATES, ids=by_name)
def test_no_mask_and_no_extra_field_writes_what_cannot_change(matrix: Matrix, method: Method) -> None:
    """Each fixed field alone, all at once, the asterisk, and no mask: the row's other side stays what it was."""
    who = matrix.entitled(method)
    resource = method.descriptor.input_type.fields_by_name[method.updated or ""].message_type
    assert resource is not None
    fixed = [each.name for each in resource.fields if behaviors(each) & FIXED]
    before = matrix.ours.call(method, _update(matrix, method, []))
    for mask in [*([each] for each in fixed), fixed, ["*"], []]:
        request: Any = _update(matrix, method, mask)
        for name in fixed:
            _fill(getattr(request, method.updated or ""), name, matrix.theirs.company)
        getattr(request, method.updated or "").ClearField("etag")
        if not mask:
            request.ClearField("update_mask")
        answer = matrix.world.send(method, request, service=who.service, token=who.token)
        assert not answer.is_broken, answer
    after = matrix.ours.call(method, _update(matrix, method, []))

    moving = {"etag", "update_time"}
    assert {name: getattr(before, name) for name in fixed if name not in moving} == {
        name: getattr(after, name) for name in fixed if name not in moving
    }


def _update(matrix: Matrix, method: Method, mask: list[str]) -> Message:
    request: Any = matrix.cells.base(method, matrix.entitled(method))
    if mask:
        request.update_mask.ClearField("paths")
        request.update_mask.paths.extend(mask)
    return request  # type: ignore[no-any-return]


def _fill(message: Any, name: str, text: str) -> None:
    """Anything that the field can hold and does not hold yet."""
    field: Any = message.DESCRIPTOR.fields_by_name[name]
    if name == "name":
        return
    if field.is_repeated:
        if field.type == FieldDescriptor.TYPE_STRING:
            getattr(message, name).append(text)
    elif field.type == FieldDescriptor.TYPE_STRING:
        setattr(message, name, text)
    elif field.type == FieldDescriptor.TYPE_ENUM:
        setattr(message, name, max(value.number for value in field.enum_type.values))
    elif field.type in (FieldDescriptor.TYPE_BOOL, FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64):
        setattr(message, name, 1)
    elif field.message_type.full_name == "google.protobuf.Timestamp":
        getattr(message, name).seconds = 1


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"inbox"}))
def test_a_watcher_of_one_company_hears_nothing_of_another(
    matrix: Matrix, feed_of: Callable[..., Feeding], service: str
) -> None:
    """By its snapshot, and by no cursor that another caller, or the watch of another company, was given."""
    running: Running = matrix.world.running[service]
    feed = feed_of(running)
    ours, theirs = (f"companies/{each.company}" for each in (matrix.ours, matrix.theirs))

    told, cursor = _snapshot(feed, ours)
    assert OURS in told or matrix.ours.company in told
    assert not any(word in told for word in matrix.theirs.words)
    for other in ({"company": theirs}, {"company": ours, "service": "payment-engine"}):
        with pytest.raises(Exception, match="is no cursor that this service gave"):
            next(feed.watch(cursor, **other))


def _snapshot(feed: Feeding, company: str) -> tuple[str, str]:
    told = ""
    for answer in feed.watch(company=company):
        told += str(answer)
        if answer.cursor:
            return told, answer.cursor
    raise AssertionError("the watch ended")
