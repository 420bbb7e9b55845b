"""An application that a company registers over REST, and the key that it signs with."""

from __future__ import annotations

import json
from typing import Any

from joserfc.jwk import ECKey

from deploy.local.browser import Application, Merchant

SCOPE = "openid profile email account company users applications shop inbox"


def owner(demonstration: dict[str, Any], login: str = "alice") -> Merchant:
    """Somebody who has just signed in, and manages the applications of a company."""
    password = next(each["password"] for each in demonstration["logins"] if each["login"] == login)
    person = Application(demonstration["gateway"], demonstration["ca"], scope=SCOPE)
    tokens = person.sign_in(login, password)
    return Merchant(demonstration["gateway"], demonstration["ca"], tokens["access_token"])


def register(demonstration: dict[str, Any], key: ECKey | None = None, **changes: Any) -> dict[str, Any]:
    """An application that proves who it is by the key, or by a secret if there is none: `clientSecret` is that."""
    alice, company = owner(demonstration), demonstration["companies"]["halles"]
    application = {
        "displayName": "Order system",
        "clientAuthentication": f"CLIENT_AUTHENTICATION_{'PRIVATE_KEY' if key else 'SECRET'}",
        "redirectUris": ["http://127.0.0.1:53682/callback"],
        "scopes": ["openid", "profile", "email", "shop"],
        "grantTypes": ["authorization_code", "refresh_token", "client_credentials"],
        "allShops": True,
        **({"jwks": json.dumps({"keys": [key.as_dict(private=False)]})} if key else {}),
        **changes,
    }
    answer = alice.request("POST", f"/v1/{company}/applications", json=application)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    if key is None:
        shown = alice.request("POST", f"/v1/{made['name']}:generateSecret", json={})
        assert shown.status_code == 200, shown.text
        made["clientSecret"] = shown.json()["clientSecret"]
    return made
