"""A conversation that is opened again shows what was shown while it was written: everything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QTextEdit, QWidget

from qwqdesk.answer_setup import AnswerSetup
from qwqdesk.conversation import Loop
from qwqdesk.engine.events import LoopFound, LoopGrew, Output, Span
from qwqdesk.errors import UserError
from qwqdesk.model_turns import SameThought
from qwqdesk.run_plan import RunOptions
from qwqdesk.sampling.constraints import Constraints
from qwqdesk.ui.conversation.answer import views_of
from qwqdesk.ui.conversation.chips import ChipLine
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.reply_view import ReplyView
from tests.ui.fakes import Driver, StagedStream, opened

Journey = Callable[[Driver], Awaitable[None]]


# ---------------------------------------------------------------- what is shown


def shown(d: Driver) -> dict[str, Any]:
    """All that the page says of its conversation."""
    view = d.window.page.view
    return {
        "question": view.prompt.text if view.prompt.isVisible() else "",
        "strip": said(view.strip),
        "rest": [
            w.accessibleName()
            for w in d.page.findChildren(QWidget, "interruptedBand")
            if w.isVisible()
        ],
        "lanes": {lane.label: of_lane(lane) for lane in view.lanes},
    }


def of_lane(lane: Lane) -> dict[str, Any]:
    output = lane.output
    return {
        "badge": lane.status,
        "bands": [
            w.accessibleName()
            for w in output.bands.findChildren(QWidget)
            if w.objectName() in ("loopBand", "errorBand") and w.isVisible()
        ],
        "questions": [bubble.text for bubble in output.transcript.prompts],
        "replies": [of_reply(reply) for reply in output.transcript.replies],
        "numbers": output.footer.stats.accessibleName(),
        "buttons": sorted(
            w.objectName()
            for w in output.footer.findChildren(QWidget)
            if w.isVisible() and w.objectName().endswith("Button")
        ),
        "chips": [line.accessibleName() for line in lane.findChildren(ChipLine)],
        "siblings": [
            w.accessibleName()
            for w in output.findChildren(QWidget, "siblingSwitch")
            if w.isVisible()
        ],
    }


def of_reply(reply: ReplyView) -> dict[str, Any]:
    head, blocks = reply.reasoning.header.head, reply.answer.blocks
    return {
        "reasoning": reply.reasoning.source,
        "head": (head.isVisible(), head.accessibleName(), head.isChecked()),
        "answer": reply.answer.toPlainText(),
        "views": [of_view(view) for view in (*reply.reasoning.views, *views_of(blocks))],
    }


def of_view(view: Any) -> dict[str, Any]:  # noqa: ANN401 - text blocks, tables, code, thoughts
    text = view.marks.text()
    return {
        "text": text,
        "marks": [(text[mark.place : mark.place + 12], mark.words) for mark in view.marks.marks],
        "tints": [each.cursor.selectedText() for each in view.extraSelections()],
        "ground": grounds(view),
    }


def grounds(view: QTextEdit) -> str:
    """The characters that stand on the amber ground of a thought that repeats itself."""
    cursor = view.textCursor()
    found = []
    for position in range(1, view.document().characterCount()):
        cursor.setPosition(position)
        if cursor.charFormat().background().style() != Qt.BrushStyle.NoBrush:
            found.append(view.document().characterAt(position - 1))
    return "".join(found)


def said(widget: QWidget) -> list[str]:
    """The words of all visible labels and buttons."""
    labels = [w for w in widget.findChildren(QLabel) if w.isVisible()]
    names = [w.accessibleName() for w in widget.findChildren(QWidget) if w.isVisible()]
    return sorted({*(label.text() for label in labels), *names} - {""})


async def agrees(d: Driver) -> None:
    """What was shown live is shown again, after it was read from the history."""
    await d.settled()
    live = shown(d)
    await d.reopen()
    await d.settled()
    again = shown(d)
    assert again["lanes"].keys() == live["lanes"].keys()
    for label, lane in live["lanes"].items():
        assert again["lanes"][label] == lane, label
    assert again == live


# ---------------------------------------------------------------- what is written


class Writer:
    """Writes texts as an engine does: a token for each word, with its end."""

    def __init__(self, run: StagedStream) -> None:
        self.run = run
        self._length: dict[int, int] = {}

    def write(self, lane: int, text: str, kind: Any = "answer") -> None:  # noqa: ANN401
        words = [word + " " for word in text.split(" ")]
        at, ends = self._length.get(lane, 0), []
        for word in words:
            at += len(word)
            ends.append(at)
        self._length[lane] = at
        tokens = tuple(sum(map(ord, word)) for word in words)
        count = len(words) if kind != "answer" else 0
        span = Span(kind, "".join(words))
        self.run.put(Output(lane, (span,), tokens, count, tuple(ends), (0.5,) * len(tokens)))


async def turn(d: Driver, question: str, *answers: str, thoughts: Sequence[str] = ()) -> None:
    run = await d.send(question)
    writer = Writer(run)
    for lane, thought in enumerate(thoughts):
        writer.write(lane, thought, "reasoning")
    for lane, answer in enumerate(answers):
        writer.write(lane, answer)
        await d.until(lambda lane=lane: d.answer(lane))  # type: ignore[misc]
    run.finish(thought=2 if thoughts else 0)
    await d.idle()


async def one_lane(d: Driver) -> None:
    answer = "It is **4**.\n\n```python\nprint(4)\n```"
    await turn(d, "What is *2 + 2*?", answer, thoughts=["2 and 2"])


async def one_lane_with_turns(d: Driver) -> None:
    for number in range(3):
        await turn(d, f"question {number}", f"answer {number}", thoughts=[f"thought {number}"])


async def several_lanes(d: Driver) -> None:
    lanes(d, 3)
    answers = ("one bird sings here", "one cat sleeps here", "one bird sings so")
    await turn(d, "Say it", *answers, thoughts=("a b", "a b", "a b"))


async def second_turns(d: Driver) -> None:
    lanes(d, 3)
    await turn(d, "first", "The answer is 83", "47 + 36 = 83", "The answer is 83")
    await turn(d, "second", "The answer is 11", "5 + 6 = 11", "It is 11")


async def first_words_differ(d: Driver) -> None:
    lanes(d, 2)
    await turn(d, "first", "The answer is 83", "47 + 36 = 83")
    run = await d.send("second")
    writer = Writer(run)
    for part in ("The", "answer", "is", "11"):
        writer.write(0, part)
    for part in ("5", "+", "6", "= 11"):
        writer.write(1, part)
        await d.until(lambda: d.answer(1))
    await d.until(lambda: d.window.page.view.differences._marks is not None)
    run.finish()
    await d.idle()


async def added_lane(d: Driver) -> None:
    lanes(d, 2)
    await turn(d, "first", "from A", "from B")
    d.click("addLaneButton")
    await turn(d, "second", "more A", "more B", "more C")


async def two_lanes_after_a_chat(d: Driver) -> None:
    await turn(d, "first", "a chat", thoughts=["alone"])
    d.click("addLaneButton")
    await turn(d, "second", "more A", "more B")


async def looped(d: Driver, reason: str = "length", *, thinking: bool = False) -> None:
    lanes(d, 2)
    run = await d.send("Go")
    writer = Writer(run)
    kind = "reasoning" if thinking else "answer"
    head, loop = "Well, we *begin* so.\n\n", "Once more.\n\n- one\n- two\n\nAnd "
    writer.write(1, head.strip() + "\n\n" + loop * 4, kind)
    writer.write(0, "short")
    size = len(loop.split(" "))
    found = Loop(4, size - 1, 3.4, loop)
    run.put(LoopFound(1, found))
    await d.shown("loopStopButton")
    for rounds in (5, 6):
        writer.write(1, loop, kind)
        run.put(LoopGrew(1, replace(found, repeats=rounds + 0.2)))
    await d.until(lambda: "6 times" in d.find("loopBand").accessibleName())
    if reason == "cancelled":
        d.click("loopStopButton")
    run.finish(1, reason=reason, thought=90 if thinking else 0, loop=replace(found, repeats=6.9))
    run.finish()
    await d.idle()


async def looped_and_stopped_by_hand(d: Driver) -> None:
    await looped(d, "cancelled")


async def looped_and_stopped_by_the_guard(d: Driver) -> None:
    await looped(d, "loop")


async def looped_in_thought(d: Driver) -> None:
    await looped(d, thinking=True)


async def stopped(d: Driver) -> None:
    lanes(d, 2)
    run = await d.send("Go")
    writer = Writer(run)
    for lane in range(2):
        writer.write(lane, "a b c")
    writer.write(1, "d e")
    await d.until(lambda: d.answer(1).endswith("e "))
    d.click("laneStopButton", d.lane(0))
    d.window.page.stop()
    await d.idle()


async def failed(d: Driver) -> None:
    lanes(d, 2)
    run = await d.send("Go")
    writer = Writer(run)
    for lane in range(2):
        writer.write(lane, "a b c")
    await d.until(lambda: d.answer(1))
    run.finish(0)
    run.close(UserError("The device failed.", "Load the model again.", code="decode"))
    await d.idle()


async def lane_failed(d: Driver) -> None:
    lanes(d, 2)
    run = await d.send("Go")
    Writer(run).write(0, "a b c")
    run.finish(1, reason="error", detail="The grammar cannot go on.")
    run.finish(0)
    await d.idle()


async def model_is_gone(d: Driver) -> None:
    """Lane B's model cannot be loaded; lane A answers."""
    lanes(d, 2)
    view = d.window.page.view
    d.window.page.acts.set_model(view, view.lanes[1], Path("/models/gone.gguf"))
    await turn(d, "Go", "from A")


