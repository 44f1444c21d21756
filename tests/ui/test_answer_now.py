"""Answer now: a lane's reasoning is ended by the user, in the window over a scripted engine."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from qwqdesk.engine.events import ReasoningClosed
from tests.ui.fakes import Driver, opened

ASKED = "the reasoning was closed on request"
AT_BUDGET = "the reasoning was closed at its budget of 2000 tokens"


def head(d: Driver, lane: int) -> str:
    found = d.find("reasoningToggle", d.lane(lane))
    assert isinstance(found, QAbstractButton)
    return found.accessibleName()


def has_button(d: Driver, lane: int) -> bool:
    found = d.lane(lane).findChildren(QWidget, "answerNowButton")
    return any(widget.isVisible() for widget in found)


async def test_a_lane_is_told_to_answer_and_says_that_it_was(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("Count to ten.")
        run.write(0, thought="one")
        run.write(1, thought="eins")
        await d.until(lambda: has_button(d, 0) and has_button(d, 1))
        button = d.find("answerNowButton", d.lane(1))
        button.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(button, Qt.Key.Key_Space)
        assert (run.take_asked_to_close(0), run.take_asked_to_close(1)) == (False, True)
        assert head(d, 1).startswith("Closing the reasoning")
        assert not has_button(d, 1)
        assert has_button(d, 0)
        assert d.lane(1).isAncestorOf(d.window.focusWidget() or d.window)
        run.write(1, "zehn")
        run.finish(1, detail=ASKED)
        run.write(0, "ten")
        run.finish(0)
        await d.idle()
        await d.until(lambda: "closed by you" in head(d, 1))
        assert "closed" not in head(d, 0)
        assert not has_button(d, 0)


async def test_what_the_budget_ended_says_so_also_from_the_history(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Count to ten.")
        run.write(0, thought="one two three")
        run.put(ReasoningClosed(0, 3, "budget"))
        await d.shown("reasoningToggle")
        await d.until(lambda: "Closing" in head(d, 0))
        assert not has_button(d, 0)
        run.write(0, "ten")
        run.finish(detail=AT_BUDGET)
        await d.idle()
        words = "closed at the budget of 2,000 tokens"
        await d.shown("reasoningToggle")
        await d.until(lambda: words in head(d, 0))
        number = d.window.page.view.conversation_id or 0
        d.window.page.open_new()
        d.window.page.views.open(number)
        await d.shown("reasoningToggle")
        await d.until(lambda: words in head(d, 0))


async def test_the_palette_ends_the_reasoning_of_the_lane_with_the_focus(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("Count to ten.")
        run.write(0, thought="one")
        run.write(1, thought="eins")
        await d.until(lambda: has_button(d, 0) and has_button(d, 1))
        d.find("recipePicker", d.lane(0)).setFocus()
        d.window.commands.run("answer_now")
        assert run.take_asked_to_close(0)
        run.finish()
        await d.idle()
        d.window.commands.run("answer_now")  # nothing thinks any more
