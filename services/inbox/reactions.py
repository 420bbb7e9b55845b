"""Which changes of the other services a company is told of, and in which words (IN3, IN4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.chassis.changes.recorder import CREATE, DELETE, UPDATE
from services.chassis.contract import PATTERNS
from services.chassis.db.tenancy import ScopedSession
from services.chassis.mirrors.told import Told
from services.inbox import messages
from services.inbox.messages import Text
from services.look.languages import CODES
from services.look.words import Words

_WORDS = Words(Path(__file__).parent / "words")

_OPENING = ("/CreateShop", "/OpenCompany")
"""Methods by which shops are opened."""

Test = Callable[[Told], bool]


def _always(_: Told) -> bool:
    return True


def _changed(field: str) -> Test:
    """Whether the change is one of this field."""
    return lambda change: field in change.fields


def _has_new_value(change: Told) -> bool:
    # A new shop comes with its test keys: that is no news. One made up for after a snapshot has no method.
    opening = change.method.endswith(_OPENING) or (change.action == CREATE and not change.method)
    return "generation" in change.fields and not opening


def _became(state: str) -> Test:
    """Whether the change brought a shop into this state."""
    return lambda change: "state" in change.fields and change.state.get("state") == state


@dataclass(frozen=True)
class Reaction:
    """A message for changes of this type and these actions."""

    source: str
    type: str
    actions: frozenset[str]
    message: str
    """Key of its words: `<message>.title` and `<message>.body`."""
    when: Test = _always

    def fits(self, change: Told) -> bool:
        return change.type == self.type and change.action in self.actions and self.when(change)


REACTIONS: tuple[Reaction, ...] = (
    Reaction(
        "shop",
        "comptoir.shop/Key",
        frozenset({CREATE, UPDATE}),
        "key_generated",
        _has_new_value,
    ),
    Reaction("shop", "comptoir.shop/Key", frozenset({UPDATE}), "key_revealed", _changed("reveal_time")),
    Reaction("shop", "comptoir.shop/Key", frozenset({UPDATE}), "key_expiring", _changed("reminder_time")),
    Reaction(
        "shop",
        "comptoir.shop/Key",
        frozenset({UPDATE}),
        "key_expired",
        lambda change: "ended_time" in change.fields and "generation" not in change.fields,
    ),
    Reaction(
        "shop",
        "comptoir.shop/Shop",
        frozenset({UPDATE}),
        "shop_ready",
        _became("SHOP_STATE_PRODUCTION_READY"),
    ),
    Reaction("shop", "comptoir.shop/Shop", frozenset({UPDATE}), "shop_closed", _became("SHOP_STATE_CLOSED")),
    Reaction(
        "shop",
        "comptoir.shop/Shop",
        frozenset({UPDATE}),
        "shop_renamed",
        lambda change: "display_name" in change.fields and bool(change.on_behalf_of),
    ),
    Reaction("media", "comptoir.media/Logo", frozenset({CREATE, UPDATE}), "logo_replaced"),
    Reaction("media", "comptoir.media/Logo", frozenset({DELETE}), "logo_removed"),
    Reaction("identity", "comptoir.identity/Membership", frozenset({CREATE}), "member_added"),
    Reaction("identity", "comptoir.identity/Membership", frozenset({DELETE}), "member_removed"),
    Reaction(
        "company",
        "comptoir.company/Company",
        frozenset({UPDATE}),
        "company_corrected",
        lambda change: bool(change.on_behalf_of),
    ),
)
"""The one table of it."""
SOURCES = frozenset(reaction.source for reaction in REACTIONS)


def react(session: ScopedSession, change: Told) -> None:
    """Posts what there is to say of a change to its company; of changes of persons there is nothing to say yet."""
    if session.scope.company is None:
        return
    for reaction in REACTIONS:
        if reaction.fits(change):
            messages.post(session, texts_of(reaction, change), datetime.now(UTC))


def texts_of(reaction: Reaction, change: Told) -> list[Text]:
    """The words of a message, in every language."""
    ids = PATTERNS[change.type].parse(change.resource) or {}
    label = change.state.get("display_name", "")
    values = {"shop": ids.get("shop", ""), "key_id": ids.get("key", ""), "label": label}
    texts = []
    for code in CODES:
        say = _WORDS.into(code)
        texts.append(
            Text(
                language_code=code,
                title=say(f"{reaction.message}.title", **values),
                body=say(f"{reaction.message}.body", **values),
            )
        )
    return texts
