"""Parameters of a protocol request, as Authlib reads them."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request
from flask import request
from werkzeug.datastructures import MultiDict

from comptoir.identity.v1 import oauth_pb2


class Parameters(OAuth2Payload):
    """Of the query for the authorization endpoint, of the form for the token endpoint: never of both together."""

    def __init__(self, given: MultiDict[str, str]) -> None:
        self._given = given

    @cached_property
    def data(self) -> dict[str, str]:
        """Values by name; a parameter without a value counts as left out (RFC 6749 3.1)."""
        return {name: value for name, value in self._given.items() if value}

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return defaultdict(list, self._given.lists())

    @property
    def repeated(self) -> bool:
        """Whether any parameter is there more than once (RFC 6749 3.1, 3.2)."""
        return any(len(values) > 1 for _, values in self._given.lists())

    def value(self, name: str) -> str:
        return self.data.get(name, "")

    def words(self, name: str) -> list[str]:
        """A list separated by spaces, without repetitions."""
        return list(dict.fromkeys(self.value(name).split()))


class ProtocolRequest(OAuth2Request):
    """One request. Its address is the configured one: behind a proxy, the header's may say http."""

    payload: Parameters
    client: oauth_pb2.Client
    """Of an authorization request."""
    credentials: oauth_pb2.ClientCredentials
    """Of a token request."""
    pushed: bool = False
    """Whether the application sent the authorization request by itself (RFC 9126)."""

    def __init__(self, given: MultiDict[str, str], issuer: str) -> None:
        super().__init__(request.method, issuer + request.path, headers=request.headers)
        self.payload = Parameters(given)
