"""Faults of identity in the words of OAuth, whichever way they go out."""

from __future__ import annotations

import pytest

from services.chassis.errors import (
    Denied,
    Exhausted,
    Fault,
    Internal,
    Invalid,
    NotFound,
    Precondition,
    TimedOut,
    Unauthenticated,
    Unavailable,
)
from services.gateway.oauth.redirects import from_fault, location
from services.gateway.oauth.token_request import oauth_error


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        (Unauthenticated("x", reason="INVALID_CLIENT"), "invalid_client", 401),
        (Precondition("x", reason="INVALID_GRANT"), "invalid_grant", 400),
        (Invalid("x", reason="INVALID_SCOPE"), "invalid_scope", 400),
        (Invalid("x", reason="UNAUTHORIZED_CLIENT"), "unauthorized_client", 400),
        (Invalid.field("client.client_id", "max_len", "x"), "invalid_client", 401),
        (Invalid.field("authorization_code.code", "max_len", "x"), "invalid_grant", 400),
        (Exhausted("x", retry_after_seconds=1.2), "temporarily_unavailable", 429),
        (Unavailable("x"), "temporarily_unavailable", 503),
        (TimedOut("x"), "temporarily_unavailable", 503),
        (Internal("x"), "server_error", 500),
    ],
)
def test_the_token_endpoint_gives_each_fault_its_code_and_status(
    fault: Fault, error: str, status: int
) -> None:
    refusal = oauth_error(fault)

    assert (refusal.error, refusal.status_code) == (error, status)


def test_the_wait_is_told_in_whole_seconds() -> None:
    assert ("Retry-After", "2") in oauth_error(Exhausted("x", retry_after_seconds=1.2)).get_headers()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Unauthenticated("x", reason="SESSION_ENDED"), "login_required"),
        (Denied("x", reason="NOT_A_MEMBER"), "access_denied"),
        (NotFound("x"), "access_denied"),
        (Unavailable("x"), "temporarily_unavailable"),
        (Exhausted("x"), "temporarily_unavailable"),
        (Internal("x"), "server_error"),
    ],
)
def test_the_application_is_told_of_a_fault_with_its_state(fault: Fault, error: str) -> None:
    told = from_fault(fault, "https://app.example/cb", "état")

    assert (told.error, told.redirect_uri, told.state) == (error, "https://app.example/cb", "état")


def test_parameters_come_after_what_is_registered() -> None:
    assert location("https://a.example/cb", code="x y", state=None) == "https://a.example/cb?code=x+y"
    assert location("https://a.example/cb?a", code="x") == "https://a.example/cb?a&code=x"
    assert location("https://a.example/cb?a") == "https://a.example/cb?a"
