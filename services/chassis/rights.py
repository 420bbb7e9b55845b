"""The vocabulary of rights: a verb on a thing, with what it allows in words, and the presets that are sugar over it."""

from __future__ import annotations

RIGHTS: dict[str, str] = {
    "company.read": "read the company record",
    "company.update": "change the company record",
    "company.history.read": "see who changed the company record, when, and from what to what",
    "users.read": "see the users of the company",
    "users.manage": "invite, change and remove users of the company",
    "company.security.manage": "decide whether users of the company need a second factor, or new passwords in time",
    "users.history.read": "see who gave and took places in the company, and when",
    "applications.read": "see the applications that the company has registered, and who changed them",
    "applications.manage": "register, change and remove applications of the company, and make their secrets",
    "shop.read": "see shops and their settings",
    "shop.history.read": "see who changed shops and their keys, when, and from what to what",
    "shop.settings.update": "change the settings of shops",
    "shop.keys.read": "see the keys of shops, masked",
    "shop.keys.manage": "generate keys of shops and choose how these sign",
    "shop.keys.reveal": "see the keys of shops in clear",
    "shop.logo.update": "change the logos of shops",
    "inbox.read": "read the messages of the platform",
    "platform.companies.open": "open companies",
    "platform.companies.correct": "correct company records",
    "platform.shops.open": "open shops",
    "platform.shops.close": "close shops and open them again",
    "platform.keys.import": "set keys of shops that move here",
    "platform.memberships.manage": "give and take places in companies",
    "platform.logins.change": "give people other logins",
    "platform.users.erase": "erase people's accounts at their request",
    "platform.messages.post": "post messages of the platform",
    "platform.factors.reset": "take the factors of people away who lost them",
    "platform.mail.manage": "see mail that could not be delivered, send it again or discard it",
}

_COMPANY = frozenset(right for right in RIGHTS if not right.startswith("platform."))
_READ = frozenset({"company.read", "shop.read", "inbox.read"})

OPERATOR = "operator"
PRESETS: dict[str, frozenset[str]] = {
    "owner": _COMPANY,
    "administrator": _COMPANY,
    "developer": _READ
    | {
        "shop.settings.update",
        "shop.keys.read",
        "shop.keys.manage",
        "applications.read",
        "applications.manage",
    },
    "accountant": frozenset({"company.read", "inbox.read"}),
    "reader": _READ | {"users.read"},
    OPERATOR: frozenset(RIGHTS),
}

APPLICATION = _COMPANY - {"users.manage", "applications.manage"}
"""What an application may do by itself, in nobody's name: give rights to others is for people."""

ACCOUNT_SCOPE = "account"
"""OAuth scope that opens one's own account, which needs no right."""

SCOPES: tuple[str, ...] = (
    "openid",
    "profile",
    "email",
    ACCOUNT_SCOPE,
    "company",
    "users",
    "applications",
    "shop",
    "inbox",
    "platform",
)
"""OAuth scopes that clients may be given, beside the name of any single right. A scope covers a right that it
equals or that it begins, up to a dot."""


def covered(right: str, scopes: frozenset[str]) -> bool:
    """Whether any of the scopes covers the right."""
    if right in scopes:
        return True
    parts = right.split(".")
    return any(".".join(parts[:n]) in scopes for n in range(1, len(parts)))


def opened(rights: frozenset[str], scopes: frozenset[str]) -> frozenset[str]:
    """Those of the rights that any of the scopes covers."""
    return frozenset(right for right in rights if covered(right, scopes))


def refusal(right: str) -> str:
    """The sentence for someone who lacks the right."""
    return f"This needs the right '{right}': to {RIGHTS[right]}."
