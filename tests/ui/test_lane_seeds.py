"""A seed belongs to the run: nothing that is chosen for a lane changes it without being asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QPushButton

from qwqdesk.sampling.constraints import Constraints, TextBias
from qwqdesk.sampling.recipe_files import load_recipes
from qwqdesk.ui.base import MessageBand
from qwqdesk.ui.conversation.chain_foot import PasteBox
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.conversation.lane_import import take_settings
from tests.ui.fakes import Driver, child, opened

LIMITS = Constraints(
    grammar='root ::= "yes"', banned_strings=("no",), text_biases=(TextBias("maybe", -2.0),)
)


def seeds(d: Driver) -> list[int]:
    return d.window.page.view.columns.seeds()


def offer(lane: Lane) -> MessageBand | None:
    bands = lane.output.bands.findChildren(MessageBand, "seedBand")
    return next((band for band in bands if not band.isHidden()), None)


def paste(lane: Lane, command: str) -> None:
    box = PasteBox(lane.model, lane)
    child(box, QPlainTextEdit, "commandText").setPlainText(command)
    child(box, QPushButton, "useCommand").click()


def choose(d: Driver, lane: Lane, recipe: str) -> None:
    found = d.window.desk.recipe(recipe)
    assert found is not None
    lane.model.set_recipe(found)


@pytest.mark.parametrize("seed", [-1, 5])
@pytest.mark.parametrize("recipe", ["unsloth", "unsloth+penalties", "llama.cpp+1.5", "qwen"])
async def test_a_recipe_never_changes_the_seed(
    qapp: QApplication, tmp_path: Path, recipe: str, seed: int
) -> None:
    async with opened(tmp_path) as d:
        d.window.page.acts.add()
        d.window.page.view.columns.set_seed(seed)
        lane = d.window.page.view.lanes[1]
        choose(d, lane, recipe)
        assert seeds(d) == [seed, seed]
        assert not lane.setup.edited
        band = offer(lane)
        assert (band is not None) == (recipe != "qwen")
        lane.model.reset()
        assert seeds(d) == [seed, seed]


async def test_the_seed_that_a_recipe_names_can_be_used_for_all(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.window.page.acts.add()
        first, second = d.window.page.view.lanes
        choose(d, first, "unsloth")
        choose(d, second, "llama.cpp+1.1")
        band = offer(second)
        assert band is not None
        assert "3407" in band.accessibleName()
        use = child(band, QPushButton, "useSeed")
        assert use.text() == "Use it for all lanes"
        use.click()
        assert seeds(d) == [3407, 3407]
        assert d.window.page.toolbar.seed.text == "3407"
        assert offer(first) is None
        assert offer(second) is None


async def test_an_offer_goes_with_the_next_message(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.page.acts.add()
        choose(d, d.window.page.view.lanes[1], "unsloth")
        assert offer(d.window.page.view.lanes[1]) is not None
        run = await d.send("Go")
        assert offer(d.window.page.view.lanes[1]) is None
        run.finish()
        await d.idle()
        assert offer(d.window.page.view.lanes[1]) is None
        await d.reopen()
        assert offer(d.window.page.view.lanes[1]) is None


async def test_an_offer_goes_when_a_seed_is_set_by_hand(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.page.acts.add()
        columns = d.window.page.view.columns
        lane = d.window.page.view.lanes[1]
        by_hand: list[Callable[[], object]] = [
            lambda: columns.set_seed(12),
            lambda: columns.set_seed(12),  # it is that already
            columns.draw_own_seeds,
            lambda: lane.model.set_values({"seed": 99}),
        ]
        for change in by_hand:
            choose(d, lane, "greedy")
            choose(d, lane, "unsloth")
            assert offer(lane) is not None
            change()
            assert offer(lane) is None


async def test_an_offer_goes_with_its_reason(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        lane = d.window.page.view.lanes[0]
        leave: list[Callable[[], object]] = [
            lambda: choose(d, lane, "greedy"),
            lane.model.undo,
            lambda: lane.model.set_values({"seed": 3407}),
            lambda: child(lane.output.bands, QPushButton, "closeSeed").click(),
        ]
        for act in leave:
            lane.model.set_values({"seed": -1})
            choose(d, lane, "qwen")
            choose(d, lane, "unsloth")
            band = offer(lane)
            assert band is not None
            assert child(band, QPushButton, "useSeed").text() == "Use it"
            act()
            assert offer(lane) is None


async def test_a_pasted_command_leaves_the_seed(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.page.acts.add()
        d.window.page.view.columns.set_seed(5)
        lane = d.window.page.view.lanes[1]
        paste(lane, "llama-cli --temp 0.3")
        assert seeds(d) == [5, 5]
        assert offer(lane) is None
        paste(lane, "llama-cli --temp 0.2 -s 42 --reasoning-budget 9")
        assert seeds(d) == [5, 5]
        assert (lane.model.chain.number("temperature"), lane.setup.reasoning_budget) == (0.2, 9)
        assert offer(lane) is not None
        lane.model.undo()
        assert lane.model.chain.number("temperature") == 0.3


async def test_imported_settings_leave_the_seed(qapp: QApplication, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"temperature": 0.3, "seed": 42}))
    async with opened(tmp_path / "data") as d:
        d.window.page.acts.add()
        d.window.page.view.columns.set_seed(5)
        lane = d.window.page.view.lanes[1]
        await take_settings(d.window.desk, lane, file, d.window)
        assert seeds(d) == [5, 5]
        assert offer(lane) is not None


async def test_undo_leaves_the_seed_of_the_run(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.page.acts.add()
        lane = d.window.page.view.lanes[1]
        choose(d, lane, "unsloth")
        d.window.page.view.columns.set_seed(8)
        for act in (lane.model.undo, lane.model.undo, lane.model.redo, lane.model.redo):
            act()
            assert seeds(d) == [8, 8]


async def test_a_saved_recipe_keeps_the_constraints_of_the_lane(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        lane = d.window.page.view.lanes[0]
        d.window.page.view.columns.set_seed(5)
        lane.model.change(constraints=LIMITS, reasoning_budget=7)
        lane.head.recipeNamed.emit("Mine")
        assert lane.setup.recipe is not None
        assert lane.setup.recipe.id == "mine"
        assert lane.setup.limits == LIMITS
        assert not lane.setup.edited
        assert (seeds(d), lane.setup.reasoning_budget) == ([5], 7)
        stored = load_recipes(d.window.desk.dirs.recipes).named("mine")
        assert stored.constraints == LIMITS
        assert stored.chain.has_random_seed
