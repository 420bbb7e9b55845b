"""Templates `look/…` and files below `/look/`, as a Flask blueprint."""

from __future__ import annotations

from flask import Blueprint, Response

from services.look.page import MOUNT, STATIC

_YEAR_SECONDS = 365 * 24 * 3600


def blueprint() -> Blueprint:
    """Register it once, in the application or in another blueprint."""
    look = Blueprint("look", __name__, template_folder="templates")

    def file(name: str) -> Response:
        response = look.send_static_file(name)
        # `page.asset` puts the content's hash into the address, so an address never changes its content.
        response.headers["Cache-Control"] = f"public, max-age={_YEAR_SECONDS}, immutable"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
        return response

    look.static_folder = str(STATIC)
    look.add_url_rule(f"{MOUNT}/<path:name>", view_func=file, methods=["GET"])
    return look
