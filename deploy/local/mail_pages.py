"""The mail sink's pages: a list, one message, and the same as JSON for tests.

Mail is written by strangers to these pages: the templates escape its text, and its HTML is shown only in a
frame whose own policy lets it run nothing and load nothing.
"""

from typing import Any

from flask import Flask, Response, abort, jsonify, render_template, request

from deploy.local.mailbox import Mail, Mailbox

_SHOWN = 200
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


def pages(mailbox: Mailbox) -> Flask:
    """The WSGI application over `mailbox`."""
    app = Flask(__name__)

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        # The links in mails are keys to accounts: no page they lead to learns where they were clicked.
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/")
    def index() -> str:
        ids = mailbox.ids()
        return render_template("mails.html", mails=list(mailbox.mails(ids[:_SHOWN])), total=len(ids))

    @app.get("/messages/<name>")
    def message(name: str) -> str:
        return render_template("mail.html", mail=_found(mailbox, name))

    @app.get("/messages/<name>/html")
    def html(name: str) -> Response:
        # Links open a tab of their own: inside the frame they would have no rights.
        body = f'<!doctype html><base target="_blank">{_found(mailbox, name).html}'
        return Response(
            body, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _FRAME_POLICY}
        )

    @app.get("/messages/<name>/source")
    def source(name: str) -> Response:
        return Response(mailbox.source(name) or abort(404), content_type="text/plain; charset=utf-8")

    @app.get("/messages.json")
    def messages() -> Response:
        wanted = request.args.get("to")
        mails = mailbox.mails(mailbox.ids())
        return jsonify([_json(mail) for mail in mails if wanted is None or wanted in mail.recipients])

    @app.delete("/messages.json")
    def clear() -> tuple[str, int]:
        mailbox.clear()
        return "", 204

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    return app


def _found(mailbox: Mailbox, name: str) -> Mail:
    return mailbox.mail(name) or abort(404)


def _json(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "received": mail.received.isoformat(),
        "sender": mail.sender,
        "recipients": mail.recipients,
        "subject": mail.subject,
        "headers": mail.headers,
        "text": mail.text,
        "html": mail.html,
        "links": mail.links,
        "attachments": mail.attachments,
    }
