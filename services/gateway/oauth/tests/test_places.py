"""Where forms may lead on to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.oauth.places import SIGNED_IN, onward, pending_authorization


@given(st.text(alphabet=" /\\\t\r\n:@.?#%éa0\x7f\u2028"))
def test_whatever_is_asked_stays_on_this_origin(path: str) -> None:
    onto = onward(path)

    assert onto.startswith("/")
    assert not onto.startswith("//")
    assert onto.isascii()
    assert onto.isprintable()
    assert not set("\\ ") & set(onto)


@pytest.mark.parametrize("path", ["/", "/oauth2/authorize?client_id=a&state=%2F%2Fx", "/a?b=//c"])
def test_own_paths_are_kept(path: str) -> None:
    assert onward(path) == path


def test_a_trailing_line_break_is_not_overlooked() -> None:
    assert onward("/oauth2/authorize\n") == SIGNED_IN


def test_only_the_authorization_endpoint_has_a_pending_request() -> None:
    assert pending_authorization("/oauth2/authorize?client_id=a") == {"client_id": "a"}
    assert pending_authorization("/elsewhere?client_id=a") == {}
