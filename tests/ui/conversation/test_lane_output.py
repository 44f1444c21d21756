"""A lane's output: the life of a reply, what its foot says, and when scrolling follows."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QLabel,
    QPushButton,
    QTextEdit,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from qwqdesk.conversation import Loop, Reply, Timing, Usage
from qwqdesk.errors import UserError
from qwqdesk.reasoning import Span
from qwqdesk.ui.conversation.lane_output import LaneOutput, width_class
from qwqdesk.ui.conversation.reasoning_section import ReasoningSection
from qwqdesk.ui.theme import Theme

USAGE = Usage(prompt_tokens=20, reasoning_tokens=6212, answer_tokens=1486)
TIMING = Timing(tokens_per_second=17.0, first_token_s=1.9, reasoning_s=365.0)
THOUGHT = [Span("tag", "<think>\n"), Span("reasoning", "Hmm."), Span("tag", "</think>")]


@pytest.fixture
def lane(qtbot: QtBot) -> LaneOutput:
    output = LaneOutput()
    qtbot.addWidget(output)
    output.resize(520, 600)
    output.show()
    return output


def _settle(qtbot: QtBot, lane: LaneOutput) -> None:
    reply = lane.reply
    assert reply is not None
    qtbot.waitUntil(lambda: not reply.busy, timeout=5000)
    qtbot.wait(1)


def _reasoning(lane: LaneOutput) -> ReasoningSection:
    section = lane.findChild(ReasoningSection, "reasoningSection")
    assert isinstance(section, ReasoningSection)
    return section


def _button(lane: QWidget, name: str) -> QAbstractButton:
    found = lane.findChild(QAbstractButton, name)
    assert isinstance(found, QAbstractButton)
    return found


def _stats(lane: LaneOutput) -> str:
    return _button(lane, "laneStats").text()


def test_the_life_of_a_reply(qtbot: QtBot, lane: LaneOutput) -> None:
    lane.start(seed=3407)
    assert _button(lane, "laneStopButton").isVisible()
    lane.set_progress("Reading prompt 62 %")
    progress = lane.findChild(QLabel, "laneProgress")
    assert isinstance(progress, QLabel)
    assert progress.text() == "Reading prompt 62 %"
    lane.append(THOUGHT, tokens=5, reasoning_tokens=5)
    lane.append([Span("answer", "\n\nThe **answer**.")], tokens=4)
    lane.finish("stop", None, USAGE, TIMING)
    _settle(qtbot, lane)
    assert not progress.isVisible()
    head = _button(lane, "reasoningToggle")
    assert head.text() == "Thought for 6 min 5 s"
    assert "6,212 tokens" in head.accessibleName()
    assert not _reasoning(lane).is_open()
    assert "7,698 tokens" in _stats(lane)
    assert "seed 3407" in _stats(lane)
    assert "1.9 s to first token" in _stats(lane)
    assert not _button(lane, "laneStopButton").isVisible()
    assert _button(lane, "keepButton").isVisible()
    _button(lane, "copyButton").click()
    assert QGuiApplication.clipboard().text() == "\n\nThe **answer**."


def test_nothing_of_the_reasoning_is_lost(qtbot: QtBot, lane: LaneOutput) -> None:
    text = "a\n\nb " * 5000
    lane.start()
    lane.append([Span("reasoning", text)])
    lane.finish("cancelled", None, Usage(), Timing())
    _settle(qtbot, lane)
    assert _reasoning(lane).toPlainText() == text
    assert _reasoning(lane).state == "cut"


def test_reasoning_that_the_user_has_opened_stays_open(qtbot: QtBot, lane: LaneOutput) -> None:
    lane.start(reasoning_open=True)
    lane.append([Span("reasoning", "One.\nTwo.\nThree.\nFour.\nFive.")])
    qtbot.waitUntil(lambda: _reasoning(lane).state == "thinking")
    _button(lane, "reasoningToggle").click()
    lane.append([Span("tag", "</think>"), Span("answer", "Done.")])
    lane.finish("stop", None, USAGE, TIMING)
    _settle(qtbot, lane)
    assert _reasoning(lane).is_open()


def test_a_reply_without_reasoning_shows_none(qtbot: QtBot, lane: LaneOutput) -> None:
    lane.start()
    lane.append([Span("answer", "Hello.")], tokens=2)
    lane.finish("stop", None, Usage(answer_tokens=2), Timing())
    _settle(qtbot, lane)
    assert not _reasoning(lane).isVisible()


def test_an_empty_thought_is_named_so(qtbot: QtBot, lane: LaneOutput) -> None:
    lane.start()
    lane.append([Span("tag", "<think>"), Span("tag", "</think>"), Span("answer", "Hi.")])
    lane.finish("stop", None, Usage(), Timing())
    _settle(qtbot, lane)
    assert _button(lane, "reasoningToggle").text() == "No reasoning"


def test_a_loop_is_said_and_can_be_continued(qtbot: QtBot, lane: LaneOutput) -> None:
    repeat = "Wait, let me check. "
    lane.start()
    lane.append([Span("reasoning", "Start. " + repeat * 9)])
    lane.set_loop(Loop(3412, 15, 3.9, repeat))
    stop = _button(lane, "loopStopButton")
    lane.set_loop(Loop(3412, 15, 7.8, repeat))
    assert lane.findChild(QPushButton, "continueButton") is None
    assert _button(lane, "loopStopButton") is stop  # who is about to press it still can
    with qtbot.waitSignal(lane.stopRequested):
        stop.click()
    lane.finish("loop", None, USAGE, TIMING)
    _settle(qtbot, lane)
    band = lane.findChild(QWidget, "loopBand")
    assert isinstance(band, QWidget)
    assert band.accessibleName().startswith("Looped from token 3,412: 15 tokens, 7 times")
    with qtbot.waitSignal(lane.continueRequested):
        _button(lane, "continueButton").click()


def test_an_error_stands_in_the_lane(qtbot: QtBot, lane: LaneOutput) -> None:
    lane.start()
    lane.show_error(UserError("The context is full.", "Raise it."))
    band = lane.findChild(QWidget, "errorBand")
    assert isinstance(band, QWidget)
    assert band.isVisible()
    assert "The context is full. Raise it." in band.accessibleName()
    assert not lane.running
    with qtbot.waitSignal(lane.regenerateRequested):
        _button(lane, "tryAgainButton").click()


@pytest.mark.parametrize(
    ("name", "signal"),
    [("laneStopButton", "stopRequested"), ("regenerateButton", "regenerateRequested"),
     ("keepButton", "keepRequested"), ("laneStats", "numbersRequested")],
)  # fmt: skip
def test_each_act_says_what_is_wanted(
    qtbot: QtBot, lane: LaneOutput, name: str, signal: str
) -> None:
    lane.start()
    if name != "laneStopButton":
        lane.finish("stop", None, USAGE, TIMING)
    with qtbot.waitSignal(getattr(lane, signal)):
        qtbot.mouseClick(_button(lane, name), Qt.MouseButton.LeftButton)


def test_scrolling_follows_only_at_the_end(qtbot: QtBot, lane: LaneOutput) -> None:
    bar = lane.transcript.verticalScrollBar()
    lane.start()
    lane.append([Span("answer", "Line.\n\n" * 80)])
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == bar.maximum())
    bar.setValue(10)
    lane.append([Span("answer", "More.\n\n" * 20)])
    pill = _button(lane, "newTextPill")
    qtbot.waitUntil(pill.isVisible)
    assert bar.value() == 10
    pill.click()
    assert bar.value() == bar.maximum()
    assert not pill.isVisible()
    lane.append([Span("answer", "Last.\n\n" * 20)])
    _settle(qtbot, lane)
    qtbot.waitUntil(lambda: bar.value() == bar.maximum())


def test_regenerating_replaces_the_reply(qtbot: QtBot, lane: LaneOutput) -> None:
    lane.start()
    lane.append([Span("answer", "Old.")])
    lane.finish("stop", None, USAGE, TIMING)
    lane.restart(seed=1)
    lane.append([Span("answer", "New.")])
    lane.finish("stop", None, USAGE, TIMING)
    _settle(qtbot, lane)
    assert lane.reply is not None
    assert lane.reply.answer_source == "New."
    assert len(lane.transcript.replies) == 1


def test_a_chat_keeps_the_numbers_of_older_replies(qtbot: QtBot) -> None:
    lane = LaneOutput(single=True)
    qtbot.addWidget(lane)
    lane.resize(900, 700)
    lane.show()
    for number in range(2):
        lane.show_prompt(f"Question {number}")
        lane.show_reply(_reply(number))
    _settle(qtbot, lane)
    assert len(lane.findChildren(QAbstractButton, "laneStats")) == 1
    assert len(lane.findChildren(QAbstractButton, "pastStats")) == 1
    assert len(lane.findChildren(QWidget, "answerSection")) == 1
    assert not _button(lane, "keepButton").isVisible()
    lane.set_single(False)
    assert _button(lane, "keepButton").isVisible()
    lane.clear()
    assert not lane.transcript.replies


def _reply(number: int) -> Reply:
    return Reply(
        number, number, "A", reasoning="Hm.", answer=f"Answer *{number}*.", finish_reason="stop",
        usage=USAGE, timing=TIMING, sampling={"seed": 3407},
    )  # fmt: skip


def test_a_huge_reply_from_the_history_is_drawn_in_slices(qtbot: QtBot, lane: LaneOutput) -> None:
    big = Reply(1, 1, "A", reasoning="r " * 200_000, answer="word\n\n" * 20_000)
    lane.show_reply(big)
    assert lane.reply is not None
    assert lane.reply.busy
    lane.clear()


def test_a_cut_reply_says_so(qtbot: QtBot, lane: LaneOutput) -> None:
    lane.show_reply(Reply(1, 1, "A", reasoning="Half a thou", usage=USAGE))
    _settle(qtbot, lane)
    assert lane.findChild(QWidget, "reasoningNotClosed").isVisible()  # type: ignore[union-attr]


def test_what_does_not_fit_leaves_whole(lane: LaneOutput) -> None:
    lane.start(seed=3407)
    lane.finish("stop", None, USAGE, TIMING)
    stats = lane.footer.stats
    units = []
    for width in (700, 270, 180, 80):
        stats.resize(width, 28)
        units.append([unit for _, unit in stats.shown_parts()])
    assert units == [
        ["tokens", "tokens/s", "to first token", "seed 3407"],
        ["tokens", "tokens/s", "seed 3407"],
        ["tokens", "tokens/s"],
        ["tokens"],
    ]


def test_width_classes_do_not_flip() -> None:
    assert width_class(460, "compact") == "compact"
    assert width_class(468, "compact") == "normal"
    assert width_class(460, "normal") == "normal"
    assert width_class(459, "normal") == "compact"
    assert width_class(310, "wide") == "narrow"
    assert width_class(1000, "narrow") == "wide"


def test_every_control_has_a_name(qtbot: QtBot, lane: LaneOutput) -> None:
    lane.start()
    lane.append([*THOUGHT, Span("answer", "```py\n" + "x\n" * 60 + "```\n")])
    lane.finish("stop", None, USAGE, TIMING)
    _settle(qtbot, lane)
    for control in lane.findChildren(QAbstractButton):
        assert control.accessibleName(), control.objectName()
        assert control.objectName(), control.accessibleName()
    assert lane.findChildren(QToolButton)


def test_repeats_stay_tinted_when_the_theme_changes(
    qtbot: QtBot, lane: LaneOutput, theme: Theme
) -> None:
    repeat = "Wait, let me check. "
    lane.start()
    lane.append([Span("reasoning", "Start. " + repeat * 9)])
    lane.finish("loop", None, USAGE, TIMING)
    _settle(qtbot, lane)
    lane.mark_repeats("reasoning", len("Start. "))

    def tinted() -> list[bool]:
        edit = _reasoning(lane).findChild(QTextEdit, "plainText")
        assert isinstance(edit, QTextEdit)
        cursor = edit.textCursor()
        found = []
        for position in (3, 40):
            cursor.setPosition(position)
            found.append(cursor.charFormat().background().style() != Qt.BrushStyle.NoBrush)
        return found

    assert tinted() == [False, True]
    theme.set_choice("dark")
    assert tinted() == [False, True]


def test_a_thought_that_nobody_opened_moves_from_the_answer_to_the_reasoning(
    qtbot: QtBot, lane: LaneOutput
) -> None:
    lane.start()
    lane.append([Span("answer", "Okay, the user greets.\n")], tokens=5)
    _settle(qtbot, lane)
    assert lane.reply is not None
    assert "greets" in lane.reply.answer.toPlainText()
    lane.append([Span("answer", "I answer.\n")], tokens=3)
    lane.append([Span("tag", "</think>", recast=True), Span("answer", "\n\nHello!")], 4, 9)
    lane.finish("stop", None, USAGE, TIMING)
    _settle(qtbot, lane)
    assert lane.reply.answer.toPlainText() == "Hello!"
    assert lane.reply.answer_source == "\n\nHello!"
    assert _reasoning(lane).source == "Okay, the user greets.\nI answer.\n"
    assert _reasoning(lane).state == "done"


def test_what_frames_an_answer_is_not_shown_and_makes_no_reasoning(
    qtbot: QtBot, lane: LaneOutput
) -> None:
    lane.start()
    spans = [Span("frame", "<|START_RESPONSE|>"), Span("answer", "5")]
    lane.append([*spans, Span("frame", "<|END_RESPONSE|>")], tokens=3)
    lane.finish("stop", None, USAGE, TIMING)
    _settle(qtbot, lane)
    assert lane.reply is not None
    assert lane.reply.answer.toPlainText() == "5"
    assert _reasoning(lane).state == "none"
