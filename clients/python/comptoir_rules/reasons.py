"""Why a rule is what it is: stable names, whose word it was, and the manual's chapter on it."""

from __future__ import annotations

from enum import StrEnum


class Origin(StrEnum):
    """Whose word a rule follows."""

    TRANSACTION = "TRANSACTION"
    SHOP_DEFAULT = "SHOP_DEFAULT"
    PLATFORM = "PLATFORM"


class Reason(StrEnum):
    """Names never change their meaning; new ones may come."""

    origin: Origin
    chapter: str
    """Of the manual "Gestion des paramètres de la boutique"."""

    def __new__(cls, name: str, origin: Origin, chapter: str) -> Reason:
        member = str.__new__(cls, name)
        member._value_ = name
        member.origin = origin
        member.chapter = chapter
        return member

    # When it is captured.
    TRANSACTION_DATE = "TRANSACTION_DATE", Origin.TRANSACTION, "4.5"
    TRANSACTION_DELAY = "TRANSACTION_DELAY", Origin.TRANSACTION, "4.5"
    DELAY_LIMITED = "DELAY_LIMITED", Origin.PLATFORM, "4.5"
    SHOP_DELAY = "SHOP_DELAY", Origin.SHOP_DEFAULT, "4.5"
    MANUAL_ENTRY_NEEDS_DATE = "MANUAL_ENTRY_NEEDS_DATE", Origin.PLATFORM, "4.5"
    # How it is released.
    TRANSACTION_MODE = "TRANSACTION_MODE", Origin.TRANSACTION, "4.6"
    SHOP_MODE = "SHOP_MODE", Origin.SHOP_DEFAULT, "4.6"
    MANUAL_ENTRY_NEEDS_MODE = "MANUAL_ENTRY_NEEDS_MODE", Origin.PLATFORM, "4.6"
    # How long an authorization lasts, and what follows.
    BRAND_VALIDITY = "BRAND_VALIDITY", Origin.PLATFORM, "4.6"
    USUAL_VALIDITY = "USUAL_VALIDITY", Origin.PLATFORM, "4.6"
    WITHIN_AUTHORIZATION = "WITHIN_AUTHORIZATION", Origin.PLATFORM, "4.6"
    BEYOND_AUTHORIZATION = "BEYOND_AUTHORIZATION", Origin.PLATFORM, "4.6"
    AUTHORIZED_AT_PAYMENT = "AUTHORIZED_AT_PAYMENT", Origin.PLATFORM, "4.6"
    AUTHORIZED_THE_DAY_BEFORE = "AUTHORIZED_THE_DAY_BEFORE", Origin.PLATFORM, "4.6"
    AUTHORIZED_AT_VALIDATION = "AUTHORIZED_AT_VALIDATION", Origin.PLATFORM, "4.6"
    CARD_CHECKED_FIRST = "CARD_CHECKED_FIRST", Origin.PLATFORM, "4.6"
    CARD_CHECKED_BY_AUTHORIZATION = "CARD_CHECKED_BY_AUTHORIZATION", Origin.PLATFORM, "4.6"
    # Until when it can be changed or validated.
    UNTIL_CAPTURED = "UNTIL_CAPTURED", Origin.PLATFORM, "4.6"
    UNTIL_AUTHORIZATION_EXPIRES = "UNTIL_AUTHORIZATION_EXPIRES", Origin.PLATFORM, "4.6"
    UNTIL_CAPTURE_DATE = "UNTIL_CAPTURE_DATE", Origin.PLATFORM, "4.6"
    RELEASED_BY_PLATFORM = "RELEASED_BY_PLATFORM", Origin.PLATFORM, "4.6"
    # Attempts, and the notification URL.
    SHOP_ATTEMPTS = "SHOP_ATTEMPTS", Origin.SHOP_DEFAULT, "4.7"
    NO_RETRY_OUTSIDE_FORM = "NO_RETRY_OUTSIDE_FORM", Origin.PLATFORM, "4.7"
    NO_RETRY_FOR_INSTALMENTS = "NO_RETRY_FOR_INSTALMENTS", Origin.PLATFORM, "4.7"
    NO_RETRY_FOR_METHOD = "NO_RETRY_FOR_METHOD", Origin.PLATFORM, "4.7"
    NO_RETRY_BEFORE_REDIRECT = "NO_RETRY_BEFORE_REDIRECT", Origin.TRANSACTION, "4.7"
    SHOP_NOTIFICATION = "SHOP_NOTIFICATION", Origin.SHOP_DEFAULT, "4.7"
    NO_ATTEMPTS_OUTSIDE_FORM = "NO_ATTEMPTS_OUTSIDE_FORM", Origin.PLATFORM, "4.7"
    END_NOTIFIED = "END_NOTIFIED", Origin.PLATFORM, "4.7"
    ABANDONMENT_NOT_NOTIFIED = "ABANDONMENT_NOT_NOTIFIED", Origin.PLATFORM, "4.7"
    # Payment in several instalments.
    SCHEDULE_DATE = "SCHEDULE_DATE", Origin.TRANSACTION, "3"
    SCHEDULE_FIRST = "SCHEDULE_FIRST", Origin.TRANSACTION, "3"
    SCHEDULE_SHARE = "SCHEDULE_SHARE", Origin.PLATFORM, "3"
    SCHEDULE_REMAINDER = "SCHEDULE_REMAINDER", Origin.PLATFORM, "3"
