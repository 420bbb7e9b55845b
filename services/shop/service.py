"""What the shop service is made of."""

from __future__ import annotations

from pathlib import Path

from comptoir.shop.v1 import go_live_pb2, key_pb2, rules_pb2, shop_pb2, signature_pb2
from services.chassis.cache import ReplyCache
from services.chassis.feed.published import Published
from services.chassis.mirrors.following import Reactions
from services.chassis.outbox.carrier import Carrier
from services.chassis.outbox.outbox import Outbox
from services.chassis.outbox.sender import Sender
from services.chassis.outbox.settings import MailSettings
from services.chassis.rpc.server import Handlers
from services.chassis.service import Resources, Service
from services.shop.api.go_live import GoLiveApi
from services.shop.api.keys import KeyApi
from services.shop.api.rules import RulesApi
from services.shop.api.shops import ShopApi
from services.shop.api.signatures import SignatureApi
from services.shop.first_shop import OPENING, SOURCES, FirstShop
from services.shop.judge import Judge
from services.shop.key_uses import Uses
from services.shop.keys import KeyRing
from services.shop.letters import Letters, MailRow, letter
from services.shop.opened_keys import OpenedKeys
from services.shop.rows import MIRRORS, STANDING, TABLES, Base
from services.shop.sealed import SEALED
from services.shop.shops import ShopRow
from services.shop.timekeeper import Timekeeper


def _handlers(resources: Resources) -> Handlers:
    ring = KeyRing(resources.vault)
    cache = ReplyCache(resources.settings.database_url, "shop")
    keys, uses = OpenedKeys(resources.database, ring, cache), Uses(resources.database)
    letters = letters_of(resources)
    timekeeper = Timekeeper(resources.database, resources.changes, letters, resources.clock)
    mail = sender(resources, letters)
    resources.starters.extend([uses.rounds.start, timekeeper.rounds.start, mail.start])
    resources.closers.extend([cache.close, uses.close, timekeeper.rounds.close, mail.stop])
    return {
        shop_pb2.DESCRIPTOR.services_by_name["ShopService"]: ShopApi(ring, cache),
        rules_pb2.DESCRIPTOR.services_by_name["RulesService"]: RulesApi(cache),
        go_live_pb2.DESCRIPTOR.services_by_name["GoLiveService"]: GoLiveApi(cache, letters),
        key_pb2.DESCRIPTOR.services_by_name["KeyService"]: KeyApi(cache, ring, letters),
        signature_pb2.DESCRIPTOR.services_by_name["SignatureService"]: SignatureApi(keys, Judge(uses.count)),
    }


def _reactions(resources: Resources) -> Reactions:
    return Reactions(SOURCES, FirstShop(KeyRing(resources.vault)).react, made_up_for=frozenset({OPENING}))


def letters_of(resources: Resources) -> Letters:
    """What writes the mails to managers."""
    return Letters(Outbox(MailRow, resources.settings.mail_domain))


def sender(resources: Resources, letters: Letters) -> Sender:
    """What sends them."""
    settings = resources.settings
    return Sender(settings.database_url, letters.outbox, letter, Carrier.of(settings), resources.clock)


SHOP = Service(
    name="shop",
    handlers=_handlers,
    metadata=Base.metadata,
    tables=TABLES,
    mirrors=MIRRORS,
    reactions=_reactions,
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
    settings=MailSettings,
    sealed=SEALED,
)
