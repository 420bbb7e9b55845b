"""Keeps programs running: starts each, asks for its health, starts it again if it ends, stops them all."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.accounts import Account
from deploy.local.errors import CannotStart

GRACE = 10.0
"""Seconds a program has to end by itself once asked."""
PATIENCE = 60.0
"""Seconds a program has to become healthy."""

_CHILD = Path(__file__).with_name("child.py")
_POLL = 0.05
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Program:
    """What to run and how to tell that it works. `environment` is all it gets: nothing else is inherited."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    healthy: Callable[[], bool] = lambda: True
    directory: Path = Path("/")
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM


def backoff() -> Iterator[float]:
    """Seconds to wait before each further start: 0.2, doubling up to 5."""
    delay = 0.2
    while True:
        yield delay
        delay = min(2 * delay, 5.0)


def spawn(program: Program, log: Path, hold: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
    """Starts `program` in a session of its own, its output appended to `log`, the descriptors `hold` open."""
    account = (str(program.account.user), str(program.account.group)) if program.account else ("", "")
    wrapper = (
        sys.executable,
        "-I",
        "-S",
        str(_CHILD),
        str(os.getpid()),
        str(int(program.stop_signal)),
        *account,
    )
    with log.open("ab") as output:
        return subprocess.Popen(
            (*wrapper, str(program.directory), *program.command),
            env=program.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=hold,
            start_new_session=True,
            umask=0o077,
        )


class Kept:
    """One program kept running by a thread of its own.

    The thread starts every process itself and outlives it: to the kernel, a child's parent is a thread.
    """

    def __init__(self, program: Program, log: Path, hold: tuple[int, ...] = ()) -> None:
        self.program = program
        self.told: Mapping[str, str] = {}
        """What the next process is told beside what the program's environment says."""
        self.log = log
        self._hold = hold
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._healthy: subprocess.Popen[bytes] | None = None
        self._stillborn = False

    @property
    def pid(self) -> int:
        """The present process, or the last one."""
        if self._process is None:
            raise ProcessLookupError(f"{self.program.name} was never started")
        return self._process.pid

    @property
    def healthy(self) -> bool:
        """Whether the present process has answered as healthy and has not ended since."""
        process = self._healthy
        return process is not None and process.poll() is None

    def start(self) -> None:
        """Begins to keep the program; `wait_healthy` tells when it works."""
        self._stopping.clear()
        self._stillborn = False
        self._healthy = None
        self._thread = threading.Thread(target=self._keep, name=f"keeper of {self.program.name}", daemon=True)
        self._thread.start()

    def wait_healthy(self, patience: float = PATIENCE) -> None:
        """Returns once healthy; `CannotStart` after `patience` seconds, or when the first process ended."""
        deadline = time.monotonic() + patience
        while not self.healthy:
            if self._stillborn or self._thread is None or not self._thread.is_alive():
                raise CannotStart(f"{self.program.name} ended before it answered; see {self.log}")
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"{self.program.name} did not answer within {patience:.0f} s; see {self.log}"
                )
            self._stopping.wait(_POLL)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal to the present process, which is replaced if it ends; SIGKILL is waited for."""
        if self._process is None:
            return
        self._process.send_signal(number)
        if number == signal.SIGKILL:
            self._process.wait()

    def stop(self, grace: float = GRACE) -> None:
        """Ends the program by its own stop signal, after `grace` seconds by force, with all it started."""
        with self._lock:
            self._stopping.set()
            process = self._process
        if self._thread is None:
            return
        if process is not None:
            process.send_signal(self.program.stop_signal)
            self._thread.join(grace)
            if self._thread.is_alive():
                _log.warning("%s did not end within %.0f s and was killed", self.program.name, grace)
                _kill_group(process)
        self._thread.join()
        self._thread = None

    def _keep(self) -> None:
        try:
            self._keep_running()
        finally:
            if self._process is not None:
                _kill_group(self._process)

    def _keep_running(self) -> None:
        delays = backoff()
        while True:
            with self._lock:
                if self._stopping.is_set():
                    return
                program = replace(self.program, environment={**self.program.environment, **self.told})
                process = self._process = spawn(program, self.log, self._hold)
            if self._becomes_healthy(process):
                delays = backoff()
            code = process.wait()
            # What it started, such as worker processes, would go on without it.
            _kill_group(process)
            if self._stopping.is_set():
                return
            self._stillborn = self._stillborn or self._healthy is None
            _log.warning("%s ended (%s) and is started again", self.program.name, _how(code))
            if self._stopping.wait(next(delays)):
                return

    def _becomes_healthy(self, process: subprocess.Popen[bytes]) -> bool:
        while process.poll() is None and not self._stopping.is_set():
            if self.program.healthy() and process.poll() is None:
                self._healthy = process
                return True
            self._stopping.wait(_POLL)
        return False


class Supervisor:
    """Kept programs by name, stopped in the reverse order of their start."""

    def __init__(self, logs: Path, hold: tuple[int, ...] = ()) -> None:
        self._logs = logs
        self._hold = hold
        self._kept: dict[str, Kept] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    def __getitem__(self, name: str) -> Kept:
        return self._kept[name]

    def start(self, program: Program) -> Kept:
        """Begins to keep `program`; its output goes to `<name>.log`."""
        kept = self._kept[program.name] = Kept(program, self._log(program), self._hold)
        kept.start()
        return kept

    def run(self, programs: Iterable[Program]) -> None:
        """Runs `programs` beside each other, once, to their end; raises `CannotStart` when one fails."""
        with contextlib.ExitStack() as stack:
            running = []
            for program in programs:
                process = spawn(program, self._log(program), self._hold)
                stack.callback(_kill_group, process)
                running.append((program, process))
            for program, process in running:
                if code := process.wait():
                    raise CannotStart(f"{program.name} failed ({_how(code)}); see {self._log(program)}")

    def stop(self) -> None:
        """Stops all, the last started first, even when one of them cannot be stopped."""
        with contextlib.ExitStack() as stack:
            for kept in self._kept.values():
                stack.callback(kept.stop)

    def _log(self, program: Program) -> Path:
        return self._logs / f"{program.name}.log"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
