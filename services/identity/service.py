"""What the identity service is made of."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from comptoir.identity.v1 import (
    application_pb2,
    enrolment_pb2,
    factor_pb2,
    invitation_pb2,
    mail_pb2,
    membership_pb2,
    oauth_pb2,
    password_pb2,
    session_pb2,
    user_pb2,
    user_session_pb2,
)
from services.chassis.cache import ReplyCache
from services.chassis.feed.published import Published
from services.chassis.mirrors.following import Reactions
from services.chassis.mirrors.standing import Standing
from services.chassis.outbox.carrier import Carrier
from services.chassis.outbox.outbox import Outbox
from services.chassis.outbox.sender import Sender
from services.chassis.rpc.server import Handlers
from services.chassis.service import Resources, Service
from services.chassis.signing_keys import SigningKeys
from services.chassis.tokens import FindKey, TokenVerifier
from services.identity import admissions, memberships
from services.identity.accepting import Accepting
from services.identity.api.applications import ApplicationApi
from services.identity.api.console import break_glass, create_operator
from services.identity.api.enrolment import EnrolmentApi
from services.identity.api.factors import FactorApi
from services.identity.api.invitations import InvitationApi
from services.identity.api.memberships import MembershipApi
from services.identity.api.passwords import PasswordApi
from services.identity.api.sessions import SessionApi
from services.identity.api.user_sessions import UserSessionApi
from services.identity.api.users import UserApi
from services.identity.applications.rows import ApplicationRow
from services.identity.applications.uses import Uses
from services.identity.attempts import Attempts, Limit
from services.identity.change_email import ChangeEmail
from services.identity.change_password import ChangePassword
from services.identity.choosing import Choosing
from services.identity.config import IdentitySettings
from services.identity.devices import Devices
from services.identity.erasing import Erasing
from services.identity.factors.ceremonies import Ceremonies
from services.identity.factors.challenges import Challenges
from services.identity.factors.enrolling import Enrolling
from services.identity.factors.passkeys import RelyingParty
from services.identity.factors.recovery import Recovery
from services.identity.factors.removing import Removing
from services.identity.factors.second_step import SecondStep
from services.identity.factors.totp import Totps
from services.identity.first_owner import OPENING, SOURCES, FirstOwner
from services.identity.forgetting import Forgetting
from services.identity.inviting import Inviting
from services.identity.links import Links
from services.identity.mail.api import MailApi
from services.identity.mail.letters import Letters
from services.identity.mail.mails import MailRow, Mails
from services.identity.memberships import MemberRow
from services.identity.oauth import clients
from services.identity.oauth.api import OAuthApi
from services.identity.oauth.authentication import Authentication
from services.identity.oauth.families import RefreshTokens
from services.identity.oauth.grants import Grants
from services.identity.oauth.introspection import Introspection
from services.identity.oauth.known_applications import KnownApplications
from services.identity.oauth.rotate_keys import rotate_signing_keys
from services.identity.oauth.signing_keys import KeyRing
from services.identity.passwords import Passwords
from services.identity.renewal import Renewal
from services.identity.reset_password import ResetPassword
from services.identity.rows import MIRRORS, TABLES, Base
from services.identity.sealed import SEALED
from services.identity.sessions import EndedSessionRow
from services.identity.sign_in import SignIn


def _handlers(resources: Resources) -> Handlers:
    database, settings = resources.database, resources.settings
    pause = timedelta(seconds=settings.source_pause_seconds)
    attempts = Attempts(database, Limit("source", settings.source_tries, within=pause, pause=pause))
    passwords, keys, cache = Passwords(), _keys(resources), ReplyCache(settings.database_url, "identity")
    refresh_tokens = RefreshTokens(resources.vault)
    verifier = TokenVerifier(settings.issuer, SigningKeys(keys.jwks).find, resources.clock)
    grants = Grants(settings.issuer, keys, refresh_tokens, verifier, database, resources.clock)
    outbox = Outbox(MailRow, settings.mail_domain)
    mails, mail = Mails(outbox, resources.vault), sender(resources, outbox)
    forgetting = Forgetting(database, resources.changes, resources.clock)
    resources.starters.extend([mail.start, forgetting.rounds.start])
    resources.closers.extend([cache.close, mail.stop, forgetting.rounds.close])
    choosing, links = Choosing(passwords, mails), Links(resources.vault, settings.issuer)
    email = ChangeEmail(attempts, links, mails)
    sign_in = SignIn(attempts, passwords, Devices.of(resources.vault), database, mails)
    enrolling = _enrolling(resources, mails)
    return {
        user_pb2.DESCRIPTOR.services_by_name["UserService"]: UserApi(
            passwords, mails, Erasing(resources.vault), ChangePassword(attempts, choosing), email
        ),
        membership_pb2.DESCRIPTOR.services_by_name["MembershipService"]: MembershipApi(database, mails),
        application_pb2.DESCRIPTOR.services_by_name["ApplicationService"]: ApplicationApi(),
        invitation_pb2.DESCRIPTOR.services_by_name["InvitationService"]: InvitationApi(
            Inviting(links, mails), Accepting(attempts, links, passwords, mails, database)
        ),
        enrolment_pb2.DESCRIPTOR.services_by_name["EnrolmentService"]: EnrolmentApi(
            enrolling, Removing(mails)
        ),
        factor_pb2.DESCRIPTOR.services_by_name["FactorService"]: FactorApi(enrolling, Removing(mails)),
        mail_pb2.DESCRIPTOR.services_by_name["MailService"]: MailApi(outbox),
        password_pb2.DESCRIPTOR.services_by_name["PasswordService"]: PasswordApi(
            ResetPassword(attempts, choosing, links, mails)
        ),
        session_pb2.DESCRIPTOR.services_by_name["SessionService"]: SessionApi(
            sign_in, _second_step(resources, enrolling, attempts), Renewal(links)
        ),
        oauth_pb2.DESCRIPTOR.services_by_name["OAuthService"]: OAuthApi(
            Authentication(database, settings.issuer, KnownApplications(database, cache), Uses(database)),
            grants,
            Introspection(verifier, refresh_tokens),
            keys,
        ),
        user_session_pb2.DESCRIPTOR.services_by_name["UserSessionService"]: UserSessionApi(),
    }


def _reactions(resources: Resources) -> Reactions:
    vault, settings = resources.vault, resources.settings
    mails = Mails(Outbox(MailRow, settings.mail_domain), vault)
    first_owner = FirstOwner(Inviting(Links(vault, settings.issuer), mails))
    return Reactions(SOURCES, first_owner.react, made_up_for=frozenset({OPENING}))


def _enrolling(resources: Resources, mails: Mails) -> Enrolling:
    vault, issuer = resources.vault, resources.settings.issuer
    return Enrolling(Totps(vault, issuer), RelyingParty(issuer), Ceremonies(vault), Recovery(vault), mails)


def _second_step(resources: Resources, factors: Enrolling, attempts: Attempts) -> SecondStep:
    return SecondStep(
        Challenges(resources.database, attempts),
        attempts,
        factors.totps,
        factors.relying_party,
        factors.ceremonies,
        factors.recovery,
        factors.mails,
    )


def sender(resources: Resources, outbox: Outbox[MailRow]) -> Sender:
    """What sends identity's mail."""
    settings, clock = resources.settings, resources.clock
    letters = Letters(resources.vault, Links(resources.vault, settings.issuer), clock)
    return Sender(settings.database_url, outbox, letters.write, Carrier.of(settings), clock)


def _keys(resources: Resources) -> KeyRing:
    return KeyRing(resources.vault, resources.database, resources.clock)


def _find_key(resources: Resources) -> FindKey:
    return SigningKeys(_keys(resources).jwks).find


IDENTITY = Service(
    name="identity",
    handlers=_handlers,
    metadata=Base.metadata,
    tables=TABLES,
    mirrors=MIRRORS,
    reactions=_reactions,
    standing=Standing(MemberRow.__table__, EndedSessionRow.__table__, ApplicationRow.__table__, None),
    published=(
        Published(MemberRow, ("role", "all_shops", "shop_ids", "suspended")),
        Published(ApplicationRow, ("scopes", "grant_types", "all_shops", "shop_ids", "suspended")),
        Published(EndedSessionRow, ("end_time",)),
    ),
    versions=Path(__file__).parent / "migrations",
    settings=IdentitySettings,
    conflicts={
        "memberships_pkey": memberships.taken,
        "clients_pkey": clients.registered_twice,
        "admissions_company_user_id": admissions.asked_twice,
    },
    find_key=_find_key,
    sealed=SEALED,
    commands={
        "rotate-signing-keys": rotate_signing_keys,
        "create-operator": create_operator,
        "break-glass": break_glass,
    },
)
