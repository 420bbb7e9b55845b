"""The table as a picture: how far each figure that has a bar is from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from bench.report import Row

_WIDTH, _LINE, _TEXT = 900, 22, 520
_FARTHEST = 4.0
"""Times the bar; what is farther is drawn up to here."""
_MET, _MISSED = "#2f6f4f", "#b3402a"


def svg(rows: Sequence[Row]) -> str:
    """A line for each row with a bar: to the right of the middle, it is met."""
    barred = [(row.title, row.reached) for row in rows if row.reached is not None]
    height = _LINE * (len(barred) + 2)
    middle = _x(1.0)
    lines = [_line(number, title, reached) for number, (title, reached) in enumerate(barred, start=1)]
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}"'
            ' font-family="sans-serif" font-size="12">',
            f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
            *lines,
            f'<line x1="{middle:.0f}" y1="{_LINE / 2:.0f}" x2="{middle:.0f}" y2="{height - _LINE}" stroke="black"/>',
            f'<text x="{middle:.0f}" y="{height - 6}" text-anchor="middle">the bar</text>',
            f'<text x="{_x(_FARTHEST):.0f}" y="{height - 6}" text-anchor="end">{_FARTHEST:.0f} times as good</text>',
            "</svg>\n",
        )
    )


def _line(number: int, title: str, reached: float) -> str:
    begin, end = sorted((_x(1.0), _x(reached)))
    y = number * _LINE
    colour = _MET if reached >= 1 else _MISSED
    return (
        f'<text x="{_TEXT - 10}" y="{y + 4}" text-anchor="end">{escape(title)}</text>'
        f'<rect x="{begin:.1f}" y="{y - 7}" width="{max(end - begin, 1):.1f}" height="14" fill="{colour}"/>'
    )


def _x(reached: float) -> float:
    """Twice as good is as far from the bar as half as good."""
    share = math.log(min(max(reached, 1 / _FARTHEST), _FARTHEST), _FARTHEST)
    return _TEXT + (_WIDTH - 20 - _TEXT) * (share + 1) / 2
