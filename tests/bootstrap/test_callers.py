"""The list of callers is checked before a platform is built on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.bootstrap import check_callers
from deploy.local.errors import CannotStart

ROOT = Path(__file__).parents[2]


def test_a_list_of_callers_that_names_what_is_not_there_is_refused(tmp_path: Path) -> None:
    callers = tmp_path / "callers.toml"
    callers.write_text('[services.stranger]\nmethods = ["comptoir.shop.v1.ShopService/Guess"]\n')
    with pytest.raises(CannotStart, match=r"stranger.*no certificate.*Guess, which is no method"):
        check_callers(callers)
    check_callers(ROOT / "deploy" / "callers.toml")
