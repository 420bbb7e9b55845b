"""The stage that makes a write safe to send again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from google.protobuf.message import Message

from services.chassis.errors import KeyInUse, KeyReused, Precondition
from services.chassis.idempotency.keys import REPLAYED
from services.chassis.idempotency.replies import Replies, Reply
from services.chassis.idempotency.requests import body_of, digest, key_of
from services.chassis.rpc.call import Call, Proceed

KEPT_FOR = timedelta(hours=24)
SECRETS_KEPT_FOR = timedelta(minutes=10)
"""Long enough for a client that lost the answer to ask again, and no longer."""
_RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class Idempotency:
    """A write under the key of an earlier one is answered as that was, and has no effect of its own.

    Inside the transaction: a reply is kept if and only if what it tells of was committed, so that a key whose call
    failed is free, and a client that never learned how its call ended learns it by asking again. Behind
    `authorise`: whoever lost the right meanwhile is refused, and hears no kept reply.

    Of a method that discloses a secret no reply is kept, only that it was done: what refuses the secret by now, and
    the record of who saw it, are the handler's.
    """

    replies: Replies

    def __call__(self, call: Call, proceed: Proceed) -> Message:
        key = key_of(call)
        if key is None or call.database is None:
            return proceed(call)
        slot, body, owner = digest(call, key), body_of(call), call.db.scope.owner
        if not self.replies.hold(call.db, slot):
            raise KeyInUse(
                "A request with this idempotency key is still under way.", retry_after_seconds=_RETRY_SECONDS
            )
        kept = self.replies.find(call.db, slot, call.now)
        if kept is not None:
            return _again(call, kept, body)
        self.replies.make_ready(call.db, call.now)
        response = proceed(call)
        span = SECRETS_KEPT_FOR if call.method.policy.secret_reply else KEPT_FOR
        kept_message = b"" if call.method.discloses else response.SerializeToString()
        reply = Reply(body, call.revision, kept_message)
        self.replies.keep(call.db, owner, slot, reply, call.now + span)
        return response


def _again(call: Call, kept: Reply, body: bytes) -> Message:
    if kept.body != body:
        raise KeyReused("This idempotency key was used for another request.")
    if call.method.discloses:
        raise Precondition(
            "This was done under this idempotency key, and what it showed is not kept: ask under another key.",
            reason="IDEMPOTENCY_REPLY_NOT_KEPT",
        )
    call.revision = kept.revision
    call.told[REPLAYED] = "true"
    return call.method.response.FromString(kept.message)
