"""Where lanes differ: the strip, the marks, the way to them, the diff, scrolling together."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QTableView, QTextEdit, QWidget

from qwqdesk.engine.events import Output, Span
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.difference_sentence import Word
from qwqdesk.ui.conversation.code_text import CodeText
from qwqdesk.ui.conversation.compared import Compared
from qwqdesk.ui.conversation.difference_strip import DifferenceStrip, SentenceLine
from qwqdesk.ui.conversation.document_marks import Mark, Tint
from qwqdesk.ui.conversation.document_view import DocumentView
from qwqdesk.ui.conversation.found_differences import strip_text
from qwqdesk.ui.conversation.markdown_blocks import Shape
from qwqdesk.ui.conversation.text_block import TextBlock
from qwqdesk.ui.conversation.view import ConversationView
from qwqdesk.ui.theme import theme
from tests.ui.fakes import Driver, StagedStream, opened

_THOUGHT = "I write the game now. It has one bird and many pipes. " * 3
_CODE = "```python\nscore = 0\nfor pipe in pipes:\n    pipe.move()\n```\n\nDone."
_ANSWERS = (
    f"Here is **the** game:\n\n{_CODE}",
    f"Here is **my** game:\n\n{_CODE.replace('0', '1')}",
)


def _tokens(text: str) -> list[str]:
    return re.findall(r"\s?\w+|\s|[^\w\s]", text)


class _Writer:
    """Lets lanes write text with tokens that belong to it."""

    def __init__(self, run: StagedStream) -> None:
        self._run = run
        self._ids: dict[str, int] = {}
        self._sizes: dict[int, int] = {}

    def write(self, lane: int, thought: str = "", answer: str = "") -> None:
        """Write thoughts, then an answer."""
        for kind, text in (("reasoning", thought), ("answer", answer)):
            pieces = _tokens(text)
            if pieces:
                self._put(lane, kind, pieces)

    def _put(self, lane: int, kind: str, pieces: list[str]) -> None:
        ids = tuple(self._ids.setdefault(piece, len(self._ids)) for piece in pieces)
        ends, at = [], self._sizes.get(lane, 0)
        for piece in pieces:
            at += len(piece)
            ends.append(at)
        self._sizes[lane] = at
        spans = (Span(kind, "".join(pieces)),)  # type: ignore[arg-type]
        count = len(ids) if kind == "reasoning" else 0
        self._run.put(Output(lane, spans, ids, count, ends=tuple(ends)))

    def finish(self) -> None:
        """All lanes end."""
        self._run.finish()


async def _compared(d: Driver, *replies: tuple[str, str]) -> ConversationView:
    """A finished comparison of these replies: reasoning and answer of each lane."""
    d.frame.resize(1280, 900)
    for _ in replies[1:]:
        d.window.page.acts.add()
    writer = _Writer(await d.send("Go"))
    for lane, (thought, answer) in enumerate(replies):
        writer.write(lane, thought, answer)
    writer.finish()
    await d.idle()
    view = d.window.page.view
    await d.until(lambda: view.differences.marked)
    return view


def _marks(view: ConversationView, lane: int) -> list[tuple[str, str]]:
    """The marks of a lane: their words, and the text behind them."""
    reply = view.lanes[lane].output.reply
    assert reply is not None
    edits = reply.findChildren(QTextEdit)
    return [
        (mark.words, edit.marks.text()[mark.place :][:9])  # type: ignore[attr-defined]
        for edit in edits
        for mark in edit.marks.marks  # type: ignore[attr-defined]
    ]


def _tinted(view: ConversationView, lane: int) -> list[str]:
    """What the diff tints in a lane."""
    reply = view.lanes[lane].output.reply
    assert reply is not None
    return [
        selection.cursor.selectedText()
        for edit in reply.findChildren(QTextEdit)
        for selection in edit.extraSelections()
    ]


T = TypeVar("T", bound=QWidget)


def _part(inside: QWidget, kind: type[T], name: str) -> T:
    found = inside.findChild(kind, name)
    assert isinstance(found, kind)
    return found


def _link(d: Driver) -> QAbstractButton:
    link = d.find("firstDifference")
    assert isinstance(link, QAbstractButton)
    return link


async def test_the_strip_says_what_will_differ_before_a_run(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        view = d.window.page.view
        assert not view.strip.isVisible()
        d.window.page.acts.add()
        assert view.strip.isVisible()
        line = d.find("differenceSentence")
        assert line.accessibleName() == "Same settings in both lanes."
        view.lanes[1].model.set_values({"top_k": 7})
        assert line.accessibleName().startswith("B has top-k 7 (A: ")
        assert not view.strip.has_tools


async def test_both_lanes_are_marked_at_the_token_where_they_part(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        other = _THOUGHT.replace("one bird", "two birds")
        view = await _compared(d, (_THOUGHT, _ANSWERS[0]), (other, _ANSWERS[0]))
        assert _link(d).text() == "First difference: token 8"
        assert _marks(view, 0) == [("Token 8", "one bird "), ("Same again", "and many ")]
        assert _marks(view, 1) == [("Token 8", "two birds"), ("Same again", "and many ")]
        pill = d.find("differencePill", view.lanes[1])
        assert pill.accessibleName() == "Differs from token 8, go there"


async def test_a_difference_in_the_answer_is_found_behind_markup(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        view = await _compared(d, (_THOUGHT, _ANSWERS[0]), (_THOUGHT, _ANSWERS[1]))
        assert _marks(view, 0)[0][1] == "the game:"
        assert _marks(view, 1)[0][1] == "my game:"


async def test_a_difference_in_code_stands_above_its_line(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        other = _CODE.replace("score = 0", "total = 0")
        view = await _compared(d, (_THOUGHT, _CODE), (_THOUGHT, other))
        assert _marks(view, 0)[0][1] == "score = 0"
        assert _marks(view, 1)[0][1] == "total = 0"
        heights = [_code_height(view, number) for number in (0, 1)]
        assert heights[0] == heights[1]
        d.press("Ctrl+D")
        await d.until(lambda: view.differences.words.tinted)
        assert _tinted(view, 1) == ["total"]


def _code_height(view: ConversationView, number: int) -> int:
    return view.lanes[number].output.transcript.findChildren(CodeText)[0].height()


async def test_going_to_a_difference_opens_the_reasoning_in_both_lanes(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        long = "The same words again. " * 400
        view = await _compared(d, (f"{long}Here. {long}", "Yes."), (f"{long}There. {long}", "Yes."))
        for lane in view.lanes:
            assert lane.output.reply is not None
            assert not lane.output.reply.reasoning.is_open()
        d.press("Ctrl+J")
        await d.until(lambda: all(_mark_in_view(view, number) for number in (0, 1)))


def _mark_in_view(view: ConversationView, number: int) -> bool:
    """Whether a lane's first mark is on the screen."""
    transcript = view.lanes[number].output.transcript
    for edit in transcript.findChildren(DocumentView):
        for mark in edit.marks.marks:
            if mark.words.startswith("Token") and edit.isVisible():
                at = edit.viewport().mapTo(transcript, edit.marks.rect(mark.place).center())
                return transcript.rect().contains(at)
    return False


