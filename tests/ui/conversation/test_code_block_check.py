"""What the check of a code block shows: the badge, the marks, the fold, and the way to a line."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QTextCharFormat
from PySide6.QtWidgets import QAbstractButton, QMenu
from pytestqt.qtbot import QtBot

from qwqdesk.reasoning import Span
from qwqdesk.ui.conversation.answer import AnswerView
from qwqdesk.ui.conversation.check_badge import CheckBadge
from qwqdesk.ui.conversation.code_block import FOLD_TO, CodeBlock
from qwqdesk.ui.conversation.transcript import Transcript
from qwqdesk.ui.theme import Theme

GUIDE = """import pygame

def reset_game():
    global score, velocity, pipes
    score = 0
    velocity = 0
    pipes.clear()

while True:
    reset_game()
"""


def long_code(error_at: int, lines: int = 120) -> str:
    rows = [f"value_{number} = {number}" for number in range(1, lines + 1)]
    rows[error_at - 1] = "print(missing)"
    return "\n".join(rows) + "\n"


@pytest.fixture
def answer(qtbot: QtBot, theme: Theme) -> AnswerView:
    view = AnswerView("lane")
    qtbot.addWidget(view)
    view.resize(520, 100)
    view.show()
    return view


def shown(answer: AnswerView, code: str, language: str = "python") -> CodeBlock:
    answer.feed(f"```{language}\n{code}```\n")
    answer.finish()
    block = answer.blocks[0]
    assert isinstance(block, CodeBlock)
    return block


def badge(block: CodeBlock) -> CheckBadge:
    found = block.findChild(CheckBadge)
    assert isinstance(found, CheckBadge)
    return found


def visible_lines(block: CodeBlock) -> list[int]:
    document = block.code_view.document()
    rows = (document.findBlockByNumber(n) for n in range(document.blockCount()))
    return [row.blockNumber() + 1 for row in rows if row.isVisible()]


def test_the_guides_error_is_found_and_stands_at_its_line(answer: AnswerView) -> None:
    block = shown(answer, GUIDE)
    assert badge(block).text() == "1 error, line 7"
    assert block.code_view.problems.words(7).startswith("pipes is used here but never assigned")
    assert "Line 7: pipes" in block.code_view.accessibleDescription()
    assert block.source.strip() == GUIDE.strip()
    assert block.code_view.document().toPlainText().strip() == GUIDE.strip()


def test_clean_code_says_so_in_words_for_the_room_there_is(answer: AnswerView) -> None:
    block = shown(answer, "x = 1\n")
    assert badge(block).text() == "Parses, no errors found"
    for density, words in (("compact", "No errors found"), ("narrow", "No errors")):
        answer.set_density(density)
        assert badge(block).text() == words
    assert badge(block).accessibleName() == "No errors"


def test_nothing_is_said_while_it_streams_nor_about_other_languages(answer: AnswerView) -> None:
    answer.feed("```python\nprint(oops)\n")
    answer.refresh()
    block = answer.blocks[0]
    assert isinstance(block, CodeBlock)
    assert badge(block).isHidden()
    other = shown(AnswerViewFor(answer), "let x = ;\n", "javascript")
    assert badge(other).isHidden()


def AnswerViewFor(other: AnswerView) -> AnswerView:  # noqa: N802 - a second one beside it
    return AnswerView("lane", other)


def test_code_that_does_not_parse_is_an_error(answer: AnswerView) -> None:
    block = shown(answer, "def f(:\n    pass\n")
    assert badge(block).text() == "1 error, line 1"


def test_code_too_large_to_check_is_not_called_wrong(answer: AnswerView) -> None:
    block = shown(answer, "x = " + "(" * 90 + "1" + ")" * 90 + "\n")
    assert badge(block).text() == "Not checked"
    assert not block.problems


def test_the_line_gets_room_for_its_sentence_and_a_wave(answer: AnswerView) -> None:
    clean = shown(answer, "a = 1\nb = 2\n")
    before = clean.wanted_height(500)
    other = AnswerViewFor(answer)
    wrong = shown(other, "a = 1\nb = c\n")
    assert wrong.wanted_height(500) == before + 24
    third = AnswerViewFor(answer)
    assert shown(third, "b = c\na = 1\n").wanted_height(500) == before + 24
    fold = shown(AnswerViewFor(answer), long_code(error_at=60))
    folded = fold.wanted_height(500)
    fold.fold_around(60 - FOLD_TO + 5)  # the error's line is the last one that is shown
    assert visible_lines(fold)[-1] == 60
    assert fold.wanted_height(500) == folded
    ranges = wrong.code_view.document().findBlockByNumber(1).layout().formats()
    waves = [
        found.start
        for found in ranges
        if found.format.underlineStyle() == QTextCharFormat.UnderlineStyle.WaveUnderline
    ]
    assert waves == [4]


def test_long_code_folds_around_its_first_error_and_opens_on_each_side(
    answer: AnswerView,
) -> None:
    block = shown(answer, long_code(error_at=60))
    assert visible_lines(block) == list(range(56, 56 + FOLD_TO))
    bars = {bar.objectName(): bar for bar in block.findChildren(QAbstractButton)}
    assert bars["codeFold"].text() == "55 lines above"
    assert bars["codeFoldBelow"].text() == "41 lines below"
    bars["codeFold"].click()
    assert visible_lines(block)[0] == 1
    assert visible_lines(block)[-1] == 79
    assert bars["codeFold"].isHidden()
    bars["codeFoldBelow"].click()
    assert len(visible_lines(block)) == 120


def test_the_badges_menu_leads_to_a_hidden_line(answer: AnswerView, qtbot: QtBot) -> None:
    block = shown(answer, long_code(error_at=60).replace("value_110 = 110", "print(gone)"))
    wanted: list[int] = []
    block.line_wanted.connect(wanted.append)
    badge(block).show_problems()
    menu = badge(block).findChild(QMenu)
    assert isinstance(menu, QMenu)
    assert [act.text().split(":")[0] for act in menu.actions()] == ["Line 60", "Line 110"]
    menu.actions()[1].trigger()
    menu.close()
    assert wanted == [110]
    assert 110 in visible_lines(block)


def test_the_marks_survive_a_change_of_theme(answer: AnswerView, theme: Theme) -> None:
    block = shown(answer, GUIDE)
    before = block.wanted_height(500)
    theme.set_choice("dark")
    answer.set_look("lane")
    assert block.wanted_height(500) == before
    assert 7 in block.code_view.problems.by_line


def test_f8_goes_from_error_to_error_in_the_newest_reply(qtbot: QtBot, theme: Theme) -> None:
    page = Transcript()
    qtbot.addWidget(page)
    page.resize(520, 300)
    page.show()
    assert not page.next_problem(1)
    reply = page.add_reply()
    code = long_code(error_at=5).replace("value_100 = 100", "print(gone)")
    with qtbot.waitSignal(reply.caught_up):
        reply.append([Span("answer", f"```python\n{code}```\n")])
        reply.finish()
    block = reply.answer.blocks[0]
    assert isinstance(block, CodeBlock)

    def top_of(line: int) -> int:
        return block.mapTo(page.viewport(), QPoint(0, block.line_top(line))).y()

    for line in (5, 100, 5):
        assert page.next_problem(1)
        qtbot.waitUntil(lambda line=line: 0 <= top_of(line) < page.viewport().height())


def test_folded_lines_do_not_slide_under_a_reader_who_has_scrolled_up(
    qtbot: QtBot, theme: Theme
) -> None:
    page = Transcript()
    qtbot.addWidget(page)
    page.resize(520, 300)
    page.show()
    reply = page.add_reply()
    reply.append([Span("answer", "```python\n" + "x = 1\n" * 100)])
    qtbot.waitUntil(lambda: not reply.busy and page.verticalScrollBar().maximum() > 0)
    page.verticalScrollBar().setValue(0)
    block = reply.answer.blocks[0]
    assert isinstance(block, CodeBlock)
    first = visible_lines(block)[0]
    reply.append([Span("answer", "y = 2\n" * 50)])
    qtbot.waitUntil(lambda: not reply.busy)
    assert visible_lines(block)[0] == first
    page.to_end()
    reply.append([Span("answer", "z = 3\n")])
    qtbot.waitUntil(lambda: not reply.busy)
    assert len(visible_lines(block)) == FOLD_TO
    reply.clear()


def test_a_second_block_knows_the_names_of_the_first(answer: AnswerView) -> None:
    answer.feed(
        "```python\ndef f():\n    return 1\n```\n\nUse it:\n\n```python\nprint(f(), g)\n```\n"
    )
    answer.finish()
    blocks = [block for block in answer.blocks if isinstance(block, CodeBlock)]
    assert [badge(block).text() for block in blocks] == [
        "Parses, no errors found",
        "1 error, line 1",
    ]
    assert blocks[1].problems[0].text.startswith("g is not defined")
