"""The media service on the wire: decodes, calls, encodes."""

from __future__ import annotations

from dataclasses import dataclass

from google.api import httpbody_pb2

from comptoir.media.v1 import logo_pb2
from services.chassis import etags
from services.chassis.errors import Invalid
from services.chassis.mirrors.known import require
from services.chassis.names import ANY
from services.chassis.rpc.call import Call
from services.media import images, logos
from services.media.imports import Importer
from services.media.logos import LogoRow
from services.media.rows import MIRRORS
from services.media.storage import ImageStore


@dataclass(frozen=True)
class LogoApi:
    """`comptoir.media.v1.LogoService`."""

    importer: Importer
    store: ImageStore
    public_url: str

    def get_logo(self, request: logo_pb2.GetLogoRequest, call: Call) -> logo_pb2.Logo:
        return self._logo(logos.find(call.db, _company(call), call.ids["shop"]))

    def import_logo(self, request: logo_pb2.ImportLogoRequest, call: Call) -> logo_pb2.Logo:
        require(call.db, MIRRORS["known_shops"], company=call.company, shop_id=call.ids["shop"])
        picture = self.importer.logo(request.content)
        row = logos.replaced(call.db, call.company, call.ids["shop"], request.etag)
        images.publish(call.db, call.company, picture.image_id, call.now)
        row.image_id, row.width, row.height = picture.image_id, picture.width, picture.height
        row.file_name, row.rules_version = request.file_name, request.rules_version
        row.import_time = call.now
        return self._logo(row)

    def delete_logo(self, request: logo_pb2.DeleteLogoRequest, call: Call) -> logo_pb2.DeleteLogoResponse:
        row = logos.find(call.db, call.company, call.ids["shop"], for_update=True)
        etags.check(request.etag, row.etag, row.name)
        call.db.delete(row)
        return logo_pb2.DeleteLogoResponse()

    def get_image(self, request: logo_pb2.GetImageRequest, call: Call) -> httpbody_pb2.HttpBody:
        row = images.find(call.db, call.ids["image"])
        return httpbody_pb2.HttpBody(content_type=row.media_type, data=self.store.get(row.image_id))

    def _logo(self, row: LogoRow) -> logo_pb2.Logo:
        image = images.name(row.image_id)
        logo = logo_pb2.Logo(
            name=row.name,
            uri=f"{self.public_url}/v1/{image}",
            image=image,
            width=row.width,
            height=row.height,
            file_name=row.file_name,
            rules_version=row.rules_version,
            etag=row.etag,
        )
        logo.import_time.FromDatetime(row.import_time)
        return logo


def _company(call: Call) -> str:
    """The company named. Whose shop a public id is, the shop service knows: asking here would believe any importer."""
    if call.ids["company"] == ANY:
        raise Invalid.field("name", "company", "must name the company of the shop: LookupShop tells it")
    return call.company
