"""What the identity service is made of."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from comptoir.identity.v1 import membership_pb2, oauth_pb2, session_pb2, user_pb2
from services.chassis.feed.published import Published
from services.chassis.rpc.server import Handlers
from services.chassis.service import Resources, Service
from services.chassis.signing_keys import SigningKeys
from services.chassis.tokens import FindKey
from services.identity import memberships
from services.identity.api import MembershipApi, SessionApi, UserApi
from services.identity.attempts import Attempts, Limit
from services.identity.config import IdentitySettings
from services.identity.oauth import clients
from services.identity.oauth.api import OAuthApi
from services.identity.oauth.families import RefreshTokens
from services.identity.oauth.grants import Grants
from services.identity.oauth.signing_keys import KeyRing
from services.identity.passwords import Passwords
from services.identity.rows import TABLES, Base
from services.identity.sign_in import SignIn


def _handlers(resources: Resources) -> Handlers:
    database, settings = resources.database, resources.settings
    pause = timedelta(seconds=settings.source_pause_seconds)
    attempts = Attempts(database, Limit("source", settings.source_tries, within=pause, pause=pause))
    passwords, keys = Passwords(), _keys(resources)
    grants = Grants(settings.issuer, keys, RefreshTokens(resources.vault), database)
    return {
        user_pb2.DESCRIPTOR.services_by_name["UserService"]: UserApi(passwords),
        membership_pb2.DESCRIPTOR.services_by_name["MembershipService"]: MembershipApi(database),
        session_pb2.DESCRIPTOR.services_by_name["SessionService"]: SessionApi(SignIn(attempts, passwords)),
        oauth_pb2.DESCRIPTOR.services_by_name["OAuthService"]: OAuthApi(grants, keys),
    }


def _keys(resources: Resources) -> KeyRing:
    return KeyRing(resources.vault, resources.database, resources.clock)


def _find_key(resources: Resources) -> FindKey:
    return SigningKeys(_keys(resources).jwks).find


IDENTITY = Service(
    name="identity",
    handlers=_handlers,
    metadata=Base.metadata,
    tables=TABLES,
    published=(Published(memberships.MemberRow, ("role", "all_shops", "shop_ids")),),
    versions=Path(__file__).parent / "migrations",
    settings=IdentitySettings,
    conflicts={"memberships_pkey": memberships.taken, "clients_pkey": clients.registered_twice},
    find_key=_find_key,
)
