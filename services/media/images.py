"""Published images: what anybody may fetch who knows the address, which never changes what it shows (ME4)."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime

from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.authorize import unknown
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import DirectoryRow
from services.media.rows import Base

NAME = PATTERNS["comptoir.media/Image"]
MEDIA_TYPE = "image/png"


class ImageRow(DirectoryRow, Base):
    """That an image is published, and whose it is. The store keeps it under the same id."""

    __tablename__ = "images"

    image_id: Mapped[str] = mapped_column(primary_key=True)
    company: Mapped[str]
    media_type: Mapped[str]
    create_time: Mapped[datetime]


def new_id() -> str:
    """An id of 26 characters, 128 random bits: nobody guesses it, and equal images of two companies differ in it."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def name(image_id: str) -> str:
    """The resource name of an image."""
    return NAME.format({"image": image_id})


def publish(db: Session, company: str, image_id: str, now: datetime) -> None:
    """Lets an image of the store be served, once the transaction commits."""
    db.add(ImageRow(image_id=image_id, company=company, media_type=MEDIA_TYPE, create_time=now))


def find(db: Session, image_id: str) -> ImageRow:
    """The published image, or the answer for an unknown one."""
    row = db.get(ImageRow, image_id)
    if row is None:
        raise unknown(name(image_id))
    return row
