"""Every service with a database, found where services lie, so that a new one is tested as soon as it is there."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import services
from services.chassis.service import Service


def _declared(folder: Path) -> Service:
    """The one service that `services/<name>/service.py` declares."""
    declared = vars(import_module(f"services.{folder.name}.service")).values()
    (service,) = [value for value in declared if isinstance(value, Service)]
    assert service.name == folder.name
    return service


SERVICES = {
    path.parent.name: _declared(path.parent)
    for path in sorted(Path(services.__path__[0]).glob("*/migrations"))
}
"""By name. The chassis keeps its own migrations elsewhere, and is none."""
