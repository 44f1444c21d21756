"""A fence without a line is not drawn and takes no room."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from qwqdesk.ui.conversation.answer import AnswerView
from qwqdesk.ui.conversation.code_block import CodeBlock


def shown(qtbot: QtBot, text: str, *, finished: bool = True) -> AnswerView:
    view = AnswerView("lane")
    qtbot.addWidget(view)
    view.resize(480, 600)
    view.show()
    for letter in text:
        view.feed(letter)
        view.refresh()
    if finished:
        view.finish()
    return view


def codes(view: AnswerView) -> list[bool]:
    return [block.isVisible() for block in view.blocks if isinstance(block, CodeBlock)]


@pytest.mark.parametrize("empty", ["```", "```\n", "```python\n", "```\n```", "~~~\n\n \n~~~"])
@pytest.mark.parametrize("finished", [True, False])
def test_an_empty_fence_draws_nothing(qtbot: QtBot, empty: str, finished: bool) -> None:
    plain = shown(qtbot, "The end.")
    view = shown(qtbot, f"The end.\n\n{empty}", finished=finished)
    assert codes(view) in ([False], [])
    assert view.height() == plain.height()


def test_text_behind_an_empty_fence_stands_where_it_would_without_one(qtbot: QtBot) -> None:
    view = shown(qtbot, "```\n```\n\nText")
    assert view.height() == shown(qtbot, "Text").height()
    assert view.blocks[-1].y() == 0


def test_a_fence_is_drawn_from_its_first_line_on(qtbot: QtBot) -> None:
    view = shown(qtbot, "```\n", finished=False)
    assert codes(view) == [False]
    view.feed("x")
    view.refresh()
    assert codes(view) == [True]
    assert view.height() > 32
