"""A PKCS#11 token for tests: SoftHSM 2, in a folder of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pkcs11
import pytest

from services.chassis.vault.token import Token

LABEL, PIN = "comptoir-test", "made-up-pin-1"
_MODULES = [Path(each) / "softhsm/libsofthsm2.so" for each in ("/usr/lib", "/usr/lib64", "/usr/local/lib")]


@dataclass(frozen=True)
class Hsm:
    """A token and where it keeps its objects."""

    module: Path
    objects: Path
    pin_file: Path

    def token(self, **options: float) -> Token:
        return Token(self.module, LABEL, self.pin_file, **options)


@contextmanager
def soft_hsm(directory: Path) -> Iterator[Hsm]:
    """A new token. A process knows one folder of tokens at a time, read whenever the module is initialised."""
    objects, pin_file, configuration = directory / "objects", directory / "pin", directory / "conf"
    objects.mkdir()
    configuration.write_text(f"directories.tokendir = {objects}\nobjectstore.backend = file\n")
    pin_file.write_text(f"{PIN}\n")
    module = next(each for each in _MODULES if each.exists())
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SOFTHSM2_CONF", str(configuration))
        make = ("softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", PIN)
        subprocess.run(make, check=True, capture_output=True)
        pkcs11.lib(str(module)).reinitialize()
        yield Hsm(module, objects, pin_file)