async def test_f8_goes_on_to_where_the_lanes_meet_again(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        other = _THOUGHT.replace("one bird", "two birds")
        view = await _compared(d, (_THOUGHT, "Yes."), (other, "Yes."))
        steps = view.differences.steps
        seen = []
        for key in ("F8", "F8", "F8", "Shift+F8"):
            d.press(key)
            seen.append(steps.at_words)
        assert seen[0] == "Difference at token 8"
        assert seen[1] == "Same again from token 10"
        assert seen[2].startswith("Difference at token")
        assert seen[3] == seen[1]


async def test_equal_lanes_are_told_and_nothing_is_marked(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        view = await _compared(d, (_THOUGHT, _ANSWERS[0]), (_THOUGHT, _ANSWERS[0]))
        note = d.find("differenceNote")
        assert note.property("text") == "Both lanes wrote the same tokens."
        assert not _part(view.strip, QAbstractButton, "firstDifference").isVisible()
        assert _marks(view, 0) == _marks(view, 1) == []


async def _stopped_together(d: Driver, *answers: str) -> ConversationView:
    """Lanes with the same settings that were stopped before they had ended."""
    for _ in answers[1:]:
        d.window.page.acts.add()
    run = await d.send("Go")
    writer = _Writer(run)
    for lane, answer in enumerate(answers):
        writer.write(lane, answer=answer)
    d.window.page.stop()
    await d.idle()
    return d.window.page.view


def _note(d: Driver) -> str:
    return str(d.find("differenceNote").property("text"))


def _sentence(view: ConversationView) -> str:
    return _part(view.strip, SentenceLine, "differenceSentence").text()


def _reopened(d: Driver) -> ConversationView:
    number = d.window.page.view.conversation_id or 0
    d.window.page.open_new()
    d.window.page.views.open(number)
    return d.window.page.view


async def test_a_lane_that_was_stopped_one_token_earlier_is_not_different(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.frame.resize(1700, 900)
        await _stopped_together(d, "One two three four", "One two three")
        for again in (False, True):
            view = _reopened(d) if again else d.window.page.view
            await d.until(lambda: "as far as both go" in _note(d))
            assert _note(d) == "The same as far as both go: 3 tokens"
            assert not _part(view.strip, QAbstractButton, "firstDifference").isVisible()
            assert _sentence(view) == (
                "Same settings in both lanes. "
                "The next message continues from each lane's own reply."
            )
            assert view.differences.steps.at_words == ""
            d.press("Ctrl+J")
            d.press("F8")
            assert view.differences.steps.at_words == ""
            assert _marks(view, 0) == _marks(view, 1) == []
        answer = d.window.page.exports.copy
        answer()
        await d.until(lambda: "as far as both go" in QGuiApplication.clipboard().text())
        assert "A and B are the same as far as both go: 3 tokens." in (
            QGuiApplication.clipboard().text()
        )


async def test_a_turn_on_two_histories_says_so(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.frame.resize(1700, 900)
        await _stopped_together(d, "One two three four", "One two three")
        writer = _Writer(await d.send("And now?"))
        view = d.window.page.view
        await d.until(lambda: _sentence(view) == "Same settings, different histories.")
        for lane in (0, 1):
            writer.write(lane, answer="Five.")
        writer.finish()
        await d.idle()
        assert _sentence(view) == "Same settings, different histories."
        assert _sentence(_reopened(d)) == "Same settings, different histories."


async def test_a_turn_on_equal_replies_has_the_same_history(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        view = await _stopped_together(d, "One two", "One two")
        assert _note(d) == "Both lanes wrote the same tokens."
        assert _sentence(view) == "Same settings in both lanes."
        writer = _Writer(await d.send("And now?"))
        writer.write(0, answer="Up.")
        writer.write(1, answer="Down.")
        writer.finish()
        await d.idle()
        assert _sentence(view).startswith("Same settings in both lanes.")
        assert _sentence(_reopened(d)).startswith("Same settings in both lanes.")


async def test_with_three_lanes_the_shortest_says_how_far_all_go(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.frame.resize(1700, 900)
        view = await _stopped_together(d, "One two three", "One two", "One two three")
        assert _note(d) == "The same as far as all go: 2 tokens"
        assert _marks(view, 0) == []
        d.press("Ctrl+M")
        table = d.window.page.numbers.panel.table
        await d.until(
            lambda: _cells(table, "First difference") == ["–", "none in 2 tokens", "none"]
        )


def _cells(table: QTableView, title: str) -> list[str]:
    model = table.model()
    rows = [row for row in range(model.rowCount()) if model.index(row, 0).data().startswith(title)]
    return [model.index(row, 1 + lane).data() for row in rows for lane in range(3)]


async def test_with_three_lanes_each_is_marked_against_the_first(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.frame.resize(1600, 900)
        thoughts = (_THOUGHT, _THOUGHT.replace("many", "few"), _THOUGHT.replace("one", "two"))
        view = await _compared(d, *((thought, "Yes.") for thought in thoughts))
        assert "B 11, C 8" in _link(d).accessibleName()
        assert _marks(view, 0)[0] == ("C: token 8", "one bird ")  # the earliest
        view.lanes[1].head.tab_stops()[0].setFocus()
        await d.until(lambda: _marks(view, 0)[0][0] == "B: token 11")
        assert d.find("differencePill", view.lanes[2]).property("text") == "token 8"


async def test_the_word_diff_tints_what_only_one_lane_says(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        view = await _compared(d, (_THOUGHT, _ANSWERS[0]), (_THOUGHT, _ANSWERS[1]))
        d.press("Ctrl+D")
        await d.until(lambda: view.differences.words.tinted)
        assert _tinted(view, 0) == ["the", "0"]
        assert _tinted(view, 1) == ["my", "1"]
        theme().set_choice("dark")
        await d.until(lambda: _tinted(view, 1) == ["my", "1"])
        d.click("diffChoice_code")
        await d.until(lambda: _tinted(view, 0) == ["0"])
        d.press("Ctrl+D")
        await d.until(lambda: _tinted(view, 0) == _tinted(view, 1) == [])


async def test_a_new_run_takes_marks_and_tints_away_and_brings_the_diff_back(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        view = await _compared(d, (_THOUGHT, "Yes."), (_THOUGHT, "No."))
        d.press("Ctrl+D")
        await d.until(lambda: view.differences.words.tinted)
        writer = _Writer(await d.send("Again"))
        await d.until(lambda: view.comparison.running)
        assert _tinted(view, 0) == []
        writer.write(0, _THOUGHT, "Up.")
        writer.write(1, _THOUGHT, "Down.")
        writer.finish()
        await d.idle()
        await d.until(lambda: _tinted(view, 1) == ["Down"])


async def test_the_first_difference_is_known_while_lanes_write(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.window.page.acts.add()
        writer = _Writer(await d.send("Go"))
        view = d.window.page.view
        writer.write(0, "One two three")
        writer.write(1, "One two")
        note = _part(view.strip, QLabel, "differenceNote")
        await d.until(lambda: note.text() == "Same so far: 2 tokens")
        writer.write(1, " four")
        await d.until(_part(view.strip, QAbstractButton, "firstDifference").isVisible)
        assert _link(d).text() == "First difference: token 2"
        await d.until(lambda: bool(_marks(view, 1)))
        writer.write(1, " and more")
        writer.finish()
        await d.idle()
        await d.until(lambda: view.differences.marked)
        assert _marks(view, 1) == [("Token 2", "four and ")]


async def test_lanes_scroll_together_by_their_tokens(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        lines = [f"Line number {number} of the text.\n\n" for number in range(120)]
        own = [f"Only here, {number}.\n\n" for number in range(30)]
        view = await _compared(
            d, ("", "".join(lines)), ("", "".join([*lines[:20], *own, *lines[20:]]))
        )
        bars = [lane.output.transcript.verticalScrollBar() for lane in view.lanes]
        bars[0].setValue(bars[0].maximum() // 2)
        await asyncio.sleep(0.15)
        tops = [_line_in_view(view, number) for number in (0, 1)]
        assert tops[0] & tops[1]
        bars[0].setValue(bars[0].maximum())
        assert bars[1].maximum() - bars[1].value() <= 20
        d.click("scrollTogether")
        was = bars[1].value()
        bars[0].setValue(0)
        assert bars[1].value() == was
        assert not d.window.desk.settings.scroll_together


def _line_in_view(view: ConversationView, number: int) -> set[tuple[str, int]]:
    """The numbered lines on the screen with their heights, to about three lines."""
    transcript = view.lanes[number].output.transcript
    found: set[tuple[str, int]] = set()
    for edit in transcript.findChildren(TextBlock):
        block = edit.document().begin()
        while block.isValid():
            box = edit.document().documentLayout().blockBoundingRect(block).toRect()
            at = edit.viewport().mapTo(transcript, box.center())
            if block.text().startswith("Line") and transcript.rect().contains(at):
                found.update((block.text(), at.y() // 60 + shift) for shift in (0, 1))
            block = block.next()
    return found


def test_copied_text_has_no_marks_in_it(qapp: QApplication) -> None:
    text = TextBlock("lane")
    text.show()
    text.begin(Shape("paragraph"))
    text.close_paragraph(Shape("paragraph"), "Some 🐦 words with $x^2$ here.")
    assert text.marks.set_marks([Mark(7, "Token 2"), Mark(13, "Same again", hollow=True)])
    assert text.toPlainText() == "Some 🐦 words with \ufffc here."
    text.selectAll()
    text.copy()
    assert QGuiApplication.clipboard().text() == "Some 🐦 words with $x^2$ here."
    text.marks.set_tints("diff", [Tint(7, 12, "diff_b")])
    assert text.extraSelections()[0].cursor.selectedText() == "words"
    text.set_look("reading")
    assert [mark.words for mark in text.marks.marks] == ["Token 2", "Same again"]
    assert text.extraSelections()[0].cursor.selectedText() == "words"
    text.marks.set_marks([])
    assert text.document().toPlainText() == "Some 🐦 words with \ufffc here."
    text.close()


def test_a_growing_paragraph_stays_whole_when_a_mark_comes_before_it(qapp: QApplication) -> None:
    text = TextBlock("lane")
    shape = Shape("paragraph")
    text.begin(shape)
    text.close_paragraph(shape, "One two.")
    text.begin(shape)
    text.grow("Three *fo")
    text.show_growth()
    text.marks.set_marks([Mark(4, "Token 1")])
    text.grow("ur* five")
    text.show_growth()
    text.marks.set_marks([])
    text.close_paragraph(shape, "Three *four* five")
    assert text.toPlainText() == "One two.\nThree four five"
    text.close()


def test_the_strip_leaves_words_out_before_it_cuts_them(qapp: QApplication) -> None:
    strip = DifferenceStrip()
    long, short = (Word("The lanes differ in a great many things. " * 3),), (Word("They differ."),)
    strip.show_sentences([long, short], "Everything")
    strip.show_result("First difference from A: B 118, C 23, D 9", "First differences")
    line = _part(strip, SentenceLine, "differenceSentence")
    link = _part(strip, QAbstractButton, "firstDifference")
    strip.resize(1600, 36)
    strip.show()
    assert (line.text(), link.text()) == (long[0].text, "First difference from A: B 118, C 23, D 9")
    strip.resize(760, 36)
    QApplication.processEvents()
    assert line.text() == "They differ."
    strip.resize(520, 36)
    QApplication.processEvents()
    assert link.text() == "First differences"
    assert link.accessibleName() == "First difference from A: B 118, C 23, D 9"
    assert line.accessibleName() == "Everything"
    strip.close()


async def test_a_code_diff_without_code_says_so(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        view = await _compared(d, (_THOUGHT, "Yes."), (_THOUGHT, "No."))
        d.click("diffChoice_code")
        note = _part(view.strip, QLabel, "differenceNote")
        await d.until(lambda: note.text() == "There is no code to compare.")
        d.click("diffChoice_none")
        assert not note.isVisible()


def test_seeds_that_answers_have_of_their_own_are_said() -> None:
    lanes = [(setup.resolved().chain, setup) for setup in (LaneSetup(name, None) for name in "AB")]
    same, other = (strip_text(lanes, seeds=seeds)[1] for seeds in ((7, 7), (7, 8)))
    assert same == "Same settings in both lanes."
    assert other == "B has seed 8 (A: 7)."
    four = [lanes[0], *(lanes[1],) * 3]
    assert strip_text(four, seeds=(7, 7, 8, 9))[1].startswith(
        "Same prompt and model. The lanes differ in the seed."
    )


async def test_a_comparison_that_failed_is_tried_again_with_the_next_text(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "qwqdesk.ui.conversation.differences.compare"
    faults: list[object] = []

    def broken(*_: object, **__: object) -> Compared:
        raise ValueError("a fault of the program")

    async with opened(tmp_path) as d:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: faults.append(context.get("exception"))
        )
        with monkeypatch.context() as while_broken:
            while_broken.setattr(module, broken)
            d.window.page.acts.add()
            writer = _Writer(await d.send("Go"))
            view = d.window.page.view
            writer.write(0, "One two three")
            writer.write(1, "One two four")
            await d.until(lambda: bool(faults))
            assert _marks(view, 1) == []
        writer.write(1, " and more")
        writer.finish()
        await d.idle()
        await d.until(lambda: view.differences.marked)
        assert [mark for mark, _ in _marks(view, 1)] == ["Token 2"]
