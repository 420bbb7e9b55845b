"""An internal service at work: settings and rules from its own memory, a signature without ever seeing the key."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from comptoir_client import Addresses, Comptoir, Credentials, Feeds
from comptoir_rules import Source, Transaction

_SHOP = "12345678"


def main() -> None:
    platform: dict[str, Any] = json.loads(Path("var/platform.json").read_text())
    services, feeds = platform["grpc"], platform["feeds"]
    addresses = Addresses(services["shop"], services["company"], Feeds(feeds["shop"], feeds["company"]))
    identity = Credentials(Path(platform["internal"]["payment-engine"]))
    # With a cache_directory the next start would know all shops before it has talked to anybody.
    with Comptoir(addresses, identity) as comptoir:
        comptoir.replica.wait_live(10)
        shop = comptoir.shop(_SHOP)
        payment = Transaction(datetime.now(UTC), Source.FORM, 5124, "978", brand="CB")
        rules = comptoir.resolve_rules(shop.name, payment)
        fields = {"vads_ctx_mode": "TEST", "vads_site_id": _SHOP, "vads_amount": "5124"}
        signed = comptoir.sign_form(shop.name, fields)
        verdict = comptoir.verify_form(shop.name, {**fields, "vads_amount": "1"}, signed.signature)
    print(f"{shop.name}: {shop.display_name}, {comptoir.replica.staleness_seconds:.1f} s old")
    print(f"capture on {rules.capture_date.value} ({rules.capture_date.reason})")
    print(f"signature = {signed.signature}")
    print(f"the same for another amount: {verdict.cause.name}, {verdict.message}")


if __name__ == "__main__":
    main()
