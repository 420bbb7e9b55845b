"""`RulesService` on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date

from comptoir.shop.v1 import rules_pb2, shop_pb2
from comptoir_rules import BadFact, Settings, Source, Transaction, ValidationMode, resolve
from services.chassis.cache import ReplyCache
from services.chassis.rpc.call import Call
from services.shop import zones
from services.shop.api.shops import remembered
from services.shop.api.told_rules import told
from services.shop.payment_rules import refused

_SOURCES = {rules_pb2.PaymentSource.Value(f"PAYMENT_SOURCE_{source}"): source for source in Source}
_MODES = {shop_pb2.ValidationMode.Value(f"VALIDATION_MODE_{mode}"): mode for mode in ValidationMode}


@dataclass(frozen=True)
class RulesApi:
    """`comptoir.shop.v1.RulesService`."""

    cache: ReplyCache

    def resolve_payment_rules(
        self, request: rules_pb2.ResolvePaymentRulesRequest, call: Call
    ) -> rules_pb2.ResolvePaymentRulesResponse:
        shop = remembered(self.cache, request.shop, call)
        zone = zones.remembered(self.cache, shop.name.split("/")[1], call)
        with refused("transaction"):
            rules = resolve(_settings(shop, zone), _transaction(request.transaction))
        return told(rules, shop.name, zone)


def _settings(shop: shop_pb2.Shop, zone: str) -> Settings:
    return Settings(
        zone,
        shop.capture_delay_days,
        _MODES[shop.validation_mode],
        shop.extra_attempts,
        shop.notify_refused_attempts,
    )


def _transaction(facts: rules_pb2.PaymentFacts) -> Transaction:
    return Transaction(
        time=facts.time.ToDatetime(UTC),
        source=_SOURCES[facts.source],
        amount_minor=facts.amount_minor,
        currency_code=facts.currency_code,
        brand=facts.brand,
        method=facts.method,
        method_retries=facts.method_retries if facts.HasField("method_retries") else None,
        instalments=facts.instalments,
        capture_delay=facts.capture_delay,
        capture_date=_date(facts.capture_date) if facts.capture_date else None,
        validation_mode=facts.validation_mode,
        redirect_error_timeout=facts.redirect_error_timeout,
    )


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadFact("capture_date", "date", "must be a day of the calendar, as YYYY-MM-DD") from None
