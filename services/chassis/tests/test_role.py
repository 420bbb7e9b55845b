"""The URL that a command is given is tried before anything is done with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.ports import free
from services.chassis.config import CommandRefused, OwnerSettings
from services.chassis.db.role import owner_url


def test_a_server_that_is_not_there_is_one_line_without_the_password(tmp_path: Path) -> None:
    file, port = tmp_path / "url", free(["postgres"])["postgres"]
    file.write_text(f"postgresql://shop_owner:made-up-password@127.0.0.1:{port}/comptoir_shop")
    with pytest.raises(
        CommandRefused, match=r"COMPTOIR_OWNER_DATABASE_URL_FILE.*Connection refused"
    ) as refused:
        owner_url("shop", OwnerSettings(owner_database_url_file=file))

    assert "made-up-password" not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "written", ["", "mysql://u:made-up-password@h/d", "postgresql://u:made-up-password@[h/d"]
)
def test_what_is_no_url_of_postgresql_is_refused_without_being_shown(tmp_path: Path, written: str) -> None:
    file = tmp_path / "url"
    file.write_text(written)
    with pytest.raises(CommandRefused, match="COMPTOIR_OWNER_DATABASE_URL_FILE") as refused:
        owner_url("shop", OwnerSettings(owner_database_url_file=file))

    assert "made-up-password" not in str(refused.value)
