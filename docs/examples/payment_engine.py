"""An internal service at work: reads a shop by its public id, and signs a payment form without seeing the key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc

from comptoir.shop.v1 import shop_pb2, shop_pb2_grpc, signature_pb2, signature_pb2_grpc


def main() -> None:
    platform: dict[str, Any] = json.loads(Path("var/platform.json").read_text())
    identity = Path(platform["internal"]["payment-engine"])
    credentials = grpc.ssl_channel_credentials(
        (identity / "ca.crt").read_bytes(),
        (identity / "tls.key").read_bytes(),
        (identity / "tls.crt").read_bytes(),
    )
    with grpc.secure_channel(platform["grpc"]["shop"], credentials) as channel:
        shop = shop_pb2_grpc.ShopServiceStub(channel).GetShop(
            shop_pb2.GetShopRequest(name="companies/-/shops/12345678"), timeout=2
        )
        fields = {"vads_ctx_mode": "TEST", "vads_site_id": "12345678", "vads_amount": "5124"}
        signed = signature_pb2_grpc.SignatureServiceStub(channel).SignForm(
            signature_pb2.SignFormRequest(shop=shop.name, fields=fields), timeout=2
        )
    print(f"{shop.name}: {shop.display_name}, capture after {shop.capture_delay_days} days")
    print(f"signature = {signed.signature}")


if __name__ == "__main__":
    main()
