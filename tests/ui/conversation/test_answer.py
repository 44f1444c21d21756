"""An answer on the screen: what is shown, what never changes again, and what hostile text does."""

from __future__ import annotations

import time

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QTextEdit
from pytestqt.qtbot import QtBot

from qwqdesk.analysis.loop_place import Landmark
from qwqdesk.ui.conversation.answer import AnswerView, views_of
from qwqdesk.ui.conversation.code_block import FOLD_TO, CodeBlock
from qwqdesk.ui.conversation.table_block import TableBlock
from qwqdesk.ui.conversation.text_block import TextBlock
from qwqdesk.ui.theme import Theme


@pytest.fixture
def answer(qtbot: QtBot) -> AnswerView:
    view = AnswerView("lane")
    qtbot.addWidget(view)
    view.resize(480, 600)
    view.show()
    return view


def _stream(view: AnswerView, text: str, size: int = 7) -> None:
    for at in range(0, len(text), size):
        view.feed(text[at : at + size])
        view.refresh()


def _shown(view: AnswerView) -> str:
    texts = [edit.toPlainText() for edit in view.findChildren(QTextEdit)]
    return "\n".join(texts)


def _code(lines: int) -> str:
    return "```python\n" + "\n".join(f"x{i} = {i}" for i in range(lines)) + "\n```\n"


def test_blocks_of_each_kind(answer: AnswerView) -> None:
    _stream(
        answer, "Hello **you**\n\n```python\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nEnd"
    )
    answer.finish()
    assert [type(block) for block in answer.blocks] == [
        TextBlock, CodeBlock, TableBlock, TextBlock,
    ]  # fmt: skip
    assert "Hello you" in _shown(answer)
    assert "**" not in _shown(answer)


def test_streamed_and_whole_text_look_the_same(qtbot: QtBot, answer: AnswerView) -> None:
    text = (
        "# T\n\nA *b* `c`\n- one **x**\n  1. two\n> q\n> - r\n\n---\n$$x^2$$\n"
        + _code(3)
        + "End $y$"
    )
    _stream(answer, text, 3)
    answer.finish()
    whole = AnswerView("lane")
    qtbot.addWidget(whole)
    whole.resize(480, 600)
    whole.show()
    whole.feed(text)
    whole.finish()
    assert _shown(answer) == _shown(whole)
    assert answer.height() == whole.height()


def test_no_blank_is_lost_between_pieces(answer: AnswerView) -> None:
    for piece in ("one ", "two ", "\n", "three", " ", "four"):
        answer.feed(piece)
        answer.refresh()
    answer.finish()
    assert _shown(answer).split() == ["one", "two", "three", "four"]


def test_finished_blocks_are_not_touched_again(answer: AnswerView) -> None:
    _stream(answer, "First paragraph.\n\n```python\nx = 1\n```\nSecond ")
    first, code = answer.blocks[:2]
    assert isinstance(first, TextBlock)
    assert isinstance(code, CodeBlock)
    changes: list[object] = []
    first.document().contentsChanged.connect(lambda: changes.append(first))
    code.code_view.document().contentsChanged.connect(lambda: changes.append(code))
    _stream(answer, "paragraph goes on\n\nand a third\n")
    assert not changes


def test_the_height_is_that_of_the_text(answer: AnswerView) -> None:
    answer.feed("word " * 200)
    answer.refresh()
    wide = answer.height()
    answer.resize(240, answer.height())
    assert answer.height() > 1.7 * wide


def test_code_is_copied_as_it_was_written(answer: AnswerView) -> None:
    _stream(answer, "```py\nif a:\n\tb\x07\n\n  c\n```\n")
    code = answer.blocks[0]
    assert isinstance(code, CodeBlock)
    code.copy()
    assert QGuiApplication.clipboard().text() == "if a:\n\tb\x07\n\n  c"


def test_long_code_in_a_lane_folds_to_its_last_lines_and_opens(answer: AnswerView) -> None:
    _stream(answer, _code(100), 40)
    answer.finish()
    code = answer.blocks[0]
    assert isinstance(code, CodeBlock)
    folded = code.height()
    assert folded < 32 + 24 + (FOLD_TO + 2) * 20 + 20
    code.open_all()
    assert code.height() > folded + 60 * 20


def test_code_from_the_history_shows_its_first_lines(answer: AnswerView) -> None:
    answer.set_from_history()
    answer.feed(_code(100))
    answer.finish()
    code = answer.blocks[0]
    assert isinstance(code, CodeBlock)
    assert code.code_view.document().findBlockByNumber(0).isVisible()
    assert not code.code_view.document().findBlockByNumber(99).isVisible()


