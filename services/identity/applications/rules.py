"""What an application may be, and who may make it so: within what whoever registers it holds."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from services.chassis.authorize import require_fresh
from services.chassis.caller import Caller
from services.chassis.errors import Denied
from services.chassis.rights import APPLICATION, RIGHTS, SCOPES, covered, opened, refusal
from services.chassis.rpc.call import Call
from services.identity.applications import key_sets
from services.identity.applications.rows import ApplicationRow
from services.identity.oauth import redirects
from services.identity.profile import Findings

CODE, REFRESH, BY_ITSELF = "authorization_code", "refresh_token", "client_credentials"
_COMPANY = frozenset(right for right in RIGHTS if not right.startswith("platform."))
_NEVER = frozenset({"account", "platform"})
_PUBLIC, _SIGNS = "CLIENT_AUTHENTICATION_NONE", "CLIENT_AUTHENTICATION_PRIVATE_KEY"


def settle(asked: ApplicationRow) -> None:
    """Puts what is asked for into its stored form, or names every rule it breaks."""
    findings, kind = Findings(), asked.client_authentication
    for n, uri in enumerate(asked.redirect_uris):
        if not redirects.is_safe(uri):
            findings.note(f"application.redirect_uris[{n}]", "redirect_uri", redirects.RULE)
    for n, scope in enumerate(asked.scopes):
        if not _may_be_given(scope):
            findings.note(f"application.scopes[{n}]", "scope", "is not a scope that applications are given")
    _settle_grants(asked, kind, findings)
    if kind == _SIGNS:
        asked.jwks = key_sets.settled(asked.jwks, findings)
    elif asked.jwks:
        findings.note("application.jwks", "jwks", "is for applications that sign")
    if asked.all_shops and asked.shop_ids:
        findings.note("application.shop_ids", "all_shops", "must be empty where all shops are reached")
    findings.conclude()


def _settle_grants(asked: ApplicationRow, kind: str, findings: Findings) -> None:
    grants = set(asked.grant_types)
    if CODE in grants and not asked.redirect_uris:
        findings.note("application.redirect_uris", "required", "must not be empty for authorization_code")
    if REFRESH in grants and CODE not in grants:
        findings.note("application.grant_types", "grant_types", "refresh_token goes with authorization_code")
    if BY_ITSELF in grants and kind == _PUBLIC:
        findings.note("application.grant_types", "grant_types", "client_credentials needs a secret or keys")
    if BY_ITSELF in grants and not own_scopes(asked.scopes):
        findings.note("application.scopes", "scope", "leaves nothing that it could do by itself")


def within(caller: Caller, row: ApplicationRow) -> None:
    """Refuses to touch, or to make, what goes beyond what the caller holds."""
    if not caller.is_person:
        raise Denied("Applications are managed by people.", reason="PERSON_NEEDED")
    reached = opened(_COMPANY, frozenset(row.scopes))
    for right in sorted(reached - caller.rights):
        raise Denied(refusal(right), metadata={"permission": right})
    for right in sorted(reached - opened(reached, caller.scopes)):
        raise Denied(
            f"The application through which you act was not given the scope '{right}'.",
            reason="INSUFFICIENT_SCOPE",
            metadata={"scope": right},
        )
    if caller.shops is not None and (row.all_shops or not set(row.shop_ids) <= caller.shops):
        raise Denied("This reaches shops that you do not reach.", reason="SHOPS_NOT_REACHED")


def proven(call: Call, before: str, after: str) -> None:
    """Asks for fresh proof where other public keys are let in."""
    if before != after:
        require_fresh(call.caller, call.now)


def own_scopes(scopes: Iterable[str]) -> list[str]:
    """Those of the scopes that an application can use in nobody's name."""
    return [scope for scope in scopes if _is_own(scope)]


@lru_cache(maxsize=1024)
def _is_own(scope: str) -> bool:
    return any(covered(right, frozenset({scope})) for right in APPLICATION)


def _may_be_given(scope: str) -> bool:
    return scope not in _NEVER and (scope in SCOPES or scope in _COMPANY)
