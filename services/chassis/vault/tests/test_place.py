from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.vault.place import Place, canonical
from services.chassis.vault.tests.places import REST_PASSWORD

parts = st.lists(st.text(max_size=4), max_size=5)


@given(parts, parts)
def test_only_equal_lists_have_equal_bytes(one: list[str], other: list[str]) -> None:
    assert (one == other) == (canonical(*one) == canonical(*other))


@given(
    st.lists(st.text(min_size=1, max_size=3), min_size=7, max_size=7), st.integers(0, 6), st.integers(0, 6)
)
def test_exchanging_two_parts_of_a_place_changes_its_bytes(values: list[str], i: int, j: int) -> None:
    names = [field.name for field in fields(Place)]
    moved = list(values)
    moved[i], moved[j] = moved[j], moved[i]
    one, other = Place(**dict(zip(names, values, strict=True))), Place(**dict(zip(names, moved, strict=True)))
    assert (values == moved) == (one.associated_data(1, 1) == other.associated_data(1, 1))


def test_moving_the_border_between_two_parts_changes_the_bytes() -> None:
    one = replace(REST_PASSWORD, table="keys", column="sealed")
    other = replace(REST_PASSWORD, table="key", column="ssealed")
    assert one.associated_data(1, 1) != other.associated_data(1, 1)


def test_both_versions_are_part_of_the_bytes() -> None:
    seen = {REST_PASSWORD.associated_data(format_, key) for format_ in (1, 11) for key in (1, 11)}
    assert len(seen) == 4


@pytest.mark.parametrize("name", [field.name for field in fields(Place)])
def test_a_place_with_an_empty_part_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} of a place is empty"):
        replace(REST_PASSWORD, **{name: ""})
