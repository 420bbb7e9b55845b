"""The type of every secret value in memory."""

import hmac
from typing import NoReturn, Self, final

DOTS = "••••••••"


@final
class Secret:
    """Bytes that print as dots, compare in constant time and refuse to be serialised (SH12).

    `reveal` and `reveal_text` are the only ways out, so that searching for "reveal" finds each place where a
    secret becomes an ordinary value. Always eight dots: their number says nothing of the length.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes | str) -> None:
        if isinstance(value, str):
            # An encoding error would carry the text in its `object`; this handler accepts every string.
            value = value.encode("utf-8", "surrogatepass")
        elif not isinstance(value, bytes):
            raise TypeError(f"a secret is made of bytes or str, not {type(value).__name__}")
        self._value = value

    def reveal(self) -> bytes:
        """The bytes themselves."""
        return self._value

    def reveal_text(self) -> str:
        """The value as text. Raises ValueError, without any of its bytes, if it is not UTF-8."""
        text = self._decoded()
        # Outside of any `except`: a decoding error kept as context would hold the whole value.
        if text is None:
            raise ValueError("the secret is not text")
        return text

    def _decoded(self) -> str | None:
        try:
            return self._value.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    # Sets and dictionaries would not compare in constant time.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Secret({DOTS})"

    def __str__(self) -> str:
        return DOTS

    def __format__(self, spec: str) -> str:
        return DOTS

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret cannot be serialised")
