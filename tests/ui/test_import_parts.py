"""A file with several sets of settings: the user chooses one in a dialog."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PySide6.QtWidgets import QApplication, QDialog, QListWidget, QPushButton

from qwqdesk.ui.base import MessageBand
from qwqdesk.ui.conversation.lane_import import take_settings
from tests.ui.fakes import Driver, opened

INI = "[qwq-calm]\ntemp = 0.2\ntop-k = 7\n[qwq-free]\ntemp = 1.3\nmodel = /m.gguf\n"


async def test_the_chosen_set_becomes_the_lanes_recipe(qapp: QApplication, tmp_path: Path) -> None:
    file = tmp_path / "models.ini"
    file.write_text(INI)
    async with opened(tmp_path / "data") as d:
        lane = d.window.page.view.lanes[0]
        task = asyncio.ensure_future(take_settings(d.window.desk, lane, file, d.window))
        dialog = await _choice_dialog(d)
        choices = dialog.findChild(QListWidget, "choices")
        assert choices is not None
        names = [choices.item(row).text() for row in range(choices.count())]
        assert names == ["qwq-calm", "qwq-free"]
        choices.setCurrentRow(1)
        _press(dialog, "verbButton")
        await task
        assert lane.model.chain.number("temperature") == 1.3
        assert lane.setup.recipe is not None
        assert lane.setup.recipe.title == "models qwq-free"
        bands = lane.output.bands.findChildren(MessageBand)
        (note,) = [band for band in bands if "Left out: model." in band.accessibleName()]
        assert note.isVisible(), "also above the first sentence of an empty chat"


async def test_cancelling_changes_nothing(qapp: QApplication, tmp_path: Path) -> None:
    file = tmp_path / "models.ini"
    file.write_text(INI)
    async with opened(tmp_path / "data") as d:
        lane = d.window.page.view.lanes[0]
        before = lane.setup
        task = asyncio.ensure_future(take_settings(d.window.desk, lane, file, d.window))
        dialog = await _choice_dialog(d)
        _press(dialog, "cancelButton")
        await task
        assert lane.setup == before
        assert not any(recipe.id.startswith("models") for recipe in d.window.desk.recipes)


async def _choice_dialog(d: Driver) -> QDialog:
    await d.until(lambda: d.window.findChild(QDialog, "choiceDialog"))
    dialog = d.window.findChild(QDialog, "choiceDialog")
    assert dialog is not None
    return dialog


def _press(dialog: QDialog, name: str) -> None:
    found = dialog.findChild(QPushButton, name)
    assert found is not None
    found.click()
