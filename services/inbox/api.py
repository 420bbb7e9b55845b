"""The inbox service on the wire: decodes, calls, encodes."""

from __future__ import annotations

from datetime import datetime

from comptoir.inbox.v1 import message_pb2
from services.chassis import pages
from services.chassis.contract import PATTERNS
from services.chassis.mirrors.known import require
from services.chassis.rpc.call import Call
from services.inbox import messages
from services.inbox.messages import MessageRow, Text
from services.inbox.rows import MIRRORS

_INBOX = PATTERNS["comptoir.inbox/Inbox"]


class MessageApi:
    """`comptoir.inbox.v1.MessageService`."""

    def create_message(self, request: message_pb2.CreateMessageRequest, call: Call) -> message_pb2.Message:
        require(call.db, MIRRORS["known_companies"], company=call.company)
        return _message(
            messages.post(call.db, [_text(text) for text in request.message.texts], call.now), None
        )

    def list_messages(
        self, request: message_pb2.ListMessagesRequest, call: Call
    ) -> message_pb2.ListMessagesResponse:
        page = pages.page(request.page_size, request.page_token, call.method.path, request.parent)
        found = messages.listed(call.db, page, call.caller.subject)
        shown = found[: page.size]
        token = page.next_token(found, messages.place(shown[-1][0])) if shown else ""
        return message_pb2.ListMessagesResponse(
            messages=[_message(row, read_time) for row, read_time in shown], next_page_token=token
        )

    def get_message(self, request: message_pb2.GetMessageRequest, call: Call) -> message_pb2.Message:
        return _message(*messages.find(call.db, call.company, call.ids["message"], call.caller.subject))

    def mark_message_read(
        self, request: message_pb2.MarkMessageReadRequest, call: Call
    ) -> message_pb2.Message:
        return _message(
            *messages.mark_read(call.db, call.company, call.ids["message"], call.caller.subject, call.now)
        )

    def get_inbox(self, request: message_pb2.GetInboxRequest, call: Call) -> message_pb2.Inbox:
        return message_pb2.Inbox(
            name=_INBOX.format({"company": call.company}),
            unread_count=messages.unread(call.db, call.caller.subject),
        )


def _message(row: MessageRow, read_time: datetime | None) -> message_pb2.Message:
    message = message_pb2.Message(
        name=row.name, texts=[message_pb2.LocalizedText(**text) for text in row.texts]
    )
    message.create_time.FromDatetime(row.create_time)
    if read_time is not None:
        message.read_time.FromDatetime(read_time)
    return message


def _text(text: message_pb2.LocalizedText) -> Text:
    # Forms of browsers send CR LF.
    body = text.body.replace("\r\n", "\n")
    return Text(language_code=text.language_code, title=text.title, body=body)
