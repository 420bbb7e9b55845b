"""Credentials of the REST API: user (the public id) and password, as HTTP's Basic scheme has them (RFC 7617)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from services.chassis.vault.secret import Secret
from services.shop.keys import KINDS
from services.shop.verdicts import UNKNOWN, ShopKeys, Verdict, accepted, matching, refused

PASSWORDS = (KINDS["rest-password-test"], KINDS["rest-password-production"])
_USER = re.compile(r"[0-9]{8}", re.ASCII)
_BASIC = re.compile(r"basic +([A-Za-z0-9+/_-]+={0,2})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Credentials:
    """Somebody's user and password."""

    user: str
    password: Secret

    @classmethod
    def of(cls, user: str, password: str) -> Self | None:
        """None unless they can be a shop's."""
        return cls(user, Secret(password)) if _USER.fullmatch(user) and password else None

    @classmethod
    def of_header(cls, header: str) -> Self | None:
        """Those of an `Authorization` header; None if it holds none that can be a shop's."""
        match = _BASIC.fullmatch(header.strip())
        if match is None:
            return None
        try:
            user, colon, password = base64.b64decode(match[1], validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return cls.of(user, password) if colon else None


def judge(shop: ShopKeys, given: Credentials, now: datetime) -> Verdict:
    """The verdict by the passwords that are valid now: the password itself tells the environment."""
    for kind in PASSWORDS:
        found = matching(shop.live(kind, now), lambda value: value.secret == given.password)
        if found:
            return refused("CAUSE_SHOP_CLOSED", due=kind) if shop.refuses(kind) else accepted(shop, found)
    said = next(
        (kind for kind in PASSWORDS if given.password.reveal().startswith(kind.prefix.encode())), None
    )
    if said and not shop.values(said):
        return refused("CAUSE_KEY_NOT_GENERATED", due=said)
    return refused(UNKNOWN, due=said)
