"""Kept processes: restarted when they die, stopped in order, and never left behind."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deploy.local.errors import CannotStart
from deploy.local.processes import Kept, Program, Supervisor, backoff
from deploy.local.tests.waiting import ends

# Says that it is there by a file of its own number, then waits to be told to end.
READY = "import os, pathlib, signal; pathlib.Path(f'{os.getpid()}.ready').touch(); "


def _program(directory: Path, name: str, code: str) -> Program:
    return Program(
        name=name,
        command=(sys.executable, "-c", code),
        environment={"PATH": os.defpath, "CHILD_NAME": name},
        healthy=lambda: any(directory.glob("*.ready")),
        directory=directory,
    )


def test_the_wait_between_starts_doubles_up_to_five_seconds() -> None:
    assert list(itertools.islice(backoff(), 7)) == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_killed_program_is_started_again(tmp_path: Path, supervisor: Supervisor) -> None:
    kept = supervisor.start(_program(tmp_path, "child", READY + "signal.pause()"))
    kept.wait_healthy()
    first = kept.pid
    kept.kill()
    assert not kept.healthy
    kept.wait_healthy()
    assert first != kept.pid
    assert ends(first, 0)


def test_what_a_killed_program_had_started_ends_with_it(tmp_path: Path, supervisor: Supervisor) -> None:
    code = "import subprocess; worker = subprocess.Popen(['sleep', '600']); print(worker.pid, flush=True); "
    kept = supervisor.start(_program(tmp_path, "child", code + READY + "signal.pause()"))
    kept.wait_healthy()
    worker = int(kept.log.read_text())
    kept.kill()
    assert ends(worker)


def test_a_program_that_ends_before_it_answers_is_reported_with_its_log(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        kept = supervisor.start(_program(tmp_path, "broken", "raise SystemExit(3)"))
        with pytest.raises(CannotStart, match=r"broken ended before it answered; see .*broken\.log"):
            kept.wait_healthy()


def test_a_program_that_never_answers_is_reported(tmp_path: Path, supervisor: Supervisor) -> None:
    kept = supervisor.start(_program(tmp_path, "mute", "import signal; signal.pause()"))
    with pytest.raises(CannotStart, match="mute did not answer within 0 s"):
        kept.wait_healthy(patience=0)


def test_a_missing_program_is_one_line_in_its_log(tmp_path: Path, supervisor: Supervisor) -> None:
    kept = supervisor.start(Program("absent", ("/does/not/exist",), {}, healthy=lambda: False))
    with pytest.raises(CannotStart):
        kept.wait_healthy()
    assert (
        kept.log.read_text().splitlines()[0] == "cannot run /does/not/exist in /: No such file or directory"
    )


def test_all_stop_in_the_reverse_order_of_their_start(tmp_path: Path) -> None:
    code = (
        "import sys; signal.signal(signal.SIGTERM, lambda *_: (open('order', 'a').write(os.environ['CHILD_NAME']), "
        "sys.exit())); pathlib.Path(os.environ['CHILD_NAME'] + '.up').touch(); signal.pause()"
    )
    with Supervisor(tmp_path) as supervisor:
        for name in "abc":
            program = _program(tmp_path, name, "import os, pathlib, signal; " + code)
            up = tmp_path / f"{name}.up"
            supervisor.start(
                Program(name, program.command, program.environment, up.exists, tmp_path)
            ).wait_healthy()
    assert (tmp_path / "order").read_text() == "cba"


def test_a_program_that_ignores_the_request_is_killed_after_the_grace(tmp_path: Path) -> None:
    code = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        + READY
        + "\nwhile True: signal.pause()"
    )
    kept = Kept(_program(tmp_path, "stubborn", code), tmp_path / "log")
    kept.start()
    kept.wait_healthy()
    kept.stop(grace=0.2)
    assert ends(kept.pid, 0)


def test_a_stopped_program_can_be_started_again(tmp_path: Path, supervisor: Supervisor) -> None:
    kept = supervisor.start(_program(tmp_path, "child", READY + "signal.pause()"))
    kept.wait_healthy()
    kept.stop()
    assert not kept.healthy
    kept.start()
    kept.wait_healthy()


def test_a_program_gets_the_given_environment_and_nothing_else(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPTOIR_SECRET_OF_THE_PARENT", "x")
    code = "import json, os; print(json.dumps(dict(os.environ)), flush=True); "
    kept = supervisor.start(_program(tmp_path, "child", code + READY + "signal.pause()"))
    kept.wait_healthy()
    # The C locale makes Python add this one by itself (PEP 538).
    seen = {name: value for name, value in json.loads(kept.log.read_text()).items() if name != "LC_CTYPE"}
    assert {"PATH": os.defpath, "CHILD_NAME": "child"} == seen


def test_running_once_reports_the_program_that_failed(tmp_path: Path, supervisor: Supervisor) -> None:
    good, bad = (
        _program(tmp_path, name, f"raise SystemExit({code})") for name, code in (("good", 0), ("bad", 4))
    )
    with pytest.raises(CannotStart, match=r"bad failed \(exit code 4\); see .*bad\.log"):
        supervisor.run([good, bad])


def test_nothing_is_left_when_the_supervisor_is_killed_outright(tmp_path: Path) -> None:
    code = f"""
import pathlib, signal, sys
from deploy.local.processes import Program, Supervisor
directory = pathlib.Path({str(tmp_path)!r})
supervisor = Supervisor(directory)
for name in ("a", "b"):
    program = Program(name, (sys.executable, "-c", {READY + "signal.pause()"!r}), {{}},
                      lambda: any(directory.glob("*.ready")), directory)
    supervisor.start(program).wait_healthy()
print(supervisor["a"].pid, supervisor["b"].pid, flush=True)
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children = [int(pid) for pid in parent.stdout.readline().split()]
        assert [ends(pid, 0) for pid in children] == [False, False]
        parent.send_signal(signal.SIGKILL)
        assert [ends(pid) for pid in children] == [True, True]


def test_a_program_may_be_kept_from_a_thread_that_ends(tmp_path: Path, supervisor: Supervisor) -> None:
    starter = threading.Thread(
        target=supervisor.start, args=[_program(tmp_path, "child", READY + "signal.pause()")]
    )
    starter.start()
    starter.join()
    supervisor["child"].wait_healthy()
    assert not ends(supervisor["child"].pid, 0.3)
