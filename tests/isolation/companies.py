"""What the two companies have: one of everything that a name can stand for, every text of it marked."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.protobuf import json_format
from google.protobuf.message import Message

from comptoir.identity.v1 import membership_pb2, session_pb2, user_pb2
from comptoir.options.v1 import policy_pb2
from services.chassis.contract import PATTERNS, RESOURCES, Method, every_method
from services.chassis.db.scope import Scope
from services.chassis.errors import Fault
from services.chassis.names import Pattern
from services.chassis.testing.running import METHODS
from services.chassis.testing.tokens import ISSUER
from services.identity.links import INVITATION, Links
from tests.isolation.sowing import sown
from tests.isolation.world import World

ROLES = ("owner", "administrator", "developer", "accountant", "reader")
PASSWORD = "a made-up phrase 4 you"
APPLICATION, SECRET = "matrix-app", "a secret of forty characters, made up!!!"
"""A client that can prove itself."""
NOWHERE = "nowherenowherenowher"
"""A company that never was."""
OWN, SIBLING, SPARE, USED = range(4)
"""Of what there are several: what is read, another one, and two that may be used up: by strangers, and by others."""


_NAMED_ALONE = ("admission", "image", "mail", "session")
"""Things of a company that are named without it."""


@dataclass
class Company:
    """One company, the words that betray it, and how more of its things are made."""

    world: World
    mark: str
    company: str = ""
    shops: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    """For each kind of thing one that is there no longer."""
    secrets: list[str] = field(default_factory=list)
    logins: dict[str, str] = field(default_factory=dict)
    _kept: dict[tuple[str, ...], str] = field(default_factory=dict)
    """What was made for calls that need not have one of their own."""
    _zones: list[str] = field(default_factory=lambda: ["Europe/Paris", "Pacific/Noumea"])

    @property
    def words(self) -> list[str]:
        """What must not reach anybody else."""
        return [self.mark, *self.ids, *self.secrets]

    @property
    def ids(self) -> list[str]:
        """What names it or anything of it."""
        return [
            *(made for (kind, *_), made in self._kept.items() if kind in _NAMED_ALONE),
            *self.gone.values(),
            *self.logins.values(),
            self.company,
            *self.shops,
            *self.members,
            *self.people.values(),
            *self.messages,
        ]

    def token(self, role: str = "owner", **changes: Any) -> str:
        claims = {"company": self.company, "sub": self.people[role], "role": role, **changes}
        return self.world.mint.token(**claims)

    def name(
        self,
        pattern: Pattern,
        like: Mapping[str, str],
        number: int | None = OWN,
        made: dict[str, str] | None = None,
    ) -> str:
        """A name of this pattern that stands for something: the one of this number, or one made for this (None).

        `made` holds what else the same request names, which is named again."""
        ids: dict[str, str] = {}
        made = {} if made is None else made
        for variable in pattern.variables:
            ids[variable] = made.get(variable) or self._id(variable, ids, like.get(variable, ""), number)
            if variable in ("shop", "membership", "user", "message"):
                made[variable] = ids[variable]
        if "logo" in pattern.text and number is None:
            self._logo(ids["shop"])
        return pattern.format(ids)

    def id(self, variable: str, number: int | None = OWN) -> str:
        """An id of a thing of this kind."""
        return self._id(variable, {"company": self.company}, "", number)

    def _id(self, variable: str, ids: dict[str, str], like: str, number: int | None) -> str:
        # Of a person's own places, the last part is the company's.
        if variable == "company" or (variable == "membership" and "user" in ids):
            return self.company
        if variable == "key":
            return like
        if variable == "change":
            return self._change(ids, number is None)
        kept = (variable, *ids.values(), str(number))
        if number is not None and kept in self._kept:
            return self._kept[kept]
        known = {
            "shop": self.shops,
            "membership": self.members,
            "user": self.members,
            "message": self.messages,
        }
        if number is not None and variable in known:
            return known[variable][number]
        makers: dict[str, Callable[[], str]] = {
            "shop": self.open_shop,
            "membership": self.admit,
            "user": self.admit,
            "message": self._post,
            "image": partial(self._image, number),
            "mail": self._dead_mail,
            "session": lambda: self._session(ids["user"]),
            "invitation": self._invite,
            "admission": self._ask_in,
        }
        made = makers[variable]() if variable in makers else self._created(variable, needed=number is None)
        self._kept[kept] = made
        return made

    def _created(self, variable: str, *, needed: bool) -> str:
        """By the method that creates such a thing, found in the contract."""
        kind = next(kind for kind, pattern in PATTERNS.items() if pattern.variables[-1:] == (variable,))
        for method in every_method():
            if method.created and method.name == f"Create{kind.rpartition('/')[2]}":
                self.world.forget_attempts()
                try:
                    return str(self.call(method, self.filled(method)).name).rpartition("/")[2]
                except Fault:
                    # Its example holds what cannot be made up, such as an authenticator's answer.
                    break
        if not needed:
            return "z" * 20
        raise LookupError(
            f"nothing makes a {variable}: say how in `Company._id` of tests/isolation/companies.py,"
            " or give it a Create method"
        )

    def filled(self, method: Method, number: int | None = OWN) -> Message:
        """The example of a method, about this company's things."""
        request = method.example()
        for name in method.names:
            given = name.value(request)
            if given:
                holder: Any = request
                for step in name.path[:-1]:
                    holder = getattr(holder, step)
                like = name.pattern.parse(given) or {}
                setattr(holder, name.path[-1], self.name(name.pattern, like, number))
        return request

    def call(self, method: Method, request: Message) -> Any:
        """Somebody who may calls it."""
        name = f"{method.service.rpartition('.')[2]}/{method.name}"
        ids = method.names[0].pattern.parse(method.names[0].value(request)) if method.names else None
        if policy_pb2.CALLER_KIND_MERCHANT in method.callers:
            return self.world.ask(
                name, request, token=self.token(sub=(ids or {}).get("user", self.people["owner"]))
            )
        if policy_pb2.CALLER_KIND_OPERATOR in method.callers:
            return self.world.ask(name, request, token=self.world.mint.operator())
        return self.world.ask(name, request, service="bootstrap")

    def make(self, method: str, **parts: Any) -> Any:
        """What the set-up tool makes by a method's example, every text marked."""
        request = METHODS[method].example()
        json_format.ParseDict(parts, request)
        return sown(request, self.mark, lambda given: self.world.ask(method, given, service="bootstrap"))

    def open_shop(self) -> str:
        shop = str(self.make("ShopService/CreateShop", parent=f"companies/{self.company}").name).rpartition(
            "/"
        )[2]
        for each in self.world.running.values():
            each.acquaintance.shop(self.company, shop)
        if self.shops:
            # A change that can be taken back.
            self.update("ShopService/UpdateShop", f"companies/{self.company}/shops/{shop}")
        self.shops.append(shop)
        return shop

    def update(self, method: str, name: str) -> None:
        """Changes something by the method's example, marked."""
        request: Any = METHODS[method].example()
        resource: Any = getattr(request, METHODS[method].updated or "")
        resource.name = name
        if "time_zone" in request.update_mask.paths:
            # No word can be put there, and what stays as it is is no change.
            resource.time_zone = self._zones[0]
            self._zones.reverse()
        sown(request, self.mark + secrets.token_hex(2), lambda given: self.call(METHODS[method], given))

    def admit(self, role: str = "developer") -> str:
        """A person with a place in the company."""
        user = self._person()
        place = membership_pb2.Membership(user=f"users/{user}", all_shops=True)
        place.role = membership_pb2.Role.Value(f"ROLE_{role.upper()}")
        given = membership_pb2.CreateMembershipRequest(parent=f"companies/{self.company}", membership=place)
        self.world.ask("MembershipService/CreateMembership", given, service="bootstrap")
        self.members.append(user)
        return user

    def _person(self) -> str:
        login = f"{self.mark}{secrets.token_hex(4)}"
        details = {
            "login": login,
            "email": f"{login}@{self.mark}.example",
            "familyName": f"Exemple {self.mark}",
        }
        request = METHODS["UserService/CreateUser"].example()
        json_format.ParseDict({"user": details}, request)
        person: user_pb2.User = self.world.ask("UserService/CreateUser", request, service="bootstrap")
        user = person.name.rpartition("/")[2]
        self.logins[user] = login
        return user

    def _invite(self) -> str:
        """An invitation to an address of its own: to one, not many are sent."""
        request: Any = METHODS["InvitationService/CreateInvitation"].example()
        request.parent = f"companies/{self.company}"
        request.invitation.email = f"{secrets.token_hex(4)}@{self.mark}.example"
        made = self.call(METHODS["InvitationService/CreateInvitation"], request)
        return str(made.name).rpartition("/")[2]

    def _ask_in(self) -> str:
        """Somebody with an account asks for a place that an invitation offers."""
        user, invitation = self._person(), f"companies/{self.company}/invitations/{self._invite()}"
        resources, now = self.world.running["identity"].resources, datetime.now(UTC)
        links = Links(resources.vault, ISSUER)
        with resources.database.transaction(Scope()) as db:
            address = links.address(db, links.issue(db, INVITATION, invitation, now), now)
        assert address is not None
        request: Any = METHODS["InvitationService/ClaimInvitation"].example()
        request.link = parse_qs(urlsplit(address.url).query)["link"][0]
        request.session_token = self.sign_in(user).session_token
        self.world.ask("InvitationService/ClaimInvitation", request)
        query = "select admission_id from admissions where user_id = %s"
        return str(self.world.rows("identity", query, user)[0][0])

    def sign_in(self, user: str) -> session_pb2.StartSessionResponse:
        request = session_pb2.StartSessionRequest(
            login=self.logins[user], password=PASSWORD, source_address="192.0.2.7", user_agent="Example/1.0"
        )
        answer: session_pb2.StartSessionResponse = self.world.ask("SessionService/StartSession", request)
        return answer

    def session(self, user: str, *, anew: bool) -> str:
        """The value for the cookie of somebody who signed in: once, or for this call."""
        if anew or ("session", user) not in self._kept:
            self._kept["session", user] = self.sign_in(user).session_token
        return self._kept["session", user]

    def _post(self) -> str:
        message = str(self.make("MessageService/CreateMessage", parent=f"companies/{self.company}").name)
        self.messages.append(message.rpartition("/")[2])
        return self.messages[-1]

    def _logo(self, shop: str) -> str:
        request: Any = METHODS["LogoService/ImportLogo"].example()
        request.name = f"companies/{self.company}/shops/{shop}/logo"
        request.file_name = f"{self.mark}.pgm"
        # A picture of its own, so that its id betrays whose it is.
        request.content = b"P5 1 1 255\n" + bytes([sum(self.mark.encode()) % 200 + len(self.shops)])
        image = str(self.world.ask("LogoService/ImportLogo", request, token=self.token()).image).rpartition(
            "/"
        )[2]
        self.secrets.append(image)
        return image

    def _image(self, number: int | None) -> str:
        return self._logo(self.shops[number or OWN])

    def _dead_mail(self) -> str:
        """A mail to one of its people, given up as after a week of tries."""
        people = [f"%{user}" for user in (*self.members, *self.people.values())]
        query = "select mail_id from outbox where recipient like any (%s) and state <> 'DEAD' limit 1"
        mail = str(self.world.rows("identity", query, people)[0][0])
        self.world.change("identity", "update outbox set state = 'DEAD' where mail_id = %s", mail)
        return mail

    def _session(self, user: str) -> str:
        """A session of somebody who signed in."""
        if user not in self.logins:
            return "z" * 20
        self.sign_in(user)
        request = METHODS["UserSessionService/ListUserSessions"].request(parent=f"users/{user}")
        answer = self.world.ask("UserSessionService/ListUserSessions", request, token=self.token(sub=user))
        return str(answer.sessions[0].name).rpartition("/")[2]

    def _change(self, ids: Mapping[str, str], anew: bool) -> str:
        """The number of an update of what the name's first part stands for."""
        kind, name = next(
            (kind, pattern.format(ids))
            for kind, pattern in PATTERNS.items()
            if set(pattern.variables) == set(ids) and pattern.text.endswith("}") and kind in RESOURCES
        )
        update = f"Update{kind.rpartition('/')[2]}"
        method = next(each for each in METHODS if each.endswith(f"/{update}"))
        service = METHODS[method].service.split(".")[1]
        # What is recorded under another name of its own is found by the history that it stands in.
        query = (
            "select coalesce(max(sequence) filter (where resource = history), max(sequence)) from changes"
            " where history = %s and action like '%%UPDATE%%'"
        )
        found = self.world.rows(service, query, name)[0][0]
        if found is None or anew:
            self.update(method, name)
            found = self.world.rows(service, query, name)[0][0] or found
        return str(found)


