"""`ShopService` on the wire."""

from __future__ import annotations

from dataclasses import dataclass

from google.api import httpbody_pb2
from sqlalchemy.orm import Session

from comptoir.changes.v1 import change_pb2
from comptoir.shop.v1 import shop_pb2
from services.chassis import etags, pages
from services.chassis.authorize import unknown
from services.chassis.cache import ReplyCache
from services.chassis.changes import as_of, export, history, revert
from services.chassis.errors import Invalid
from services.chassis.masks import merge
from services.chassis.mirrors.known import require
from services.chassis.names import ANY
from services.chassis.rpc.call import Call
from services.shop import opening, shops, urls
from services.shop.advice import advised
from services.shop.api.entering import enter
from services.shop.keys import KeyRing
from services.shop.rows import MIRRORS
from services.shop.shops import ShopRow

_HISTORY = "shop.history.read"
_SETTINGS = (
    "display_name",
    "url",
    "manager_email",
    "capture_delay_days",
    "extra_attempts",
    "notify_refused_attempts",
)
_CHOICES = {
    "validation_mode": shop_pb2.ValidationMode,
    "signature_algorithm": shop_pb2.SignatureAlgorithm,
    "state": shop_pb2.ShopState,
}


def remembered(cache: ReplyCache, name: str, call: Call) -> shop_pb2.Shop:
    """The shop of a call that names one, from memory where it can be."""
    return cache.read(
        name, lambda: told(shops.find(call.db, enter(call, name), call.ids["shop"])), fresh=call.fresh
    )


def forget(cache: ReplyCache, db: Session, *rows: ShopRow) -> None:
    """Lets go of what is in memory of the shops, by either of their names, when the transaction commits."""
    wild = (shops.NAME.format({"company": ANY, "shop": row.shop_id}) for row in rows)
    cache.forget(db, *(row.name for row in rows), *wild)


@dataclass(frozen=True)
class ShopApi:
    """`comptoir.shop.v1.ShopService`."""

    ring: KeyRing
    cache: ReplyCache

    def list_shops(self, request: shop_pb2.ListShopsRequest, call: Call) -> shop_pb2.ListShopsResponse:
        page = pages.page(request.page_size, request.page_token, call.method.path, request.parent)
        rows = shops.listed(call.db, page, call.caller.shops)
        shown = rows[: page.size]
        token = page.next_token(rows, (shown[-1].shop_id,)) if shown else ""
        return shop_pb2.ListShopsResponse(shops=map(told, shown), next_page_token=token)

    def get_shop(self, request: shop_pb2.GetShopRequest, call: Call) -> shop_pb2.Shop:
        name, shop_id = request.name, call.ids["shop"]
        if request.HasField("read_time"):
            row = shops.find(call.db, enter(call, name), shop_id)
            return as_of.read(row, told, request, call, _HISTORY)
        return remembered(self.cache, name, call)

    def update_shop(self, request: shop_pb2.UpdateShopRequest, call: Call) -> shop_pb2.Shop:
        row = shops.find(call.db, call.company, call.ids["shop"], for_update=True)
        etags.check(request.shop.etag, row.etag, row.name)
        before, shop = told(row), told(row)
        merge(request.shop, shop, call.paths)
        if shop != before:
            _write(shop, row)
            row.touch(call.now)
            forget(self.cache, call.db, row)
        return told(row)

    def create_shop(self, request: shop_pb2.CreateShopRequest, call: Call) -> shop_pb2.Shop:
        require(call.db, MIRRORS["known_companies"], company=call.company)
        row = ShopRow(shop_id=request.shop_id)
        _write(request.shop, row)
        opening.open_shop(call.db, self.ring, call.company, row, call.now)
        return told(row)

    def lookup_shop(self, request: shop_pb2.LookupShopRequest, call: Call) -> shop_pb2.LookupShopResponse:
        company = shops.owner(call.db, request.shop_id)
        if company is None:
            raise unknown(shops.NAME.format({"company": ANY, "shop": request.shop_id}))
        return shop_pb2.LookupShopResponse(
            shop=shops.NAME.format({"company": company, "shop": request.shop_id})
        )

    def list_shop_changes(
        self, request: shop_pb2.ListShopChangesRequest, call: Call
    ) -> shop_pb2.ListShopChangesResponse:
        return shop_pb2.ListShopChangesResponse(**history.listed(request, call))

    def get_shop_change(self, request: shop_pb2.GetShopChangeRequest, call: Call) -> change_pb2.Change:
        return history.get(request, call)

    def export_shop_changes(
        self, request: shop_pb2.ExportShopChangesRequest, call: Call
    ) -> httpbody_pb2.HttpBody:
        return export.export(request, call)

    def revert_shop_change(self, request: shop_pb2.RevertShopChangeRequest, call: Call) -> shop_pb2.Shop:
        row = shops.find(call.db, call.company, call.ids["shop"], for_update=True)
        return self.update_shop(revert.update_of(row, request, call, _HISTORY), call)


def told(row: ShopRow) -> shop_pb2.Shop:
    """The shop as a message."""
    shop = shop_pb2.Shop(name=row.name, etag=row.etag)
    shop.create_time.FromDatetime(row.create_time)
    shop.update_time.FromDatetime(row.update_time)
    for field in _SETTINGS:
        setattr(shop, field, getattr(row, field))
    for field, choices in _CHOICES.items():
        setattr(shop, field, choices.Value(getattr(row, field)))
    shop.advice.extend(shop_pb2.Advice(**each._asdict()) for each in advised(row))
    return shop


def _write(shop: shop_pb2.Shop, row: ShopRow) -> None:
    """Takes over the settings; a choice that was left out keeps the row's, or its default."""
    if shop.url and shop.url != row.url:
        _check_url(shop.url)
    for field in _SETTINGS:
        if field != "extra_attempts" or shop.HasField("extra_attempts"):
            setattr(row, field, getattr(shop, field))
    for field in ("validation_mode", "signature_algorithm"):
        number = getattr(shop, field)
        if number:
            setattr(row, field, _CHOICES[field].Name(number))


def _check_url(url: str) -> None:
    try:
        urls.check(url)
    except urls.Refused as refused:
        raise Invalid.field("shop.url", refused.rule, str(refused)) from None
