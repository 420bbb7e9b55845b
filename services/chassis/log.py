"""One JSON line an event, with the secrets taken out. Errors and writes always; of successful reads, a sample."""

from __future__ import annotations

import logging
import random
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

import structlog

from services.chassis.errors import Fault

if TYPE_CHECKING:
    from services.chassis.rpc.call import Call

READ_SAMPLE = 0.01
_SENSITIVE = re.compile(
    r"password|secret|token|authorization|cookie|signature|verifier|email|phone|login", re.I
)
_SHAPES = re.compile(
    r"(test|prod)password_\w+|eyJ[\w-]+\.[\w-]+\.[\w-]*|postgresql://\S+|[\w.+-]+@[\w-]+\.[\w.-]+", re.ASCII
)
REDACTED = "[redacted]"
_LONGEST = 2000

_random = random.Random()  # noqa: S311 - picks a sample, protects nothing
_logger: Any = structlog.get_logger("comptoir")


def configure(service: str) -> None:
    """Sends everything, the standard library's loggers included, to standard output as JSON lines."""
    shared: list[Any] = [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _where,
        structlog.processors.add_log_level,
        lambda _logger, _name, event: {"service": service, **event},
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)


def redact(logger: object, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Takes out what may be secret or personal: by the name of the entry, and by the shape of the text."""
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    """Only plain values are written out: anything else could hold, or quote, what it was made from."""
    if _SENSITIVE.search(key):
        return REDACTED
    if isinstance(value, str):
        return _SHAPES.sub(REDACTED, value[:_LONGEST])
    if isinstance(value, dict):
        return {inner: _clean(str(inner), item) for inner, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(key, item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float)) else REDACTED


def _where(logger: object, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Puts what kind of error it was and where in the place of the error itself, whose text may quote anything."""
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"], event["where"] = type(error).__qualname__, frames(error)
    return event


def frames(error: BaseException) -> list[str]:
    """The innermost places that the error came through."""
    return [
        f"{frame.filename.rpartition('/services/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-8:]
    ]


def request(call: Call, fault: Fault | None, seconds: float) -> None:
    """The line of one call; of those that went well and can have changed nothing, a sample's."""
    changed_nothing = call.method.reads_only or not call.has_transaction
    if fault is None and changed_nothing and _random.random() >= READ_SAMPLE:
        return
    caller = getattr(call, "caller", None)
    _logger.info(
        "call",
        method=call.method.path,
        code=fault.code.name if fault else "OK",
        reason=fault.reason if fault else None,
        milliseconds=round(seconds * 1000, 2),
        request_id=call.request_id,
        caller=f"{caller.kind.name.lower()}:{caller.subject}" if caller else None,
        company=caller.company if caller else None,
    )


def unexpected(call: Call, error: Exception) -> None:
    """The line of an error nobody foresaw: where it happened, but never its text, which may quote anything."""
    _logger.error(
        "unexpected",
        method=call.method.path,
        request_id=call.request_id,
        error=type(error).__qualname__,
        where=frames(error),
    )


def event(name: str, **values: Any) -> None:
    """Any other line."""
    _logger.info(name, **values)
