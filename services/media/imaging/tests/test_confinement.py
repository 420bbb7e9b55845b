"""What a decoding process could still do if a file took it over: nothing that matters (ME6)."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.media.imaging.decoder import DEFAULT_MEMORY_BYTES, Decoder
from services.media.imaging.process import Died, Process
from services.media.imaging.signatures import Format
from services.media.imaging.target import LOGO
from services.media.imaging.tests.hostile import PLAIN
from services.media.imaging.wire import LONGEST_LINE, decode_reply, encode_request

ROOT = Path(__file__).parents[4]
AS_FALSE_ROOT = "as root of a namespace"
# Runs what an intruder would: every attempt is named with the error it met, or "done".
INTRUDER = """
import ctypes, json, os, signal, socket, sys, threading
from services.media.imaging.confine import confine
port, start, user, parent = int(sys.argv[1]), sys.argv[2], 12345, os.getppid()
libc = ctypes.CDLL(None)
def tell(name, line):
    with open(f"/proc/self/{name}", "w") as file:
        file.write(line)
if start != "as started" and os.geteuid() == 0:
    os.setgroups([]); os.setresgid(user, user, user); os.setresuid(user, user, user)
    libc.prctl(4, 1, 0, 0, 0)
if start == "as root of a namespace":
    assert libc.unshare(0x10000000) == 0
    tell("setgroups", "deny"); tell("uid_map", f"0 {user} 1"); tell("gid_map", f"0 {user} 1")
def fork():
    if os.fork() == 0: os._exit(0)
attempts = {
    "read a file": lambda: open("/etc/hostname"),
    "write a file": lambda: open("/tmp/intruder", "w"),
    "list the files": lambda: os.listdir("/"),
    "remove a file": lambda: os.unlink(sys.argv[3]),
    "call the network": lambda: socket.create_connection(("127.0.0.1", port), 5),
    "open a socket": lambda: socket.socket(socket.AF_UNIX),
    "start a process": fork,
    "start a program": lambda: os.execv("/bin/true", ["true"]),
    "start a thread": lambda: threading.Thread(target=print).start(),
    "signal the service": lambda: os.kill(parent, signal.SIGURG),
    "become root": lambda: os.setresuid(0, 0, 0),
    "raise a limit": lambda: __import__("resource").setrlimit(7, (64, 64)),
    "take more memory": lambda: bytearray(512 * 1024 * 1024),
}
confinement = confine(256 * 1024 * 1024, 5)
met = {}
for name, attempt in attempts.items():
    try:
        attempt()
        met[name] = "done"
    except Exception as refused:
        met[name] = type(refused).__name__
met["core"] = libc.prctl(3, 0, 0, 0, 0)
met["privileges"] = libc.prctl(39, 0, 0, 0, 0)
met["users"] = [os.getuid(), os.geteuid(), os.getgid(), os.getegid(), *os.getgroups()]
met["confinement"] = confinement
os.write(1, json.dumps(met).encode())
os._exit(0)
"""


def intrude(tmp_path: Path, start: str) -> dict[str, object]:
    kept = tmp_path / "kept"
    kept.touch()
    tmp_path.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = [str(server.getsockname()[1]), start, str(kept)]
        ended = subprocess.run(
            [sys.executable, "-c", INTRUDER, *arguments], cwd=ROOT, capture_output=True, check=False
        )
    assert kept.exists()
    assert ended.returncode == 0, ended.stderr.decode()
    met = json.loads(ended.stdout)
    assert isinstance(met, dict)
    return met


@pytest.mark.parametrize("start", ["as started", "as an ordinary user", AS_FALSE_ROOT])
def test_intruder_gets_nowhere(tmp_path: Path, start: str) -> None:
    if start == AS_FALSE_ROOT and os.geteuid() != 0:
        pytest.skip("only root may always make namespaces")
    met = intrude(tmp_path, start)
    by_limit = ("read a file", "write a file", "list the files", "call the network", "open a socket")
    assert {"OSError"} == {met[name] for name in by_limit}
    assert (met["start a process"], met["start a thread"]) == ("BlockingIOError", "RuntimeError")
    assert met["become root"] in ("PermissionError", "OSError")
    assert (
        met["raise a limit"],
        met["take more memory"],
        met["core"],
        met["privileges"],
    ) == ("ValueError", "MemoryError", 0, 1)
    users, confinement = met["users"], met["confinement"]
    assert isinstance(users, list)
    assert isinstance(confinement, list)
    assert 0 not in users
    own_user, _, empty_files = confinement
    assert own_user == users[0]
    if empty_files:
        assert (met["remove a file"], met["start a program"]) == ("FileNotFoundError",) * 2
    if os.geteuid() == 0 and start == "as started":
        assert met["signal the service"] == "PermissionError"
        assert own_user > 65_535


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may always make namespaces")
def test_root_gives_decoding_processes_no_network_and_no_files() -> None:
    with Decoder(deadline_seconds=20) as decoder:
        confinement = decoder.check()
    assert (confinement.own_network, confinement.empty_files) == (True, True)


def spawned(python: str = sys.executable) -> tuple[Process, float]:
    deadline = time.monotonic() + 20
    process = Process(python, DEFAULT_MEMORY_BYTES, 5)
    process.greet(deadline)
    return process, deadline


def test_process_starts_without_environment_and_without_descriptors_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("made-up")
    record = tmp_path / "record"
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\ncat /proc/$$/environ >{record}.environment\nls -l /proc/$$/fd >{record}.descriptors\n"
        f'exec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    monkeypatch.setenv("COMPTOIR_TEST_SECRET", "made-up")
    with secret.open() as held:
        os.set_inheritable(held.fileno(), True)
        process, _ = spawned(str(python))
        process.kill()
    assert Path(f"{record}.environment").read_bytes() == b""
    descriptors = Path(f"{record}.descriptors").read_text()
    assert descriptors.count("socket:") == 2
    assert str(secret) not in descriptors


def test_process_killed_in_the_middle_says_so() -> None:
    process, deadline = spawned()
    os.kill(process.id, signal.SIGSTOP)
    os.kill(process.id, signal.SIGKILL)
    with pytest.raises(Died) as caught:
        process.ask(encode_request(PLAIN, Format.PNG, LOGO), LONGEST_LINE, deadline)
    assert caught.value.status == -signal.SIGKILL


def test_process_ends_by_itself_when_its_processor_time_is_up() -> None:
    endless = "from services.media.imaging.confine import confine; confine(1 << 28, 1)\nwhile True: pass"
    ended = subprocess.run([sys.executable, "-c", endless], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGXCPU


def test_killing_one_process_leaves_the_others_at_work() -> None:
    victim, _ = spawned()
    other, deadline = spawned()
    os.kill(victim.id, signal.SIGKILL)
    request = encode_request(PLAIN, Format.PNG, LOGO)
    reply = other.ask(request, LONGEST_LINE + LOGO.size_in_bytes, deadline)
    drawing = decode_reply(reply, LOGO)
    assert drawing[1] == 64
    assert (victim.kill(), other.kill()) == (-signal.SIGKILL, 0)
