"""Operator's edits of a KEK file: add, promote, destroy a generation.

In this order: a generation is added behind the current one, so that every replica can unwrap with it before
any wraps with it; then it is promoted; then `Vault.rewrap` wraps all data keys under it. The former one is
destroyed once `Vault.kek_generations_in_use` no longer names it and no transaction begun before the promotion
still runs: it could add a key under it. Each edit replaces the whole file at once, keeping owner and mode.
With a token, the keys themselves are made and destroyed in it, and the file only names them.
"""

import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from services.chassis.durable import sync_directory
from services.chassis.vault.aead import new_key
from services.chassis.vault.errors import KekFileInvalid
from services.chassis.vault.kek import KekToken
from services.chassis.vault.kek_file import Generation, read

_Change = Callable[[list[Generation]], list[Generation]]


def add_generation(path: Path, token: KekToken | None = None) -> str:
    """Adds a random generation and returns its name; makes the file, mode 0600, if there is none."""
    name = f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(4)}"
    made = Generation(name, None if token else new_key())

    def add(generations: list[Generation]) -> list[Generation]:
        if token:
            token.generate(name)
        return [*generations[:1], made, *generations[1:]]

    _edit(path, add, in_token=token is not None)
    return name


def promote_generation(path: Path, key_id: str, token: KekToken | None = None) -> None:
    """Makes a generation of the file the current one. Raises KekFileInvalid if the file does not hold it."""

    def promote(generations: list[Generation]) -> list[Generation]:
        rest = [each for each in generations if each.key_id != key_id]
        return [_named(path, generations, key_id), *rest]

    _edit(path, promote, in_token=token is not None)


def destroy_generation(path: Path, key_id: str, token: KekToken | None = None) -> None:
    """Takes a former generation out of the file: what only it wrapped is lost, in backups of databases too.

    A backup of this file would bring it back, and a disk may keep the old blocks: erase those as well. Raises
    KekFileInvalid for the current generation and for one that the file does not hold.
    """

    def destroy(generations: list[Generation]) -> list[Generation]:
        if _named(path, generations, key_id) is generations[0]:
            raise KekFileInvalid(path, "its current generation stays; promote another one first")
        if token:
            token.destroy(key_id)
        return [each for each in generations if each.key_id != key_id]

    _edit(path, destroy, in_token=token is not None)


def _named(path: Path, generations: list[Generation], key_id: str) -> Generation:
    for each in generations:
        if each.key_id == key_id:
            return each
    raise KekFileInvalid(path, "it holds no generation of that name")


def _edit(path: Path, change: _Change, *, in_token: bool) -> None:
    # The draft doubles as a lock: of two edits at once one would be lost, and a lost generation is lost data.
    draft = path.with_name(f"{path.name}.new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KekFileInvalid(draft, "an edit is under way; if none is, remove this file") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            before: list[Generation] = []
            if path.exists():
                before, state = read(path, group_may_read=True, in_token=in_token)
                os.fchown(descriptor, state.st_uid, state.st_gid)
                os.fchmod(descriptor, state.st_mode & 0o777)
            file.writelines(each.to_line() for each in change(before))
            file.flush()
            os.fsync(descriptor)
        draft.replace(path)
    except BaseException:
        # Once it is in place, a draft of that name is another's.
        draft.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)
