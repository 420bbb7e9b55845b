"""Headers of every response that does not set its own: for browsers, which must make nothing else of what they get."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Headers = list[tuple[str, str]]
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_DEFAULTS = (
    ("Strict-Transport-Security", "max-age=31536000"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


def with_defaults(headers: Headers) -> Headers:
    """The headers and, of the defaults, those that are not among them."""
    present = {name.lower() for name, _ in headers}
    return headers + [default for default in _DEFAULTS if default[0].lower() not in present]


def add_defaults(application: Application) -> Application:
    """The application, answering with the defaults too. Below Flask, where a header costs nothing but its tuple."""

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: Headers, *exc_info: Any) -> Any:
            return start_response(status, with_defaults(headers), *exc_info)

        return application(environ, start)

    return wrapped
