"""The pool of decoding processes: bounded, in time, and out of reach of what happens inside one (ME6)."""

import os
import select
import signal
import subprocess
import sys
import threading
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from services.media.imaging.decoder import Decoder
from services.media.imaging.errors import Exhausted, Reason, Refused
from services.media.imaging.tests import impostors, samples
from services.media.imaging.tests.hostile import PLAIN
from services.media.imaging.tests.impostors import impostor

ROOT = Path(__file__).parents[4]
TEN_SECONDS = 10_000


def children() -> set[int]:
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def gone(process: int) -> bool:
    """Whether a process ends within ten seconds."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    with os.fdopen(handle, "rb", buffering=0):
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(TEN_SECONDS))


@pytest.mark.parametrize("behaviour", impostors.AFTER_THE_FILE.values(), ids=impostors.AFTER_THE_FILE)
def test_process_that_fails_on_a_file_refuses_that_file(tmp_path: Path, behaviour: str) -> None:
    with Decoder(deadline_seconds=20, python=impostor(tmp_path, behaviour)) as decoder:
        with pytest.raises(Refused) as caught:
            decoder.logo(PLAIN)
        assert caught.value.reason == Reason.UNREADABLE
        assert caught.value.message == "The image in the file is damaged and cannot be read."


@pytest.mark.parametrize("behaviour", impostors.OUT_OF_TIME.values(), ids=impostors.OUT_OF_TIME)
def test_process_that_is_late_is_ended_and_its_file_refused(tmp_path: Path, behaviour: str) -> None:
    large = PLAIN + bytes(1_000_000)
    before = children()
    with Decoder(deadline_seconds=1.25, python=impostor(tmp_path, behaviour)) as decoder:
        with pytest.raises(Refused) as caught:
            decoder.logo(large)
        assert (caught.value.reason, caught.value.metadata) == (Reason.TOO_SLOW, {"limit": "1.25"})
        assert caught.value.message == "Reading the image takes more than 1.25 seconds."
    assert before == children()


@pytest.mark.parametrize("behaviour", impostors.NEVER_READY.values(), ids=impostors.NEVER_READY)
def test_process_that_does_not_get_ready_is_not_the_fault_of_the_file(tmp_path: Path, behaviour: str) -> None:
    before = children()
    with Decoder(deadline_seconds=0.5, python=impostor(tmp_path, behaviour)) as decoder:
        for call in (decoder.check, lambda: decoder.logo(PLAIN)):
            with pytest.raises(Exhausted) as caught:
                call()
            assert caught.value.reason == "DECODER_UNAVAILABLE"
    assert before == children()


def test_decoder_that_can_never_start_is_not_made() -> None:
    with pytest.raises(OSError, match="no-such-python"):
        Decoder(python="/no-such-python")


def test_more_files_than_slots_are_sent_away_at_once(tmp_path: Path) -> None:
    together = threading.Barrier(6)

    def attempt(decoder: Decoder) -> str:
        together.wait()
        try:
            decoder.logo(PLAIN)
        except (Exhausted, Refused) as failure:
            return str(failure.reason)
        return "converted"

    python = impostor(tmp_path, impostors.OUT_OF_TIME["never answers"])
    with Decoder(slots=2, deadline_seconds=1.25, python=python) as decoder, ThreadPoolExecutor(6) as pool:
        results = sorted(pool.map(attempt, [decoder] * 6))
    assert results == ["DECODERS_BUSY"] * 4 + ["TOO_SLOW"] * 2


def test_slot_is_free_again_after_every_outcome(tmp_path: Path) -> None:
    with Decoder(slots=1, deadline_seconds=20) as decoder:
        for content in (PLAIN, b"", PLAIN[:99], b"text", samples.scan_bomb(101, side=64), PLAIN):
            try:
                decoder.logo(content)
            except Refused:
                continue
    with Decoder(slots=1, deadline_seconds=0.5, python=impostor(tmp_path, "sys.exit(1)")) as decoder:
        for _ in range(2):
            with pytest.raises(Exhausted) as caught:
                decoder.logo(PLAIN)
            assert caught.value.reason == "DECODER_UNAVAILABLE"


def test_spare_process_killed_while_idle_is_replaced() -> None:
    before = children()
    with Decoder(deadline_seconds=20) as decoder:
        for _ in range(2):
            (spare,) = children() - before
            os.kill(spare, signal.SIGKILL)
            assert decoder.logo(PLAIN).width == 312


def test_process_serves_one_file_only() -> None:
    before = children()
    with Decoder(deadline_seconds=20) as decoder:
        spares = []
        for _ in range(3):
            (spare,) = children() - before
            spares.append(spare)
            decoder.logo(PLAIN)
        assert len(set(spares)) == 3


def test_closing_ends_the_spare_process_and_refuses_more() -> None:
    before = children()
    decoder = Decoder(deadline_seconds=20)
    decoder.close()
    decoder.close()
    assert before == children()
    with pytest.raises(Exhausted) as caught:
        decoder.logo(PLAIN)
    assert (caught.value.reason, caught.value.retry_seconds) == ("DECODER_UNAVAILABLE", 20)


def test_processes_end_when_their_service_is_killed() -> None:
    service = (
        "import os, pathlib; from services.media.imaging.decoder import Decoder; decoder = Decoder();"
        "print(*[t.read_text() for t in pathlib.Path('/proc/self/task').glob('*/children')], flush=True);"
        "os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", service], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, len(ended.stdout.split())) == (-signal.SIGKILL, 1)
    assert gone(int(ended.stdout))


def test_conversion_works_from_the_threads_of_a_grpc_server() -> None:
    def convert(content: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            return decoder.logo(content).png
        except Exhausted as busy:
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, busy.reason)
            raise

    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(convert)
    with Decoder(slots=2, deadline_seconds=20) as decoder:
        server = grpc.server(futures.ThreadPoolExecutor(4))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", {"Convert": handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/test/Convert")
                pending = [call.future(PLAIN) for _ in range(12)]
                codes = [answer.code() for answer in pending]
                assert (
                    {grpc.StatusCode.OK}
                    <= set(codes)
                    <= {
                        grpc.StatusCode.OK,
                        grpc.StatusCode.RESOURCE_EXHAUSTED,
                    }
                )
                served = {answer.result() for answer in pending if answer.code() == grpc.StatusCode.OK}
                assert {decoder.logo(PLAIN).png} == served
        finally:
            server.stop(None).wait()
