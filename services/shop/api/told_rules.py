"""The rules of one payment, as messages."""

from __future__ import annotations

from datetime import date
from typing import TypedDict

from comptoir.shop.v1 import rules_pb2, shop_pb2
from comptoir_rules import Answer, Instalment, Moment, Origin, Reason, Rules, ValidationMode, Violation
from comptoir_rules.answers import Course


class _Why(TypedDict):
    origin: rules_pb2.RuleOrigin.ValueType
    reason: rules_pb2.RuleReason.ValueType


_ORIGINS = {origin: rules_pb2.RuleOrigin.Value(f"RULE_ORIGIN_{origin}") for origin in Origin}
_WHY: dict[Reason, _Why] = {
    reason: {
        "origin": _ORIGINS[reason.origin],
        "reason": rules_pb2.RuleReason.Value(f"RULE_REASON_{reason}"),
    }
    for reason in Reason
}
_MODES = {
    mode: shop_pb2.ValidationMode.Value(f"VALIDATION_MODE_{mode or 'UNSPECIFIED'}")
    for mode in (None, *ValidationMode)
}
_MOMENTS = {
    moment: rules_pb2.AuthorizationMoment.Value(f"AUTHORIZATION_MOMENT_{moment or 'UNSPECIFIED'}")
    for moment in (None, *Moment)
}


def told(rules: Rules, shop: str, zone: str) -> rules_pb2.ResolvePaymentRulesResponse:
    """The answer for this shop and zone."""
    mode = rules.validation_mode
    return rules_pb2.ResolvePaymentRulesResponse(
        shop=shop,
        time_zone=zone,
        transaction_date=rules.transaction_date.isoformat(),
        capture_date=_date(rules.capture_date),
        validation_mode=rules_pb2.ValidationModeRule(value=_MODES[mode.value], **_WHY[mode.reason]),
        authorization_validity_days=_number(rules.authorization_validity_days),
        course=_course(rules.course),
        further_attempts=_flag(rules.further_attempts),
        attempts=_number(rules.attempts),
        notify_refused_attempts=_flag(rules.notify_refused_attempts),
        notify_end=_flag(rules.notify_end),
        notify_abandonment=_flag(rules.notify_abandonment),
        instalments=map(_instalment, rules.instalments),
        violations=map(_violation, rules.violations),
    )


def _course(course: Course) -> rules_pb2.CaptureCourse:
    asked = course.authorization
    message = rules_pb2.CaptureCourse(
        deferred=_flag(course.deferred),
        authorization=rules_pb2.AuthorizationRule(
            value=_MOMENTS[asked.value],
            date=_text(course.authorization_date),
            **_WHY[asked.reason],
        ),
        information_request=_flag(course.information_request),
        expire_date=_date(course.expire_date),
        validate_until=_date(course.validate_until),
        change_until=_date(course.change_until),
    )
    if course.expire_time is not None:
        message.expire_time.FromDatetime(course.expire_time)
    return message


def _instalment(part: Instalment) -> rules_pb2.Instalment:
    return rules_pb2.Instalment(
        amount_minor=_number(part.amount), capture_date=_date(part.capture_date), course=_course(part.course)
    )


def _violation(violation: Violation) -> rules_pb2.RuleViolation:
    return rules_pb2.RuleViolation(field=f"transaction.{violation.field}", **_WHY[violation.reason])


def _date(answer: Answer[date | None] | Answer[date]) -> rules_pb2.DateRule:
    return rules_pb2.DateRule(value=_text(answer.value), **_WHY[answer.reason])


def _text(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _flag(answer: Answer[bool | None] | Answer[bool]) -> rules_pb2.FlagRule:
    return rules_pb2.FlagRule(value=answer.value, **_WHY[answer.reason])


def _number(answer: Answer[int]) -> rules_pb2.NumberRule:
    return rules_pb2.NumberRule(value=answer.value, **_WHY[answer.reason])
