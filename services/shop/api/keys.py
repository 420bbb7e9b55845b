"""`KeyService` on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from comptoir.shop.v1 import key_pb2
from services.chassis.authorize import unknown
from services.chassis.cache import ReplyCache
from services.chassis.changes.history import moment
from services.chassis.errors import Invalid
from services.chassis.rpc.call import Call
from services.shop import expiry, keys, revealing, shops, usage
from services.shop.api.key_messages import told, told_all
from services.shop.api.shops import forget
from services.shop.keys import KINDS, KeyKind, KeyRing
from services.shop.letters import Letters
from services.shop.rotation import AT_ONCE, OF_PRODUCTION, Manner, Rotation
from services.shop.shops import ShopRow

_Rotating = key_pb2.RegenerateTestKeyRequest | key_pb2.GenerateProductionKeyRequest


@dataclass(frozen=True)
class KeyApi:
    """`comptoir.shop.v1.KeyService`."""

    cache: ReplyCache
    ring: KeyRing
    letters: Letters

    def list_keys(self, request: key_pb2.ListKeysRequest, call: Call) -> key_pb2.ListKeysResponse:
        return key_pb2.ListKeysResponse(keys=told_all(call.db, _shop(call, lock=False), call.now))

    def get_key(self, request: key_pb2.GetKeyRequest, call: Call) -> key_pb2.Key:
        return _told(call, _shop(call, lock=False), _kind(call, request.name))

    def import_key(self, request: key_pb2.ImportKeyRequest, call: Call) -> key_pb2.Key:
        kind, rotation = _kind(call, request.name), self._rotation(call)
        rotation.bring(kind, request.value, _manner(request, AT_ONCE))
        forget(self.cache, call.db, rotation.shop)
        return _told(call, rotation.shop, kind)

    def regenerate_test_key(self, request: key_pb2.RegenerateTestKeyRequest, call: Call) -> key_pb2.Key:
        kind, rotation = _kind(call, request.name), self._rotation(call)
        rotation.regenerate(kind, _manner(request, AT_ONCE), numeric=_numeric(request))
        return _told(call, rotation.shop, kind)

    def generate_production_key(
        self, request: key_pb2.GenerateProductionKeyRequest, call: Call
    ) -> key_pb2.Key:
        kind, rotation = _kind(call, request.name), self._rotation(call)
        rotation.generate(kind, _manner(request, OF_PRODUCTION), numeric=_numeric(request))
        return _told(call, rotation.shop, kind)

    def extend_overlap(self, request: key_pb2.ExtendOverlapRequest, call: Call) -> key_pb2.Key:
        kind, rotation, until = (
            _kind(call, request.name),
            self._rotation(call),
            moment(request, "expire_time"),
        )
        if until is None:
            raise Invalid.field("expire_time", "required", "must be given")
        rotation.extend(kind, until)
        return _told(call, rotation.shop, kind)

    def finish_overlap(self, request: key_pb2.FinishOverlapRequest, call: Call) -> key_pb2.Key:
        kind, rotation = _kind(call, request.name), self._rotation(call)
        rotation.finish(kind)
        return _told(call, rotation.shop, kind)

    def undo_rotation(self, request: key_pb2.UndoRotationRequest, call: Call) -> key_pb2.Key:
        kind, rotation = _kind(call, request.name), self._rotation(call)
        rotation.undo(kind)
        return _told(call, rotation.shop, kind)

    def schedule_key_expiry(self, request: key_pb2.ScheduleKeyExpiryRequest, call: Call) -> key_pb2.Key:
        kind, shop = _kind(call, request.name), _shop(call)
        expiry.schedule(call.db, shop, kind, moment(request, "expire_time"), call.now)
        return _told(call, shop, kind)

    def reveal_key(self, request: key_pb2.RevealKeyRequest, call: Call) -> key_pb2.RevealedKey:
        shop, kind = _shop(call), _kind(call, request.name)
        row, value = revealing.reveal(self.ring, self.letters, call.db, shop, kind, call.now)
        return key_pb2.RevealedKey(name=row.name, value=value.reveal_text(), check_value=row.check_value)

    def list_key_uses(self, request: key_pb2.ListKeyUsesRequest, call: Call) -> key_pb2.ListKeyUsesResponse:
        row = keys.find(call.db, _shop(call, lock=False).shop_id, _kind(call, request.parent))
        found = usage.of_key(call.db, row, call.now) if row is not None else ()
        return key_pb2.ListKeyUsesResponse(uses=map(_usage, found))

    def _rotation(self, call: Call) -> Rotation:
        return Rotation(self.ring, self.letters, call.db, _shop(call), call.now)


def _shop(call: Call, *, lock: bool = True) -> ShopRow:
    return shops.find(call.db, call.company, call.ids["shop"], for_update=lock)


def _kind(call: Call, name: str) -> KeyKind:
    kind = KINDS.get(call.ids["key"])
    if kind is None:
        raise unknown(name)
    return kind


def _told(call: Call, shop: ShopRow, kind: KeyKind) -> key_pb2.Key:
    return told(call.db, shop, kind, call.now)


def _numeric(request: _Rotating) -> bool:
    return request.format == key_pb2.KEY_FORMAT_NUMERIC


def _manner(request: Any, usual: timedelta) -> Manner:
    given = request.HasField("overlap")
    return Manner(request.overlap.ToTimedelta() if given else usual, request.force)


def _usage(use: usage.Usage) -> key_pb2.KeyUsage:
    told = key_pb2.KeyUsage(
        value_state=key_pb2.KeyValueState.Value(use.state),
        check_value=use.check_value,
        integration=use.integration,
        count=use.count,
    )
    told.last_use_time.FromDatetime(use.last_use_time)
    return told
