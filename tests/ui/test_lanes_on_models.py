"""Lanes on different models in the window, and comparisons that were cut off."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from qwqdesk.conversation import Timing, Usage
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.store.history import History
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.text_block import TextBlock
from tests.fake_engine import MODEL
from tests.ui.conversation.test_reopened import Writer, agrees
from tests.ui.fakes import Driver, opened
from tests.unit.conftest import models

__all__ = ["models"]


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


async def _load(d: Driver, path: Path) -> None:
    """Choose a model, as in the picker."""
    d.window.models.load(path)
    loaded = d.window.desk
    await d.until(lambda: loaded.model is not None and loaded.model.model.path == str(path))
    await d.until(lambda: not d.window.loader.busy)


async def _run_on_both(d: Driver, chosen: Path, other: Path) -> None:
    """A comparison of lane A on the chosen model with lane B on another one."""
    await _load(d, chosen)
    d.click("addLaneButton")
    view = d.window.page.view
    d.window.page.acts.set_model(view, view.lanes[1], other)
    run = await d.send("hello")
    run.write(0, "one")
    run.finish()
    await d.until(lambda: len(d.engine.staged) == 2)
    d.engine.staged[1].write(0, "two")
    d.engine.staged[1].finish()
    await d.idle()
    assert d.window.desk.session.loaded is not None
    assert d.window.desk.session.loaded.model.path == str(other)


async def test_a_comparison_on_several_models_chooses_none_of_them(
    qapp: QApplication, tmp_path: Path, models: dict[str, Path]
) -> None:
    chosen, other = models["F16"], models["Q8_0"]
    async with opened(tmp_path) as d:
        await _run_on_both(d, chosen, other)
        picker = d.find("modelPicker")
        assert picker.property("text") == "tiny"
        assert d.window.desk.settings.last_model == str(chosen)
        d.window.page.open_new()
        assert d.find("composerInput").property("placeholderText") == "Message tiny"
        loads = len(d.engine.loads)
        run = await d.send("again")
        assert [load.path for load in d.engine.loads[loads:]] == [chosen]
        run.finish()
        await d.idle()
        loads = len(d.engine.loads)
        (await d.send("once more")).finish()
        await d.idle()
        assert len(d.engine.loads) == loads, "it is there now"


async def test_regenerating_a_lane_without_an_own_model_uses_the_chosen_one(
    qapp: QApplication, tmp_path: Path, models: dict[str, Path]
) -> None:
    chosen, other = models["F16"], models["Q8_0"]
    async with opened(tmp_path) as d:
        await _load(d, chosen)
        (await d.send("first chat")).finish()
        await d.idle()
        number = d.window.page.view.conversation_id or 0
        d.window.page.open_new()
        await _run_on_both_again(d, other)
        d.window.page.views.open(number)
        loads, runs = len(d.engine.loads), len(d.engine.staged)
        d.press("Ctrl+R")
        await d.until(lambda: len(d.engine.staged) > runs)
        assert [load.path for load in d.engine.loads[loads:]] == [chosen]
        d.engine.staged[-1].finish()
        await d.idle()


async def _run_on_both_again(d: Driver, other: Path) -> None:
    d.click("addLaneButton")
    view = d.window.page.view
    d.window.page.acts.set_model(view, view.lanes[1], other)
    before = len(d.engine.staged)
    (await d.send("hello")).finish()
    await d.until(lambda: len(d.engine.staged) == before + 2)
    d.engine.staged[-1].finish()
    await d.idle()


@pytest.mark.parametrize("other", ["Q8_0", "other"])
async def test_lanes_on_two_models_show_the_same_when_they_are_opened_again(
    qapp: QApplication, tmp_path: Path, models: dict[str, Path], other: str
) -> None:
    async with opened(tmp_path) as d:
        await _load(d, models["F16"])
        d.click("addLaneButton")
        view = d.window.page.view
        d.window.page.acts.set_model(view, view.lanes[1], models[other])
        run = await d.send("hello")
        Writer(run).write(0, "the same and one")
        run.finish()
        await d.until(lambda: len(d.engine.staged) == 2)
        run = d.engine.staged[1]
        Writer(run).write(0, "the same and two")
        run.finish()
        await d.idle()
        await agrees(d)


async def test_a_model_that_fails_to_load_or_is_freed_is_chosen_no_longer(
    qapp: QApplication, tmp_path: Path, models: dict[str, Path]
) -> None:
    async with opened(tmp_path) as d:
        await _load(d, models["F16"])
        d.window.loader.unload()
        await d.until(lambda: d.window.desk.model is None)
        assert d.find("modelPicker").property("text") == "Choose model"
        await _load(d, models["F16"])
        damaged = tmp_path / "damaged.gguf"
        damaged.write_bytes(b"GGUF")
        d.window.models.load(damaged)
        await d.shown("loadBand")
        assert d.find("modelPicker").property("text") == "tiny", "it is still there"


@pytest.mark.parametrize("width", [300, 420, 700])
async def test_recipe_and_model_can_be_read_in_a_narrow_lane(
    qapp: QApplication, tmp_path: Path, width: int
) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        view = d.window.page.view
        acts = d.window.page.acts
        acts.set_model(view, view.lanes[1], Path("/models/SmolLM2-135M-Instruct.Q4_1.gguf"))
        view.lanes[1].model.set_recipe(d.window.desk.recipe("greedy"))
        for lane in view.lanes:
            lane.setMinimumWidth(width)
            lane.setMaximumWidth(width)
        lane = view.lanes[1]
        recipe, badge = d.find("recipePicker", lane), d.find("laneModelBadge", lane)
        parts = (recipe, badge)
        await d.until(lambda: all(part.width() >= part.sizeHint().width() for part in parts))
        assert lane.width() == width
        assert str(badge.property("text")).startswith("SmolLM")
        assert str(badge.property("text")).endswith("Q4_1")
        assert badge.geometry().right() <= lane.head.width()


async def test_a_lane_on_another_model_is_never_the_same_as_a(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        _, second = _on_two_models(d)
        more = d.find("moreChips", second)
        assert more.property("text") == "rest as A"
        d.window.page.acts.set_model(d.window.page.view, second, None)
        assert d.find("moreChips", second).property("text") == "same as A"


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


async def test_what_is_missing_is_offered_where_running_it_can_help(
    qapp: QApplication, tmp_path: Path, models: dict[str, Path]
) -> None:
    async with opened(tmp_path) as d:
        await _load(d, models["F16"])
        d.click("addLaneButton")
        view = d.window.page.view
        gone = tmp_path / "gone.gguf"
        d.window.page.acts.set_model(view, view.lanes[1], gone)
        run = await d.send("hello")
        run.write(0, "one")
        run.finish()
        await d.idle()
        assert f"There is no file {gone}." in d.find("errorBand", d.lane(1)).accessibleName()
        assert not _offers_rest(d), "the file is still gone"
        await d.reopen()
        assert f"There is no file {gone}." in d.find("errorBand", d.lane(1)).accessibleName()
        assert not _offers_rest(d)
        gone.write_bytes(models["Q8_0"].read_bytes())
        await d.reopen()
        assert _offers_rest(d)
        band = d.find("interruptedBand")
        runs = len(d.engine.staged)
        next(b for b in band.findChildren(QPushButton) if b.text().startswith("Run")).click()
        await d.until(lambda: len(d.engine.staged) > runs)
        d.engine.staged[-1].write(0, "two")
        d.engine.staged[-1].finish()
        await d.idle()
        assert d.answer(1) == "two"
        await agrees(d)


async def test_what_fails_again_says_so_at_its_lane_and_is_offered_again(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        number = _cut_off(d.history)
        lanes = list(d.history.lanes(number))
        lanes[1] = {**lanes[1], "model": str(tmp_path / "gone.gguf")}
        d.history.set_lanes(number, lanes)
        d.window.page.views.open(number)
        band = await d.shown("interruptedBand")
        next(b for b in band.findChildren(QPushButton) if b.text().startswith("Run")).click()
        await d.shown("errorBand")
        await d.idle()
        assert "gone.gguf" in d.find("errorBand", d.lane(1)).accessibleName()
        assert not _offers_rest(d)
        await agrees(d)
        (tmp_path / "gone.gguf").write_bytes(b"GGUF")
        await d.reopen()
        assert _offers_rest(d)


async def test_editing_a_lane_keeps_the_mark_of_what_was_asked(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.window.page.views.open(_cut_off(d.history))
        await d.shown("interruptedBand")
        d.window.page.view.lanes[1].model.set_values({"temperature": 0.3})
        await d.reopen()
        assert _offers_rest(d)


def _offers_rest(d: Driver) -> bool:
    return any(w.isVisible() for w in d.page.findChildren(QWidget, "interruptedBand"))
