"""Which lane a shortcut means while one writes in the composer."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QPushButton

from tests.ui.fakes import Driver, opened


async def compared(d: Driver, text: str = "Go", lanes: int = 2) -> None:
    while len(d.window.page.view.lanes) < lanes:
        d.press("Ctrl+T")
    run = await d.send(text)
    for number in range(lanes):
        run.write(number, f"answer {number}")
    run.finish()
    await d.idle()
    assert d.find("composerInput").hasFocus()


async def visit(d: Driver, key: str) -> None:
    """Go to a lane and back to the composer."""
    d.press(key)
    d.find("composerInput").setFocus(Qt.FocusReason.OtherFocusReason)
    await d.until(lambda: d.find("composerInput").hasFocus())


async def regenerated(d: Driver) -> int:
    """Press Ctrl+R and let the run end; how many lanes it had."""
    runs = len(d.engine.staged)
    d.press("Ctrl+R")
    await d.until(lambda: len(d.engine.staged) > runs)
    d.engine.staged[-1].write(0, "once more")
    d.engine.staged[-1].finish()
    await d.idle()
    return len(d.engine.runs[-1].lanes)


def menu(d: Driver) -> QMenu | None:
    shown = [m for m in d.window.findChildren(QMenu, "whichLaneMenu") if m.isVisible()]
    return shown[0] if shown else None


async def test_regenerate_means_the_lane_that_was_used_last(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        await visit(d, "Ctrl+1")
        assert await regenerated(d) == 1
        assert (d.answer(0), d.answer(1)) == ("once more", "answer 1")
        await visit(d, "Ctrl+2")
        assert await regenerated(d) == 1
        assert d.answer(1) == "once more"


async def test_regenerate_means_all_lanes_where_none_was_used_since_the_message(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        await compared(d, lanes=3)
        assert await regenerated(d) == 3
        await visit(d, "Ctrl+1")
        await compared(d, "A second message", lanes=3)
        assert await regenerated(d) == 3


async def test_regenerate_means_the_only_lane(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await compared(d, lanes=1)
        assert await regenerated(d) == 1


async def test_remove_asks_which_lane_and_the_question_removes_nothing(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.press("Ctrl+T")
        d.press("Ctrl+T")
        view = d.window.page.view
        d.press("Ctrl+W")
        asked = menu(d)
        assert asked is not None
        assert len(view.lanes) == 3
        assert asked.activeAction() is None, "Enter must not remove one"
        words = [act.text().partition(":")[0] for act in asked.actions()]
        assert words == ["Remove which lane?", "Lane &A", "Lane &B", "Lane &C"]
        asked.close()
        assert len(view.lanes) == 3
        d.press("Ctrl+W")
        asked = menu(d)
        assert asked is not None
        asked.actions()[2].trigger()
        asked.close()
        assert [lane.label for lane in view.lanes] == ["A", "C"]


async def test_remove_means_the_lane_that_was_used_last_and_asks_for_its_text(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        await visit(d, "Ctrl+1")
        d.press("Ctrl+W")
        await d.shown("questionDialog")
        dialog = d.window.findChild(QDialog, "questionDialog")
        assert dialog is not None
        assert dialog.windowTitle() == "Remove lane A?"
        next(b for b in dialog.findChildren(QPushButton) if b.objectName() == "verbButton").click()
        await d.until(lambda: len(d.window.page.view.lanes) == 1)
        assert d.window.page.view.lanes[0].label == "B"


@pytest.mark.parametrize(
    "command", ["save_recipe", "paste_command", "import_settings", "answer_again", "edit_thought"]
)
async def test_other_acts_ask_which_lane_too(
    qapp: QApplication, tmp_path: Path, command: str
) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        d.window.commands.run(command)
        asked = menu(d)
        assert asked is not None
        asked.close()
