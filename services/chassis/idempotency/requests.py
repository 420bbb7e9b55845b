"""Which reply a call asks for again: its idempotency key, whose that is, and what was asked under it."""

from __future__ import annotations

import hashlib

from services.chassis.caller import Kind
from services.chassis.errors import Invalid
from services.chassis.idempotency.keys import METADATA, RULE, RULE_IN_WORDS, is_key
from services.chassis.rpc.call import Call
from services.chassis.vault.place import canonical


def key_of(call: Call) -> str | None:
    """The key under which the call's reply is to be kept; None where there is none, or where it changes nothing.

    It changes nothing for trial runs, which have no effect; and for callers who are nobody, since what one of them
    was told is no other's to hear.
    """
    key = call.metadata.get(METADATA)
    if key is None:
        return None
    if not is_key(key):
        raise Invalid.field(METADATA, RULE, RULE_IN_WORDS)
    if call.caller.kind is Kind.ANONYMOUS or getattr(call.request, "validate_only", False):
        return None
    return key


def digest(call: Call, key: str) -> bytes:
    """What is kept of a key. The same text is another key for another caller, company, person or method.

    The application belongs to it: it chose the key and knows of no other's, and two that act for one person must
    not meet in each other's replies. Token and session do not: a repetition may well come with fresh ones.
    """
    caller = call.caller
    parts = (caller.kind.name, caller.subject, caller.service, caller.client_id)
    return hashlib.sha256(
        canonical("comptoir idempotency key", *parts, call.db.scope.owner, call.method.path, key)
    ).digest()


def body_of(call: Call) -> bytes:
    """SHA-256 of the request. Kept only under seal: a request may hold a password, which could be guessed by it."""
    return hashlib.sha256(call.request.SerializeToString(deterministic=True)).digest()
