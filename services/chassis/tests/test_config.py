"""Settings: every problem at once, no value repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chassis.config import ConfigError, Settings, load


def test_all_problems_are_reported_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COMPTOIR_LISTEN", "nonsense-value")
    monkeypatch.setenv("COMPTOIR_KEK_FILE", str(tmp_path / "absent"))
    with pytest.raises(ConfigError) as refused:
        load(Settings)

    text = str(refused.value)
    assert "COMPTOIR_LISTEN: " in text
    assert "COMPTOIR_KEK_FILE: " in text
    assert "COMPTOIR_ISSUER: " in text
    assert "nonsense-value" not in text
