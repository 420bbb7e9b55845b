"""A form's signature as the payment engine has it verified, and the counter of what opening keys has of the cost."""

from __future__ import annotations

from pathlib import Path

from bench import load
from bench.load import Connect
from comptoir.shop.v1 import signature_pb2
from services.chassis.contract import Method
from services.chassis.rpc.client import Client

_SERVICE = signature_pb2.DESCRIPTOR.services_by_name["SignatureService"]
_SIGN, _VERIFY = (Method(_SERVICE.methods_by_name[name]) for name in ("SignForm", "VerifyForm"))
OPENING = "comptoir_key_opening_cpu_seconds_total"
"""CPU time that the shop service has spent on opening keys."""
_FIELDS = {
    "vads_action_mode": "INTERACTIVE",
    "vads_amount": "5124",
    "vads_ctx_mode": "TEST",
    "vads_currency": "978",
    "vads_page_action": "PAYMENT",
    "vads_payment_config": "SINGLE",
    "vads_trans_date": "20170129130025",
    "vads_trans_id": "123456",
    "vads_version": "V2",
}


def verifications(address: str, engine: Path, shop_id: str) -> Connect:
    """Verifications of one right form of the shop. A verdict that is not valid ends the measurement."""
    shop, fields = f"companies/-/shops/{shop_id}", {**_FIELDS, "vads_site_id": shop_id}
    client = Client(address, engine)
    try:
        signed = client.call(_SIGN, signature_pb2.SignFormRequest(shop=shop, fields=fields))
        assert isinstance(signed, signature_pb2.SignFormResponse)
        request = signature_pb2.VerifyFormRequest(shop=shop, fields=fields, signature=signed.signature)
        verdict = client.call(_VERIFY, request)
    finally:
        client.close()
    if not (isinstance(verdict, signature_pb2.Verdict) and verdict.valid):
        raise RuntimeError("a right signature is refused")
    return load.grpc_calls(address, engine, _VERIFY.path, request, signature_pb2.Verdict)
