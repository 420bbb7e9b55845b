"""A PostgreSQL cluster of the project's own: created once, kept on disk, run by a supervisor."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from deploy.local import accounts, files, ports
from deploy.local.binaries import Binaries, locate, within_reach
from deploy.local.errors import CannotStart
from deploy.local.processes import Kept, Program, Supervisor
from deploy.local.servers import Server

ADMINISTRATOR = "postgres"
_LONGEST_SOCKET_PATH = 107
# Above the highest process number of any Linux, and no error to PostgreSQL's reader.
_NO_PROCESS = 2_147_483_646
_PROCESSES = Path("/proc")

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": ports.LOOPBACK,
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    # A failing statement and the row it failed on may hold personal data: neither belongs in a log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_DURABLE: Mapping[str, str] = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_FLEETING: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Cluster:
    """One cluster below `directory`, listening on `port` of loopback.

    Each major version has its own data beside the others. Where the unprivileged account cannot enter
    `directory`, that becomes a link to a place it can enter.
    """

    def __init__(
        self, directory: Path, port: int, environ: Mapping[str, str] = os.environ, *, durable: bool = True
    ) -> None:
        binaries = locate(environ)
        self.port = port
        self.account = accounts.unprivileged(directory / _data_name(binaries))
        self._home = accounts.home(directory.absolute(), self.account)
        self._binaries = within_reach(binaries, self.account, self._home)
        self.data = self._home / _data_name(binaries)
        self._durable = durable
        self._password = files.kept(self._home / f"administrator-{binaries.major}", files.password)
        self.server = Server(
            f"postgresql://{ADMINISTRATOR}:{self._password}@{ports.LOOPBACK}:{port}/postgres"
        )
        self.process: Kept | None = None

    def start(self, supervisor: Supervisor) -> Kept:
        """Creates the cluster if there is none, starts it, and returns once it accepts connections."""
        if not self.data.exists():
            self._create()
        self._forget_stale_process()
        self.process = supervisor.start(self._program())
        self.process.wait_healthy()
        return self.process

    def url(self, database: str, user: str, password: str) -> str:
        """The URL of a database of this cluster for a user."""
        return self.server.url(database, user, password)

    @property
    def socket_directory(self) -> Path | None:
        """Where the unix socket lies, or None where its path would be too long for a socket's address."""
        directory = self._home / "run"
        path = directory / f".s.PGSQL.{self.port}"
        return directory if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH else None

    def accepts_connections(self) -> bool:
        """Whether the administrator can connect now."""
        try:
            self.server.administrator().close()
        except psycopg.OperationalError:
            return False
        return True

    def _program(self) -> Program:
        settings = {**_SETTINGS, **(_DURABLE if self._durable else _FLEETING), "port": str(self.port)}
        if socket_directory := self.socket_directory:
            self._own_directory(socket_directory)
        settings["unix_socket_directories"] = str(socket_directory or "")
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            command=(self._binaries.program("postgres"), "-D", str(self.data), *options),
            environment={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            healthy=self.accepts_connections,
            directory=self.data,
            account=self.account,
            # "Fast shutdown": sessions are ended, nothing waits for them.
            stop_signal=signal.SIGINT,
        )

    def _create(self) -> None:
        draft = self.data.with_name(f"{self.data.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        self._own_directory(draft)
        password = self.data.with_name("administrator.draft")
        files.write(password, self._password.encode())
        self._own(password)
        try:
            self._initialise(draft, password)
        finally:
            password.unlink()
        # Renamed last: what bears its final name is complete, even if this process was once killed half-way.
        draft.rename(self.data)

    def _initialise(self, draft: Path, password: Path) -> None:
        answer = accounts.run(
            [
                self._binaries.program("initdb"),
                f"--pgdata={draft}",
                f"--username={ADMINISTRATOR}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                *_locale(self._binaries),
                *(() if self._durable else ("--no-sync",)),
            ],
            self.account,
        )
        if answer.returncode:
            reason = (answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"])[-1]
            raise CannotStart(f"PostgreSQL's initdb failed: {reason}")

    def _own_directory(self, directory: Path) -> None:
        files.private_directory(directory)
        self._own(directory)

    def _own(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.user, self.account.group)

    def _forget_stale_process(self) -> None:
        """Shows PostgreSQL that a crash's lock file is stale, even where its process number is in use again.

        The file stays: by its other lines PostgreSQL finds out whether sessions of the dead server still run.
        """
        file = self.data / "postmaster.pid"
        if not file.exists() or not (_PROCESSES / "self" / "cwd").exists():
            return
        number, *rest = file.read_text().splitlines()
        if not _works_in(number, self.data):
            files.write(file, "\n".join([str(_NO_PROCESS), *rest, ""]).encode())
            self._own(file)


@contextmanager
def temporary_cluster(environ: Mapping[str, str] = os.environ, *, durable: bool = False) -> Iterator[Cluster]:
    """A running, empty cluster, removed afterwards; unless `durable`, faster than a crash would forgive."""
    with tempfile.TemporaryDirectory(prefix="comptoir-") as name:
        directory = Path(name)
        # Its parent is open to all; the account must pass through.
        directory.chmod(0o711)
        try:
            with Supervisor(directory) as supervisor:
                cluster = Cluster(
                    directory / "postgres", ports.free(["postgres"])["postgres"], environ, durable=durable
                )
                cluster.start(supervisor)
                yield cluster
        finally:
            accounts.erase(directory / "postgres")


def _works_in(number: str, directory: Path) -> bool:
    try:
        return (_PROCESSES / number / "cwd").resolve(strict=True) == directory.resolve()
    except OSError:
        # None of that number, a stranger's, or one that ended and was never waited for.
        return False


def _data_name(binaries: Binaries) -> str:
    return f"data-{binaries.major}"


def _locale(binaries: Binaries) -> tuple[str, ...]:
    """The order of bytes with Unicode's notion of letters, the same on every machine."""
    if binaries.major >= 17:
        return ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    return ("--locale=C.UTF-8",)
