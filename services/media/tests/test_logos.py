"""Logos of shops, over the wire (ME1, ME2, ME4, ME5)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.api.httpbody_pb2 import HttpBody
from PIL import Image

from comptoir.media.v1 import logo_pb2
from services.chassis.errors import Denied, Invalid, NotFound, Stale, Unauthenticated
from services.chassis.testing.running import Running
from services.media.tests.pictures import opened, picture

SHOP = "companies/acme/shops/12345678/logo"


def imported(media: Running, content: bytes, name: str = SHOP, **fields: Any) -> logo_pb2.Logo:
    request = logo_pb2.ImportLogoRequest(name=name, content=content, **fields)
    company = name.split("/")[1]
    return media.call(
        "LogoService/ImportLogo", request, logo_pb2.Logo, token=media.mint.token(company=company)
    )


def read(media: Running, name: str = SHOP, **caller: Any) -> logo_pb2.Logo:
    caller = caller or {"token": media.mint.token()}
    return media.call("LogoService/GetLogo", logo_pb2.GetLogoRequest(name=name), logo_pb2.Logo, **caller)


def removed(media: Running, name: str = SHOP, etag: str = "") -> None:
    request = logo_pb2.DeleteLogoRequest(name=name, etag=etag)
    media.call("LogoService/DeleteLogo", request, logo_pb2.DeleteLogoResponse, token=media.mint.token())


def served(media: Running, image: str) -> HttpBody:
    """What anybody gets: through the gateway, without a token."""
    return media.call("LogoService/GetImage", logo_pb2.GetImageRequest(name=image), HttpBody)


def test_a_large_picture_becomes_a_png_of_312_by_104_that_anybody_can_fetch(media: Running) -> None:
    logo = imported(media, picture(3000, 1000, "navy"))
    body = served(media, logo.image)

    assert (logo.width, logo.height) == (312, 104)
    assert body.content_type == "image/png"
    assert opened(body.data).size == (312, 104)
    assert opened(body.data).convert("RGBA").getcolors() == [(312 * 104, (0, 0, 128, 255))]
    assert logo.uri == f"https://gateway.test/v1/{logo.image}"


def test_proportions_are_kept_between_transparent_margins(media: Running) -> None:
    logo = imported(media, picture(500, 500, "red", "JPEG"))
    pixels = opened(served(media, logo.image).data).convert("RGBA")

    corner, middle = pixels.getpixel((0, 0)), pixels.getpixel((156, 52))
    assert corner == (0, 0, 0, 0)
    assert isinstance(middle, tuple)
    assert middle[3] == 255


def test_an_import_records_its_file_the_rules_on_screen_who_and_when(media: Running) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    logo = imported(media, picture(312, 104), file_name="logo été.png", rules_version="2026-11")
    with media.database.administrator() as behind:
        last = behind.execute(
            "select action, resource, actor, method from changes where scope = 'companies/acme'"
            " order by sequence desc limit 1"
        ).fetchone()

    assert (logo.file_name, logo.rules_version) == ("logo été.png", "2026-11")
    assert before <= logo.import_time.ToDatetime(UTC) <= datetime.now(UTC)
    assert last == ("UPDATE", SHOP, "users/userexample", "/comptoir.media.v1.LogoService/ImportLogo")
    assert read(media) == logo


def test_another_import_has_another_address_and_the_former_one_still_shows_what_it_did(
    media: Running,
) -> None:
    first = imported(media, picture(312, 104, "red"))
    shown = served(media, first.image)
    second = imported(media, picture(312, 104, "blue"), etag=first.etag)

    assert first.uri != second.uri
    assert first.etag != second.etag
    assert served(media, first.image) == shown
    assert read(media) == second


def test_equal_pictures_of_two_companies_have_nothing_in_common(media: Running) -> None:
    content = picture(312, 104, "green")
    ours = imported(media, content)
    theirs = imported(media, content, "companies/victim/shops/87654321/logo")

    assert ours.image != theirs.image
    assert ours.etag != theirs.etag


def test_a_stale_import_or_removal_is_refused_and_changes_nothing(media: Running, directory: Path) -> None:
    first = imported(media, picture(312, 104, "red"))
    second = imported(media, picture(312, 104, "blue"))
    with pytest.raises(Stale):
        imported(media, picture(312, 104, "green"), etag=first.etag)
    with pytest.raises(Stale):
        removed(media, etag=first.etag)

    assert read(media) == second
    with media.database.administrator() as behind:
        published = {row[0] for row in behind.execute("select image_id from images").fetchall()}
    orphans = {path.name for path in directory.rglob("*") if path.is_file()} - published
    for orphan in orphans:
        with pytest.raises(NotFound):
            served(media, f"images/{orphan}")
    assert len(orphans) >= 1


def test_a_removed_logo_is_gone_and_its_address_still_works(media: Running) -> None:
    logo = imported(media, picture(312, 104))
    removed(media, etag=logo.etag)

    with pytest.raises(NotFound):
        read(media)
    with pytest.raises(NotFound):
        removed(media)
    assert served(media, logo.image).content_type == "image/png"


def test_an_etag_of_before_a_removal_never_counts_again(media: Running) -> None:
    content = picture(312, 104)
    before = imported(media, content)
    removed(media)
    with pytest.raises(Stale):
        imported(media, content, etag=before.etag)
    imported(media, content)

    with pytest.raises(Stale):
        removed(media, etag=before.etag)


def test_two_first_imports_at_once_are_both_good_and_one_of_them_stays(media: Running) -> None:
    for number in range(5):
        name = f"companies/acme/shops/2000000{number}/logo"
        together = threading.Barrier(2)

        def attempt(colour: str, name: str = name, together: threading.Barrier = together) -> logo_pb2.Logo:
            together.wait()
            return imported(media, picture(312, 104, colour), name)

        with ThreadPoolExecutor(2) as pool:
            logos = list(pool.map(attempt, ["red", "blue"]))

        assert read(media, name) in logos


@pytest.mark.parametrize(
    "name", ["companies/victim/shops/12345678/logo", "companies/victim/shops/00000000/logo"]
)
def test_another_companys_token_gets_the_answer_of_a_logo_that_never_existed(
    media: Running, name: str
) -> None:
    imported(media, picture(312, 104), "companies/victim/shops/12345678/logo")
    attempts = {
        "GetLogo": logo_pb2.GetLogoRequest(name=name),
        "ImportLogo": logo_pb2.ImportLogoRequest(name=name, content=picture(312, 104)),
        "DeleteLogo": logo_pb2.DeleteLogoRequest(name=name),
    }
    messages = set()
    for method, request in attempts.items():
        with pytest.raises(NotFound) as refused:
            media.call(f"LogoService/{method}", request, logo_pb2.Logo, token=media.mint.token())
        messages.add(refused.value.message)

    assert messages == {f"There is no {name}."}


def test_the_same_public_id_in_two_companies_names_two_logos(media: Running) -> None:
    ours = imported(media, picture(312, 104, "red"))
    imported(media, picture(312, 104, "blue"), "companies/victim/shops/12345678/logo")

    assert read(media) == ours


def test_a_caller_of_some_shops_reaches_no_other_logo(media: Running) -> None:
    imported(media, picture(312, 104))
    elsewhere = media.mint.token(shops=["87654321"])
    with pytest.raises(NotFound):
        read(media, token=elsewhere)


def test_a_reader_is_told_which_right_is_missing_before_anything_about_the_file(media: Running) -> None:
    request = logo_pb2.ImportLogoRequest(name=SHOP, content=b"no image")
    with pytest.raises(Denied) as refused:
        media.call("LogoService/ImportLogo", request, logo_pb2.Logo, token=media.mint.token(role="reader"))

    assert refused.value.metadata["permission"] == "shop.logo.update"


def test_nobody_reads_or_imports_a_logo(media: Running) -> None:
    for method, request in {
        "GetLogo": logo_pb2.GetLogoRequest(name=SHOP),
        "ImportLogo": logo_pb2.ImportLogoRequest(name=SHOP, content=picture(312, 104)),
    }.items():
        with pytest.raises(Unauthenticated):
            media.call(f"LogoService/{method}", request, logo_pb2.Logo)


@pytest.mark.parametrize("service", ["payment-pages", "mailer"])
def test_internal_services_fetch_the_present_logo_of_a_shop(media: Running, service: str) -> None:
    logo = imported(media, picture(312, 104))
    found = read(media, service=service)
    request = logo_pb2.GetImageRequest(name=found.image)
    body = media.call("LogoService/GetImage", request, HttpBody, service=service)

    assert found == logo
    assert opened(body.data).size == (312, 104)


def test_a_logo_by_public_id_alone_is_refused_since_an_importer_could_claim_any(media: Running) -> None:
    imported(media, picture(312, 104))
    with pytest.raises(Invalid) as refused:
        read(media, "companies/-/shops/12345678/logo", service="payment-pages")

    assert [(v.field, v.rule) for v in refused.value.violations] == [("name", "company")]


@pytest.mark.parametrize("image", ["images/aaaaaaaaaaaaaaaaaaaaaaaaaa", "images/0", "images/passwd"])
def test_an_unknown_image_is_not_found(media: Running, image: str) -> None:
    with pytest.raises(NotFound) as refused:
        served(media, image)

    assert refused.value.message == f"There is no {image}."


@pytest.mark.parametrize("image", ["images/../logos", "images/", "images/-", "images/A"])
def test_what_names_no_image_is_refused(media: Running, image: str) -> None:
    with pytest.raises(Invalid) as refused:
        served(media, image)

    assert refused.value.violations[0].field == "name"


def test_pictures_of_every_format_are_taken_by_content(media: Running) -> None:
    for plugin in ("JPEG", "GIF", "PNG", "BMP", "TIFF"):
        logo = imported(media, picture(624, 208, "teal", plugin), file_name="logo.txt")
        assert (plugin, opened(served(media, logo.image).data).size) == (plugin, (312, 104))
    logo = imported(media, b"P5 2 2 255\n\x00\x80\x80\xff")
    assert isinstance(opened(served(media, logo.image).data), Image.Image)
