"""What holds of the rules of every transaction that can be."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from comptoir_rules import Rules, Settings, Source, Transaction, ValidationMode, resolve
from comptoir_rules.answers import Course
from comptoir_rules.tables import VALIDITY

ZONES = (
    "UTC",
    "Europe/Paris",
    "Pacific/Noumea",
    "America/Sao_Paulo",
    "Pacific/Kiritimati",
    "Atlantic/Azores",
)
_TIMES = st.datetimes(
    min_value=datetime.fromisoformat("2000-01-01"),
    max_value=datetime.fromisoformat("2060-01-01"),
    timezones=st.sampled_from(ZONES).map(ZoneInfo),
)
_SETTINGS = st.builds(
    Settings,
    time_zone=st.sampled_from(ZONES),
    capture_delay_days=st.integers(0, 60),
    validation_mode=st.sampled_from(ValidationMode),
    extra_attempts=st.integers(0, 10),
    notify_refused_attempts=st.booleans(),
)


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Settings, Transaction]:
    settings, time = draw(_SETTINGS), draw(_TIMES)
    day = time.astimezone(ZoneInfo(settings.time_zone)).date()
    amount = draw(st.integers(1_000, 10**9))
    return settings, Transaction(
        time=time,
        source=draw(st.sampled_from(Source)),
        amount_minor=amount,
        currency_code=draw(st.sampled_from(("EUR", "XPF", "953"))),
        brand=draw(st.sampled_from([*VALIDITY, "", "SOME_OTHER"])),
        method=draw(st.sampled_from(("", "ONEY_3X_4X", "SOME_WALLET"))),
        method_retries=draw(st.none() | st.booleans()),
        instalments=draw(st.just("SINGLE") | _regular(amount) | _chosen(amount, day)),
        capture_delay=draw(st.just("") | st.integers(0, 60).map(str)),
        capture_date=draw(st.none() | st.integers(0, 60).map(lambda days: day + timedelta(days=days))),
        validation_mode=draw(st.sampled_from(("", "0", "1", "NO", "YES"))),
        redirect_error_timeout=draw(st.booleans()),
    )


def _regular(amount: int) -> st.SearchStrategy[str]:
    return st.builds(
        "MULTI:first={};count={};period={}".format,
        st.integers(1, amount - 10),
        st.integers(2, 6),
        st.integers(1, 60),
    )


def _chosen(amount: int, day: date) -> st.SearchStrategy[str]:
    def notation(days: list[int]) -> str:
        amounts = [*[1] * (len(days) - 1), amount - len(days) + 1]
        dates = [day + timedelta(days=each) for each in sorted(days)]
        return "MULTI_EXT:" + ";".join(
            f"{when:%Y%m%d}={part}" for when, part in zip(dates, amounts, strict=True)
        )

    return st.lists(st.integers(0, 365), min_size=1, max_size=12, unique=True).map(notation)


@given(case=_cases())
def test_the_rules_of_a_transaction_that_can_be_hold_together(case: tuple[Settings, Transaction]) -> None:
    settings, transaction = case

    rules = resolve(settings, transaction)

    assert rules.further_attempts.value == (rules.attempts.value > 1)
    assert bool(rules.violations) == (rules.capture_date.value is None or rules.validation_mode.value is None)
    if rules.violations:
        assert transaction.source is Source.MANUAL_ENTRY
        assert rules.instalments == ()
        return
    days = [when for when, _ in _captures(rules)]
    assert days[0] == rules.capture_date.value
    assert days == sorted(set(days))
    assert all(part.amount.value > 0 for part in rules.instalments)
    if rules.instalments:
        assert sum(part.amount.value for part in rules.instalments) == transaction.amount_minor
    for when, course in _captures(rules):
        _holds(rules, when, course, ZoneInfo(settings.time_zone))


def _captures(rules: Rules) -> list[tuple[date, Course]]:
    assert rules.capture_date.value is not None
    parts = [(part.capture_date.value, part.course) for part in rules.instalments]
    return parts or [(rules.capture_date.value, rules.course)]


def _holds(rules: Rules, when: date, course: Course, zone: ZoneInfo) -> None:
    day = rules.transaction_date
    assert day <= when
    assert course.deferred.value == ((when - day).days > rules.authorization_validity_days.value)
    assert course.information_request.value == course.deferred.value
    assert course.authorization_date is None or day <= course.authorization_date <= when
    if rules.validation_mode.value is ValidationMode.AUTOMATIC:
        assert (
            course.expire_date.value,
            course.expire_time,
            course.validate_until.value,
        ) == (None, None, None)
        return
    last, over = course.expire_date.value, course.expire_time
    assert last is not None
    assert over is not None
    assert when <= last == course.validate_until.value == course.change_until.value
    assert (over - timedelta(microseconds=1)).astimezone(zone).date() <= last < over.astimezone(zone).date()
