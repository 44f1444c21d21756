"""The composer: what sends, what does not, and that no text can freeze it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QFont, QFontMetrics, QInputMethodEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from qwqdesk.errors import UserError
from qwqdesk.ui.conversation.composer import Composer
from qwqdesk.ui.conversation.composer_text import LIMIT
from qwqdesk.ui.conversation.prompt_header import ElidedLines, PromptHeader
from qwqdesk.ui.conversation.text_file import read_text_file


@pytest.fixture
def composer(qtbot: QtBot) -> Composer:
    widget = Composer()
    qtbot.addWidget(widget)
    widget.set_model("QwQ-32B")
    widget.resize(900, 200)
    widget.show()
    return widget


def _button(parent: QWidget, name: str) -> QAbstractButton:
    found = parent.findChild(QAbstractButton, name)
    assert isinstance(found, QAbstractButton)
    return found


def _sent(composer: Composer) -> list[str]:
    sent: list[str] = []
    composer.sendRequested.connect(sent.append)
    return sent


def _note(composer: Composer) -> str:
    note = composer.findChild(QWidget, "composerNote")
    assert isinstance(note, QWidget)
    return note.accessibleName() if note.isVisible() else ""


def _paste(composer: Composer, text: str) -> None:
    data = QMimeData()
    data.setText(text)
    composer.input.insertFromMimeData(data)


def test_enter_sends_and_shift_enter_breaks_the_line(qtbot: QtBot, composer: Composer) -> None:
    sent = _sent(composer)
    qtbot.keyClicks(composer.input, "one")
    qtbot.keyClick(composer.input, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(composer.input, "two")
    assert not sent
    qtbot.keyClick(composer.input, Qt.Key.Key_Return)
    assert sent == ["one\ntwo"]


def test_enter_while_an_input_method_composes_does_not_send(
    qtbot: QtBot, composer: Composer
) -> None:
    sent = _sent(composer)
    composer.input.set_text("안녕")
    QApplication.sendEvent(composer.input, QInputMethodEvent("하세", []))
    qtbot.keyClick(composer.input, Qt.Key.Key_Return)
    assert not sent
    done = QInputMethodEvent("", [])
    done.setCommitString("하세요")
    QApplication.sendEvent(composer.input, done)
    qtbot.keyClick(composer.input, Qt.Key.Key_Return)
    assert sent == ["안녕하세요"]


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_nothing_is_not_sent(qtbot: QtBot, composer: Composer, text: str) -> None:
    sent = _sent(composer)
    composer.set_text(text)
    assert not _button(composer, "sendButton").isEnabled()
    qtbot.keyClick(composer.input, Qt.Key.Key_Return)
    assert not sent


def test_while_it_runs_stop_stands_in_place_of_send(qtbot: QtBot, composer: Composer) -> None:
    sent = _sent(composer)
    composer.set_lanes(2)
    composer.set_running(True)
    composer.set_text("typing stays possible")
    qtbot.keyClick(composer.input, Qt.Key.Key_Return)
    assert not sent
    assert not _button(composer, "sendButton").isVisible()
    assert _button(composer, "stopButton").text() == "Stop all"
    with qtbot.waitSignal(composer.stopRequested):
        _button(composer, "stopButton").click()
    composer.set_running(False)
    _button(composer, "sendButton").click()
    assert sent == ["typing stays possible"]


def test_a_blocked_lane_holds_sending_up(composer: Composer) -> None:
    composer.set_text("Hello")
    composer.set_blocked("Lane B: top-p 1.4, allowed are 0 to 1.")
    assert not _button(composer, "sendButton").isEnabled()
    assert "Lane B" in _button(composer, "sendButton").toolTip()
    composer.set_blocked("")
    assert _button(composer, "sendButton").isEnabled()


def test_enter_says_why_nothing_is_sent(qtbot: QtBot, composer: Composer) -> None:
    sent = _sent(composer)
    note = composer.findChild(QWidget, "composerNote")
    assert isinstance(note, QWidget)
    composer.set_text("Hello")
    composer.set_blocked("Lane B: top-p 1.4, allowed are 0 to 1.")
    assert not note.isVisible()
    qtbot.keyClick(composer.input, Qt.Key.Key_Return)
    assert note.isVisible()
    assert any("Lane B: top-p 1.4" in label.text() for label in note.findChildren(QLabel))
    composer.set_blocked("")
    assert not note.isVisible(), "the note leaves with its reason"
    qtbot.keyClick(composer.input, Qt.Key.Key_Return)
    assert sent == ["Hello"]


def test_without_a_model_one_can_choose_one(qtbot: QtBot, composer: Composer) -> None:
    composer.set_model("")
    assert composer.input.placeholderText() == "Choose a model to start"
    with qtbot.waitSignal(composer.chooseModelRequested):
        _button(composer, "chooseModel").click()


def test_the_meter_says_how_full_the_context_is(composer: Composer) -> None:
    words = composer.findChild(QLabel, "contextWords")
    assert isinstance(words, QLabel)
    assert not words.isVisible()
    composer.set_context(1204, 16384)
    assert words.text() == "1,204 of 16,384 tokens"
    composer.set_context(18204, 16384)
    assert words.property("tone") == "bad"
    assert "Shorten the prompt" in words.toolTip()


def test_it_grows_to_eight_lines(composer: Composer) -> None:
    one = composer.input.height()
    composer.set_text("\n" * 4)
    five = composer.input.height()
    composer.set_text("\n" * 40)
    assert one < five < composer.input.height() < 9 * one


@pytest.mark.parametrize("text", ["word " * 2_000_000, "x" * 10_000_000, "a\n" * 5_000_000])
def test_a_paste_of_ten_megabytes_is_whole_and_quick(composer: Composer, text: str) -> None:
    sent = _sent(composer)
    start = time.process_time()
    _paste(composer, text)
    composer.grab()
    assert time.process_time() - start < 2
    _button(composer, "sendButton").click()
    assert sent == [text]


def test_a_paste_over_the_limit_is_refused_and_the_text_kept(composer: Composer) -> None:
    composer.set_text("Mine")
    _paste(composer, "x" * LIMIT)
    assert composer.text() == "Mine"
    assert "12,000,000" in _note(composer)


def test_backspace_removes_a_huge_paste(qtbot: QtBot, composer: Composer) -> None:
    _paste(composer, "x" * 500_000)
    qtbot.keyClick(composer.input, Qt.Key.Key_Backspace)
    assert composer.text() == ""
    qtbot.keyClicks(composer.input, "new")
    assert composer.text() == "new"


def test_only_plain_text_is_pasted(composer: Composer) -> None:
    data = QMimeData()
    data.setHtml("<b>bold</b><img src='file:///etc/hostname'>")
    data.setText("bold")
    composer.input.insertFromMimeData(data)
    assert composer.text() == "bold"


def test_a_text_file_is_added_to_the_prompt(composer: Composer, tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(b"\xef\xbb\xbfx = 1\r\n")
    composer.set_text("Look:")
    composer.attach_file(file)
    assert composer.text() == "Look:\n\na.py\n```\nx = 1\n```\n"


@pytest.mark.parametrize("content", [b"\0\1\2", b"", None])
def test_other_files_are_refused(composer: Composer, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "b.bin"
    if content is not None:
        file.write_bytes(content)
    composer.attach_file(file)
    assert composer.text() == ""
    assert "b.bin" in _note(composer)
    with pytest.raises(UserError):
        read_text_file(file)


def test_files_of_any_encoding_are_read(tmp_path: Path) -> None:
    file = tmp_path / "c.txt"
    file.write_bytes("안녕".encode("utf-16"))
    assert read_text_file(file) == "안녕"
    file.write_bytes("caf\xe9".encode("latin-1"))
    assert read_text_file(file) == "caf\ufffd"


def test_the_system_prompt_opens_on_demand(qtbot: QtBot, composer: Composer) -> None:
    field = composer.findChild(QPlainTextEdit, "systemPromptInput")
    assert isinstance(field, QPlainTextEdit)
    assert not field.isVisible()
    _button(composer, "systemPromptButton").click()
    assert field.isVisible()
    with qtbot.waitSignal(composer.systemPromptChanged):
        field.setPlainText("Be short.")
    assert composer.system_prompt == "Be short."
    assert _button(composer, "systemPromptButton").text() == "System prompt: Be short."


def test_a_low_window_has_one_row(composer: Composer) -> None:
    tall = composer.sizeHint().height()
    composer.set_low(True)
    QApplication.processEvents()
    assert composer.sizeHint().height() < tall - 20


def test_the_prompt_above_lanes_opens_in_place(qtbot: QtBot) -> None:
    header = PromptHeader()
    qtbot.addWidget(header)
    header.resize(600, 60)
    header.show()
    header.set_text("Write a game. " * 40)
    elided = header.sizeHint().height()
    _button(header, "promptShowAll").click()
    assert header.sizeHint().height() > elided
    for name in ("promptEdit", "promptCopy"):
        assert _button(header, name).accessibleName()
    header.set_text("x" * 10_000_000)
    header.set_text("")
    assert not header.isVisible()


def test_every_control_has_a_name(composer: Composer) -> None:
    for control in composer.findChildren(QAbstractButton):
        assert control.accessibleName()
        assert control.objectName() or control.text() == "Close"


@pytest.mark.parametrize("low", [True, False])
def test_an_attached_file_with_hangul_is_seen_from_its_first_line(
    composer: Composer, tmp_path: Path, low: bool
) -> None:
    composer.set_low(low)
    file = tmp_path / "메모.txt"
    file.write_text("안녕하세요", "utf-8")
    composer.attach_file(file)
    field = composer.input
    assert field.firstVisibleBlock().blockNumber() == 0 or low
    last = field.document().lastBlock()
    bottom = field.blockBoundingGeometry(last).translated(field.contentOffset()).bottom()
    assert bottom <= field.viewport().height()


def test_the_system_prompt_has_a_label(composer: Composer) -> None:
    _button(composer, "systemPromptButton").click()
    field = composer.findChild(QPlainTextEdit, "systemPromptInput")
    assert isinstance(field, QPlainTextEdit)
    names = [words for words in composer.findChildren(QLabel) if words.text() == "System prompt"]
    assert names[0].isVisible()
    assert names[0].buddy() is field
    assert field.property("field") == "box"  # it has an outline, and the ring when it is focused


def test_the_elided_message_gives_tall_letters_room(qtbot: QtBot) -> None:
    header = PromptHeader()
    qtbot.addWidget(header)
    header.resize(600, 60)
    header.show()
    header.set_text("안녕하세요 क्षत्रिय สวัสดี")
    lines = header.findChild(ElidedLines)
    assert lines is not None
    font = QFont(lines.font())
    plain = lines.height()
    font.setPixelSize(60)  # no line of Hangul is as high, but a machine may have no font for it
    lines.setFont(font)
    lines.refit()
    assert lines.height() >= QFontMetrics(font).height() > plain
