"""Every update is told with the fields that changed, so no recorded column may be one that the contract leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import inspect

from services.chassis.changes.history import in_contract
from services.chassis.changes.recorder import UPDATE, Recorded
from services.chassis.contract import RESOURCES
from services.chassis.service import Service
from services.chassis.testing.every_service import SERVICES

NEVER_ALONE = {
    "comptoir.identity/Passkey.credential_id": "never changes",
    "comptoir.identity/Passkey.public_key": "never changes",
    "comptoir.identity/Admission.company": "never changes",
    "comptoir.identity/Admission.invitation_id": "never changes",
    "comptoir.identity/Admission.user_id": "never changes",
    "comptoir.identity/RecoveryCodes.digests": "with remaining",
    "comptoir.identity/Totp.sealed": "with create_time",
    "comptoir.media/Logo.image_id": "with import_time",
    "comptoir.shop/Key.generation": "with generate_time",
    "comptoir.shop/Shop.state_before_closing": "with state",
}
"""Columns of our own that no update writes without one that is shown, and why."""


def recorded_classes(service: Service) -> list[type[Any]]:
    mapped = (
        mapper.class_ for mapper in import_module(f"services.{service.name}.rows").Base.registry.mappers
    )
    return [row for row in mapped if hasattr(row, "__recorded__")]


def unshown(row: type[Any]) -> Iterator[str]:
    """Columns of a recorded class that could be all that an update changes, and that nobody would be shown."""
    recorded: Recorded = row.__recorded__
    mapper = inspect(row)
    for attribute in mapper.column_attrs:
        fixed = attribute.key in recorded.omit or attribute.columns[0].primary_key
        if not fixed and not in_contract(recorded.type, recorded.paths.get(attribute.key, attribute.key)):
            yield f"{recorded.type}.{attribute.key}"


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_what_an_update_changes_is_shown(service: Service) -> None:
    found = {
        column
        for row in recorded_classes(service)
        if UPDATE in row.__recorded__.actions and row.__recorded__.type in RESOURCES
        for column in unshown(row)
    }

    assert found - NEVER_ALONE.keys() == set()
