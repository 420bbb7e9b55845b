import base64
import os
from pathlib import Path

import pytest

from services.chassis.vault.aead import new_key
from services.chassis.vault.errors import KekFileInvalid, KeyUnavailable, SealBroken
from services.chassis.vault.kek_file import FileKeyring
from services.chassis.vault.kek_rotation import add_generation, destroy_generation, promote_generation
from services.chassis.vault.tests.traces import shown

ONE = base64.urlsafe_b64encode(bytes(range(32))).decode()
TWO = base64.urlsafe_b64encode(bytes(range(32, 64))).decode()


def written(path: Path, content: str, mode: int = 0o600) -> Path:
    path.write_text(content)
    path.chmod(mode)
    return path


def test_the_first_line_wraps_and_every_line_unwraps(tmp_path: Path) -> None:
    key = new_key()
    former = FileKeyring.load(written(tmp_path / "kek", f"old {ONE}\n")).current()
    wrapped = former.wrap(key, b"place")
    ring = FileKeyring.load(written(tmp_path / "kek", f"\nnew {TWO}\nold   {ONE.rstrip('=')}\n"))
    assert ring.current().key_id == "new"
    old = ring.generation("old")
    assert old is not None
    assert key == old.unwrap(wrapped, b"place")


def test_a_wrapped_key_unwraps_only_at_its_place_by_its_generation_and_unaltered(tmp_path: Path) -> None:
    ring = FileKeyring.load(written(tmp_path / "kek", f"new {TWO}\nold {ONE}\n"))
    kek, other = ring.current(), ring.generation("old")
    assert other is not None
    wrapped = kek.wrap(new_key(), b"place")
    with pytest.raises(SealBroken):
        kek.unwrap(wrapped, b"elsewhere")
    with pytest.raises(SealBroken):
        other.unwrap(wrapped, b"place")
    for position in range(len(wrapped)):
        altered = bytearray(wrapped)
        altered[position] ^= 1
        with pytest.raises(SealBroken):
            kek.unwrap(bytes(altered), b"place")
        with pytest.raises(SealBroken):
            kek.unwrap(wrapped[:position], b"place")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "it holds no key"),
        ("\n \n", "it holds no key"),
        (f"good {TWO}\nshort {ONE[:20]}\n", "line 2 is not"),
        (f"{ONE}\n", "line 1 is not"),
        (f"name {ONE[:-4]}+/=\n", "line 1 is not"),
        (f"näme {ONE}\n", "line 1 is not"),
        (f"name {ONE} {TWO}\n", "line 1 is not"),
        (f"name {ONE}\nname {TWO}\n", "line 2 repeats the name"),
        (f"one {ONE}\ntwo {ONE}\n", "line 2 repeats the key"),
        ("#" * 70_000, "too large"),
    ],
)
def test_a_bad_file_is_refused_by_path_and_line_without_its_content(
    tmp_path: Path, content: str, problem: str
) -> None:
    path = written(tmp_path / "kek", content)
    with pytest.raises(KekFileInvalid, match=problem) as caught:
        FileKeyring.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    for secret in (ONE[:20], TWO[:20], repr(bytes(range(32)))):
        assert secret not in shown(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o440, 0o604, 0o620, 0o602, 0o610, 0o666])
def test_a_file_open_to_group_or_world_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(KekFileInvalid, match=f"mode {mode:04o} lets others in"):
        FileKeyring.load(written(tmp_path / "kek", f"one {ONE}\n", mode))


@pytest.mark.parametrize(("mode", "admitted"), [(0o440, True), (0o640, True), (0o660, False), (0o444, False)])
def test_a_deployment_may_let_the_group_read_and_nothing_more(
    tmp_path: Path, mode: int, admitted: bool
) -> None:
    path = written(tmp_path / "kek", f"one {ONE}\n", mode)
    if admitted:
        assert FileKeyring.load(path, group_may_read=True).current().key_id == "one"
    else:
        with pytest.raises(KekFileInvalid, match="lets others in"):
            FileKeyring.load(path, group_may_read=True)


def test_what_is_not_a_readable_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path, problem in [
        (tmp_path / "absent", "No such file"),
        (tmp_path, "Is a directory"),
        (pipe, "not a regular file"),
    ]:
        with pytest.raises(KekFileInvalid, match=problem):
            FileKeyring.load(path)


def test_a_rotated_file_is_used_without_a_restart(kek_path: Path) -> None:
    ring = FileKeyring.load(kek_path)
    first = ring.current().key_id
    second = add_generation(kek_path)
    assert first == ring.current().key_id
    assert ring.generation(second) is not None
    promote_generation(kek_path, second)
    assert second == ring.current().key_id
    assert ring.generation(first) is not None
    destroy_generation(kek_path, first)
    assert ring.generation(first) is None


def test_a_file_that_turns_bad_makes_every_key_unavailable_until_it_is_mended(kek_path: Path) -> None:
    ring = FileKeyring.load(kek_path)
    key_id, content = ring.current().key_id, kek_path.read_text()
    kek_path.chmod(0o644)
    with pytest.raises(KeyUnavailable):
        ring.current()
    kek_path.unlink()
    with pytest.raises(KeyUnavailable):
        ring.generation(key_id)
    written(kek_path, content)
    assert key_id == ring.current().key_id
