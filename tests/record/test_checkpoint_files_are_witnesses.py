"""What can be done to the files of checkpoints, and what the verifier says of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from services.chassis.changes import checkpoint_files as files
from tests.record.logs import ONE, Finding, Log


def rewritten(log: Log, number: int, edit: Callable[[files.Checkpoint], files.Checkpoint], key: Path) -> None:
    """Puts another file in the place of one, signed with a key of one's own."""
    path = log.file(number)
    before = files.decode(path.read_bytes(), "shop", number, log.key.public_key())
    path.unlink()
    path.write_bytes(files.encode(edit(before), files.load_key(key)))


def test_an_edited_file(log: Log) -> None:
    path = log.file(2)
    path.chmod(0o640)
    path.write_bytes(path.read_bytes().replace(b'"sequence":7', b'"sequence":6'))

    answer = log.verify()
    assert answer.findings == {Finding("FILE_SIGNATURE")}
    assert answer.status == 1


@pytest.mark.parametrize("kept", [0, 1, 200, -1])
def test_a_file_cut_short(log: Log, kept: int) -> None:
    path = log.file(2)
    path.chmod(0o640)
    path.write_bytes(path.read_bytes()[:kept])

    # Without its last newline the signature still holds, but the next file continues another.
    expected = "FILE_CHAIN" if kept == -1 else "FILE_UNREADABLE"
    assert [each.problem for each in log.verify().findings] == [expected]


def test_a_file_missing_in_the_middle(log: Log) -> None:
    log.file(2).unlink()
    log.file(3).unlink()

    assert log.verify().findings == {Finding("FILE_MISSING", after=1, before=4)}


def test_the_first_missing(log: Log) -> None:
    log.file(1).unlink()

    answer = log.verify()
    assert answer.findings == {Finding("FILE_MISSING", before=2)}
    assert "begin with 2" in answer.notes[0]["note"]


def test_the_newest_missing_shows_in_what_is_said_to_be_the_newest(log: Log) -> None:
    log.file(4).unlink()

    answer = log.verify()
    assert (0, set()) == answer[:2]
    assert 3 in [note.get("newest") for note in answer.notes]


def test_all_missing(log: Log) -> None:
    shutil.rmtree(log.checkpoints)
    log.checkpoints.mkdir()

    assert log.verify().findings == {Finding("NO_CHECKPOINT")}
    log.checkpoints.rmdir()
    assert log.verify().status == 2


def test_a_file_signed_with_another_key(log: Log, tmp_path: Path) -> None:
    files.new_key(tmp_path / "forger")
    rewritten(log, 3, lambda checkpoint: replace(checkpoint, heads={}), tmp_path / "forger")

    assert log.verify().findings == {Finding("FILE_KEY")}


def test_a_file_that_only_claims_the_key(log: Log, tmp_path: Path) -> None:
    files.new_key(tmp_path / "forger")
    forger = files.load_key(tmp_path / "forger").public_key()
    rewritten(log, 3, lambda checkpoint: checkpoint, tmp_path / "forger")
    path = log.file(3)
    claimed = path.read_text().replace(files.fingerprint(forger), files.fingerprint(log.key.public_key()))
    path.write_text(claimed)

    assert log.verify().findings == {Finding("FILE_SIGNATURE")}


def test_a_file_of_another_service_under_the_same_key(log: Log) -> None:
    key = log.place / "checkpoint-key"
    rewritten(log, 3, lambda checkpoint: replace(checkpoint, service="media"), key)

    assert log.verify().findings == {Finding("FILE_SERVICE")}
    assert log.verify("--service", "media").status == 1


def test_a_file_under_another_number(log: Log) -> None:
    shutil.copy(log.file(4), log.file(5))

    assert log.verify().findings == {Finding("FILE_NAME")}


def test_a_stray_file(log: Log) -> None:
    (log.checkpoints / "notes.ndjson").write_text("{}\n")

    assert log.verify().findings == {Finding("FILE_NAME")}


def test_a_second_history_signed_with_the_stolen_key(log: Log) -> None:
    key = log.place / "checkpoint-key"
    rewritten(log, 2, lambda checkpoint: replace(checkpoint, heads={}), key)

    # It is what comes next that tells: the file after it continues another.
    assert Finding("FILE_CHAIN", after=2, before=3) in log.verify().findings


def test_a_former_key_is_given_beside_the_new_one(log: Log, tmp_path: Path) -> None:
    former, public = log.key, tmp_path / "checkpoint-key.pem"
    files.new_key(tmp_path / "checkpoint-key")
    log.key = files.load_key(tmp_path / "checkpoint-key")
    try:
        log.write_checkpoint(5)
    finally:
        log.key = former

    assert log.verify().findings == {Finding("FILE_KEY")}
    assert (0, set()) == log.verify("--public-key", public)[:2]


def test_archived_ones_are_not_missed_when_a_full_one_begins(log: Log) -> None:
    for number in range(5, 27):
        log.write_checkpoint(number)
    for number in range(1, 25):
        log.file(number).unlink()
    assert (0, set()) == log.verify()[:2]

    log.rebuild(ONE, lambda rows: rows[0].update(actor="users/somebody"))
    assert log.verify().findings == {Finding("REWRITTEN", ONE, 1, 7, 26)}
