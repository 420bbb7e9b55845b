"""What becomes of files that are no logos: a precise refusal, and nobody else notices (ME1, ME6)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from google.api.httpbody_pb2 import HttpBody

from comptoir.media.v1 import logo_pb2
from services.chassis.config import ConfigError, load
from services.chassis.errors import Exhausted, Fault, Invalid
from services.chassis.testing.running import Running
from services.media.config import MediaSettings
from services.media.imaging.tests import hostile
from services.media.service import MEDIA
from services.media.tests.pictures import picture

SHOP = "companies/acme/shops/12345678/logo"
LIMIT = 1_048_576


def refusal(media: Running, content: bytes) -> Invalid:
    with pytest.raises(Invalid) as refused:
        attempt(media, content)
    assert [violation.field for violation in refused.value.violations] == ["content"]
    return refused.value


def attempt(media: Running, content: bytes) -> logo_pb2.Logo:
    request = logo_pb2.ImportLogoRequest(name=SHOP, content=content)
    return media.call("LogoService/ImportLogo", request, logo_pb2.Logo, token=media.mint.token())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "IMAGE_UNKNOWN_FORMAT"),
        (b"\xff\xd8\xff\xe0 nothing of the kind", "IMAGE_TRUNCATED"),
        (picture(3000, 1000)[:-20], "IMAGE_TRUNCATED"),
        (picture(5000, 5000), "IMAGE_TOO_MANY_PIXELS"),
    ],
    ids=["drawing", "pretender", "half a file", "too many pixels"],
)
def test_a_refusal_says_what_is_wrong_with_the_file(media: Running, content: bytes, reason: str) -> None:
    assert refusal(media, content).reason == reason


def test_more_than_a_mebibyte_is_refused_by_name_and_limit_and_exactly_that_much_is_read(
    media: Running,
) -> None:
    logo = picture(312, 104)
    refused = refusal(media, logo + bytes(LIMIT + 1 - len(logo)))

    assert refused.reason == "IMAGE_TOO_LARGE"
    assert refused.metadata == {"limit": "1048576"}
    assert "1048576" in refused.message
    assert refusal(media, bytes(3 * LIMIT)).reason == "IMAGE_TOO_LARGE"
    assert attempt(media, logo + bytes(LIMIT - len(logo))).width == 312


def test_no_file_at_all_is_refused_by_name(media: Running) -> None:
    assert refusal(media, b"").violations[0].rule == "required"


def test_a_refused_file_publishes_nothing_and_keeps_nothing(media: Running, directory: Path) -> None:
    def kept() -> int:
        return sum(path.is_file() for path in directory.rglob("*"))

    before = kept()
    refusal(media, b"no image")

    assert kept() == before


def test_hostile_files_are_refused_or_converted_and_reads_go_on(media: Running) -> None:
    logo = attempt(media, picture(312, 104))
    files = {**hostile.pngs(), **hostile.jpegs(), **hostile.polyglots()}
    outcomes: dict[str, Fault | None] = {}

    def judge(name: str) -> None:
        try:
            attempt(media, files[name])
            outcomes[name] = None
        except (Invalid, Exhausted) as fault:
            outcomes[name] = fault

    with ThreadPoolExecutor(1) as pool:
        judged = pool.map(judge, files)
        request = logo_pb2.GetImageRequest(name=logo.image)
        reads = [media.call("LogoService/GetImage", request, HttpBody) for _ in files]
        list(judged)

    assert set(outcomes) == set(files)
    assert len({body.data for body in reads}) == 1


def test_more_imports_than_places_are_sent_away_and_told_when_to_come_back(
    run_service: Callable[..., Running], directory: Path
) -> None:
    media = run_service(MEDIA, media_directory=directory, decoder_slots=1)
    slow = hostile.bitmaps()["BMP of line ends"]

    def outcome(_: int) -> tuple[str, float | None]:
        try:
            attempt(media, slow)
        except (Exhausted, Invalid) as fault:
            return fault.reason, fault.retry_after_seconds
        return "OK", None

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(outcome, range(3)))

    assert outcomes.count(("BUSY", 1)) == 2
    assert set(outcomes) - {("BUSY", 1)} <= {("OK", None), ("IMAGE_TOO_SLOW", None)}


def test_a_directory_that_is_not_there_keeps_the_service_from_starting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COMPTOIR_MEDIA_DIRECTORY", str(tmp_path / "not mounted"))
    monkeypatch.setenv("COMPTOIR_DECODER_SLOTS", "0")
    with pytest.raises(ConfigError) as refused:
        load(MediaSettings)

    assert "COMPTOIR_MEDIA_DIRECTORY: " in str(refused.value)
    assert "COMPTOIR_DECODER_SLOTS: " in str(refused.value)
