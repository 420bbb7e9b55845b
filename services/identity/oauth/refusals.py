"""The refusals that the gateway turns into OAuth errors, by their reason (RFC 6749 5.2, RFC 7009, OpenID Connect).

- `INVALID_CLIENT` (Unauthenticated): unknown client, wrong secret, or a secret from a public client;
- `INVALID_GRANT` (Precondition): a code or refresh token that is unknown, expired, used, another client's, or whose
  session or place in the company is gone. One sentence for all of them: which it was would help only a thief;
- `INVALID_SCOPE` (Invalid): a scope that is unknown or was not given; `metadata["scope"]` names it;
- `INVALID_KEY_PROOF` (Invalid): the proof of a key that must be there is not, or was used before;
- `INVALID_SUBJECT_TOKEN` (Invalid): the token to exchange is not good, or not one that this client got;
- `UNAUTHORIZED_CLIENT` (Invalid): a grant type that the client was not registered for;
- `INVALID_REDIRECT_URI` (Invalid): not one of the client's, byte for byte: never send a browser there;
- `SESSION_ENDED` (Unauthenticated): the browser's session is over (raised by `sessions`);
- `SECOND_FACTOR_REQUIRED` (Denied): the company wants one, and the session was opened without;
- `NOT_A_MEMBER` (Denied): the person has no place in the company, or named none and is not staff.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.chassis.errors import Denied, Invalid, Precondition, Unauthenticated, Violation


def invalid_client() -> Unauthenticated:
    return Unauthenticated("The client could not be authenticated.", reason="INVALID_CLIENT")


def invalid_grant() -> Precondition:
    return Precondition("The grant is not valid, or not valid any more.", reason="INVALID_GRANT")


def invalid_scope(scopes: Iterable[str]) -> Invalid:
    listed = " ".join(sorted(scopes))
    return Invalid(
        f"These scopes cannot be given: {listed}." if listed else "At least one scope must be asked for.",
        reason="INVALID_SCOPE",
        violations=[Violation("scopes", "scope", "must be scopes that were given before")],
        metadata={"scope": listed},
    )


def invalid_proof() -> Invalid:
    return Invalid(
        "The proof of a key is missing, or was used before.",
        reason="INVALID_KEY_PROOF",
        violations=[Violation("key_proof", "key_proof", "must be there, and new")],
    )


def invalid_subject_token() -> Invalid:
    return Invalid(
        "The subject token is not a good access token of this client.",
        reason="INVALID_SUBJECT_TOKEN",
        violations=[
            Violation("token_exchange.subject_token", "subject_token", "must be a good one of its own")
        ],
    )


def unauthorized_client(grant_type: str) -> Invalid:
    return Invalid(
        f"The client is not registered for the grant type '{grant_type}'.", reason="UNAUTHORIZED_CLIENT"
    )


def invalid_redirect_uri() -> Invalid:
    return Invalid(
        "The redirect URI is not one of the client's.",
        reason="INVALID_REDIRECT_URI",
        violations=[Violation("redirect_uri", "redirect_uri", "must be one of the client's, byte for byte")],
    )


def second_factor_required() -> Denied:
    return Denied("The company lets nobody in without a second factor.", reason="SECOND_FACTOR_REQUIRED")


def not_a_member() -> Denied:
    return Denied("The person has no place in this company.", reason="NOT_A_MEMBER")
