import os
from pathlib import Path
from stat import S_IMODE

import pytest

from services.chassis.vault.errors import KekFileInvalid
from services.chassis.vault.kek_file import read
from services.chassis.vault.kek_rotation import add_generation, destroy_generation, promote_generation


def names(path: Path) -> list[str]:
    return [generation.key_id for generation in read(path)[0]]


def test_the_first_generation_makes_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "kek"
    key_id = add_generation(path)
    assert [key_id] == names(path)
    assert S_IMODE(path.stat().st_mode) == 0o600


def test_an_added_generation_wraps_only_once_promoted(kek_path: Path) -> None:
    [first] = names(kek_path)
    second = add_generation(kek_path)
    third = add_generation(kek_path)
    assert [first, third, second] == names(kek_path)
    promote_generation(kek_path, second)
    assert [second, first, third] == names(kek_path)


def test_keys_stay_the_same_through_every_edit(kek_path: Path) -> None:
    before = {each.key_id: each.key for each in read(kek_path)[0]}
    promote_generation(kek_path, add_generation(kek_path))
    after = {each.key_id: each.key for each in read(kek_path)[0]}
    assert before.items() <= after.items()


def test_the_current_generation_cannot_be_destroyed(kek_path: Path) -> None:
    [first] = names(kek_path)
    with pytest.raises(KekFileInvalid, match="promote another"):
        destroy_generation(kek_path, first)
    assert [first] == names(kek_path)


def test_an_unknown_name_changes_nothing(kek_path: Path) -> None:
    before = kek_path.read_bytes()
    for edit in (promote_generation, destroy_generation):
        with pytest.raises(KekFileInvalid, match="no generation of that name"):
            edit(kek_path, "nobody")
    assert before == kek_path.read_bytes()
    assert [kek_path] == list(kek_path.parent.iterdir())


def test_a_destroyed_generation_leaves_the_file(kek_path: Path) -> None:
    [first] = names(kek_path)
    line = kek_path.read_bytes().splitlines()[0]
    second = add_generation(kek_path)
    promote_generation(kek_path, second)
    destroy_generation(kek_path, first)
    assert [second] == names(kek_path)
    assert line.split()[1] not in kek_path.read_bytes()


def test_an_edit_keeps_the_mode_and_the_owner(kek_path: Path) -> None:
    kek_path.chmod(0o440)
    if os.geteuid() == 0:
        os.chown(kek_path, 12_345, 12_346)
    before = kek_path.stat()
    add_generation(kek_path)
    after = kek_path.stat()
    assert (before.st_mode, before.st_uid, before.st_gid) == (after.st_mode, after.st_uid, after.st_gid)


def test_two_edits_at_once_do_not_lose_a_generation(kek_path: Path) -> None:
    draft = kek_path.with_name("kek.new")
    draft.touch(0o600)
    before = kek_path.read_bytes()
    with pytest.raises(KekFileInvalid, match="an edit is under way"):
        add_generation(kek_path)
    assert before == kek_path.read_bytes()
    assert draft.exists()


def test_an_edit_does_not_take_away_the_draft_of_the_next(
    kek_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, replace = kek_path.with_name("kek.new"), Path.replace

    def replace_and_be_followed(path: Path, target: Path) -> Path:
        placed = replace(path, target)
        draft.touch(0o600)
        return placed

    monkeypatch.setattr(Path, "replace", replace_and_be_followed)
    add_generation(kek_path)
    assert draft.exists()


def test_an_edit_that_fails_leaves_no_draft(kek_path: Path) -> None:
    with pytest.raises(KekFileInvalid):
        destroy_generation(kek_path, "nobody")
    assert not kek_path.with_name("kek.new").exists()
