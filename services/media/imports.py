"""Import a picture: from a file nobody vouches for to an image in the store (ME1, ME2)."""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis import log
from services.chassis.errors import Exhausted, Invalid, Violation
from services.chassis.fence import Fence
from services.media import images
from services.media.imaging import errors as imaging
from services.media.imaging.decoder import ConvertedImage, Decoder
from services.media.storage import ImageStore


@dataclass(frozen=True)
class Picture:
    """A converted picture that lies in the store, not yet published; sizes in pixels."""

    image_id: str
    width: int
    height: int


@dataclass(frozen=True)
class Importer:
    """Converts and stores, before the call's transaction begins: no connection waits for a decoder or a disk.

    The store has the image for good before a row speaks of it, so that a crash between the two publishes no half
    and loses nothing: what remains is an image that no row names, which nobody can fetch. Nothing removes it when the
    transaction fails, since a commit whose answer was lost looks the same.
    """

    decoder: Decoder
    store: ImageStore
    fence: Fence

    def logo(self, content: bytes) -> Picture:
        """The picture as a logo. Raises `Invalid` for what the file itself breaks, `Exhausted` when too many are in
        hand, `Unavailable` when the store fails."""
        with self.fence.enter():
            converted = self._convert(content)
            image_id = images.new_id()
            self.store.put(image_id, converted.png)
        return Picture(image_id, converted.width, converted.height)

    def _convert(self, content: bytes) -> ConvertedImage:
        try:
            return self.decoder.logo(content)
        except imaging.Refused as refused:
            log.event("image refused", reason=refused.reason, detail=refused.detail)
            raise Invalid(
                f"content: {refused.message}",
                reason=f"IMAGE_{refused.reason}",
                violations=[Violation("content", f"image.{refused.reason.lower()}", refused.message)],
                metadata=refused.metadata,
            ) from refused
        except imaging.Exhausted as busy:
            log.event("image not decoded", reason=busy.reason, detail=busy.detail)
            raise Exhausted(
                busy.message, reason=busy.reason, retry_after_seconds=busy.retry_seconds
            ) from busy
