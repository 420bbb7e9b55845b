"""Any file, however hostile, is converted or refused, in time, and does no harm (ME6)."""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.media.imaging.decoder import ConvertedImage, Decoder
from services.media.imaging.errors import MAX_BYTES, Reason, Refused
from services.media.imaging.tests import hostile, samples

ROOT = Path(__file__).parents[4]
PROMISED_SECONDS = 3.0
SLOW = hostile.bitmaps()["BMP of line ends"]


def outcome(decoder: Decoder, content: bytes) -> tuple[ConvertedImage | Refused, float]:
    started = time.monotonic()
    try:
        return decoder.favicon(content), time.monotonic() - started
    except Refused as refused:
        return refused, time.monotonic() - started


@pytest.mark.parametrize("family", hostile.FAMILIES)
def test_every_hostile_file_is_decided_in_time(family: Callable[[], dict[str, bytes]]) -> None:
    files = family()
    assert max(map(len, files.values())) <= MAX_BYTES
    with Decoder(slots=2) as decoder, ThreadPoolExecutor(2) as pool:
        decided = pool.map(lambda content: outcome(decoder, content), files.values())
        for name, (result, seconds) in zip(files, decided, strict=True):
            assert seconds <= PROMISED_SECONDS, name
            if isinstance(result, ConvertedImage):
                assert samples.opened(result.png).size == (64, 64), name


def test_polyglots_lose_what_is_not_their_picture(decoder: Decoder) -> None:
    for name, content in hostile.polyglots().items():
        png = decoder.logo(content).png
        assert samples.chunk_names(png) == [b"IHDR", b"sRGB", b"IDAT", b"IEND"], name
        assert b"script" not in png, name


def test_conversions_beside_a_hostile_one_are_not_harmed() -> None:
    with Decoder(slots=2, deadline_seconds=20) as decoder:
        alone = decoder.logo(hostile.PLAIN)
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(outcome, decoder, SLOW)
            beside = [decoder.logo(hostile.PLAIN) for _ in range(4)]
        assert {alone.png} == {image.png for image in beside}
        assert isinstance(slow.result()[0], ConvertedImage)


def test_file_that_takes_too_much_memory_is_refused() -> None:
    files = hostile.pngs()
    with Decoder(memory_bytes=96 * 1024 * 1024, deadline_seconds=20) as decoder:
        refused, _ = outcome(decoder, files["PNG of ten million pixels"])
        assert isinstance(refused, Refused)
        assert (refused.reason, refused.metadata) == (Reason.TOO_MUCH_MEMORY, {"limit": "100663296"})
        assert isinstance(decoder.logo(hostile.PLAIN), ConvertedImage)


def mutated(seed: int, count: int) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "services.media.imaging.tests.mutants", str(seed), str(count)]
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)


def test_mutants_of_honest_files_are_converted_or_refused() -> None:
    ended = mutated(seed=1, count=1_200)
    assert (ended.returncode, ended.stdout) == (0, "1200 decided\n"), ended.stderr


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 22))
def test_a_hundred_thousand_mutants_are_converted_or_refused(seed: int) -> None:
    ended = mutated(seed, count=5_000)
    assert (ended.returncode, ended.stdout) == (0, "5000 decided\n"), ended.stderr
