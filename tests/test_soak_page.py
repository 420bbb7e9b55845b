"""Each soak writes its own section of the page and leaves the others alone."""

from __future__ import annotations

from pathlib import Path

from tests import soak_page


def test_a_section_is_replaced_where_it_stands_and_others_are_left(tmp_path: Path) -> None:
    page = tmp_path / "figures.md"
    soak_page.write("One", "About one.", {"changes": 1}, 7, page)
    soak_page.write("Two", "About two.", {"changes": 2}, 7, page)
    soak_page.write("One", "About one.", {"changes": 3}, 7, page)

    text = page.read_text()
    assert text.index("## One") < text.index("## Two")
    assert ("| changes | 1 |" in text, "| changes | 2 |" in text, "| changes | 3 |" in text) == (
        False,
        True,
        True,
    )
