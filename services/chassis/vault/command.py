"""`python -m services.<name> vault …`: an operator's commands, each telling what it did in lines of the log."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from math import inf

from sqlalchemy import Table

from services.chassis import log
from services.chassis.config import CommandRefused, FirstKekSettings, OperatorSettings, load
from services.chassis.db.migrate import owner_engine
from services.chassis.db.role import owner_url
from services.chassis.vault import kek_file, kek_rotation
from services.chassis.vault.configured import configured_token, configured_vault
from services.chassis.vault.errors import VaultError
from services.chassis.vault.reseal import former
from services.chassis.vault.rotation import Done, Rotation
from services.chassis.vault.sealed_fields import SealedField

_COMPANIES = "companies/"
_OWNER = re.compile("(companies|users)/[a-z0-9]{1,63}")
_NUMBER = re.compile("[0-9]{1,6}")
_LARGEST_BATCH = 10_000
_MOST_DAYS = 36_500


def run(service: str, data_keys: Table, fields: Sequence[SealedField], arguments: Sequence[str]) -> None:
    """Does one command. Raises CommandRefused for what is not done, or not wholly."""
    given = _parser(service).parse_args(arguments)
    try:
        if given.do is None:
            _create()
        else:
            given.do(_rotation(service, data_keys, fields, given), given)
    except VaultError as error:
        raise CommandRefused(str(error)) from None


def _rotation(
    service: str, data_keys: Table, fields: Sequence[SealedField], given: argparse.Namespace
) -> Rotation:
    settings = load(OperatorSettings)
    return Rotation(
        owner_engine(owner_url(service, settings)),
        configured_vault(service, data_keys, settings),
        data_keys,
        fields,
        settings.kek_file,
        configured_token(settings),
        batch=given.batch,
    )


def _parser(service: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m services.{service} vault")
    parser.add_argument("--batch", type=_batch, default=100, help="rows a transaction")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, do: Callable[[Rotation, argparse.Namespace], None], about: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=about)
        command.set_defaults(do=do)
        return command

    create = commands.add_parser("create-kek", help="make the file with the first KEK generation")
    create.set_defaults(do=None)
    add("status", _status, "say which generations and versions there are, and what stands under which")
    add("add-kek", _add, "add a KEK generation that does not wrap yet")
    add("promote-kek", _promote, "make a generation the one that wraps").add_argument("generation")
    add("rotate-kek", _rotate_kek, "add, promote, rewrap: where all replicas read this one file")
    add("rewrap", _rewrap, "wrap every data key under the current generation")
    rotate = add("rotate-data-keys", _rotate_data_keys, "give owners new data keys, then reseal")
    rotate.add_argument("--older-than", type=_days, default=1.0, metavar="DAYS")
    rotate.add_argument("--of", type=_owner, metavar="companies/COMPANY|users/USER|-")
    add("reseal", _reseal, "seal again what stands under a former data key")
    add("erase", _erase, "delete every data key of an owner").add_argument(
        "owner", type=_owner, metavar="companies/COMPANY|users/USER"
    )
    add("destroy", _destroy, "destroy a former KEK generation that nothing stands under").add_argument(
        "generation"
    )
    return parser


def _create() -> None:
    settings = load(FirstKekSettings)
    if settings.kek_file.exists():
        raise CommandRefused(f"{settings.kek_file} is there already; `vault rotate-kek` adds to it")
    generation = kek_rotation.add_generation(settings.kek_file, configured_token(settings))
    log.event("kek generation created", generation=generation)


def _status(rotation: Rotation, _: argparse.Namespace) -> None:
    generations, _state = kek_file.read(rotation.kek_file, in_token=rotation.token is not None)
    names = [each.key_id for each in generations]
    with rotation.engine.begin() as connection:
        wrapped = rotation.wrapped_by(connection)
        owners, lowest = rotation.newest_versions(connection)
        behind = {field.name: former(connection, rotation.data_keys, field) for field in rotation.fields}
    for name in [*names, *sorted(wrapped.keys() - set(names))]:
        place = "missing" if name not in names else "current" if name == names[0] else "former"
        log.event("kek generation", generation=name, place=place, data_keys=wrapped.get(name, 0))
    log.event("data keys", owners=owners, lowest_current_version=lowest)
    for field, count in behind.items():
        log.event("sealed field", field=field, under_former_keys=count)


def _add(rotation: Rotation, _: argparse.Namespace) -> None:
    log.event("kek generation added", generation=rotation.add_kek())


def _promote(rotation: Rotation, given: argparse.Namespace) -> None:
    rotation.promote_kek(given.generation)
    log.event("kek generation promoted", generation=given.generation)


def _rotate_kek(rotation: Rotation, given: argparse.Namespace) -> None:
    generation = rotation.add_kek()
    rotation.promote_kek(generation)
    log.event("kek generation promoted", generation=generation)
    _rewrap(rotation, given)


def _rewrap(rotation: Rotation, _: argparse.Namespace) -> None:
    done = rotation.rewrap()
    log.event("data keys rewrapped", count=done.count)
    _whole({"data_keys": done})


def _rotate_data_keys(rotation: Rotation, given: argparse.Namespace) -> None:
    count = rotation.rotate_data_keys(timedelta(days=given.older_than), given.of)
    log.event("data keys rotated", count=count)
    _reseal(rotation, given)


def _reseal(rotation: Rotation, _: argparse.Namespace) -> None:
    done = {field.name: rotation.reseal(field) for field in rotation.fields}
    for field, each in done.items():
        log.event("values resealed", field=field, count=each.count)
    _whole(done)


def _erase(rotation: Rotation, given: argparse.Namespace) -> None:
    count = rotation.erase(given.owner)
    if not count:
        raise CommandRefused("this owner has no data keys: they are erased already, or the name is wrong")
    log.event("data keys erased", owner=given.owner, count=count)


def _destroy(rotation: Rotation, given: argparse.Namespace) -> None:
    rotation.destroy_kek(given.generation)
    log.event("kek generation destroyed", generation=given.generation)


def _batch(text: str) -> int:
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= _LARGEST_BATCH:
        raise argparse.ArgumentTypeError(f"is a whole number from 1 to {_LARGEST_BATCH}")
    return int(text)


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = inf
    if not 0 <= days <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"is a number of days from 0 to {_MOST_DAYS}")
    return days


def _owner(name: str) -> str:
    """Under what its data keys are kept."""
    if name != "-" and not _OWNER.fullmatch(name):
        raise argparse.ArgumentTypeError("is companies/COMPANY or users/USER")
    return name.removeprefix(_COMPANIES)


def _whole(done: dict[str, Done]) -> None:
    stranded = [f"{what} {'/'.join(map(str, row))}" for what, each in done.items() for row in each.stranded]
    if stranded:
        raise CommandRefused("left as they are, because they did not open: " + ", ".join(stranded))
