"""What has room in the window, at the sizes and text sizes that people have."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from qwqdesk.settings import Settings
from qwqdesk.ui.base import Toast
from qwqdesk.ui.conversation.lane_footer import LaneStats
from qwqdesk.ui.theme import Theme
from qwqdesk.ui.theme import theme as current_theme
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


LONG = "The little dragon lived on a hill. " * 40


@pytest.mark.parametrize("lanes", [2, 4])
@pytest.mark.parametrize("fair", [False, True])
@pytest.mark.parametrize(
    ("size", "percent"),
    [((960, 600), 100), ((1280, 800), 100), ((1280, 800), 150), ((1920, 1080), 150)],
)
async def test_open_numbers_leave_the_lanes_their_text_and_their_feet(
    qapp: QApplication,
    tmp_path: Path,
    theme: Theme,
    size: tuple[int, int],
    percent: int,
    lanes: int,
    fair: bool,
) -> None:
    theme.set_percent(percent)
    async with opened(tmp_path, Settings(reduce_motion=True, text_size=percent)) as d:
        d.frame.resize(*size)
        for _ in range(lanes - 1):
            d.click("addLaneButton")
        run = await d.send("Write a long story.")
        for lane in range(lanes):
            run.write(lane, LONG, tokens=50)
        run.finish()
        await d.idle()
        if fair:
            d.window.page.fairness.open()
        d.window.page.numbers.toggle()
        panel = d.window.page.numbers.panel
        await d.until(lambda: panel.is_open)
        crowded = fair and percent == 150 and size == (1280, 800)
        least = theme.px(45 if crowded else 90)
        await d.until(partial(_have_room, d, least))
        await d.until(partial(_whole_feet, d))
        if size != (960, 600) and percent == 100:
            await d.until(lambda: panel.table.height() >= 2 * 26)


def _whole_feet(d: Driver) -> bool:
    feet = [child(lane, QWidget, "laneFooter") for lane in d.window.page.view.lanes]
    end = _bottom(d.window.page.views)
    return all(foot.height() == current_theme().px(40) and _bottom(foot) <= end for foot in feet)


def _have_room(d: Driver, least: int) -> bool:
    return all(lane.output.transcript.height() >= least for lane in d.window.page.view.lanes)


async def test_the_columns_of_the_numbers_are_alike_and_stand_under_their_lanes(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.frame.resize(1280, 800)
        d.click("addLaneButton")
        run = await d.send("Hi")
        run.write(0, "one")
        run.write(1, "two")
        run.finish()
        await d.idle()
        d.window.page.numbers.toggle()
        head = d.window.page.numbers.panel.table.horizontalHeader()
        lanes = d.window.page.view.lanes
        await d.until(lambda: abs(head.sectionSize(1) - lanes[0].width()) <= 4)
        begins = [head.sectionViewportPosition(n) for n in (1, 2)]
        inside = [begin - lane.x() for begin, lane in zip(begins, lanes, strict=True)]
        assert abs(inside[0] - inside[1]) <= 4, "as far from its lane's left as the other"
        assert lanes[1].x() <= begins[1] < lanes[1].x() + lanes[1].width()


async def test_icons_keep_clear_of_their_words_when_the_text_grows(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        new = d.find("newConversationButton")
        assert isinstance(new, QPushButton)
        words = new.findChildren(QLabel)[0]
        before = words.x()
        d.window.desk.change(text_size=150)
        assert new.iconSize().width() >= current_theme().px(16)
        await d.until(lambda: words.x() > before)
        assert words.x() >= current_theme().px(28)
        d.window.desk.change(text_size=100)
        await d.until(lambda: words.x() == before)
