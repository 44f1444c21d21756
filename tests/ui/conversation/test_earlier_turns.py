"""A long conversation opens with its newest turn; the others come above it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from qwqdesk.conversation import Timing, Usage
from qwqdesk.reasoning import Span
from qwqdesk.store.history import History
from tests.ui.fakes import Driver, opened

TURNS = 30


def _fill(history: History, turns: int) -> int:
    chat = history.create_conversation("Long", lanes=[{"label": "A"}])
    before = None
    for number in range(turns):
        message = history.add_user_message(chat, before, f"question {number}")
        before = history.add_reply(message, "A", sampling={"seed": number}, parent_id=before)
        history.finish_reply(
            before,
            text=f"answer {number}",
            reasoning=None,
            answer=f"answer {number}\n\n" + "More words. " * 40,
            tokens=[1, 2, 3],
            finish_reason="stop",
            usage=Usage(5, 0, 3),
            timing=Timing(decode_s=1.0),
        )
    history.set_tips(chat, {"A": before or 0})
    return chat


def _shown(d: Driver) -> list[str]:
    replies = d.window.page.view.lanes[0].output.transcript.replies
    return [reply.answer_source.split("\n")[0] for reply in replies]


async def _open(d: Driver, turns: int) -> None:
    number = _fill(d.history, turns)
    d.window.chats.refresh()
    d.window.chats.open(number)


async def test_the_newest_dozen_comes_by_itself_and_the_rest_when_asked(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        await _open(d, TURNS)
        assert _shown(d) == ["answer 29"], "what one opens a chat for is there at once"
        more = await d.shown("showEarlierButton")
        assert _shown(d) == [f"answer {n}" for n in range(18, 30)]
        assert more.accessibleName() == "Show earlier messages, 18 are not shown"
        bar = d.window.page.view.lanes[0].output.transcript.verticalScrollBar()
        await d.until(lambda: bar.value() == bar.maximum() > 0)
        d.click("showEarlierButton")
        await d.until(lambda: len(_shown(d)) == 24)
        await d.click_when_shown("showEarlierButton")
        await d.until(lambda: len(_shown(d)) == TURNS)
        assert _shown(d) == [f"answer {n}" for n in range(TURNS)]
        buttons = d.page.findChildren(QPushButton, "showEarlierButton")
        assert not [button for button in buttons if button.isVisible()]


async def test_what_is_read_stays_in_its_place(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await _open(d, TURNS)
        await d.shown("showEarlierButton")
        transcript = d.window.page.view.lanes[0].output.transcript
        bar = transcript.verticalScrollBar()
        await d.until(lambda: bar.maximum() > 500)
        bar.setValue(0)
        read = transcript.replies[0]

        def top() -> int:
            return read.mapTo(transcript, read.rect().topLeft()).y()

        before = top()
        d.click("showEarlierButton")
        await d.shown("showEarlierButton")
        assert len(_shown(d)) == 24
        await d.until(lambda: top() < 200 and bar.value() > 500)
        await asyncio.sleep(0.1)
        assert top() == pytest.approx(before, abs=60), "the button's own height at most"


async def test_writing_on_and_leaving_do_not_wait_for_the_rest(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        await _open(d, TURNS)
        lane = d.window.page.view.lanes[0]
        lane.ask("and now", None)
        lane.begin(0, None, opened=False, again=False)
        lane.output.append([Span("answer", "the newest")])
        lane.output.finish("stop", None, Usage(1, 0, 1), Timing())
        await d.shown("showEarlierButton")
        shown = _shown(d)
        assert shown[-2:] == ["answer 29", "the newest"]
        assert shown == sorted(shown[:-1], key=lambda text: int(text[7:])) + shown[-1:]
        d.window.chats.new()
        assert _shown(d) == []
        await _open(d, 2)
        assert _shown(d) == ["answer 0", "answer 1"]
        assert not d.window.page.view.findChildren(QWidget, "showEarlierButton")
