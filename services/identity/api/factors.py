"""`comptoir.identity.v1.FactorService` on the wire: decodes, calls, encodes."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.identity.v1 import factor_pb2
from services.chassis.authorize import unknown
from services.chassis.masks import merge
from services.chassis.rpc.call import Call
from services.identity.factors import passkeys, recovery, totp
from services.identity.factors.enrolling import Enrolling
from services.identity.factors.passkeys import PasskeyRow
from services.identity.factors.recovery import RecoveryRow
from services.identity.factors.removing import Removing
from services.identity.factors.totp import TotpRow


@dataclass(frozen=True)
class FactorApi:
    """What people do with their own factors, and customer service with those of others."""

    enrolling: Enrolling
    removing: Removing

    def get_totp(self, request: factor_pb2.GetTotpRequest, call: Call) -> factor_pb2.Totp:
        row = totp.find(call.db, call.user)
        if row is None:
            raise unknown(request.name)
        return shown_totp(row)

    def enrol_totp(self, request: factor_pb2.EnrolTotpRequest, call: Call) -> factor_pb2.EnrolTotpResponse:
        made = self.enrolling.begin_totp(call.db, call.user, call.now)
        return factor_pb2.EnrolTotpResponse(secret=made.secret, uri=made.uri, qr_svg=made.picture())

    def confirm_totp(
        self, request: factor_pb2.ConfirmTotpRequest, call: Call
    ) -> factor_pb2.ConfirmTotpResponse:
        row, codes = self.enrolling.confirm_totp(
            call.db, call.user, call.caller.session, request.code, call.now
        )
        return factor_pb2.ConfirmTotpResponse(totp=shown_totp(row), recovery_codes=codes)

    def delete_totp(self, request: factor_pb2.DeleteTotpRequest, call: Call) -> factor_pb2.DeleteTotpResponse:
        self.removing.totp(call.db, call.user, request.name, call.now)
        return factor_pb2.DeleteTotpResponse()

    def list_passkeys(
        self, request: factor_pb2.ListPasskeysRequest, call: Call
    ) -> factor_pb2.ListPasskeysResponse:
        return factor_pb2.ListPasskeysResponse(
            passkeys=map(shown_passkey, passkeys.listed(call.db, call.user))
        )

    def begin_passkey(
        self, request: factor_pb2.BeginPasskeyRequest, call: Call
    ) -> factor_pb2.BeginPasskeyResponse:
        challenge, options = self.enrolling.begin_passkey(call.db, call.user, call.now)
        return factor_pb2.BeginPasskeyResponse(challenge=challenge, options_json=options)

    def create_passkey(
        self, request: factor_pb2.CreatePasskeyRequest, call: Call
    ) -> factor_pb2.CreatePasskeyResponse:
        row, codes = self.enrolling.add_passkey(
            call.db,
            call.user,
            call.caller.session,
            request.passkey.display_name,
            request.challenge,
            request.credential_json,
            call.now,
        )
        return factor_pb2.CreatePasskeyResponse(passkey=shown_passkey(row), recovery_codes=codes)

    def update_passkey(self, request: factor_pb2.UpdatePasskeyRequest, call: Call) -> factor_pb2.Passkey:
        row = self._find(request.passkey.name, call)
        renamed = shown_passkey(row)
        merge(request.passkey, renamed, call.paths)
        row.display_name = renamed.display_name
        return renamed

    def delete_passkey(
        self, request: factor_pb2.DeletePasskeyRequest, call: Call
    ) -> factor_pb2.DeletePasskeyResponse:
        self.removing.passkey(call.db, call.user, call.ids["passkey"], request.name, call.now)
        return factor_pb2.DeletePasskeyResponse()

    def get_recovery_codes(
        self, request: factor_pb2.GetRecoveryCodesRequest, call: Call
    ) -> factor_pb2.RecoveryCodes:
        row = recovery.find(call.db, call.user)
        if row is None:
            raise unknown(request.name)
        return _recovery(row)

    def regenerate_recovery_codes(
        self, request: factor_pb2.RegenerateRecoveryCodesRequest, call: Call
    ) -> factor_pb2.RegenerateRecoveryCodesResponse:
        row, codes = self.enrolling.renew_recovery(call.db, call.user, request.name, call.now)
        return factor_pb2.RegenerateRecoveryCodesResponse(recovery_codes=_recovery(row), codes=codes)

    def reset_factors(
        self, request: factor_pb2.ResetFactorsRequest, call: Call
    ) -> factor_pb2.ResetFactorsResponse:
        call.enter(user=call.ids["user"])
        self.removing.all(call.db, call.user, call.now)
        return factor_pb2.ResetFactorsResponse()

    def _find(self, name: str, call: Call) -> PasskeyRow:
        row = passkeys.find(call.db, call.user, call.ids["passkey"])
        if row is None:
            raise unknown(name)
        return row


def shown_totp(row: TotpRow) -> factor_pb2.Totp:
    """The application as its person sees it."""
    shown = factor_pb2.Totp(name=row.name)
    shown.create_time.FromDatetime(row.create_time)
    if row.confirm_time is not None:
        shown.confirm_time.FromDatetime(row.confirm_time)
    if row.use_time is not None:
        shown.use_time.FromDatetime(row.use_time)
    return shown


def shown_passkey(row: PasskeyRow) -> factor_pb2.Passkey:
    """The passkey as its person sees it."""
    shown = factor_pb2.Passkey(name=row.name, display_name=row.display_name, device_bound=row.device_bound)
    shown.create_time.FromDatetime(row.create_time)
    if row.use_time is not None:
        shown.use_time.FromDatetime(row.use_time)
    return shown


def _recovery(row: RecoveryRow) -> factor_pb2.RecoveryCodes:
    shown = factor_pb2.RecoveryCodes(name=row.name, remaining=row.remaining)
    shown.create_time.FromDatetime(row.create_time)
    return shown
