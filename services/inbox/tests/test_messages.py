"""Messages of the platform over the wire (IN1 to IN3)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from comptoir.inbox.v1 import message_pb2
from services.chassis.errors import Denied, Invalid, NotFound, Unauthenticated
from services.chassis.names import new_id
from services.chassis.testing.running import Running
from services.inbox.service import INBOX

Message, Inbox = message_pb2.Message, message_pb2.Inbox


def present(inbox: Running) -> dict[str, Any]:
    """Claims of a token that is good at the time of the test's clock."""
    now = int(inbox.resources.clock().timestamp())
    return {"iat": now, "exp": now + 300, "auth_time": now}


class Dial:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def dial() -> Dial:
    return Dial()


@pytest.fixture(scope="module")
def inbox(run_service: Callable[..., Running], dial: Dial) -> Running:
    return run_service(INBOX, clock=dial)


@pytest.fixture
def company() -> str:
    return new_id()


def text(title: str = "Maintenance", language: str = "fr", body: str = "") -> message_pb2.LocalizedText:
    return message_pb2.LocalizedText(language_code=language, title=title, body=body)


def post(inbox: Running, company: str, *texts: message_pb2.LocalizedText) -> message_pb2.Message:
    request = message_pb2.CreateMessageRequest(
        parent=f"companies/{company}", message=Message(texts=texts or [text()])
    )
    return inbox.call("MessageService/CreateMessage", request, Message, service="bootstrap")


def token(inbox: Running, company: str, user: str = "ada") -> str:
    return inbox.mint.token(company=company, sub=user, **present(inbox))


def listed(
    inbox: Running, company: str, user: str = "ada", size: int = 0, after: str = ""
) -> message_pb2.ListMessagesResponse:
    request = message_pb2.ListMessagesRequest(parent=f"companies/{company}", page_size=size, page_token=after)
    answer = message_pb2.ListMessagesResponse
    return inbox.call("MessageService/ListMessages", request, answer, token=token(inbox, company, user))


def get(inbox: Running, name: str, company: str, user: str = "ada") -> message_pb2.Message:
    request = message_pb2.GetMessageRequest(name=name)
    return inbox.call("MessageService/GetMessage", request, Message, token=token(inbox, company, user))


def mark(inbox: Running, name: str, company: str, user: str = "ada") -> message_pb2.Message:
    request = message_pb2.MarkMessageReadRequest(name=name)
    return inbox.call("MessageService/MarkMessageRead", request, Message, token=token(inbox, company, user))


def unread(inbox: Running, company: str, user: str = "ada") -> int:
    request = message_pb2.GetInboxRequest(name=f"companies/{company}/inbox")
    found = inbox.call("MessageService/GetInbox", request, Inbox, token=token(inbox, company, user))
    assert found.name == request.name
    return found.unread_count


def test_a_posted_message_is_read_back_in_every_language_it_was_written_in(
    inbox: Running, company: str
) -> None:
    texts = [text("Maintenance", "fr", "Dimanche à 4 h.\nMerci."), text("Maintenance", "en", "Sunday at 4.")]
    posted = post(inbox, company, *texts)

    assert texts == list(posted.texts)
    assert posted == get(inbox, posted.name, company)
    assert not posted.HasField("read_time")


def test_line_breaks_of_browsers_become_plain_ones(inbox: Running, company: str) -> None:
    assert post(inbox, company, text(body="one\r\ntwo")).texts[0].body == "one\ntwo"


def test_everybody_of_the_company_starts_with_the_message_unread(inbox: Running, company: str) -> None:
    post(inbox, company)
    post(inbox, company)

    assert [unread(inbox, company, user) for user in ("ada", "jean")] == [2, 2]


def test_reading_is_ones_own(inbox: Running, company: str) -> None:
    posted = post(inbox, company)
    marked = mark(inbox, posted.name, company, "ada")

    assert marked.HasField("read_time")
    assert marked == get(inbox, posted.name, company, "ada")
    assert posted == get(inbox, posted.name, company, "jean")
    assert [unread(inbox, company, user) for user in ("ada", "jean")] == [0, 1]
    assert [marked] == list(listed(inbox, company, "ada").messages)
    assert [posted] == list(listed(inbox, company, "jean").messages)


def test_marking_again_keeps_the_first_time(inbox: Running, company: str, dial: Dial) -> None:
    posted = post(inbox, company)
    first = mark(inbox, posted.name, company)
    dial.now += timedelta(hours=1)

    assert first == mark(inbox, posted.name, company)
    assert first == get(inbox, posted.name, company)


def test_marking_at_once_from_several_tabs_makes_one_mark(inbox: Running, company: str) -> None:
    names = [post(inbox, company).name for _ in range(5)]
    with ThreadPoolExecutor(4) as pool:
        marks = list(pool.map(lambda name: mark(inbox, name, company), names * 4))

    for name in names:
        assert len({each.read_time.ToNanoseconds() for each in marks if each.name == name}) == 1
    assert unread(inbox, company) == 0


def test_pages_hold_every_message_once_newest_first(inbox: Running, company: str, dial: Dial) -> None:
    posted = []
    for step in range(7):
        # Every other one shares its instant with the one before.
        dial.now += timedelta(microseconds=step % 2)
        posted.append(post(inbox, company))

    pages: list[list[message_pb2.Message]] = []
    after = ""
    while not pages or after:
        page = listed(inbox, company, size=2, after=after)
        pages.append(list(page.messages))
        after = page.next_page_token

    found = [message for page in pages for message in page]
    newest_first = sorted(posted, key=lambda m: (m.create_time.ToNanoseconds(), m.name), reverse=True)
    assert newest_first == found
    assert [len(page) for page in pages] == [2, 2, 2, 1]


