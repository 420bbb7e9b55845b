"""A figure meets its bar whichever way it counts, and what does not is marked in the table and in the plot."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET

import pytest

from bench.measure import Measured
from bench.memory import megabytes
from bench.plot import svg
from bench.report import Figure, Holding, Line, Row, page, table


def line(ours: float, least: float | None) -> Line:
    return Line(Measured("a read", [{"shop": ours}]), Measured("echo", [{"echo": 100.0}]), ("shop",), least)


def figure(times: float | None, most: float | None) -> Figure:
    return Figure("a write", 2.0, "without", 1.0, times, most)


@pytest.mark.parametrize(
    ("row", "reached"),
    [
        (line(125, 0.6), 0.8 / 0.6),
        (line(200, 0.6), 0.5 / 0.6),
        (line(200, None), None),
        (figure(1.5, 2.0), 2.0 / 1.5),
        (figure(2.5, 2.0), 2.0 / 2.5),
        (figure(0.0, 2.0), float("inf")),
        (figure(None, 2.0), None),
    ],
)
def test_more_is_better_for_ratios_and_less_for_times(row: Line | Figure, reached: float | None) -> None:
    assert row.reached == (None if reached is None else pytest.approx(reached))


def test_what_misses_its_bar_is_marked() -> None:
    rows: list[Row] = [line(125, 0.6), line(200, 0.6), line(200, None), figure(2.5, 2.0)]

    assert [text.rsplit("|", 2)[1].strip() for text in table(rows).splitlines()[2:]] == [
        "yes",
        "**no**",
        "",
        "**no**",
    ]
    drawn = ET.fromstring(svg(rows))
    colours = [each.get("fill") for each in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert len(set(colours[1:])) == 2
    assert len(colours) == 1 + 3


@pytest.mark.parametrize(
    ("scale", "load", "said"),
    [
        (1.0, 0.0, "did nothing else"),
        (1.0, 9.0, "not quiet"),
        (0.05, 0.0, "only 5% of the calls"),
    ],
)
def test_the_page_says_what_it_was_measured_on(scale: float, load: float, said: str) -> None:
    assert said in page([line(125, 0.6)], [Holding("shop", 90.0)], scale, "abc", load)


def test_memory_counts_this_process() -> None:
    assert megabytes(os.getpid()) > 1
