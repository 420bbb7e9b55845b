"""Bugs worth having a suite against: each is one slip of a hand, and the suites of which at least one must turn red.

The runner writes each into a copy of the tree. A bug whose place has changed since is no bug any more: say it anew.
"""

from __future__ import annotations

from dataclasses import dataclass

MATRIX = "tests/isolation/test_matrix.py"
HEADERS = "tests/isolation/test_headers.py"
POOL = "tests/isolation/test_pool.py"


@dataclass(frozen=True)
class Bug:
    """What was forgotten, where, and who should say so: suites, with words of their tests' names behind a blank."""

    about: str
    file: str
    before: str
    after: str
    suites: tuple[str, ...]


BUGS = (
    Bug(
        "the session adds no company to what is read",
        "services/chassis/db/tenancy.py",
        "TenantRow, lambda row: row.company == _COMPANY,",
        "TenantRow, lambda row: row.company == row.company,",
        ("services/chassis/tests/test_tenancy.py",),
    ),
    Bug(
        "a table of companies is made without its policy",
        "services/inbox/migrations/0001_messages.py",
        '    secure("messages", TableClass.TENANT, "inbox")\n',
        '    secure("messages", TableClass.PLATFORM, "inbox")\n',
        (
            "services/chassis/tests/test_sql_isolation.py sees_or_writes",
            "services/chassis/tests/test_catalog.py",
        ),
    ),
    Bug(
        "the company in the name is not compared with the token's",
        "services/chassis/authorize.py",
        "    if caller.kind is Kind.MERCHANT and company != caller.company:\n        raise unknown(value)\n",
        "",
        (f"{MATRIX} part",),
    ),
    Bug(
        "the right is not asked for",
        "services/chassis/authorize.py",
        "        _check_right(caller, method)\n        check_fields",
        "        check_fields",
        ("services/chassis/tests/test_rights_matrix.py",),
    ),
    Bug(
        "a token of some shops reaches all of them",
        "services/chassis/authorize.py",
        '    if "shop" in ids and not caller.reaches_shop(ids["shop"]):\n        raise unknown(value)\n',
        "",
        (f"{MATRIX} part and shop",),
    ),
    Bug(
        "a reply in memory is kept under the shop alone, without its company",
        "services/shop/api/shops.py",
        "        name, lambda: told(shops.find(",
        '        call.ids["shop"], lambda: told(shops.find(',
        (f"{MATRIX} part and shop",),
    ),
    Bug(
        "a page token is good for the list of any company",
        "services/shop/api/shops.py",
        "pages.page(request.page_size, request.page_token, call.method.path, request.parent)",
        "pages.page(request.page_size, request.page_token, call.method.path)",
        (f"{MATRIX} part and shop",),
    ),
    Bug(
        "another company's shop is answered otherwise than one that never was",
        "services/shop/shops.py",
        "(query.with_for_update() if for_update else query).one_or_none()\n    if row is None:\n",
        "(query.with_for_update() if for_update else query).one_or_none()\n    if row is None:\n"
        '        if owner(db, shop_id):\n            raise Precondition("Not yours.", reason="SHOP_CLOSED")\n',
        (f"{MATRIX} part and shop",),
    ),
    Bug(
        "a mask may name what cannot change",
        "services/chassis/masks.py",
        '            return "which cannot be changed"\n',
        "            continue\n",
        (f"{HEADERS} mask", "services/chassis/tests/test_masks.py"),
    ),
    Bug(
        "a cursor of the feed is good for any caller",
        "services/chassis/feed/streams.py",
        '"\\0".join((self.caller, self.company or "", *sorted(self.types)))',
        '"\\0".join((self.company or "", *sorted(self.types)))',
        (f"{HEADERS} watcher",),
    ),
    Bug(
        "a revision is good for the log of any company",
        "services/chassis/changes/revisions.py",
        "        if scope != scope_of(session):\n",
        "        if not scope:\n",
        (f"{HEADERS} revision",),
    ),
    Bug(
        "what is not known yet is answered as if it were not there",
        "services/chassis/mirrors/known.py",
        '"This service has not heard of it yet: try again in a moment.",',
        '"There is none.", reason="NOT_FOUND",',
        ("services/identity/tests/test_memberships.py",),
    ),
    Bug(
        "writes of people do not ask whether they still have their place",
        "services/chassis/rpc/stages.py",
        "[standing] if standing is not None and not method.reads_only else []",
        "[]",
        (f"{MATRIX} part and shop",),
    ),
    Bug(
        "the company is set for the connection and not for the transaction",
        "services/chassis/db/scope.py",
        "set_config('app.company', %s, true), set_config('app.user', %s, true),",
        "set_config('app.company', %s, false), set_config('app.user', %s, false),",
        (POOL,),
    ),
    Bug(
        "requests stand in the log with what they hold",
        "services/chassis/log.py",
        "        request_id=call.request_id,\n        caller=f",
        "        request_id=call.request_id,\n        message=str(call.request),\n        caller=f",
        (f"{MATRIX} part and company",),
    ),
    Bug(
        "a service may call what the list does not name",
        "services/chassis/rpc/peers.py",
        "        return _allows(self.allowed.get(service, ()), method)\n",
        "        return service in self.allowed\n",
        ("services/chassis/tests/test_peers.py",),
    ),
)
