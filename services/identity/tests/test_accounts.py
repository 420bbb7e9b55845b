"""Accounts and preferences (ID2, ID3)."""

from __future__ import annotations

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from comptoir.identity.v1 import user_pb2
from services.chassis.errors import Denied, Exists, Invalid, NotFound, Stale, Unauthenticated
from services.identity.tests.acts import PASSWORD, Acts, details_of


def read(acts: Acts, name: str, token: str | None) -> user_pb2.User:
    return acts.identity.call(
        "UserService/GetUser", user_pb2.GetUserRequest(name=name), user_pb2.User, token=token
    )


def update(
    acts: Acts, token: str, user: user_pb2.User, *paths: str, validate_only: bool = False
) -> user_pb2.User:
    request = user_pb2.UpdateUserRequest(user=user, validate_only=validate_only)
    if paths:
        request.update_mask.CopyFrom(FieldMask(paths=paths))
    return acts.identity.call("UserService/UpdateUser", request, user_pb2.User, token=token)


def signed_in(acts: Acts) -> tuple[user_pb2.User, str]:
    person = acts.person()
    company = acts.company()
    acts.place(company, person.name)
    return person, acts.token(person.login, company)


def test_a_new_account_is_read_back_as_it_was_made(acts: Acts) -> None:
    made = acts.person(title=user_pb2.TITLE_MRS, phones=["+687 26.12.34", "+33 6 39 98 12 34"])
    company = acts.company()
    acts.place(company, made.name)

    assert read(acts, made.name, acts.token(made.login, company)) == made
    assert made.phones == ["+687261234", "+33639981234"]
    assert made.home_page == user_pb2.HOME_PAGE_DASHBOARD
    assert not made.operator


def test_only_an_argon2id_hash_of_the_password_is_kept(acts: Acts) -> None:
    user_id = acts.person().name.removeprefix("users/")
    with acts.identity.database.administrator() as db:
        kept = db.execute("select hash from passwords where user_id = %s", [user_id]).fetchone()

    assert kept is not None
    assert kept[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_logins_that_differ_in_letter_case_alone_are_one(acts: Acts) -> None:
    acts.person(login="Marguerite")
    with pytest.raises(Exists) as refused:
        acts.person(login="mArGuErItE")

    assert refused.value.reason == "LOGIN_TAKEN"


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("short phrase 4u", None),
        ("short phrase 4", "password_length"),
        ("made up words only, no number", "password_mixture"),
        ("837 104 662 905 118", "password_mixture"),
        ("passwordpassword1", "password_common"),
        ("Motdepasse2024!!!!", "password_common"),
        ("M0tDeP@sse123456789", "password_common"),
        ("azertyuiop123456", "password_common"),
        ("aaaaaaaaaaaaaaaaaaa1", "password_common"),
        ("abcabcabcabcabc1", "password_common"),
        ("ada exemple ada exemple 1", "password_common"),
        ("my own JosephineB and 9 more", "password_personal"),
        ("é" * 3 + " phrase à moi 12 ", None),
    ],
)
def test_the_password_rule_names_what_it_refuses(acts: Acts, password: str, rule: str | None) -> None:
    def create() -> None:
        acts.create(details_of(login=f"josephineB{'' if rule else abs(hash(password))}"), password)

    if rule is None:
        create()
        return
    with pytest.raises(Invalid) as refused:
        create()

    assert [("initial_password", rule)] == [(v.field, v.rule) for v in refused.value.violations]
    assert password not in refused.value.message


def test_a_refused_account_names_every_broken_rule_and_takes_no_login(acts: Acts) -> None:
    wrong = details_of(
        login="wrong-details",
        email="ada@localhost.localhost",
        phones=["+687261234", "0612345678", "+687 26 12 34"],
        time_zone="Pacific/Atlantis",
    )
    with pytest.raises(Invalid) as refused:
        acts.create(wrong, "too short 1")

    assert sorted((v.field, v.rule) for v in refused.value.violations) == [
        ("initial_password", "password_length"),
        ("user.email", "email"),
        ("user.phones[1]", "phone"),
        ("user.phones[2]", "repeated.unique"),
        ("user.time_zone", "time_zone"),
    ]
    assert acts.person(login="wrong-details").login == "wrong-details"