def test_a_table_that_has_begun_as_text_leaves_no_trace_there(answer: AnswerView) -> None:
    _stream(answer, "Intro\n| a | b |\n|:--|--:|\n| `1` | 2 |\n", 1)
    answer.finish()
    text, table = answer.blocks
    assert isinstance(text, TextBlock)
    assert isinstance(table, TableBlock)
    assert text.toPlainText() == "Intro"
    assert [part for part in table.toPlainText().split("\n") if part] == ["a", "b", "1", "2"]


def test_the_theme_may_change_while_text_streams(answer: AnswerView, theme: Theme) -> None:
    _stream(answer, "Some *text*\n\n" + _code(3) + "| a | b |\n|---|---|\n| 1 | 2 |\n\nand mo")
    before = _shown(answer)
    theme.set_choice("dark")
    answer.set_look("lane")
    assert _shown(answer) == before
    _stream(answer, "re text")
    assert _shown(answer).endswith("and more text")


def test_images_and_html_load_nothing(answer: AnswerView) -> None:
    _stream(answer, '![x](file:///etc/hostname) <img src="file:///etc/hostname"> <b>bold</b>')
    answer.finish()
    assert "<b>bold</b>" in _shown(answer)
    block = answer.blocks[0]
    assert isinstance(block, TextBlock)
    assert "<img" not in block.toHtml()


def test_repeats_in_an_answer_are_tinted_in_any_theme(answer: AnswerView, theme: Theme) -> None:
    repeat = "It is **very** `red`, and "
    source = "The sky.\n\nToday " + repeat * 6
    _stream(answer, source)
    answer.mark_repeats(Landmark.at(source, source.index(repeat)))
    answer.finish()
    block = answer.blocks[0]
    assert isinstance(block, TextBlock)
    for choice in ("dark", "light"):
        theme.set_choice("dark" if choice == "dark" else "light")
        answer.set_look("lane")
        marks = [str(mark.cursor.selectedText()) for mark in block.extraSelections()]
        assert [mark[:14] for mark in marks] == ["It is very red"]
    answer.mark_repeats(Landmark(("something", "else"), (0,)))
    assert not block.extraSelections()


def test_a_loop_over_paragraphs_lists_and_code_is_tinted_to_its_end(answer: AnswerView) -> None:
    head = "Here *is* the [list](http://a.b):\n\n- one\n- two\n\n"
    loop = "Once more.\n\n- one\n- two\n\n```python\nprint(1)\n```\n\n"
    _stream(answer, head + loop * 3)
    answer.mark_repeats(Landmark.at(head + loop * 3, len(head)))
    _stream(answer, loop)  # it goes on
    assert _tinted(answer) == ["Once more.", "•\tone", "•\ttwo", "print(1)"] * 4
    answer.finish()
    assert _tinted(answer) == ["Once more.", "•\tone", "•\ttwo", "print(1)"] * 4


def _tinted(answer: AnswerView) -> list[str]:
    """The lines on which the tint of repeats lies."""
    found = [
        str(each.cursor.selectedText())
        for view in views_of(answer.blocks)
        for each in view.extraSelections()
    ]
    return [line for text in found for line in text.split("\u2029") if line]


def test_tool_tips_are_never_read_as_html(answer: AnswerView) -> None:
    _stream(answer, "$a<b>$ [x](http://a/<b>x</b>)")
    answer.finish()
    block = answer.blocks[0]
    assert isinstance(block, TextBlock)
    cursor = block.textCursor()
    for position in range(1, block.document().characterCount()):
        cursor.setPosition(position)
        assert "<b>" not in cursor.charFormat().toolTip()


@pytest.mark.parametrize(
    "text",
    [
        "word " * 100_000,
        "x" * 300_000,
        "```\n" + "line\n" * 10_000 + "```\n",
        "```\n" + "y" * 300_000,
        "- item\n" * 2_000,
        "\u202e\ud800\x00\ufdd0\u2029" * 2_000,
        "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 1_000,
        "$$\\frac{" * 3_000,
        "שלום **عربي** 안녕하세요 👩‍👩‍👧‍👦 " * 1_000,
        ">" * 3_000,
    ],
    ids=[
        "megabyte",
        "word",
        "lines",
        "line",
        "items",
        "marks",
        "rows",
        "formula",
        "bidi",
        "quotes",
    ],
)
def test_no_text_holds_up_the_screen(answer: AnswerView, text: str) -> None:
    """No slice of 1,500 characters takes as long as a person would notice."""
    slowest = 0.0
    for at in range(0, len(text), 1500):
        start = time.process_time()
        answer.feed(text[at : at + 1500])
        answer.refresh()
        slowest = max(slowest, time.process_time() - start)
        if at > 120_000:
            break
    answer.finish()
    assert slowest < 0.25
