"""`comptoir.identity.v1.MailService` on the wire: decodes, calls, encodes."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.identity.v1 import mail_pb2
from services.chassis import pages
from services.chassis.authorize import unknown
from services.chassis.outbox.outbox import Outbox
from services.chassis.rpc.call import Call
from services.identity.mail.mails import MailRow


@dataclass(frozen=True)
class MailApi:
    """What operators see of mail that was given up, and do about it."""

    outbox: Outbox[MailRow]

    def list_dead_mails(
        self, request: mail_pb2.ListDeadMailsRequest, call: Call
    ) -> mail_pb2.ListDeadMailsResponse:
        page = pages.page(request.page_size, request.page_token, call.method.path)
        rows = self.outbox.dead(call.db, page)
        shown = rows[: page.size]
        token = page.next_token(rows, (shown[-1].mail_id,)) if shown else ""
        return mail_pb2.ListDeadMailsResponse(mails=map(_mail, shown), next_page_token=token)

    def retry_mail(self, request: mail_pb2.RetryMailRequest, call: Call) -> mail_pb2.Mail:
        row = self._find(request.name, call)
        self.outbox.retry(call.db, row, call.now)
        return _mail(row)

    def discard_mail(self, request: mail_pb2.DiscardMailRequest, call: Call) -> mail_pb2.DiscardMailResponse:
        call.db.delete(self._find(request.name, call))
        return mail_pb2.DiscardMailResponse()

    def _find(self, name: str, call: Call) -> MailRow:
        row = self.outbox.find_dead(call.db, call.ids["mail"])
        if row is None:
            raise unknown(name)
        return row


def _mail(row: MailRow) -> mail_pb2.Mail:
    mail = mail_pb2.Mail(
        name=row.name,
        kind=row.kind,
        recipient=row.recipient,
        state=mail_pb2.MailState.Value(f"MAIL_STATE_{row.state}"),
        attempts=row.attempts,
        last_error=row.last_error,
    )
    mail.create_time.FromDatetime(row.create_time)
    mail.due_time.FromDatetime(row.due_time)
    return mail