def test_a_message_that_arrives_between_pages_shifts_none(inbox: Running, company: str, dial: Dial) -> None:
    old = [post(inbox, company).name for _ in range(3)]
    first = listed(inbox, company, size=2)
    dial.now += timedelta(seconds=1)
    post(inbox, company)
    second = listed(inbox, company, size=2, after=first.next_page_token)

    assert sorted(old) == sorted(message.name for message in (*first.messages, *second.messages))


def test_an_empty_inbox_is_an_empty_page(inbox: Running, company: str) -> None:
    assert message_pb2.ListMessagesResponse() == listed(inbox, company)
    assert unread(inbox, company) == 0


def forged(inbox: Running, company: str, parts: list[str]) -> str:
    """A page token with a real binding and made-up parts; leaves two messages behind."""
    post(inbox, company)
    post(inbox, company)
    real = listed(inbox, company, size=1).next_page_token
    binding = json.loads(base64.urlsafe_b64decode(real + "=="))[0]
    return base64.urlsafe_b64encode(json.dumps([binding, *parts]).encode()).decode().rstrip("=")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(made_up=st.lists(st.text(max_size=30), max_size=3))
@example(made_up=["2026-01-01T00:00:00", "a"])
@example(made_up=["2026-01-01T00:00:00+00:00", "\0"])
@example(made_up=["2026-01-01T00:00:00+00:00", "\ud800"])
@example(made_up=["2026-01-01T00:00:00+00:00", "a", "b"])
def test_a_made_up_page_token_is_refused_and_never_an_error_of_ours(
    inbox: Running, company: str, made_up: list[str]
) -> None:
    with pytest.raises(Invalid) as refused:
        listed(inbox, company, after=forged(inbox, company, made_up))

    assert [violation.field for violation in refused.value.violations] == ["page_token"]


@pytest.mark.parametrize(
    ("time", "shown"), [("0001-01-01T00:00:00+23:59", 0), ("9999-12-31T23:59:59.999999-23:59", 2)]
)
def test_a_made_up_place_at_the_ends_of_time_is_a_place_like_any_other(
    inbox: Running, company: str, time: str, shown: int
) -> None:
    token = forged(inbox, company, [time, "a"])

    assert shown == len(listed(inbox, company, after=token).messages)


def test_a_page_token_of_another_company_is_refused(inbox: Running, company: str) -> None:
    other = new_id()
    for each in (company, company, other):
        post(inbox, each)
    real = listed(inbox, company, size=1).next_page_token
    with pytest.raises(Invalid):
        listed(inbox, other, after=real)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ([], "message.texts"),
        ([text("")], "message.texts[0].title"),
        ([text("two\nlines")], "message.texts[0].title"),
        ([text("x" * 201)], "message.texts[0].title"),
        ([text(language="nl")], "message.texts[0].language_code"),
        ([text(body="bell\a")], "message.texts[0].body"),
        ([text(body="nul\0")], "message.texts[0].body"),
        ([text(body="x" * 10_001)], "message.texts[0].body"),
        ([text(), text("Autre")], "message.texts"),
    ],
)
def test_what_is_no_message_is_refused_by_field(
    inbox: Running, company: str, wrong: list[message_pb2.LocalizedText], field: str
) -> None:
    request = message_pb2.CreateMessageRequest(parent=f"companies/{company}", message=Message(texts=wrong))
    with pytest.raises(Invalid) as refused:
        inbox.call(
            "MessageService/CreateMessage", request, Message, token=inbox.mint.operator(**present(inbox))
        )

    assert [violation.field for violation in refused.value.violations] == [field]


def test_another_companys_message_is_the_answer_of_one_that_never_existed(
    inbox: Running, company: str
) -> None:
    theirs = post(inbox, new_id()).name
    never = f"{theirs.rpartition('/')[0]}/never"
    sibling = f"companies/{company}/messages/{theirs.rpartition('/')[2]}"
    answers = set()
    for name in (theirs, never, sibling):
        for ask in (get, mark):
            with pytest.raises(NotFound) as refused:
                ask(inbox, name, company)
            answers.add(refused.value.message.replace(name, "NAME"))

    assert len(answers) == 1
    assert unread(inbox, company) == 0


def test_merchants_do_not_post(inbox: Running, company: str) -> None:
    request = message_pb2.CreateMessageRequest(parent=f"companies/{company}", message=Message(texts=[text()]))
    with pytest.raises(Denied):
        inbox.call("MessageService/CreateMessage", request, Message, token=token(inbox, company))


def test_messages_are_not_posted_to_a_wildcard(inbox: Running) -> None:
    with pytest.raises(Invalid):
        post(inbox, "-")


def test_without_the_right_to_read_no_message_is_read(inbox: Running, company: str) -> None:
    name = post(inbox, company).name
    developer = inbox.mint.token(company=company, scope="openid shop", **present(inbox))
    with pytest.raises(Denied):
        inbox.call(
            "MessageService/GetMessage", message_pb2.GetMessageRequest(name=name), Message, token=developer
        )
    with pytest.raises(Unauthenticated):
        inbox.call("MessageService/GetMessage", message_pb2.GetMessageRequest(name=name), Message)
