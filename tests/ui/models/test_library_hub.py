"""Checks that ask the publisher: that a question nobody answers can be ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from qwqdesk.ui.models.library_table import Column
from tests.hub.loopback_hub import LoopbackHub
from tests.ui.models.test_library_view import put, shelf


async def test_a_check_ends_at_once_while_the_hub_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "tiny/T-GGUF/T-Q4_K_M.gguf")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with LoopbackHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        hub.fault("delay", on="api", times=-1, seconds=60)
        async with shelf(tmp_path) as lib:
            row = lib.select("T-Q4_K_M")
            lib.view._act("verify", lib.table.model().index(row, 0).data(Qt.ItemDataRole.UserRole))
            await lib.driver.until(lambda: hub.asked("api"))
            lib.key("T-Q4_K_M", Qt.Key.Key_Escape)
            await lib.driver.until(lambda: lib.cell(row, Column.CHECK) == "Not checked", 2.0)
            assert not lib.said()
