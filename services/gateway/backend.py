"""The services behind the gateway, as one object to call."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from google.protobuf.message import Message

from services.chassis.contract import Method, every_method
from services.chassis.rpc.client import DEADLINE_SECONDS, AsyncClient, Client
from services.gateway import greenlets

M = TypeVar("M", bound=Message)
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Backend:
    """Calls any method of the suite at the service that owns it. Make it in the worker, never before a fork."""

    def __init__(self, addresses: dict[str, str], tls_directory: Path) -> None:
        self._clients = {name: Client(address, tls_directory) for name, address in addresses.items()}
        self._open_async = {
            name: partial(AsyncClient, address, tls_directory) for name, address in addresses.items()
        }
        self._async_clients: dict[str, AsyncClient] = {}
        self._methods = {f"{m.service.rpartition('.')[2]}/{m.name}": m for m in every_method()}

    @property
    def methods(self) -> tuple[Method, ...]:
        return tuple(self._methods.values())

    def call(
        self,
        method: Method,
        request: Message,
        *,
        request_id: str,
        authorization: str | None = None,
        seconds: float = DEADLINE_SECONDS,
        more: Mapping[str, str] = _NOTHING,
        told: dict[str, str] | None = None,
    ) -> Message:
        """One call, for whom the token in `authorization` stands for, or for nobody, with `more` metadata.

        Raises the fault it ends with."""
        if greenlets.is_inside():
            return greenlets.wait_for(
                self.answer(
                    method,
                    request,
                    request_id=request_id,
                    authorization=authorization,
                    seconds=seconds,
                    more=more,
                    told=told,
                )
            )
        metadata = _metadata(request_id, authorization, more)
        return self._clients[_owner(method)].call(
            method, request, metadata=metadata, seconds=seconds, told=told
        )

    async def answer(
        self,
        method: Method,
        request: Message,
        *,
        request_id: str,
        authorization: str | None,
        seconds: float = DEADLINE_SECONDS,
        more: Mapping[str, str],
        told: dict[str, str] | None,
    ) -> Message:
        """As `call`, for the event loop that serves: no thread waits meanwhile."""
        name = _owner(method)
        client = self._async_clients.get(name)
        if client is None:
            client = self._async_clients[name] = self._open_async[name]()
        metadata = _metadata(request_id, authorization, more)
        return await client.call(method, request, metadata=metadata, seconds=seconds, told=told)

    def ask(self, method: str, request: Message, answer: type[M], *, request_id: str) -> M:
        """A call of the gateway's own, by `Service/Method`, such as `OAuthService/RedeemGrant`."""
        response = self.call(self._methods[method], request, request_id=request_id)
        if not isinstance(response, answer):
            raise TypeError(f"{method} does not answer with {answer.__name__}")
        return response

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    async def close_loop(self) -> None:
        """Ends what `answer` opened, in the event loop where that was."""
        for client in self._async_clients.values():
            await client.close()


def _owner(method: Method) -> str:
    """The service that serves the method, by its short name."""
    return method.service.split(".")[1]


def _metadata(request_id: str, authorization: str | None, more: Mapping[str, str]) -> dict[str, str]:
    metadata = {"x-request-id": request_id, **more}
    if authorization is not None:
        metadata["authorization"] = authorization
    return metadata
