"""Where a form may lead on: a path of this origin and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit

ORIGIN = "/"
AUTHORIZE = "/oauth2/authorize"
PAR = "/oauth2/par"
CONSENT = "/oauth2/consent"
LOGOUT = "/oauth2/logout"
SIGN_IN = "/sign-in"
SECOND_STEP = "/sign-in/second-step"
PASSKEY = "/sign-in/passkey"
ENROL = "/sign-in/enrol"
SIGNED_IN = "/signed-in"
PASSWORD_HELP = "/help/password"  # noqa: S105 - an address
PASSWORD_RESET = "/password/reset"  # noqa: S105 - an address
EMAIL = "/account/email"
FACTORS = "/account/factors"
INVITATION = "/invitation"
HELP = "/help"
FAQ = "/help/faq"

# A single slash, then printable ASCII without backslash: browsers read `//`, `/\` and `/<tab>/` as another host.
_OWN_PATH = re.compile(r"/(?!/)[!-\[\]-~]*")
Parameters = Iterable[tuple[str, str]]


def onward(path: str | None) -> str:
    """The path if it is one of ours, otherwise the page that says who is signed in."""
    return path if path and _OWN_PATH.fullmatch(path) else SIGNED_IN


def with_query(path: str, parameters: Parameters) -> str:
    """The path with these parameters, as ASCII."""
    query = urlencode(list(parameters))
    return f"{path}?{query}" if query else path


def pending_authorization(path: str) -> dict[str, str]:
    """Parameters of the authorization request that the path stands for; empty if it stands for none."""
    parts = urlsplit(path)
    return dict(parse_qsl(parts.query)) if parts.path == AUTHORIZE else {}
