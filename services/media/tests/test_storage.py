"""The store: whole images under ids of ours, or an answer that says to come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chassis.errors import Unavailable
from services.media import images
from services.media.storage import FileStore


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*") if path.is_file())


def test_an_image_comes_back_as_it_was_put_and_to_another_store_of_the_same_directory(tmp_path: Path) -> None:
    image_id, content = images.new_id(), bytes(range(256))
    FileStore(tmp_path).put(image_id, content)

    assert FileStore(tmp_path).get(image_id) == content
    assert files(tmp_path) == [image_id]


def test_a_deleted_image_is_gone_and_deleting_it_again_is_no_error(tmp_path: Path) -> None:
    store, image_id = FileStore(tmp_path), images.new_id()
    store.put(image_id, b"image")
    store.delete(image_id)
    store.delete(image_id)

    assert files(tmp_path) == []
    with pytest.raises(Unavailable):
        store.get(image_id)


def test_a_put_that_fails_leaves_neither_image_nor_draft(tmp_path: Path) -> None:
    store, image_id = FileStore(tmp_path), images.new_id()
    (tmp_path / image_id[:2] / image_id).mkdir(parents=True)
    with pytest.raises(Unavailable):
        store.put(image_id, b"image")

    assert files(tmp_path) == []


def test_a_store_that_is_not_there_says_to_come_back(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refused:
        FileStore(tmp_path / "not mounted").put(images.new_id(), b"image")

    assert refused.value.reason == "STORE_UNAVAILABLE"
    assert refused.value.retry_after_seconds == 5


@pytest.mark.parametrize(
    "name", ["", "..", "../../etc/passwd", "a" * 25, "A" * 26, "a" * 26 + "\n", "a/" * 13]
)
def test_only_ids_of_ours_name_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="an id of ours"):
        FileStore(tmp_path).put(name, b"image")


def test_ids_of_images_are_random_and_of_26_characters() -> None:
    ids = {images.new_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert {len(image_id) for image_id in ids} == {26}
