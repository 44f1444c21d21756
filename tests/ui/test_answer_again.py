"""Answering again from the same thought, in the window over a scripted engine."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu, QPlainTextEdit

from qwqdesk.engine.events import RunRequest
from tests.ui.fakes import Driver, StagedStream, opened

THOUGHT = "two and two"


async def answered(d: Driver, lanes: int = 1) -> StagedStream:
    """A conversation in which every lane has thought and answered."""
    for _ in range(lanes - 1):
        d.click("addLaneButton")
    run = await d.send("What is 2 + 2?")
    for lane in range(lanes):
        run.write(lane, thought=f"{THOUGHT} {lane}", tokens=3)
        run.write(lane, f"first {lane}")
    run.finish(frozen=3)
    await d.idle()
    return run


async def choose(d: Driver, lane: int, action: str) -> None:
    """Open a lane's menu at its foot and take an action."""
    d.click("answerAgainButton", d.lane(lane))
    await d.until(lambda: d.page.findChildren(QMenu, "answerAgainMenu"))
    menu = d.page.findChildren(QMenu, "answerAgainMenu")[-1]
    found = menu.findChild(QAction, action)
    assert isinstance(found, QAction), [each.objectName() for each in menu.actions()]
    menu.close()
    found.trigger()


async def staged(d: Driver, runs: int) -> StagedStream:
    await d.until(lambda: len(d.engine.staged) == runs)
    return d.engine.staged[-1]


def request(d: Driver) -> RunRequest:
    return d.engine.runs[-1]


def head(d: Driver, lane: int = 0) -> str:
    found = d.find("reasoningToggle", d.lane(lane))
    assert isinstance(found, QAbstractButton)
    return found.accessibleName()


def status(d: Driver) -> str:
    shown = d.window.page.view.lanes[0].status
    return shown.text if shown is not None else ""


def saved(d: Driver) -> list[tuple[str, str]]:
    """Lane and answer of every reply to the message."""
    (message,) = d.history.load(d.window.page.view.conversation_id or 0).messages
    return [(reply.lane, reply.answer) for reply in message.replies]


async def test_the_answer_is_drawn_again_and_the_old_one_is_a_sibling(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        await answered(d)
        await choose(d, 0, "again_1")
        run = await staged(d, 2)
        (lane,) = request(d).lanes
        assert lane.thought is not None
        assert lane.thought.tokens == (0, 1, 2)
        run.write(0, thought=f"{THOUGHT} 0", tokens=3)
        run.write(0, "second")
        run.finish(frozen=3)
        await d.idle()
        assert saved(d) == [("A", "first 0"), ("A", "second")]
        assert d.answer(0) == "second"
        await d.until(lambda: head(d).startswith("Same thought as before 3 tokens"))
        await d.click_when_shown("earlierReplyButton")
        await d.until(lambda: d.answer(0) == "first 0")
        await d.shown("reasoningToggle")
        assert head(d).startswith("Thought")
        await d.click_when_shown("laterReplyButton")
        await d.shown("reasoningToggle")
        await d.until(lambda: head(d).startswith("Same thought as before"))


async def test_several_answers_are_written_and_the_newest_is_shown(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        await answered(d)
        await choose(d, 0, "again_3")
        run = await staged(d, 2)
        seeds = [lane.chain.integer("seed") for lane in request(d).lanes]
        assert len(set(seeds)) == 3
        for number in range(3):
            run.write(number, f"again {number}")
        await d.until(lambda: status(d) == "Writing 3 answers")
        run.finish()
        await d.idle()
        answers = ["first 0", "again 0", "again 1", "again 2"]
        assert saved(d) == [("A", answer) for answer in answers]
        assert d.answer(0) == "again 2"


async def test_stopping_the_lane_stops_all_its_answers(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await answered(d, lanes=2)
        await choose(d, 1, "again_2")
        run = await staged(d, 2)
        run.write(0, "x")
        run.write(1, "y")
        await d.until(lambda: d.answer(1) == "y")
        d.click("laneStopButton", d.lane(1))
        await d.idle()
        assert d.answer(0) == "first 0"
        assert saved(d)[2:] == [("B", "x"), ("B", "y")]


async def test_every_lane_answers_from_one_lanes_thought(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        await answered(d, lanes=2)
        await choose(d, 1, "again_lanes")
        run = await staged(d, 2)
        assert [lane.label for lane in request(d).lanes] == ["A", "B"]
        assert len({lane.chain.integer("seed") for lane in request(d).lanes}) == 1
        run.write(0, "A again")
        run.write(1, "B again")
        run.finish()
        await d.idle()
        assert (d.answer(0), d.answer(1)) == ("A again", "B again")


async def test_new_lanes_answer_with_other_seeds(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await answered(d)
        await choose(d, 0, "again_new_2")
        run = await staged(d, 2)
        assert [lane.label for lane in request(d).lanes] == ["B", "C"]
        assert len({lane.chain.integer("seed") for lane in request(d).lanes}) == 2
        run.write(0, "in B")
        run.write(1, "in C")
        run.finish()
        await d.idle()
        assert [d.answer(lane) for lane in range(3)] == ["first 0", "in B", "in C"]


async def test_an_edited_thought_is_answered_from(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await answered(d)
        await choose(d, 0, "again_edit")
        text = await d.shown("thoughtText")
        assert isinstance(text, QPlainTextEdit)
        assert text.toPlainText() == f"{THOUGHT} 0"
        assert d.window.focusWidget() is text
        d.press("Esc")
        await d.shown("reasoningToggle")
        await choose(d, 0, "again_edit")
        text = await d.shown("thoughtText")
        assert isinstance(text, QPlainTextEdit)
        text.setPlainText("It is five.")
        d.press("Ctrl+Return")
        run = await staged(d, 2)
        thought = request(d).lanes[0].thought
        assert thought is not None
        assert "It is five." in thought.text
        run.write(0, thought="It is five.")
        run.write(0, "5")
        run.finish(frozen=4)
        await d.idle()
        assert d.answer(0) == "5"
        await d.until(lambda: head(d).startswith("Edited thought"))


async def test_without_a_thought_there_is_nothing_to_answer_from(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("hello")
        run.write(0, "hi")
        run.finish()
        await d.idle()
        assert not d.find("regenerateButton").isHidden()
        found = d.page.findChildren(QAbstractButton, "answerAgainButton")
        assert not any(button.isVisible() for button in found)


async def test_the_palette_answers_again_and_opens_the_thought(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.window.commands.run("answer_again")  # there is nothing yet
        await answered(d)
        d.window.commands.run("edit_thought")
        await d.shown("thoughtText")
        d.click("cancelThought")
        d.window.commands.run("answer_again")
        run = await staged(d, 2)
        d.window.commands.run("answer_again")  # not while something runs
        run.write(0, "second")
        run.finish()
        await d.idle()
        assert len(d.engine.staged) == 2
        assert d.answer(0) == "second"


async def test_a_lane_with_a_fixed_seed_answers_otherwise_each_time(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        lane = d.window.page.view.lanes[0]
        lane.model.set_values({"seed": 3407})
        await answered(d)
        for runs, seed in ((2, 3408), (3, 3409)):
            await choose(d, 0, "again_1")
            run = await staged(d, runs)
            assert request(d).lanes[0].chain.integer("seed") == seed
            run.write(0, thought=f"{THOUGHT} 0", tokens=3)
            run.write(0, "again")
            run.finish(frozen=3)
            await d.idle()
        assert lane.model.chain.integer("seed") == 3407
