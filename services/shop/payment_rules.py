"""What the rules' library refuses, as the fault that callers of this service know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from comptoir_rules import BadFact
from services.chassis.errors import Invalid


@contextmanager
def refused(message: str) -> Iterator[None]:
    """Answers a fact that no transaction can have with the field of the message that it stood in, and its rule."""
    try:
        yield
    except BadFact as bad:
        raise Invalid.field(f"{message}.{bad.field}", bad.rule, bad.description) from bad
