"""What the media service is made of."""

from __future__ import annotations

from pathlib import Path

from comptoir.media.v1 import logo_pb2
from services.chassis import log
from services.chassis.feed.published import Published
from services.chassis.fence import Fence
from services.chassis.rpc.server import Handlers
from services.chassis.service import Resources, Service
from services.media.api import LogoApi
from services.media.config import MediaSettings
from services.media.imaging.decoder import Decoder
from services.media.imaging.errors import Exhausted
from services.media.imports import Importer
from services.media.logos import LogoRow
from services.media.rows import MIRRORS, STANDING, TABLES, Base
from services.media.storage import FileStore


def _handlers(resources: Resources) -> Handlers:
    settings: MediaSettings = resources.settings
    decoder = Decoder(slots=settings.decoder_slots)
    resources.closers.append(decoder.close)
    _tell(decoder)
    store = FileStore(settings.media_directory)
    importer = Importer(decoder, store, Fence(settings.decoder_slots))
    api = LogoApi(importer, store, settings.public_url)
    return {logo_pb2.DESCRIPTOR.services_by_name["LogoService"]: api}


def _tell(decoder: Decoder) -> None:
    """Leaves in the log how far this kernel lets decoding be confined."""
    try:
        log.event("decoder", **decoder.check()._asdict())
    except Exhausted as late:
        # A busy machine, most likely: the service answers all the same, and imports say what they find.
        log.event("decoder not ready", reason=late.reason, detail=late.detail)


MEDIA = Service(
    name="media",
    handlers=_handlers,
    metadata=Base.metadata,
    tables=TABLES,
    mirrors=MIRRORS,
    standing=STANDING,
    published=(Published(LogoRow, ("image_id", "width", "height")),),
    versions=Path(__file__).parent / "migrations",
    settings=MediaSettings,
)
