"""Writes of merchants, who come through the gateway."""

from __future__ import annotations

from collections.abc import Mapping

import requests

from services.chassis.errors import Unavailable
from tests.log.world import World

_LONGEST_SECONDS = 30.0
_LATER = frozenset({429, 502, 503, 504})
"""Answers after which the same request is sent again."""
_IN_USE = "IDEMPOTENCY_KEY_IN_USE"


class Door:
    """One client's connection to the gateway."""

    def __init__(self, world: World) -> None:
        self._gateway: str = world.platform.description["gateway"]
        self._session = requests.Session()
        self._session.verify = world.platform.description["ca"]
        # Otherwise a REQUESTS_CA_BUNDLE in the environment would win over the development authority.
        self._session.trust_env = False

    def patch(self, name: str, body: Mapping[str, str], request: str, token: str) -> None:
        """Changes these fields of a resource, once; raises Unavailable if that is to be asked again."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": f'"{request}"',
            "X-Request-Id": request,
        }
        try:
            answer = self._session.patch(
                f"{self._gateway}/v1/{name}",
                json=body,
                headers=headers,
                timeout=_LONGEST_SECONDS,
            )
        except requests.RequestException as error:
            raise Unavailable("The gateway is away.", reason=type(error).__name__) from error
        if answer.status_code == 200:
            return
        reason = answer.json().get("reason", "")
        assert answer.status_code in _LATER or reason == _IN_USE, (request, answer.status_code, answer.text)
        raise Unavailable("The gateway has no answer yet.", reason=reason)

    def close(self) -> None:
        """Ends the connection; another begins with the next write."""
        self._session.close()
