"""Why a file is not converted: the file's own fault (`Refused`) or nobody's (`Exhausted`)."""

from enum import StrEnum

MAX_BYTES = 1_048_576
MAX_PIXELS = 10_000_000
MAX_SCANS = 100


class Reason(StrEnum):
    """Stable reasons, for the front doors to put into words in the reader's language (ME1, ME6)."""

    EMPTY = "EMPTY"
    TOO_LARGE = "TOO_LARGE"
    UNKNOWN_FORMAT = "UNKNOWN_FORMAT"
    UNSUPPORTED_KIND = "UNSUPPORTED_KIND"
    TOO_MANY_PIXELS = "TOO_MANY_PIXELS"
    TOO_MANY_SCANS = "TOO_MANY_SCANS"
    TRUNCATED = "TRUNCATED"
    UNREADABLE = "UNREADABLE"
    TOO_MUCH_MEMORY = "TOO_MUCH_MEMORY"
    TOO_SLOW = "TOO_SLOW"


_MESSAGES = {
    Reason.EMPTY: "The file is empty.",
    Reason.TOO_LARGE: "The file has more than {limit} bytes.",
    Reason.UNKNOWN_FORMAT: "The file is not an image of an accepted format ({limit}).",
    Reason.UNSUPPORTED_KIND: "The file is a rare variant of its format: save it again as a plain image.",
    Reason.TOO_MANY_PIXELS: "The image has more than {limit} pixels.",
    Reason.TOO_MANY_SCANS: "The JPEG image has more than {limit} scans.",
    Reason.TRUNCATED: "The file stops before its image is complete.",
    Reason.UNREADABLE: "The image in the file is damaged and cannot be read.",
    Reason.TOO_MUCH_MEMORY: "Reading the image takes more than {limit} bytes of memory.",
    Reason.TOO_SLOW: "Reading the image takes more than {limit} seconds.",
}

_FIXED_LIMITS = {
    Reason.TOO_LARGE: str(MAX_BYTES),
    Reason.TOO_MANY_PIXELS: str(MAX_PIXELS),
    Reason.TOO_MANY_SCANS: str(MAX_SCANS),
}


class Refused(Exception):
    """The file breaks a rule and will break it again: tell its owner which one.

    `message` and `metadata` (`limit`: the rule's bound; `found`: the format recognised instead) are safe to
    show; they never hold anything taken from the file. `detail` is for the operator's log only.
    """

    def __init__(self, reason: Reason, *, limit: str = "", found: str = "", detail: str = "") -> None:
        limit = limit or _FIXED_LIMITS.get(reason, "")
        self.reason = reason
        self.message = _MESSAGES[reason].format(limit=limit)
        self.metadata = {name: text for name, text in (("limit", limit), ("found", found)) if text}
        self.detail = detail
        super().__init__(f"{reason}: {self.message}")


class Exhausted(Exception):
    """No decoder can be had now, whatever the file: try again after `retry_seconds`.

    `reason` is DECODERS_BUSY when every slot is taken, DECODER_UNAVAILABLE when none could be started.
    """

    def __init__(self, reason: str, retry_seconds: float, detail: str = "") -> None:
        self.reason = reason
        self.message = "The images in hand take all the decoders: try again shortly."
        self.retry_seconds = retry_seconds
        self.detail = detail
        super().__init__(f"{reason}: {self.message}")
