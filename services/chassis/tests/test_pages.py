"""Page tokens: good for the list they were made for, and for no other."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import Invalid
from services.chassis.pages import MAXIMUM_SIZE, page


def test_a_token_goes_on_after_the_last_row() -> None:
    token = page(2, "", "shops", "acme").next_token([1, 2, 3], ("key",))

    assert page(2, token, "shops", "acme").after == ("key",)


def test_the_last_page_has_no_token() -> None:
    assert page(2, "", "shops", "acme").next_token([1, 2], ("key",)) == ""


def test_pages_have_a_largest_size() -> None:
    assert page(10_000, "").size == MAXIMUM_SIZE


def test_a_token_of_another_list_is_refused() -> None:
    token = page(1, "", "shops", "victim").next_token([1, 2], ("key",))
    with pytest.raises(Invalid):
        page(1, token, "shops", "acme")


@given(
    st.one_of(
        st.text(max_size=80), st.binary(max_size=80).map(lambda b: base64.urlsafe_b64encode(b).decode())
    )
)
def test_anything_else_is_refused_by_name(token: str) -> None:
    if not token:
        return
    with pytest.raises(Invalid) as refused:
        page(1, token, "shops", "acme")

    assert refused.value.violations[0].field == "page_token"
