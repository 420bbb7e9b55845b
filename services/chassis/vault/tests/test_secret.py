import copy
import json
import logging
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.vault.secret import DOTS, Secret
from services.chassis.vault.tests.traces import shown

DEMO = "testpassword_DEMOPRIVATEKEY23G4475zXZQ2UA5x7M"


@pytest.mark.parametrize(
    "printed",
    [
        repr(Secret(DEMO)),
        str(Secret(DEMO)),
        f"{Secret(DEMO)}",
        f"{Secret(DEMO)!r:>80}",
        f"{Secret(DEMO):>80}",
        "{} {!r}".format(*[Secret(DEMO)] * 2),
        repr([Secret(DEMO.encode())]),
    ],
)
def test_every_way_to_print_a_secret_shows_dots_only(printed: str) -> None:
    assert DOTS in printed
    assert "DEMO" not in printed


def test_dots_do_not_tell_the_length() -> None:
    assert str(Secret("a")) == str(Secret(DEMO))


def test_a_log_line_shows_dots_only(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("vault").warning("sealed %s", Secret(DEMO))
    assert f"sealed {DOTS}" == caplog.messages[0]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_cannot_be_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="cannot be serialised"):
        pickle.dumps(Secret(DEMO), protocol)


def test_a_secret_cannot_become_json() -> None:
    with pytest.raises(TypeError) as caught:
        json.dumps({"password": Secret(DEMO)})
    assert "DEMO" not in str(caught.value)


def test_a_secret_has_no_dictionary_to_dump() -> None:
    with pytest.raises(TypeError):
        vars(Secret(DEMO))


def test_a_copy_is_the_secret_itself() -> None:
    secret = Secret(DEMO)
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"key": secret})["key"] is secret


def test_equality_is_of_the_bytes_and_never_with_a_plain_value() -> None:
    assert Secret(DEMO) == Secret(DEMO.encode())
    assert Secret(DEMO) != Secret(DEMO + "x")
    assert Secret(DEMO) != DEMO
    assert Secret(DEMO) != DEMO.encode()


def test_a_secret_is_not_hashable() -> None:
    with pytest.raises(TypeError):
        hash(Secret(DEMO))


def test_only_bytes_and_text_are_secrets() -> None:
    with pytest.raises(TypeError, match="not int"):
        Secret(5)  # type: ignore[arg-type]


def test_bytes_that_are_no_text_are_refused_without_showing_one() -> None:
    with pytest.raises(ValueError, match="not text") as caught:
        Secret(b"DEMO\xff").reveal_text()
    assert "DEMO" not in shown(caught.value)


@given(st.binary())
def test_bytes_come_back(value: bytes) -> None:
    assert value == Secret(value).reveal()


@given(st.text(st.characters(codec=None)))
def test_text_comes_back(value: str) -> None:
    assert value == Secret(value).reveal_text()
