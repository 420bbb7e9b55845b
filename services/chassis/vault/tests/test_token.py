"""KEKs in a PKCS#11 token: SoftHSM 2 here, whose keys the process never sees."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pkcs11
import pytest
from pkcs11 import Attribute
from pkcs11.exceptions import PKCS11Error
from sqlalchemy import Engine, Table

from services.chassis.testing.softhsm import LABEL, PIN, Hsm, soft_hsm
from services.chassis.vault import token as tokens
from services.chassis.vault.aead import new_key
from services.chassis.vault.data_keys import DataKeys
from services.chassis.vault.errors import KekFileInvalid, KeyUnavailable, SealBroken
from services.chassis.vault.kek_file import FileKeyring
from services.chassis.vault.kek_rotation import add_generation, destroy_generation, promote_generation
from services.chassis.vault.secret import Secret
from services.chassis.vault.sql_store import SqlDataKeyStore
from services.chassis.vault.tests.places import PASSWORD, REST_PASSWORD
from services.chassis.vault.token import Token
from services.chassis.vault.vault import Vault

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hsm]:
    with soft_hsm(tmp_path_factory.mktemp("hsm")) as made:
        yield made


@pytest.fixture
def token(hsm: Hsm) -> Iterator[Token]:
    token = hsm.token()
    yield token
    token.close()


@pytest.fixture
def names(tmp_path: Path) -> Path:
    return tmp_path / "kek"


def vault_over(names: Path, token: Token, table: Table) -> Vault:
    return Vault(DataKeys("shop", FileKeyring.load(names, token=token), SqlDataKeyStore(table)))


def test_what_a_key_of_the_token_sealed_it_opens_with_the_same_associated_data_only(token: Token) -> None:
    token.generate("one")
    token.generate("other")
    secret = new_key()
    box = token.encrypt("one", secret, b"place")

    assert secret == token.decrypt("one", box, b"place")
    assert box != token.encrypt("one", secret, b"place")
    assert token.decrypt("one", box, b"other place") is None
    assert token.decrypt("other", box, b"place") is None
    for position in range(len(box)):
        flipped = bytes(byte ^ (1 if at == position else 0) for at, byte in enumerate(box))
        assert token.decrypt("one", flipped, b"place") is None
    for length in range(len(box)):
        assert token.decrypt("one", box[:length], b"place") is None
    assert secret == token.decrypt("one", box, b"place")


def test_the_key_cannot_be_had_from_the_token(hsm: Hsm, token: Token) -> None:
    token.generate("kept inside")
    token.close()
    with pkcs11.lib(str(hsm.module)).get_token(token_label=LABEL).open(user_pin=PIN) as session:
        key = session.get_key(label="kept inside")

        assert (key[Attribute.SENSITIVE], key[Attribute.EXTRACTABLE]) == (True, False)
        assert (key[Attribute.ALWAYS_SENSITIVE], key[Attribute.NEVER_EXTRACTABLE]) == (True, True)
        with pytest.raises(PKCS11Error):
            key[Attribute.VALUE]


def test_a_vault_over_a_token_rotates_and_a_destroyed_generation_is_gone_from_the_token(
    engine: Engine, table: Table, hsm: Hsm, token: Token, names: Path
) -> None:
    former = add_generation(names, token)
    vault = vault_over(names, token, table)
    with engine.begin() as connection:
        sealed = vault.seal(connection, REST_PASSWORD, PASSWORD)
    copy = names.read_bytes()
    following = add_generation(names, token)
    promote_generation(names, following, token)
    with engine.begin() as connection:
        assert vault.rewrap(connection).rewrapped == 1
        assert {following} == vault.kek_generations_in_use(connection)
        kept_wrapping = token.encrypt(former, new_key(), b"")
        destroy_generation(names, former, token)
        assert vault_over(names, token, table).open(connection, REST_PASSWORD, sealed) == PASSWORD

    assert f"{following}\n" == names.read_text()
    names.write_bytes(copy)
    with pytest.raises(KeyUnavailable):
        token.decrypt(former, kept_wrapping, b"")


def test_a_file_for_a_token_holds_no_keys_and_one_for_files_no_bare_names(
    tmp_path: Path, token: Token
) -> None:
    with_keys, bare = tmp_path / "with-keys", tmp_path / "bare"
    add_generation(with_keys)
    add_generation(bare, token)

    with pytest.raises(KekFileInvalid, match="a name alone"):
        FileKeyring.load(with_keys, token=token)
    with pytest.raises(KekFileInvalid, match="32 bytes"):
        FileKeyring.load(bare)


def test_a_generation_that_the_token_lacks_is_unavailable_not_broken(token: Token) -> None:
    with pytest.raises(KeyUnavailable) as refused:
        token.decrypt("never made", b"\0" * 60, b"")

    assert not isinstance(refused.value, SealBroken)


def test_a_name_is_given_to_one_key_only(token: Token) -> None:
    token.generate("taken")
    with pytest.raises(KeyUnavailable):
        token.generate("taken")
    token.encrypt("taken", Secret(b"still one"), b"")


def test_a_token_whose_store_is_away_is_unavailable_until_it_is_back(hsm: Hsm, token: Token) -> None:
    token.generate("travelling")
    box = token.encrypt("travelling", Secret(b"value"), b"")
    token.close()
    # SoftHSM knows its tokens from when it was loaded: without its folder no key is found in them.
    away = hsm.objects.with_name("away")
    hsm.objects.rename(away)
    try:
        with pytest.raises(KeyUnavailable):
            hsm.token().encrypt("travelling", Secret(b"value"), b"")
    finally:
        shutil.rmtree(hsm.objects, ignore_errors=True)
        away.rename(hsm.objects)

    assert Secret(b"value") == token.decrypt("travelling", box, b"")


def test_a_session_that_ended_is_opened_again(hsm: Hsm, token: Token) -> None:
    token.generate("again")
    box = token.encrypt("again", Secret(b"value"), b"")
    assert token._session is not None
    token._session.close()

    assert Secret(b"value") == token.decrypt("again", box, b"")


@pytest.mark.parametrize("problem", ["no module", "no pin file", "another label"])
def test_a_token_that_cannot_be_reached_is_unavailable(hsm: Hsm, tmp_path: Path, problem: str) -> None:
    module = tmp_path / "absent.so" if problem == "no module" else hsm.module
    pin_file = tmp_path / "absent" if problem == "no pin file" else hsm.pin_file
    label = "absent" if problem == "another label" else LABEL

    with pytest.raises(KeyUnavailable):
        Token(module, label, pin_file).encrypt("any", Secret(b""), b"")


def test_a_wrong_pin_is_tried_once_and_a_corrected_file_counts_at_once(hsm: Hsm, tmp_path: Path) -> None:
    hsm.token().generate("behind a pin")
    pin_file = tmp_path / "pin"
    pin_file.write_text("wrong-pin")
    token = Token(hsm.module, LABEL, pin_file)
    for _ in range(20):
        with pytest.raises(KeyUnavailable):
            token.encrypt("behind a pin", Secret(b""), b"")
    flags = pkcs11.lib(str(hsm.module)).get_token(token_label=LABEL).flags
    pin_file.write_text(PIN)

    assert not flags & pkcs11.TokenFlag.USER_PIN_LOCKED
    assert token.encrypt("behind a pin", Secret(b""), b"")
    token.close()


def test_a_call_behind_one_that_hangs_is_told_so(hsm: Hsm, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, over = Event(), Event()

    def hang(*_: object) -> list[object]:
        waiting.set()
        over.wait(60)
        return []

    monkeypatch.setattr(tokens, "_found", hang)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(hsm.token().destroy, "slow")
        assert waiting.wait(30)
        with pytest.raises(KeyUnavailable):
            hsm.token(patience_seconds=0.05).encrypt("other", Secret(b""), b"")
        over.set()
        first.result(timeout=30)


def test_eight_threads_share_the_token(hsm: Hsm, token: Token) -> None:
    token.generate("shared")

    def use(number: int) -> int:
        for turn in range(50):
            secret, place = Secret(os.urandom(32)), f"{number}/{turn}".encode()
            box = token.encrypt("shared", secret, place)
            assert secret == token.decrypt("shared", box, place)
            assert token.decrypt("shared", box, b"elsewhere") is None
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(range(8)) == sorted(pool.map(use, range(8)))
