"""What the shop service is made of."""

from __future__ import annotations

from pathlib import Path

from comptoir.shop.v1 import key_pb2, shop_pb2, signature_pb2
from services.chassis.cache import ReplyCache
from services.chassis.feed.published import Published
from services.chassis.rpc.server import Handlers
from services.chassis.service import Resources, Service
from services.shop.api import KeyApi, ShopApi, SignatureApi
from services.shop.keys import KeyRing
from services.shop.rows import MIRRORS, STANDING, TABLES, Base
from services.shop.shops import ShopRow


def _handlers(resources: Resources) -> Handlers:
    ring = KeyRing(resources.vault)
    cache = ReplyCache(resources.settings.database_url, "shop")
    resources.closers.append(cache.close)
    return {
        shop_pb2.DESCRIPTOR.services_by_name["ShopService"]: ShopApi(ring, cache),
        key_pb2.DESCRIPTOR.services_by_name["KeyService"]: KeyApi(ring),
        signature_pb2.DESCRIPTOR.services_by_name["SignatureService"]: SignatureApi(ring),
    }


SHOP = Service(
    name="shop",
    handlers=_handlers,
    metadata=Base.metadata,
    tables=TABLES,
    mirrors=MIRRORS,
    standing=STANDING,
    published=(
        Published(
            ShopRow,
            (
                "display_name",
                "url",
                "capture_delay_days",
                "validation_mode",
                "extra_attempts",
                "notify_refused_attempts",
                "signature_algorithm",
                "state",
            ),
        ),
    ),
    versions=Path(__file__).parent / "migrations",
)
