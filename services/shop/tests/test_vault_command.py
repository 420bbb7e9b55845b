"""An operator rotates KEK and data keys of the running shop service; nothing is lost, whenever it is killed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from comptoir.shop.v1 import key_pb2, shop_pb2, signature_pb2
from services.chassis.db.scope import Scope
from services.chassis.testing.commands import run_command, told
from services.chassis.testing.running import Running
from services.chassis.vault.envelope import Envelope
from services.chassis.vault.errors import SealBroken
from services.shop.keys import KINDS, KeyRing
from services.shop.sealed import SEALED
from services.shop.service import SHOP

KILLED = -9
FORM_TEST = KINDS["form-test"]
VALUES = ("1122334455667788", "8877665544332211")


@pytest.fixture
def shop(run_service: Callable[..., Running]) -> Running:
    return run_service(SHOP)


def opened_in(shop: Running, company: str) -> str:
    """A new shop of the company, whose form key is known."""
    shop_message = shop_pb2.Shop(display_name="Boutique")
    request = shop_pb2.CreateShopRequest(parent=f"companies/{company}", shop=shop_message)
    name = shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap").name
    imported(shop, name, VALUES[0])
    return name


def imported(shop: Running, name: str, value: str) -> None:
    request = key_pb2.ImportKeyRequest(name=f"{name}/keys/form-test", value=value)
    shop.call("KeyService/ImportKey", request, key_pb2.Key, service="bootstrap")


def signed(shop: Running, name: str) -> str:
    request = signature_pb2.SignFormRequest(shop=name, fields={"vads_ctx_mode": "TEST"})
    answer = signature_pb2.SignFormResponse
    return shop.call("SignatureService/SignForm", request, answer, service="payment-engine").signature


def value_of(shop: Running, name: str) -> str:
    """The form key, from the database: nothing that was remembered counts."""
    shop.resources.vault.flush()
    _, company, _, shop_id = name.split("/")
    with shop.resources.database.transaction(Scope(company, read_only=True)) as db:
        values = KeyRing(shop.resources.vault).values(db, company, shop_id, FORM_TEST)
    return values[0].secret.reveal_text()


def count(shop: Running, query: str) -> int:
    with shop.database.administrator() as db:
        (found,) = db.execute(query).fetchone() or (0,)
    return int(found)


def generations(shop: Running) -> dict[str, tuple[str, int]]:
    """What `status` says of the generations: their place, and how many data keys stand under them."""
    lines = told(shop, "vault", "status")
    return {
        line["generation"]: (line["place"], line["data_keys"])
        for line in lines
        if line["event"] == "kek generation"
    }


def under_former_keys(shop: Running) -> dict[str, int]:
    lines = told(shop, "vault", "status")
    return {line["field"]: line["under_former_keys"] for line in lines if line["event"] == "sealed field"}


def test_the_kek_rotates_by_one_command_and_the_former_is_then_destroyed(shop: Running) -> None:
    names = [opened_in(shop, company) for company in ("one", "two", "three")]
    before = [signed(shop, name) for name in names]
    early = run_command(shop, "vault", "destroy", "test")
    told(shop, "vault", "--batch", "2", "rotate-kek")
    [current] = [name for name, (place, _) in generations(shop).items() if place == "current"]
    places = {name: place for name, (place, _) in generations(shop).items()}
    told(shop, "vault", "destroy", "test")

    assert early.returncode == 1
    assert "data keys still stand under test" in early.stderr
    assert places == {current: "current", "test": "former"}
    assert list(generations(shop)) == [current]
    assert [signed(shop, name) for name in names] == before
    assert [value_of(shop, name) for name in names] == [VALUES[0]] * 3


def test_a_generation_is_added_everywhere_before_it_wraps(shop: Running) -> None:
    opened_in(shop, "one")
    (added,) = [line["generation"] for line in told(shop, "vault", "add-kek")]
    opened_in(shop, "two")
    only_added = generations(shop)
    told(shop, "vault", "promote-kek", added)
    opened_in(shop, "three")
    refused = run_command(shop, "vault", "destroy", "test")

    assert only_added[added] == ("former", 0)
    assert generations(shop)[added][1] > 0
    assert refused.returncode == 1
    assert "still stand under test; run `vault rewrap` first" in refused.stderr


def test_new_data_keys_seal_again_what_former_ones_did_and_change_nothing_else(shop: Running) -> None:
    names = [opened_in(shop, company) for company in ("one", "two")]
    log_before = count(shop, "select count(*) from changes")
    told(shop, "vault", "rotate-data-keys", "--older-than", "0", "--of", "companies/one")
    one = count(shop, "select max(version) from data_keys where company = 'one'")
    two = count(shop, "select max(version) from data_keys where company = 'two'")

    assert (one, two) == (2, 1)
    assert under_former_keys(shop) == {
        SEALED[0].name: 0,
        "change_values.sealed": 0,
        "change_values.source": 0,
    }
    assert log_before == count(shop, "select count(*) from changes")
    assert [value_of(shop, name) for name in names] == [VALUES[0]] * 2
    assert doubtful(shop, "one") == []


@pytest.mark.parametrize(
    ("role", "setting", "allowed"),
    [
        ("owner", "sealed = sealed || 'x'", True),
        ("owner", "sealed = sealed || 'x', generate_time = now()", False),
        ("svc", "sealed = sealed || 'x'", False),
    ],
)
def test_only_the_owner_s_resealing_goes_without_a_change(
    shop: Running, role: str, setting: str, allowed: bool
) -> None:
    opened_in(shop, "one")
    with psycopg.connect(shop.database.urls[role]) as db:
        db.execute("select set_config('app.company', 'one', true)")
        update = f"update {SEALED[0].table.name} set {setting} where sealed is not null"
        assert db.execute(update.encode()).rowcount > 0
        if allowed:
            db.commit()
        else:
            with pytest.raises(psycopg.Error) as refused:
                db.commit()
            assert refused.value.sqlstate == "CM001"


def test_the_first_kek_is_made_once(shop: Running) -> None:
    kek = shop.settings.kek_file
    refused = run_command(shop, "vault", "create-kek")
    kek.unlink()
    (made,) = told(shop, "vault", "create-kek")

    assert f"{kek} is there already" in refused.stderr
    assert generations(shop)[made["generation"]] == ("current", 0)
    assert kek.stat().st_mode & 0o777 == 0o600


def test_below_the_floor_nothing_seals(run_service: Callable[..., Running]) -> None:
    shop = run_service(SHOP, vault_minimum_version=3)
    name = opened_in(shop, "one")
    with shop.database.administrator() as db:
        sealed = [
            bytes(row[0])
            for row in db.execute(f"select sealed from {SEALED[0].table.name} where sealed is not null")
        ]

    assert {Envelope.parse(each).key_version for each in sealed} == {3}
    assert value_of(shop, name) == VALUES[0]


def test_an_erased_company_opens_nowhere_and_the_others_as_before(shop: Running) -> None:
    gone, kept = opened_in(shop, "gone"), opened_in(shop, "kept")
    told(shop, "vault", "erase", "companies/gone")
    platform = run_command(shop, "vault", "erase", "-")
    again = run_command(shop, "vault", "erase", "companies/gone")

    with pytest.raises(SealBroken):
        value_of(shop, gone)
    assert value_of(shop, kept) == VALUES[0]
    assert "the platform's own keys are not erased" in platform.stderr
    assert "has no data keys" in again.stderr
    assert 0 not in (platform.returncode, again.returncode)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("--batch", "0", "rewrap"), "argument --batch: is a whole number from 1 to 10000"),
        (("--batch", "-1", "rewrap"), "argument --batch: "),
        (("--batch", "99999999999", "rewrap"), "argument --batch: "),
        (("rotate-data-keys", "--older-than", "-1"), "argument --older-than: "),
        (
            ("rotate-data-keys", "--older-than=-1"),
            "argument --older-than: is a number of days from 0 to 36500",
        ),
        (("rotate-data-keys", "--older-than", "nan"), "argument --older-than: "),
        (("rotate-data-keys", "--older-than", "1e300"), "argument --older-than: "),
        (("rotate-data-keys", "--older-than", "soon"), "argument --older-than: "),
        (("rotate-data-keys", "--of", ""), "argument --of: is companies/COMPANY or users/USER"),
        (("erase", "gone"), "argument companies/COMPANY|users/USER: is companies/COMPANY or users/USER"),
        (("erase", "companies/"), "is companies/COMPANY or users/USER"),
        (("erase", "companies/one/shops/two"), "is companies/COMPANY or users/USER"),
    ],
)
def test_an_unlawful_argument_is_refused_by_its_name_and_rule(
    shop: Running, arguments: tuple[str, ...], rule: str
) -> None:
    refused = run_command(shop, "vault", *arguments)
    assert (refused.returncode, rule in refused.stderr) == (2, True), refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.slow
def test_rotations_killed_under_load_go_on_where_they_were(shop: Running) -> None:
    names = [opened_in(shop, f"company{number}") for number in range(12)]
    with shop.database.administrator() as db:
        db.execute("update data_keys set create_time = create_time - interval '2 days'")
    owners = "(select company from data_keys where version = 1 and create_time < now() - interval '1 day')"
    rotated = f"select count(distinct company) from data_keys where version = 2 and company in {owners}"
    with load(shop, names) as turns:
        killed = run_command(shop, "vault", "--batch", "4", "rotate-kek", points="vault.before_commit=kill@3")
        half = generations(shop)
        told(shop, "vault", "--batch", "4", "rewrap")
        told(shop, "vault", "destroy", "test")

        rotation = ("vault", "--batch", "4", "rotate-data-keys")
        killed_rotating = run_command(shop, *rotation, points="vault.before_commit=kill@3")
        some = count(shop, rotated)
        killed_resealing = run_command(shop, *rotation, points="vault.before_commit=kill@7")
        left = under_former_keys(shop)
        told(shop, *rotation)
        turned = list(turns)

    assert [each.returncode for each in (killed, killed_rotating, killed_resealing)] == [KILLED] * 3
    assert half["test"][1] > 0
    assert sum(number for name, (_, number) in half.items() if name != "test") >= 8
    assert some == 8
    assert sum(left.values()) > 0
    assert set(under_former_keys(shop).values()) == {0}
    assert count(shop, f"select max(version) from data_keys where company in {owners}") == 2
    assert count(shop, rotated) == count(shop, f"select count(distinct company) from {owners} each")
    assert min(turned) > 0
    assert {value_of(shop, name) for name in names} <= set(VALUES)
    assert [doubtful(shop, name.split("/")[1]) for name in names] == [[]] * len(names)


@contextmanager
def load(shop: Running, names: list[str]) -> Iterator[list[int]]:
    """Opens, writes and makes new companies all the time; any failure is raised at the end."""
    over, turns = threading.Event(), [0, 0, 0]

    def keep(worker: int, act: Callable[[int], None]) -> None:
        while not over.is_set():
            act(turns[worker])
            turns[worker] += 1

    def open_one(turn: int) -> None:
        assert value_of(shop, names[turn % len(names)]) in VALUES

    def write(turn: int) -> None:
        imported(shop, names[turn % len(names)], VALUES[turn % 2])

    def arrive(turn: int) -> None:
        assert signed(shop, opened_in(shop, f"newcomer{turn}"))

    with ThreadPoolExecutor(3) as pool:
        working: list[Future[None]] = [
            pool.submit(keep, worker, act) for worker, act in enumerate((open_one, write, arrive))
        ]
        try:
            yield turns
        finally:
            over.set()
        for each in working:
            each.result(timeout=60)


def doubtful(shop: Running, company: str) -> list[int]:
    """The changes of a company whose values do not open as what was sealed."""
    scope = f"companies/{company}"
    log = shop.resources.changes
    newest = count(shop, f"select max(sequence) from changes where scope = '{scope}'")
    assert newest > 0
    with shop.resources.database.transaction(Scope(company, read_only=True)) as db:
        known = log.opened(db, scope, range(1, newest + 1))
    assert len(known) == newest
    return [sequence for sequence, each in known.items() if each.doubtful]
