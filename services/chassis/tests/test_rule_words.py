"""What a broken rule is called: a sentence for people, whatever the rule."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from comptoir.company.v1 import company_pb2
from comptoir.identity.v1 import application_pb2
from comptoir.shop.v1 import rules_pb2, shop_pb2, signature_pb2
from services.chassis.contract import FILES
from services.chassis.rule_words import words
from services.chassis.validate import broken_rules

NOWHERE_VALID = "\né"
"""Fits no pattern of the contract."""


def with_pattern(messages: Iterator[Descriptor]) -> Iterator[FieldDescriptor]:
    for message in messages:
        yield from with_pattern(iter(message.nested_types))
        for field in message.fields:
            rules = field.GetOptions().Extensions[validate_pb2.field]
            if rules.string.HasField("pattern") or rules.repeated.items.string.HasField("pattern"):
                yield field


PATTERNED = {
    field.full_name: field
    for file in FILES
    for field in with_pattern(iter(file.message_types_by_name.values()))
}


@pytest.mark.parametrize("field", PATTERNED.values(), ids=PATTERNED)
def test_no_pattern_is_shown_to_whoever_broke_it(field: FieldDescriptor) -> None:
    value = [NOWHERE_VALID] if field.is_repeated else NOWHERE_VALID
    assert field.containing_type is not None
    message = message_factory.GetMessageClass(field.containing_type)(**{field.name: value})

    path = f"{field.name}[0]" if field.is_repeated else field.name
    told = {each.rule: each.description for each in broken_rules(message) if each.field == path}

    assert told["string.pattern"].startswith("must be ")
    assert told["string.pattern"] != words("string.pattern", "another", "")
    assert not set("^$[]{}()*\\|") & set(told["string.pattern"])


@pytest.mark.parametrize(
    ("message", "field", "expected"),
    [
        (signature_pb2.SignFormRequest(), "fields", "must not be empty"),
        (company_pb2.Company(), "legal_name", "must not be empty"),
        (application_pb2.Application(), "scopes", "must not be empty"),
        (company_pb2.Company(language_code="xx"), "language_code", "must be one of fr, en, es, de, pt, it"),
        (
            company_pb2.Company(incident_emails=["a@b.example"] * 2),
            "incident_emails",
            "must hold each value once",
        ),
        (company_pb2.Company(incident_emails=["a"] * 21), "incident_emails", "must hold at most 20"),
        (shop_pb2.Shop(validation_mode=99), "validation_mode", "must be one of the values that are listed"),  # type: ignore[arg-type]
        (rules_pb2.PaymentFacts(), "source", "must be stated"),
        (
            signature_pb2.SignFormRequest(fields={f"vads_{n}": "" for n in range(513)}),
            "fields",
            "must hold at most 512",
        ),
    ],
)
def test_other_rules_are_sentences_too(message: Message, field: str, expected: str) -> None:
    assert expected in [each.description for each in broken_rules(message) if each.field == field]
