"""The shop service on the wire: decodes, calls, encodes."""

from __future__ import annotations

from dataclasses import dataclass

from google.api import httpbody_pb2

from comptoir.changes.v1 import change_pb2
from comptoir.shop.v1 import key_pb2, shop_pb2, signature_pb2
from services.chassis import etags, pages
from services.chassis.authorize import unknown
from services.chassis.cache import ReplyCache
from services.chassis.changes import as_of, export, history, revert
from services.chassis.masks import merge
from services.chassis.mirrors.known import require
from services.chassis.names import ANY
from services.chassis.rpc.call import Call
from services.shop import keys, shops, signatures
from services.shop.keys import KINDS, KeyKind, KeyRing, KeyRow
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
        return shop_pb2.ListShopsResponse(shops=map(_shop, shown), next_page_token=token)

    def get_shop(self, request: shop_pb2.GetShopRequest, call: Call) -> shop_pb2.Shop:
        name, shop_id = request.name, call.ids["shop"]
        if request.HasField("read_time"):
            row = shops.find(call.db, _enter(call, name), shop_id)
            return as_of.read(row, _shop, request, call, _HISTORY)
        return self.cache.read(
            name, lambda: _shop(shops.find(call.db, _enter(call, name), shop_id)), fresh=call.fresh
        )

    def update_shop(self, request: shop_pb2.UpdateShopRequest, call: Call) -> shop_pb2.Shop:
        row = shops.find(call.db, call.company, call.ids["shop"], for_update=True)
        etags.check(request.shop.etag, row.etag, row.name)
        before, shop = _shop(row), _shop(row)
        merge(request.shop, shop, call.paths)
        if shop != before:
            _write(shop, row)
            row.touch(call.now)
            for name in (row.name, shops.NAME.format({"company": ANY, "shop": row.shop_id})):
                self.cache.forget(call.db, name)
        return _shop(row)

    def create_shop(self, request: shop_pb2.CreateShopRequest, call: Call) -> shop_pb2.Shop:
        require(call.db, MIRRORS["known_companies"], company=call.company)
        shop_id = shops.register(call.db, call.company, request.shop_id)
        row = ShopRow(shop_id=shop_id, create_time=call.now, update_time=call.now)
        _write(request.shop, row)
        call.db.add(row)
        call.db.flush()
        self.ring.generate_test_keys(call.db, call.company, shop_id, call.now)
        return _shop(row)

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


@dataclass(frozen=True)
class KeyApi:
    """`comptoir.shop.v1.KeyService`."""

    ring: KeyRing

    def list_keys(self, request: key_pb2.ListKeysRequest, call: Call) -> key_pb2.ListKeysResponse:
        shop = shops.find(call.db, call.company, call.ids["shop"])
        rows = {row.key_id: row for row in keys.all_of(call.db, shop.shop_id)}
        return key_pb2.ListKeysResponse(
            keys=[_key(shop, kind, rows.get(kind.key_id)) for kind in KINDS.values()]
        )

    def get_key(self, request: key_pb2.GetKeyRequest, call: Call) -> key_pb2.Key:
        shop = shops.find(call.db, call.company, call.ids["shop"])
        kind = _kind(call, request.name)
        return _key(shop, kind, keys.find(call.db, shop.shop_id, kind))

    def import_key(self, request: key_pb2.ImportKeyRequest, call: Call) -> key_pb2.Key:
        shop = shops.find(call.db, call.company, call.ids["shop"], for_update=True)
        kind = _kind(call, request.name)
        return _key(
            shop,
            kind,
            self.ring.import_value(call.db, call.company, shop.shop_id, kind, request.value, call.now),
        )

    def regenerate_test_key(self, request: key_pb2.RegenerateTestKeyRequest, call: Call) -> key_pb2.Key:
        shop = shops.find(call.db, call.company, call.ids["shop"], for_update=True)
        kind = _kind(call, request.name)
        numeric = request.format == key_pb2.KEY_FORMAT_NUMERIC
        row = self.ring.regenerate(call.db, call.company, shop.shop_id, kind, call.now, numeric=numeric)
        return _key(shop, kind, row)


@dataclass(frozen=True)
class SignatureApi:
    """`comptoir.shop.v1.SignatureService`."""

    ring: KeyRing

    def sign_form(self, request: signature_pb2.SignFormRequest, call: Call) -> signature_pb2.SignFormResponse:
        _enter(call, request.shop)
        shop = shops.find(call.db, call.company, call.ids["shop"])
        kind = signatures.form_key(request.fields, shop.shop_id)
        secret = self.ring.open(call.db, call.company, shop.shop_id, kind)
        return signature_pb2.SignFormResponse(
            signature=signatures.sign_form(request.fields, secret, shop.signature_algorithm),
            algorithm=shop_pb2.SignatureAlgorithm.Value(shop.signature_algorithm),
            environment=key_pb2.Environment.Value(kind.environment),
        )


def _enter(call: Call, name: str) -> str:
    """The company of the shop; confines a call that named its shop by public id alone (AIP-159)."""
    if call.ids["company"] == ANY:
        company = shops.owner(call.db, call.ids["shop"])
        if company is None:
            raise unknown(name)
        call.enter(company=company)
    return call.company


def _kind(call: Call, name: str) -> KeyKind:
    kind = KINDS.get(call.ids["key"])
    if kind is None:
        raise unknown(name)
    return kind


def _shop(row: ShopRow) -> shop_pb2.Shop:
    shop = shop_pb2.Shop(name=row.name, etag=row.etag)
    shop.create_time.FromDatetime(row.create_time)
    shop.update_time.FromDatetime(row.update_time)
    for field in _SETTINGS:
        setattr(shop, field, getattr(row, field))
    for field, choices in _CHOICES.items():
        setattr(shop, field, choices.Value(getattr(row, field)))
    return shop


def _write(shop: shop_pb2.Shop, row: ShopRow) -> None:
    """Takes over the settings; a choice that was left out keeps the row's, or its default."""
    for field in _SETTINGS:
        if field != "extra_attempts" or shop.HasField("extra_attempts"):
            setattr(row, field, getattr(shop, field))
    for field in ("validation_mode", "signature_algorithm"):
        number = getattr(shop, field)
        if number:
            setattr(row, field, _CHOICES[field].Name(number))


def _key(shop: ShopRow, kind: KeyKind, row: KeyRow | None) -> key_pb2.Key:
    key = key_pb2.Key(
        name=keys.NAME.format({"company": shop.company, "shop": shop.shop_id, "key": kind.key_id}),
        use=key_pb2.KeyUse.Value(kind.use),
        environment=key_pb2.Environment.Value(kind.environment),
        state=key_pb2.KEY_STATE_TO_BE_GENERATED,
    )
    if row is not None:
        key.state = key_pb2.KEY_STATE_ACTIVE
        key.masked_value, key.public_value = row.masked_value, row.public_value
        key.check_value = row.check_value
        key.generate_time.FromDatetime(row.generate_time)
    return key