async def refused_message(d: Driver) -> None:
    """It is saved, and then no lane can begin."""
    lanes(d, 2)
    d.window.page.composer.set_text("word " * 400)
    d.click("sendButton")
    await d.idle()
    d.window.page.composer.set_text("")


async def stopped_before_its_turn(d: Driver) -> None:
    lanes(d, 2)
    view = d.window.page.view
    d.window.page.acts.set_model(view, view.lanes[1], Path("/models/gone.gguf"))
    run = await d.send("Go")
    Writer(run).write(0, "a b c")
    await d.until(lambda: d.answer(0))
    d.window.page.stop()
    await d.idle()


async def removed_before_its_turn(d: Driver) -> None:
    lanes(d, 3)
    view = d.window.page.view
    d.window.page.acts.set_model(view, view.lanes[1], Path("/models/gone.gguf"))
    run = await d.send("Go")
    d.window.page.acts.remove(view.lanes[1])
    writer = Writer(run)
    writer.write(0, "a b c")
    writer.write(1, "a b d")
    run.finish()
    await d.idle()
    assert [lane.label for lane in view.lanes] == ["A", "C"]


async def refused_second_message(d: Driver) -> None:
    await turn(d, "first", "fine")
    d.window.page.composer.set_text("word " * 400)
    d.click("sendButton")
    await d.idle()
    d.window.page.composer.set_text("")
    await turn(d, "shorter", "fine again")


