"""Every writing method of the contract takes a key, whoever wrote it and whenever: the list is the contract itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from comptoir.options.v1 import policy_pb2
from services.chassis.contract import Method, every_method
from services.chassis.errors import Fault, Invalid
from services.chassis.service import Service
from services.chassis.testing.running import Running
from services.chassis.testing.tokens import Mint
from services.company.service import COMPANY
from services.identity.service import IDENTITY
from services.inbox.service import INBOX
from services.media.service import MEDIA
from services.shop.service import SHOP
from tests.idempotency.sending import Answer, rows, send

SERVICES: dict[str, Service] = {each.name: each for each in (COMPANY, IDENTITY, INBOX, MEDIA, SHOP)}
WRITING = [method for method in every_method() if not method.reads_only]
Run = Callable[[Method], Running]


@pytest.fixture(scope="module")
def running(run_service: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The service of a method, which lets the gateway call everything."""
    started: dict[str, Running] = {}
    mint = Mint()
    callers = tmp_path_factory.mktemp("callers") / "callers.toml"
    callers.write_text('[services.gateway]\nforwards_tokens = true\nmethods = ["*"]\n')

    def start(method: Method) -> Running:
        name = method.service.split(".")[1]
        if name not in started:
            special = {"media_directory": tmp_path_factory.mktemp("images")} if name == "media" else {}
            # Identity too is to believe tokens that no sign-in came before.
            service = replace(SERVICES[name], find_key=lambda _: mint.find)
            started[name] = run_service(service, callers_file=callers, **special)
            started[name].mint = mint
        return started[name]

    return start


def ask(running: Running, method: Method, key: str) -> Answer:
    """Sends the method's example as somebody who may."""
    example = method.example()
    ids = {
        variable: found
        for name in method.names
        for variable, found in (name.pattern.parse(name.value(example)) or {}).items()
    }
    token = None
    # One mint serves them all, so that each is to be told what it has minted for it.
    running.mint.minted = running.acquaintance.minted
    if policy_pb2.CALLER_KIND_OPERATOR in method.callers:
        token = running.mint.token(
            role="operator", company=None, shops=None, sub=ids.get("user", "operatorexample")
        )
    elif policy_pb2.CALLER_KIND_MERCHANT in method.callers:
        token = running.mint.token(company=ids.get("company", "acme"), sub=ids.get("user", "userexample"))
    return send(running, f"{method.service.rpartition('.')[2]}/{method.name}", example, key, token=token)


@pytest.mark.parametrize("method", WRITING, ids=lambda method: method.name)
def test_a_method_that_writes_goes_by_the_key(running: Run, method: Method) -> None:
    with pytest.raises(Invalid) as refused:
        ask(running(method), method, "no key")

    assert [violation.rule for violation in refused.value.violations] == ["idempotency_key"]


@pytest.mark.parametrize("method", WRITING, ids=lambda method: method.name)
def test_a_method_that_writes_answers_alike_or_keeps_nothing(running: Run, method: Method) -> None:
    service = running(method)
    before = rows(service, "select count(*) from kept_replies")[0][0]
    answers: list[Answer] = []
    for _ in range(2):
        with suppress(Fault):
            answers.append(ask(service, method, "twice"))
    kept = rows(service, "select count(*) from kept_replies")[0][0] - before

    assert [answer.replayed for answer in answers] in ([], [False] if method.discloses else [False, True])
    assert len({answer.content for answer in answers}) == kept == bool(answers)


def test_replies_that_bear_secrets_say_so() -> None:
    """Found by the names that the contract gives to secrets; whoever adds another name, adds it here."""
    found = {method.name for method in WRITING if any(_secrets(method))}

    assert {method.name for method in WRITING if method.policy.secret_reply} == found


def _secrets(method: Method) -> Iterator[str]:
    names = ("_token", "code", "codes", "secret", "value", "request_id")
    for field in method.descriptor.output_type.fields:
        if field.GetOptions().debug_redact and field.name.endswith(names):
            yield field.name
