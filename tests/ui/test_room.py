"""What has room in the window, at the sizes and text sizes that people have."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from qwqdesk.ui.base import Toast
from qwqdesk.ui.conversation.lane_footer import LaneStats
from tests.ui.fakes import Driver, child, opened


async def test_the_chain_of_a_single_lane_has_room_for_its_meanings(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.frame.resize(1280, 800)
        d.window.page.acts.toggle_editors()
        editor = await d.shown("chainEditor")
        await d.until(lambda: editor.width() >= 500)
        assert editor.width() <= 600
        await d.until(lambda: editor.property("density") == "snug")


async def test_a_toast_covers_no_foot_of_a_lane(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("Hi")
        run.write(0, "a")
        run.write(1, "b")
        run.finish()
        await d.idle()
        for numbers in (False, True):
            if numbers:
                d.window.page.numbers.toggle()
            toast = Toast(d.window.page, "Copied")
            feet = [child(d.lane(n), QWidget, "laneFooter") for n in (0, 1)]
            d.frame.resize(d.frame.width() + 8, d.frame.height())
            await d.until(partial(_all_below, toast, feet))
            toast.close_now()


def _all_below(toast: QWidget, feet: Sequence[QWidget]) -> bool:
    return _bottom(toast) < min(map(_top, feet))


def _top(part: QWidget) -> int:
    return part.mapToGlobal(QPoint(0, 0)).y()


def _bottom(part: QWidget) -> int:
    return _top(part) + part.height()


async def test_numbers_of_a_reply_are_selected_by_dragging_and_opened_by_a_click(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("Hi")
        run.write(0, "a")
        run.finish()
        await d.idle()
        stats = child(d.lane(0), LaneStats, "laneStats")
        panel = d.window.page.numbers.panel
        middle = stats.height() // 2
        QTest.mousePress(stats, Qt.MouseButton.LeftButton, pos=QPoint(0, middle))
        QTest.mouseMove(stats, QPoint(stats.width() // 2, middle))
        QTest.mouseMove(stats, QPoint(stats.width() - 1, middle))
        QTest.mouseRelease(stats, Qt.MouseButton.LeftButton, pos=QPoint(stats.width() - 1, middle))
        assert stats.selected_text.startswith("5 tokens, 5.0 tokens/s")
        assert not panel.is_open
        QTest.keyClick(stats, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        assert QGuiApplication.clipboard().text() == stats.selected_text
        QTest.mouseClick(stats, Qt.MouseButton.LeftButton, pos=QPoint(5, middle))
        assert stats.selected_text == ""
        await d.until(lambda: panel.is_open)


async def test_the_answer_stands_where_it_stood_after_regenerating(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Hi")
        run.write(0, "first")
        run.finish()
        await d.idle()
        before = _top(d.find("answerSection"))
        for count, text in enumerate(("second", "third"), 2):
            d.click("regenerateButton")
            await d.until(partial(_has_runs, d, count))
            d.engine.staged[-1].write(0, text)
            d.engine.staged[-1].finish()
            await d.idle()
            await d.until(partial(_answers, d, text))
            assert _top(d.find("answerSection")) == before


def _has_runs(d: Driver, count: int) -> bool:
    return len(d.engine.staged) == count


def _answers(d: Driver, text: str) -> bool:
    return d.answer(0) == text