async def regenerated(d: Driver) -> None:
    lanes(d, 2)
    await turn(d, "first", "from A", "from B")
    await turn(d, "second", "more A", "more B")
    d.click("regenerateButton", d.lane(1))
    await d.until(lambda: len(d.engine.staged) == 3)
    run = d.engine.staged[-1]
    Writer(run).write(0, "else B")
    run.finish()
    await d.idle()


async def stepped_back(d: Driver) -> None:
    await regenerated(d)
    await d.click_when_shown("earlierReplyButton")
    await d.until(lambda: d.answer(1).startswith("more B"))


async def constrained(d: Driver) -> None:
    lanes(d, 2)
    model = d.window.page.view.lanes[1].model
    model.set_values({"temperature": 0.25})
    model.change(constraints=Constraints(banned_strings=("no",)))
    await turn(d, "Go", "a b", "a c")


async def two_chains(d: Driver) -> None:
    lanes(d, 2)
    model = d.window.page.view.lanes[1].model
    model.change(answer=AnswerSetup(user={"temperature": 0.1}))
    await turn(d, "Go", "a b", "a c", thoughts=("one two", "one three"))


async def answered_again(d: Driver) -> None:
    lanes(d, 2)
    await turn(d, "Go", "a b", "a c", thoughts=("one two", "one three"))
    view = d.window.page.view
    thought = SameThought(view.lanes[1].reply_id, "one two three", 2)
    setups = [view.lanes[1].setup]
    runs, options = d.window.page.runs, RunOptions()
    runs.answer_again(view, [view.lanes[1]], setups, options, thought)
    await d.until(lambda: len(d.engine.staged) == 2)
    run = d.engine.staged[-1]
    writer = Writer(run)
    for number in range(2):
        writer.write(number, "one two three", "reasoning")
        writer.write(number, f"answer {number}")
    run.finish(thought=3, frozen=3)
    await d.idle()


def lanes(d: Driver, number: int) -> None:
    for _ in range(number - 1):
        d.click("addLaneButton")


EVERY_KIND: Sequence[Journey] = (
    one_lane,
    one_lane_with_turns,
    several_lanes,
    second_turns,
    first_words_differ,
    added_lane,
    two_lanes_after_a_chat,
    looped,
    looped_and_stopped_by_hand,
    looped_and_stopped_by_the_guard,
    looped_in_thought,
    stopped,
    failed,
    lane_failed,
    model_is_gone,
    refused_message,
    stopped_before_its_turn,
    removed_before_its_turn,
    refused_second_message,
    regenerated,
    stepped_back,
    constrained,
    two_chains,
    answered_again,
)


@pytest.mark.parametrize("journey", EVERY_KIND, ids=lambda each: each.__name__)
async def test_it_shows_the_same_when_it_is_opened_again(
    qapp: QApplication, tmp_path: Path, journey: Journey
) -> None:
    async with opened(tmp_path) as d:
        d.frame.resize(1500, 900)
        await journey(d)
        await agrees(d)
