"""Fields of several lines: what is written is seen, whatever letters it has."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QFont, QInputMethodEvent, QTextCharFormat
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from qwqdesk.ui.base import TextArea
from qwqdesk.ui.theme import Theme

_TALL = 34  # px: higher than a line of the theme's font, at every text size


def _tall_lines(area: TextArea, lines: list[str]) -> None:
    """Lines in a font that stands higher than the field's own, as Hangul's does."""
    form = QTextCharFormat()
    font = QFont(area.font())
    font.setPixelSize(_TALL)
    form.setFont(font)
    area.textCursor().insertText("\n".join(lines), form)


def seen_whole(area: TextArea) -> bool:
    """Whether the first and the last line stand inside what is shown."""
    last = area.document().lastBlock()
    bottom = area.blockBoundingGeometry(last).translated(area.contentOffset()).bottom()
    at_top = area.firstVisibleBlock().blockNumber() == 0 and area.contentOffset().y() >= 0
    return bool(at_top and bottom <= area.viewport().height())


@pytest.fixture
def area(qtbot: QtBot) -> TextArea:
    made = TextArea(1, 8)
    qtbot.addWidget(made)
    made.resize(500, 30)
    made.show()
    return made


@pytest.mark.parametrize("percent", [85, 100, 150])
@pytest.mark.parametrize("lines", [1, 2, 3, 8])
def test_lines_of_a_higher_font_are_seen_whole(
    area: TextArea, theme: Theme, lines: int, percent: int
) -> None:
    theme.set_percent(percent)
    _tall_lines(area, ["가나다"] * lines)
    assert seen_whole(area)
    assert area.viewport().height() >= lines * _TALL


@pytest.mark.parametrize(
    "text",
    [
        "안녕하세요\n오늘은 날씨가 좋습니다\n내일 봅시다",
        "สวัสดีปีใหม่ ผู้ใหญ่\nที่นี่\nน้ำ",
        "नमस्ते दुनिया\nक्षत्रिय\nर्द्ध्र्य",
        "👩‍👩‍👧‍👦 🏳️‍🌈\n👍🏽\n😀",
        "Z\u0321\u0322\u0323\u030d\u030e\u030f\u0310a\u0311\u0312\u0313l\ng\u0316\u0317\u0318o\nq",
        "plain\n안녕 mixed नमस्ते 😀\nplain again",
        "one line that is long enough to be broken into several lines " * 4,
    ],
)
def test_every_script_is_seen_whole(qtbot: QtBot, area: TextArea, text: str) -> None:
    area.setPlainText(text)
    assert seen_whole(area)
    area.resize(340, area.height())  # a narrower window breaks the lines anew
    qtbot.waitUntil(lambda: seen_whole(area))


def test_it_grows_to_its_most_lines_and_scrolls_from_there(area: TextArea) -> None:
    _tall_lines(area, ["가나다"] * 8)
    eight = area.height()
    _tall_lines(area, ["", *["가나다"] * 4])
    assert area.height() == eight
    assert area.verticalScrollBar().maximum() > 0
    area.clear()
    assert area.height() < eight / 4


def test_what_an_input_method_composes_has_a_height_too(area: TextArea) -> None:
    area.setPlainText("x")
    one = area.height()
    long = "안녕하세요 " * 40
    QApplication.sendEvent(area, QInputMethodEvent(long, []))
    assert area.height() > 2 * one
    QApplication.sendEvent(area, QInputMethodEvent("", []))
    assert area.height() == one


def test_an_empty_field_has_its_least_lines(qtbot: QtBot) -> None:
    area = TextArea(3, 6)
    qtbot.addWidget(area)
    area.setProperty("field", "box")
    area.show()
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
    inside = area.viewport().height()
    assert 3 * area.fontMetrics().lineSpacing() <= inside < 4 * area.fontMetrics().lineSpacing()
