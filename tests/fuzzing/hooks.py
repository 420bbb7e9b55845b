"""What schemathesis is told beside the document: who asks, what there is to ask about, and what null means."""

from __future__ import annotations

import json
import os
import re
from base64 import urlsafe_b64decode
from collections import defaultdict
from pathlib import Path
from typing import Any
from zlib import crc32

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData, Failure

from deploy.local.browser import Application
from services.chassis.contract import PATTERNS

_ANEW_SECONDS = 200
"""Well below the five minutes that a token lives."""
_MOST_KNOWN = 50
_NAME = re.compile(r"[a-z]\w*(?:/[\w-]+)+")

_description = json.loads(Path(os.environ["COMPTOIR_FUZZED_PLATFORM"]).read_text())
_login = next(each for each in _description["logins"] if each["login"] == os.environ["COMPTOIR_FUZZED_AS"])
_halles = _description["companies"]["halles"]
_known: dict[str, list[str]] = defaultdict(list)
"""For each variable of a path ids of things that there are, or were."""


def _learn(text: str) -> None:
    for name in _NAME.findall(text):
        for pattern in PATTERNS.values():
            for variable, found in (pattern.parse(name) or {}).items():
                if found not in _known[variable] and len(_known[variable]) < _MOST_KNOWN:
                    _known[variable].append(found)


_learn(f"{_halles}/shops/12345678/keys/form-test {_halles}/changes/1")


@schemathesis.auth(refresh_interval=_ANEW_SECONDS)
class Bearer:
    """A real token, as an application gets it."""

    def get(self, case: schemathesis.Case[Any], context: schemathesis.AuthContext) -> str:
        # Staff have no place in any company.
        company = "" if "operator" in _login["about"] else _halles
        application = Application(_description["gateway"], _description["ca"])
        token: str = application.sign_in(_login["login"], _login["password"], company)["access_token"]
        claims = token.split(".")[1]
        _learn(f"users/{json.loads(urlsafe_b64decode(claims + '=' * (-len(claims) % 4)))['sub']}")
        return token

    def set(self, case: schemathesis.Case[Any], data: str, context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def map_path_parameters(
    context: schemathesis.HookContext, path_parameters: dict[str, Any] | None
) -> dict[str, Any]:
    """Mostly ids of what there is, chosen by what stood there, so that a run can be repeated."""
    return {name: _instead(name, value) for name, value in (path_parameters or {}).items()}


def _instead(variable: str, value: Any) -> Any:
    chance, known = crc32(str(value).encode(errors="replace")), _known[variable]
    return value if chance % 5 == 0 or not known else known[chance % len(known)]


@schemathesis.hook
def after_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], response: schemathesis.Response
) -> None:
    """Remembers the names of what was created or listed."""
    if response.status_code == 200 and "json" in str(response.headers.get("content-type")):
        _learn(response.text)


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext,
    failure: Failure,
    case: schemathesis.Case[Any],
    response: schemathesis.Response,
) -> bool:
    """A field that is null is one that is not given (the JSON mapping of proto3), whatever its type is."""
    return not (isinstance(failure, AcceptedNegativeData) and _has_null(case.body))


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(_has_null, value)))
