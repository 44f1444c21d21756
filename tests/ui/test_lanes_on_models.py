"""Lanes on different models in the window, and comparisons that were cut off."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from qwqdesk.conversation import Timing, Usage
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.store.history import History
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.text_block import TextBlock
from tests.fake_engine import MODEL
from tests.ui.fakes import Driver, opened


def _on_two_models(d: Driver) -> tuple[Lane, Lane]:
    d.click("addLaneButton")
    view = d.window.page.view
    first, second = view.lanes
    d.window.page.acts.set_model(view, second, Path("/models/other.gguf"))
    return first, second


async def test_choosing_a_model_for_one_lane_names_it_in_all(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        first, second = _on_two_models(d)
        assert (first.setup.model, second.setup.model) == (MODEL.path, "/models/other.gguf")
        badge = d.find("laneModelBadge", d.lane(1))
        assert "other" in badge.accessibleName()
        d.window.page.acts.set_model(d.window.page.view, second, None)
        assert (first.setup.model, second.setup.model) == (None, None)
        assert not badge.isVisible()


async def test_a_recipe_chosen_later_keeps_the_lanes_model(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        _, second = _on_two_models(d)
        second.model.set_recipe(d.window.desk.recipe("greedy"))
        assert second.setup.model == "/models/other.gguf"
        second.model.undo()
        assert second.setup.model == "/models/other.gguf"


def _cut_off(history: History) -> int:
    """A comparison of two lanes of which only A was answered."""
    number = history.create_conversation()
    message = history.add_user_message(number, None, "hello")
    lanes = [{**LaneSetup(label).to_json(), "asked": message} for label in "AB"]
    history.set_lanes(number, lanes)
    reply = history.add_reply(
        message, "A", recipe=None, mode="exact", sampling={"seed": 77}, sources={}, manifest={}
    )
    history.finish_reply(
        reply,
        text="A says so",
        reasoning=None,
        answer="A says so",
        tokens=(1, 2),
        finish_reason="stop",
        finish_detail=None,
        usage=Usage(1, 0, 2),
        timing=Timing(),
        loop=None,
    )
    history.set_tips(number, {"A": reply})
    return number


def _with_two_vocabularies(history: History, *pieces: list[str]) -> int:
    """A comparison whose lanes' models cut the same text into other tokens."""
    number = history.create_conversation()
    message = history.add_user_message(number, None, "hello")
    tips = {}
    for label, words in zip("AB", pieces, strict=False):
        tips[label] = history.add_reply(
            message, label, recipe=None, mode="exact", sampling={"seed": 7}, sources={},
            manifest={"vocabulary": f"gpt2/{label}"},
        )  # fmt: skip
        text = "".join(words)
        history.finish_reply(
            tips[label],
            text=text,
            reasoning=None,
            answer=text,
            tokens=tuple(range(len(words))),
            ends=tuple(len("".join(words[: n + 1])) for n in range(len(words))),
            finish_reason="stop",
            finish_detail=None,
            usage=Usage(1, 0, len(words)),
            timing=Timing(),
        )
    history.set_lanes(number, [LaneSetup(label).to_json() for label in "AB"])
    history.set_tips(number, tips)
    return number


async def test_tokens_of_different_vocabularies_are_compared_by_their_text(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        one = ["The", " cat", " sat", " down", "."]
        other = ["T", "h", "e", " cat", " ran", "."]
        d.window.page.views.open(_with_two_vocabularies(d.history, one, other))
        view = d.window.page.view
        await d.until(lambda: view.differences.marked)
        link = d.find("firstDifference")
        assert link.accessibleName() == "First difference in the text"
        marks = [_marks(view.lanes[number]) for number in (0, 1)]
        assert marks == [[("Text differs", "sat down.")], [("Text differs", "ran.")]]
        d.press("F8")
        assert view.differences.steps.at_words == "Difference in the text"


async def test_the_same_text_of_different_vocabularies_is_told(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        number = _with_two_vocabularies(d.history, ["The cat", "."], ["The", " cat", "."])
        d.window.page.views.open(number)
        note = await d.shown("differenceNote")
        assert note.property("text") == "Both lanes wrote the same text."


def _marks(lane: Lane) -> list[tuple[str, str]]:
    """The marks of a lane: their words, and the text behind them."""
    views = lane.output.transcript.findChildren(TextBlock)
    return [
        (mark.words, view.marks.text()[mark.place :]) for view in views for mark in view.marks.marks
    ]


async def test_lanes_that_were_never_answered_are_offered(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.window.page.views.open(_cut_off(d.history))
        band = await d.shown("interruptedBand")
        assert "Lane B has no whole reply" in band.accessibleName()
        go_on = next(b for b in band.findChildren(QPushButton) if b.text() == "Run what is missing")
        go_on.click()
        await d.until(lambda: d.engine.staged)
        (lane,) = d.engine.runs[-1].lanes
        assert lane.chain.integer("seed") == 77  # lane A's, or the two cannot be compared
        d.engine.staged[-1].write(0, "B too")
        d.engine.staged[-1].finish()
        await d.idle()
        assert (d.answer(0), d.answer(1)) == ("A says so", "B too")
        d.window.page.open_new()
        d.window.page.views.open(1)
        assert not [w for w in d.page.findChildren(QWidget, "interruptedBand") if w.isVisible()]


async def test_a_lane_that_was_added_later_was_not_cut_off(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("hello")
        run.write(0, "A says so")
        run.finish()
        await d.idle()
        number = d.window.page.view.conversation_id or 0
        d.click("addLaneButton")
        d.window.page.open_new()
        d.window.page.views.open(number)
        assert not [w for w in d.page.findChildren(QWidget, "interruptedBand") if w.isVisible()]