def test_a_person_changes_preferences_and_a_stale_second_write_is_refused(acts: Acts) -> None:
    person, token = signed_in(acts)
    change = user_pb2.User(
        name=person.name,
        etag=person.etag,
        language_code="pt",
        time_zone="Europe/Lisbon",
        home_page=user_pb2.HOME_PAGE_SHOPS,
    )

    after = update(acts, token, change, "language_code", "time_zone", "home_page")
    with pytest.raises(Stale):
        update(acts, token, change, "language_code")

    assert after == read(acts, person.name, token)
    assert (after.language_code, after.time_zone) == ("pt", "Europe/Lisbon")
    assert after.home_page == user_pb2.HOME_PAGE_SHOPS
    assert (after.given_name, after.etag != person.etag) == (person.given_name, True)


def test_a_home_page_is_one_that_the_person_may_see(acts: Acts) -> None:
    person, company = acts.person(), acts.company()
    acts.place(company, person.name, "ROLE_ACCOUNTANT")
    token = acts.token(person.login, company)
    change = user_pb2.User(name=person.name, home_page=user_pb2.HOME_PAGE_SHOPS)
    with pytest.raises(Denied) as refused:
        update(acts, token, change, "home_page")
    change.home_page = user_pb2.HOME_PAGE_MESSAGES

    assert refused.value.metadata == {"permission": "shop.read"}
    assert update(acts, token, change, "home_page").home_page == user_pb2.HOME_PAGE_MESSAGES


def test_an_update_without_a_mask_writes_what_is_populated_and_nothing_else(acts: Acts) -> None:
    person, token = signed_in(acts)
    change = user_pb2.User(
        name=person.name, phones=["+687 26 99 99"], login="other", email="o@halles.example", operator=True
    )

    after = update(acts, token, change)

    assert after.phones == ["+687269999"]
    assert (after.login, after.email, after.operator) == (person.login, person.email, False)


@pytest.mark.parametrize("path", ["login", "email", "operator", "create_time", "name", "etag", "password"])
def test_no_mask_reaches_what_a_person_may_not_write(acts: Acts, path: str) -> None:
    person, token = signed_in(acts)
    with pytest.raises(Invalid) as refused:
        update(acts, token, user_pb2.User(name=person.name, login="other"), path)

    assert "update_mask" in [v.field for v in refused.value.violations]


def test_a_broken_phone_is_named_by_its_place_and_nothing_is_written(acts: Acts) -> None:
    person, token = signed_in(acts)
    change = user_pb2.User(name=person.name, phones=["+687261234", "+687 26"], given_name="Other")
    with pytest.raises(Invalid) as refused:
        update(acts, token, change, "phones", "given_name")

    assert [(v.field, v.rule) for v in refused.value.violations] == [("user.phones[1]", "phone")]
    assert read(acts, person.name, token) == person


def test_a_trial_run_answers_as_if_it_were_made_and_makes_nothing(acts: Acts) -> None:
    person, token = signed_in(acts)

    shown = update(
        acts, token, user_pb2.User(name=person.name, family_name="Trial"), "family_name", validate_only=True
    )

    assert shown.family_name == "Trial"
    assert read(acts, person.name, token) == person


def test_someone_elses_account_is_the_answer_of_one_that_never_existed(acts: Acts) -> None:
    _, token = signed_in(acts)
    messages = []
    for name in (acts.person().name, "users/neverexisted"):
        with pytest.raises(NotFound) as refused:
            read(acts, name, token)
        messages.append(refused.value.message.replace(name, "NAME"))

    assert messages[0] == messages[1]


def test_an_account_opens_to_nobody_without_token_or_scope(acts: Acts) -> None:
    person = acts.person()
    company = acts.company()
    acts.place(company, person.name)
    client = acts.client(scopes=["shop"])
    session = acts.sign_in(person.login)
    token = acts.redeem(client, acts.code(session, client.client_id, company, scopes=["shop"])).access_token

    with pytest.raises(Unauthenticated):
        read(acts, person.name, None)
    with pytest.raises(Denied) as refused:
        read(acts, person.name, token)

    assert refused.value.reason == "INSUFFICIENT_SCOPE"


def test_the_longest_password_is_not_cut(acts: Acts) -> None:
    longest = ("a phrase, 4 me " * 9)[:127]
    person = acts.create(details_of(login="longest"), longest + "x")

    assert acts.touch(acts.sign_in("longest", longest + "x")).user == person.name
    for shorter in (longest, longest + "y", longest + "xx", PASSWORD):
        with pytest.raises(Unauthenticated):
            acts.sign_in("longest", shorter)
