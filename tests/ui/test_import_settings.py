"""Settings of other programs become a lane's recipe, and the lane says what was left out."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtWidgets import QApplication

from qwqdesk.ui.base import MessageBand
from qwqdesk.ui.conversation.lane_import import left_out, take_settings
from tests.ui.fakes import opened


async def test_a_preset_becomes_the_lanes_recipe(qapp: QApplication, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"temperature": 0.3, "top_k": 7, "made_up_value": 1}))
    async with opened(tmp_path / "data") as d:
        lane = d.window.page.view.lanes[0]
        await take_settings(d.window.desk, lane, file, d.window)
        assert lane.setup.recipe is not None
        assert lane.model.chain.integer("top_k") == 7
        assert lane.setup.recipe.id in [recipe.id for recipe in d.window.desk.recipes]
        bands = lane.output.bands.findChildren(MessageBand)
        assert "made_up_value" in " ".join(band.accessibleName() for band in bands)


async def test_a_file_of_no_kind_changes_nothing(qapp: QApplication, tmp_path: Path) -> None:
    file = tmp_path / "mine.bin"
    file.write_bytes(b"\x00\x01\x02")
    async with opened(tmp_path / "data") as d:
        lane = d.window.page.view.lanes[0]
        before = lane.setup
        await take_settings(d.window.desk, lane, file, d.window)
        assert lane.setup == before


def test_long_lists_are_cut() -> None:
    assert left_out(["a"]) == "Left out: a."
    assert left_out([str(n) for n in range(15)]).endswith("11 and 3 more.")
