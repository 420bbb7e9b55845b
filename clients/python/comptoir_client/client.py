"""Comptoir as an internal service of the platform uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import comptoir_rules as rules
from comptoir_client import asking, companies, shops, verdicts, wire
from comptoir_client.channel import Channel, Credentials
from comptoir_client.companies import Company
from comptoir_client.errors import Internal, NotFound
from comptoir_client.following import SAVE_SECONDS, Listener
from comptoir_client.replica import Feeds, Replica
from comptoir_client.shops import Shop
from comptoir_client.verdicts import Environment, Fields, SignedAnswer, SignedForm, Verdict

DEADLINE_SECONDS = 2.0
_MIN_REVISION = "x-min-revision"
_GET_SHOP = wire.method("comptoir.shop.v1.ShopService", "GetShop")
_GET_COMPANY = wire.method("comptoir.company.v1.CompanyService", "GetCompany")
# Many shops have the same ones, and finding them takes less time than making them.
_settings = lru_cache(maxsize=4096)(rules.Settings)
T = TypeVar("T")


@dataclass(frozen=True)
class Addresses:
    """Where the platform's services are: HOST:PORT, or any target of gRPC."""

    shop: str
    company: str
    feeds: Feeds


class Comptoir:
    """Settings and rules from this process's memory; signatures from the shop service, which keeps the keys.

    Thread-safe. Make it after the process has forked, never before, and close it in the end.
    """

    def __init__(
        self,
        addresses: Addresses,
        credentials: Credentials,
        cache_directory: Path | None = None,
        *,
        listener: Listener | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
        save_seconds: float = SAVE_SECONDS,
    ) -> None:
        """`cache_directory`, this process's own: what is known is saved there, and found again by its next start.

        `listener` hears of changes; what it heard of in the last `save_seconds` it may hear of again after a restart.
        """
        self._deadline_seconds = deadline_seconds
        self._shop = Channel(addresses.shop, credentials)
        self._company = Channel(addresses.company, credentials)
        self.replica = Replica(
            addresses.feeds, credentials, cache_directory, listener=listener, save_seconds=save_seconds
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends every connection, and saves what is known."""
        self.replica.close()
        self._shop.close()
        self._company.close()

    def shop(self, shop: str, *, min_revision: str = "") -> Shop:
        """The shop, by full name or 8-digit public id, as it was told last; what was not told is asked for.

        With the revision that a write told (`x-revision`) the answer is not older than that write: only the service
        can open a revision, so it is asked. Raises `NotFound`; `Unavailable` where it has to be asked and is away.
        """
        company, shop_id = shops.split(shop)
        found = self.replica.shops.get(shop_id)
        if found is not None and not min_revision:
            if company not in (shops.ANY, found.company):
                raise _unknown(shop)
            return found
        if found is not None and company == shops.ANY:
            company = found.company
        name = f"companies/{company}/shops/{shop_id}"
        headers = {_MIN_REVISION: min_revision} if min_revision else None
        answer = self._shop.call(
            _GET_SHOP, asking.request(_GET_SHOP, name=name), self._deadline_seconds, headers
        )
        return _understood(shops.read, answer, shops.FIELDS)

    def lookup(self, public_id: str) -> str:
        """The full name of a shop, which says whose it is. Raises as `shop` does."""
        return self.shop(public_id).name

    def company(self, company: str) -> Company:
        """The company, by name or id, as it was told last; what was not told is asked for. Raises as `shop` does."""
        company_id = companies.split(company)
        found = self.replica.companies.get(company_id)
        if found is not None:
            return found
        request = asking.request(_GET_COMPANY, name=f"companies/{company_id}")
        answer = self._company.call(_GET_COMPANY, request, self._deadline_seconds)
        return _understood(companies.read, answer, companies.FIELDS)

    def settings(self, shop: str) -> rules.Settings:
        """What payment rules are resolved from: the shop's settings, in its company's zone. Raises as `shop` does."""
        found = self.shop(shop)
        return _settings(
            self.company(found.company).time_zone,
            found.capture_delay_days,
            found.validation_mode,
            found.extra_attempts,
            found.notify_refused_attempts,
        )

    def resolve_rules(self, shop: str, transaction: rules.Transaction) -> rules.Rules:
        """The rules of one transaction (SH7 to SH10), without a call. Raises as `shop` does, and `rules.BadFact`."""
        return rules.resolve(self.settings(shop), transaction)

    def sign_form(self, shop: str, fields: Mapping[str, str], *, both: bool = False) -> SignedForm:
        """The `signature` of a form; `both`: with the key's former value too, while that is valid."""
        method = verdicts.SIGN_FORM
        request = asking.request(method, shop=_asked(shop), fields=fields, both=both)
        return verdicts.signed_form(self._call(method, request))

    def sign_answer(
        self, shop: str, environment: Environment, kr_answer: str, kr_hash_key: str, *, both: bool = False
    ) -> SignedAnswer:
        """The `kr-hash` of an answer of the REST API; `kr_hash_key` is `password` or `sha256_hmac`."""
        method = verdicts.SIGN_ANSWER
        request = asking.request(
            method,
            shop=_asked(shop),
            environment=environment.value,
            kr_answer=kr_answer,
            kr_hash_key=kr_hash_key,
            both=both,
        )
        return verdicts.signed_answer(self._call(method, request))

    def verify_form(self, shop: str, fields: Fields, signature: str) -> Verdict:
        """Whether the signature of a form is right. A wrong one is a verdict, and no error."""
        method = verdicts.VERIFY_FORM
        request = asking.request(method, shop=_asked(shop), signature=signature, **verdicts.received(fields))
        return verdicts.verdict(self._call(method, request))

    def verify_answer(
        self,
        shop: str,
        kr_answer: str,
        kr_hash: str,
        kr_hash_key: str,
        kr_hash_algorithm: str,
        *,
        environment: Environment = Environment.UNSPECIFIED,
    ) -> Verdict:
        """Whether the `kr-hash` of an answer is right, over the answer as it was received."""
        method = verdicts.VERIFY_ANSWER
        request = asking.request(
            method,
            shop=_asked(shop),
            environment=environment.value,
            kr_answer=kr_answer,
            kr_hash=kr_hash,
            kr_hash_key=kr_hash_key,
            kr_hash_algorithm=kr_hash_algorithm,
        )
        return verdicts.verdict(self._call(method, request))

    def verify_credentials(self, user: str = "", password: str = "", *, authorization: str = "") -> Verdict:
        """Whose shop the credentials of the REST API open: user and password, or the whole `Authorization` header."""
        method = verdicts.VERIFY_CREDENTIALS
        request = asking.request(method, user=user, password=password, authorization=authorization)
        return verdicts.verdict(self._call(method, request))

    def _call(self, method: wire.Method, request: Any) -> Any:
        return self._shop.call(method, request, self._deadline_seconds)


def _asked(shop: str) -> str:
    """The name that a request bears: the service knows itself whose shop a public id is."""
    company, shop_id = shops.split(shop)
    return f"companies/{company}/shops/{shop_id}"


def _understood(read: Callable[[str, Mapping[str, Any]], T], answer: Any, fields: tuple[str, ...]) -> T:
    try:
        return read(answer.name, wire.state(answer, fields))
    except (LookupError, ValueError):
        # A later contract's: better no answer than one that leaves something out.
        raise Internal(
            "This client is too old for what the service answered.", reason="CLIENT_TOO_OLD"
        ) from None


def _unknown(shop: str) -> NotFound:
    return NotFound(f"{shop} was not found.")
