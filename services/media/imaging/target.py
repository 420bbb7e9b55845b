"""What an import is turned into."""

from typing import NamedTuple

from services.media.imaging.signatures import FAVICON_FORMATS, LOGO_FORMATS, Format


class Target(NamedTuple):
    """The size in pixels of an output, the formats accepted for it, whether whole enlargements stay sharp."""

    name: str
    width: int
    height: int
    formats: tuple[Format, ...]
    crisp: bool

    @property
    def size_in_bytes(self) -> int:
        """The length of its pixels as RGBA, 8 bits a sample."""
        return self.width * self.height * 4


LOGO = Target("logo", 312, 104, LOGO_FORMATS, crisp=False)
# 64 is four times the 16 that browsers ask for: icons of 16 and 32 are enlarged without blur and shrink back
# to themselves, and there is enough detail for dense screens.
FAVICON = Target("favicon", 64, 64, FAVICON_FORMATS, crisp=True)
TARGETS = {target.name: target for target in (LOGO, FAVICON)}
