"""Companies' applications on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from comptoir.changes.v1 import change_pb2
from comptoir.identity.v1 import application_pb2
from services.chassis import etags, pages
from services.chassis.applications import new_client_id
from services.chassis.changes import history
from services.chassis.masks import merge
from services.chassis.rpc.call import Call
from services.identity.applications import rows, rules, secrets, uses
from services.identity.applications.rows import ApplicationRow

_PLAIN = (
    "display_name",
    "redirect_uris",
    "scopes",
    "grant_types",
    "jwks",
    "all_shops",
    "shop_ids",
    "require_pushed_requests",
    "bind_tokens",
)
_LISTS = ("redirect_uris", "scopes", "grant_types", "shop_ids")
_SIGNS = "CLIENT_AUTHENTICATION_PRIVATE_KEY"


class ApplicationApi:
    """`comptoir.identity.v1.ApplicationService`."""

    def list_applications(
        self, request: application_pb2.ListApplicationsRequest, call: Call
    ) -> application_pb2.ListApplicationsResponse:
        page = pages.page(request.page_size, request.page_token, call.method.path, request.parent)
        found = rows.listed(call.db, page)
        shown = found[: page.size]
        return application_pb2.ListApplicationsResponse(
            applications=[_shown(row, call) for row in shown],
            next_page_token=page.next_token(found, (shown[-1].application_id,)) if shown else "",
        )

    def get_application(
        self, request: application_pb2.GetApplicationRequest, call: Call
    ) -> application_pb2.Application:
        return _shown(rows.find(call.db, call.company, call.ids["application"]), call)

    def create_application(
        self, request: application_pb2.CreateApplicationRequest, call: Call
    ) -> application_pb2.Application:
        asked = request.application
        kind = application_pb2.ClientAuthentication.Name(asked.client_authentication)
        row = ApplicationRow(company=call.company, application_id=new_client_id(), create_time=call.now)
        row.client_authentication, row.update_time = kind, call.now
        _write(asked, row)
        rules.settle(row)
        rules.within(call.caller, row)
        rules.proven(call, "", row.jwks)
        rows.leave_room(call.db, call.company)
        call.db.add(row)
        rows.lead(call.db, row)
        if kind == _SIGNS:
            uses.expect(call.db, row, uses.BY_KEY)
        call.db.flush()
        return _shown(row, call)

    def update_application(
        self, request: application_pb2.UpdateApplicationRequest, call: Call
    ) -> application_pb2.Application:
        row = _held(call)
        etags.check(request.application.etag, row.etag, row.name)
        asked, former = _shown(row, call), row.jwks
        merge(request.application, asked, call.paths)
        _write(asked, row)
        rules.settle(row)
        rules.proven(call, former, row.jwks)
        if call.db.is_modified(row):
            row.touch(call.now)
            rules.within(call.caller, row)
        return _shown(row, call)

    def delete_application(
        self, request: application_pb2.DeleteApplicationRequest, call: Call
    ) -> application_pb2.DeleteApplicationResponse:
        row = _held(call)
        rows.lead_nowhere(call.db, row)
        uses.forget(call.db, row)
        call.db.delete(row)
        return application_pb2.DeleteApplicationResponse()

    def suspend_application(
        self, request: application_pb2.SuspendApplicationRequest, call: Call
    ) -> application_pb2.Application:
        row = _held(call)
        if not row.suspended:
            row.suspended = True
            row.touch(call.now)
            rows.lead_nowhere(call.db, row)
        return _shown(row, call)

    def resume_application(
        self, request: application_pb2.ResumeApplicationRequest, call: Call
    ) -> application_pb2.Application:
        row = _held(call)
        if row.suspended:
            row.suspended = False
            row.touch(call.now)
            rows.lead(call.db, row)
        return _shown(row, call)

    def generate_application_secret(
        self, request: application_pb2.GenerateApplicationSecretRequest, call: Call
    ) -> application_pb2.GenerateApplicationSecretResponse:
        row = _held(call)
        secret = secrets.generate(row, request.overlap.ToTimedelta(), call.now)
        uses.expect(call.db, row, row.secret_fingerprint)
        return application_pb2.GenerateApplicationSecretResponse(
            client_secret=secret, application=_shown(row, call)
        )

    def list_application_changes(
        self, request: application_pb2.ListApplicationChangesRequest, call: Call
    ) -> application_pb2.ListApplicationChangesResponse:
        return application_pb2.ListApplicationChangesResponse(**history.listed(request, call))

    def get_application_change(
        self, request: application_pb2.GetApplicationChangeRequest, call: Call
    ) -> change_pb2.Change:
        return history.get(request, call)


def _held(call: Call) -> ApplicationRow:
    """The application about to be changed, which only those may who hold all that it was given."""
    row = rows.find(call.db, call.company, call.ids["application"], for_update=True)
    rules.within(call.caller, row)
    return row


def _write(asked: application_pb2.Application, row: ApplicationRow) -> None:
    for field in _PLAIN:
        setattr(row, field, list(getattr(asked, field)) if field in _LISTS else getattr(asked, field))


def _shown(row: ApplicationRow, call: Call) -> application_pb2.Application:
    used = uses.of(call.db, row.application_id)
    message = application_pb2.Application(
        name=row.name,
        client_id=row.application_id,
        client_authentication=application_pb2.ClientAuthentication.Value(row.client_authentication),
        suspended=bool(row.suspended),
        etag=row.etag,
        **{field: getattr(row, field) for field in _PLAIN},
    )
    _tell(message.create_time, row.create_time)
    _tell(message.update_time, row.update_time)
    _tell(message.last_use_time, max(used.values(), default=None))
    if row.secret_digest is not None:
        _describe(message.secret, row.secret_fingerprint, used)
        _tell(message.secret.create_time, row.secret_time)
    if row.former_expire_time is not None and row.former_expire_time > call.now:
        _describe(message.former_secret, row.former_fingerprint, used)
        _tell(message.former_secret.expire_time, row.former_expire_time)
    return message


def _describe(
    secret: application_pb2.ApplicationSecret, fingerprint: str, used: Mapping[str, datetime]
) -> None:
    secret.fingerprint = fingerprint
    _tell(secret.last_use_time, used.get(fingerprint))


def _tell(field: Timestamp, time: Any) -> None:
    if time is not None:
        field.FromDatetime(time)
