"""Discovery: what it says is there is there, and an issuer that breaks the standards does not start."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from services.chassis.testing.tokens import ISSUER
from services.gateway.oauth.metadata import metadata
from services.gateway.oauth.tests.conftest import Gateway

ADDRESSES = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


def test_both_addresses_give_the_same_document(gateway: Gateway) -> None:
    first, second = (gateway.browser().get(address) for address in ADDRESSES)

    assert first.get_json() == second.get_json()
    assert first.get_json()["issuer"] == ISSUER
    assert first.get_json()["code_challenge_methods_supported"] == ["S256"]
    assert first.get_json()["authorization_response_iss_parameter_supported"] is True
    assert "public" in first.headers["Cache-Control"]


def test_every_endpoint_in_the_document_is_served(gateway: Gateway) -> None:
    document = gateway.browser().get(ADDRESSES[0]).get_json()
    endpoints = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    served = {rule.rule for rule in gateway.app.url_map.iter_rules()}

    assert len(endpoints) == 8
    assert [e for e in endpoints if not e.startswith(ISSUER) or urlsplit(e).path not in served] == []


@pytest.mark.parametrize("issuer", ["http://gateway.example", "https://gateway.example?x=1", "gateway"])
def test_an_issuer_that_breaks_the_rules_is_refused(issuer: str) -> None:
    with pytest.raises(ValueError, match="issuer"):
        metadata(issuer)
