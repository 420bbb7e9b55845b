"""The details of an operator as options of a command line: one that opens the account, or one that prepares for it."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable

from comptoir.identity.v1 import user_pb2
from services.chassis.caller import Caller, Kind
from services.chassis.clock import system_clock
from services.chassis.contract import Method
from services.chassis.errors import Invalid
from services.chassis.validate import validate
from services.identity.api.users import new_row
from services.identity.profile import Findings

_DEFAULTS = {"language_code": "fr", "time_zone": "Pacific/Noumea"}
_DETAILS = ("login", "email", "given_name", "family_name", *_DEFAULTS)
_CREATE_USER = Method(user_pb2.DESCRIPTOR.services_by_name["UserService"].methods_by_name["CreateUser"])
_CONSOLE = Caller(Kind.INTERNAL, "console")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Has the parser take every detail."""
    for name in _DETAILS:
        what, default = f"{name.replace('_', ' ')} of the operator", _DEFAULTS.get(name)
        about = f"{what}; {default} by default" if default else what
        parser.add_argument(_option(name), required=default is None, default=default, help=about)


def given_options(given: argparse.Namespace) -> list[str]:
    """The details as another command line takes them; a value that begins with a dash is no option."""
    return [f"{_option(name)}={getattr(given, name)}" for name in _DETAILS]


def user_of(given: argparse.Namespace) -> user_pb2.User:
    """The person of these details."""
    return user_pb2.User(**{name: getattr(given, name) for name in _DETAILS})


def faults(user: user_pb2.User) -> list[str]:
    """What is wrong with the details, each with its option, in the order of the options."""
    found = {**_of_rules(user), **_of_contract(user)}
    return [f"{_option(name)}: {found[f'user.{name}']}" for name in _DETAILS if f"user.{name}" in found]


def _of_contract(user: user_pb2.User) -> dict[str, str]:
    request = user_pb2.CreateUserRequest(user=user, initial_password=secrets.token_urlsafe(48))
    return _broken(lambda: validate(_CREATE_USER, request, _CONSOLE))


def _of_rules(user: user_pb2.User) -> dict[str, str]:
    findings, settled = Findings(), user_pb2.User()
    settled.CopyFrom(user)
    new_row(settled, system_clock(), findings)
    return _broken(findings.conclude)


def _broken(check: Callable[[], object]) -> dict[str, str]:
    """What the check says of each field."""
    try:
        check()
    except Invalid as error:
        return {violation.field: violation.description for violation in error.violations}
    return {}


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
