"""`GoLiveService` on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from comptoir.shop.v1 import go_live_pb2, shop_pb2
from services.chassis.cache import ReplyCache
from services.chassis.changes.history import moment
from services.chassis.errors import Invalid
from services.chassis.rpc.call import Call
from services.shop import go_live, shops
from services.shop.api.entering import enter
from services.shop.api.shops import forget, told
from services.shop.go_live import Payment, Progress
from services.shop.letters import Letters
from services.shop.shops import PRODUCTION_READY, ShopRow


@dataclass(frozen=True)
class GoLiveApi:
    """`comptoir.shop.v1.GoLiveService`."""

    cache: ReplyCache
    letters: Letters

    def get_go_live(self, request: go_live_pb2.GetGoLiveRequest, call: Call) -> go_live_pb2.GoLive:
        shop = shops.find(call.db, enter(call, request.name), call.ids["shop"])
        return _told(shop, go_live.progress(call.db, shop.shop_id))

    def report_test_payment(
        self, request: go_live_pb2.ReportTestPaymentRequest, call: Call
    ) -> go_live_pb2.GoLive:
        shop = _locked(call, request.shop)
        before = shop.state
        outcome = go_live_pb2.PaymentOutcome.Name(request.outcome)
        payment = Payment.told(request.transaction_id, outcome, request.brand, _payment_time(request))
        progress = go_live.tested(call.db, self.letters, shop, payment, call.now)
        if shop.state != before:
            forget(self.cache, call.db, shop)
        return _told(shop, progress)

    def report_production_payment(
        self, request: go_live_pb2.ReportProductionPaymentRequest, call: Call
    ) -> go_live_pb2.GoLive:
        shop = _locked(call, request.shop)
        return _told(shop, go_live.paid(call.db, shop, _payment_time(request)))

    def close_shop(self, request: go_live_pb2.CloseShopRequest, call: Call) -> shop_pb2.Shop:
        shop = _locked(call, request.name)
        go_live.close(shop, call.now)
        forget(self.cache, call.db, shop)
        return told(shop)

    def reopen_shop(self, request: go_live_pb2.ReopenShopRequest, call: Call) -> shop_pb2.Shop:
        shop = _locked(call, request.name)
        go_live.reopen(call.db, shop, call.now)
        forget(self.cache, call.db, shop)
        return told(shop)


def _locked(call: Call, name: str) -> ShopRow:
    return shops.find(call.db, enter(call, name), call.ids["shop"], for_update=True)


def _payment_time(request: Any) -> datetime:
    time = moment(request, "payment_time")
    if time is None:
        raise Invalid.field("payment_time", "required", "must be given")
    return time


def _told(shop: ShopRow, progress: Progress) -> go_live_pb2.GoLive:
    message = go_live_pb2.GoLive(
        name=go_live.NAME.format({"company": shop.company, "shop": shop.shop_id}),
        missing_accepted=progress.missing(go_live.ACCEPTED),
        missing_refused=progress.missing(go_live.REFUSED),
        production_allowed=shop.state == PRODUCTION_READY,
    )
    for outcome, payment in progress.scenarios():
        scenario = message.scenarios.add(outcome=go_live_pb2.PaymentOutcome.Value(outcome))
        if payment is not None:
            scenario.seen = True
            scenario.transaction_id, scenario.brand = payment.transaction_id, payment.brand
            scenario.payment_time.FromDatetime(payment.time)
    if progress.first_production_payment_time is not None:
        message.first_production_payment_time.FromDatetime(progress.first_production_payment_time)
    return message
