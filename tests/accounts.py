"""Accounts on a platform that runs, for tests whose people nobody else knows."""

from __future__ import annotations

from typing import Any

from comptoir.identity.v1 import membership_pb2, user_pb2
from deploy.local.platforms import Platform
from services.chassis.rpc.client import Client
from services.chassis.testing.running import METHODS

PASSWORD = "seven tall herons wait 4 rain"


def opened(platform: Platform, login: str, company: str = "") -> user_pb2.User:
    """A new account: of a reader of the company, or of the platform's staff, who need none."""
    user = user_pb2.User(
        login=login,
        email=f"{login}@people.example",
        given_name="Basile",
        family_name="Exemple",
        language_code="fr",
        time_zone="Pacific/Noumea",
    )
    certificate = platform.layout.certificates / "bootstrap"
    client = Client(platform.description["grpc"]["identity"], certificate)
    request = user_pb2.CreateUserRequest(user=user, initial_password=PASSWORD, operator=not company)
    made: Any = client.call(METHODS["UserService/CreateUser"], request)
    if company:
        place = membership_pb2.Membership(user=made.name, role=membership_pb2.ROLE_READER, all_shops=True)
        asked = membership_pb2.CreateMembershipRequest(parent=company, membership=place)
        client.call(METHODS["MembershipService/CreateMembership"], asked)
    client.close()
    user.name = made.name
    return user
