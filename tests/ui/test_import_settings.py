"""Settings of other programs become a lane's recipe, and the lane says what was left out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QPushButton

from qwqdesk.ui.base import MessageBand
from qwqdesk.ui.conversation.import_words import left_out
from qwqdesk.ui.conversation.lane_import import take_settings
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


@pytest.mark.parametrize("verb", ["Keep both", "Replace", "Cancel"])
async def test_an_import_does_not_replace_a_recipe_unasked(
    qapp: QApplication, tmp_path: Path, verb: str
) -> None:
    files = [tmp_path / "old" / "calm.json", tmp_path / "new" / "calm.json"]
    for number, file in enumerate(files):
        file.parent.mkdir()
        file.write_text(json.dumps({"temperature": 0.2 + number, "top_k": 7}))
    async with opened(tmp_path / "data") as d:
        lane, desk = d.window.page.view.lanes[0], d.window.desk
        for _ in range(2):  # the same settings once more are no question
            await take_settings(desk, lane, files[0], d.window)
        task = asyncio.ensure_future(take_settings(desk, lane, files[1], d.window))
        dialog = await d.shown("questionDialog")
        (act,) = [b for b in dialog.findChildren(QPushButton) if b.text() == verb]
        act.click()
        await task
        kept = {r.title: r.chain.number("temperature") for r in desk.recipes if not r.builtin}
        assert (
            kept
            == {
                "Keep both": {"calm": 0.2, "calm 2": 1.2},
                "Replace": {"calm": 1.2},
                "Cancel": {"calm": 0.2},
            }[verb]
        )
        assert lane.model.chain.number("temperature") == (0.2 if verb == "Cancel" else 1.2)


def test_long_lists_are_cut() -> None:
    assert left_out(["a"]) == "Left out: a."
    assert left_out([str(n) for n in range(15)]).endswith("11 and 3 more.")
