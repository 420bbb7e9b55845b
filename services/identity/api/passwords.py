"""Forgotten passwords and locked logins on the wire (ID5)."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.identity.v1 import password_pb2
from services.chassis.rpc.call import Call
from services.identity.reset_password import ResetPassword


@dataclass(frozen=True)
class PasswordApi:
    """`comptoir.identity.v1.PasswordService`."""

    reset: ResetPassword

    def request_password_reset(
        self, request: password_pb2.RequestPasswordResetRequest, call: Call
    ) -> password_pb2.RequestPasswordResetResponse:
        self.reset.ask(call, request.login_or_email.strip(), request.source_address)
        return password_pb2.RequestPasswordResetResponse()

    def check_password_reset(
        self, request: password_pb2.CheckPasswordResetRequest, call: Call
    ) -> password_pb2.CheckPasswordResetResponse:
        shortest = self.reset.check(call, request.link)
        return password_pb2.CheckPasswordResetResponse(shortest_password=shortest)

    def reset_password(
        self, request: password_pb2.ResetPasswordRequest, call: Call
    ) -> password_pb2.ResetPasswordResponse:
        self.reset.redeem(call, request.link, request.new_password)
        return password_pb2.ResetPasswordResponse()