def found(world: World, mark: str) -> Company:
    """A company with everything."""
    new = Company(world, mark)
    record = {
        "company": {"address": {"street": "1 quai d'Exemple", "postalCode": "98800", "locality": "Port"}}
    }
    new.company = str(new.make("CompanyService/CreateCompany", **record).name).rpartition("/")[2]
    for each in world.running.values():
        each.acquaintance.company(new.company, f"Les Halles {mark}")
    new.people = {role: new.admit(role) for role in ROLES}
    new.members = [new.admit() for _ in range(5)]
    for _ in range(4):
        new.open_shop()
        new._post()
    new.update("CompanyService/UpdateCompany", f"companies/{new.company}")
    new.update(
        "MembershipService/UpdateMembership", f"companies/{new.company}/memberships/{new.members[OWN]}"
    )
    new.update("UserService/UpdateUser", f"users/{new.members[OWN]}")
    for shop in new.shops:
        new._logo(shop)
    _give_away_nothing_of(new)
    _lose_some(new)
    return new


def _give_away_nothing_of(company: Company) -> None:
    """Keys whose values are known here, so that they can be looked for."""
    for shop in company.shops:
        for key in ("form-test", "hmac-test"):
            request: Any = METHODS["KeyService/RevealKey"].example()
            request.name = f"companies/{company.company}/shops/{shop}/keys/{key}"
            answer = company.world.ask("KeyService/RevealKey", request, token=company.token())
            company.secrets += [
                text
                for text in re.findall(r'"([^"]{16,})"', json_format.MessageToJson(answer))
                if "/" not in text and ":" not in text
            ]


def _lose_some(company: Company) -> None:
    """One of each kind that can go is gone."""
    world, operator = company.world, company.world.mint.operator()
    member = company.members.pop()
    request = membership_pb2.DeleteMembershipRequest(name=f"companies/{company.company}/memberships/{member}")
    world.ask("MembershipService/DeleteMembership", request, token=operator)
    closed = company.open_shop()
    company.shops.pop()
    company._logo(closed)
    for method in ("LogoService/DeleteLogo", "GoLiveService/CloseShop"):
        gone: Any = METHODS[method].example()
        gone.name = f"companies/{company.company}/shops/{closed}" + ("/logo" if "Logo" in method else "")
        world.ask(method, gone, token=operator)
    company.gone = {"membership": member, "shop": closed}
