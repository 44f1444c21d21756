"""The head of a lane: recipe, chips of what differs, state, and how it shrinks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QMenu, QWidget
from pytestqt.qtbot import QtBot

from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.recipes import BUILTIN_RECIPES, Recipe, recipe_named
from qwqdesk.ui.base import Badge, Chip
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.conversation.chips import differences_line, steps_line
from qwqdesk.ui.conversation.lane_head import LaneHead
from qwqdesk.ui.conversation.lane_status import finished, looping, reading, running

UNSLOTH = recipe_named("unsloth", BUILTIN_RECIPES)


@pytest.fixture
def model() -> ChainModel:
    return ChainModel(LaneSetup("B", UNSLOTH))


@pytest.fixture
def head(qtbot: QtBot, model: ChainModel) -> Iterator[LaneHead]:
    made = LaneHead(model, "B")
    qtbot.addWidget(made)
    made.set_recipes(BUILTIN_RECIPES)
    made.resize(520, 80)
    made.show()
    yield made
    for menu in made.findChildren(QMenu):
        menu.close()


def chips(head: LaneHead) -> list[str]:
    QApplication.processEvents()
    found = [chip for chip in head.findChildren(Chip) if chip.isVisible()]
    found.sort(key=lambda chip: chip.x())
    return [chip.text() for chip in found]


def badge(head: LaneHead) -> Badge:
    found = head.findChild(Badge, "finishBadge")
    assert found is not None
    return found


def test_lane_a_shows_its_steps_in_order(head: LaneHead) -> None:
    head.resize(800, 80)
    assert chips(head) == ["top_k 40", "top_p 0.95", "min_p 0.1", "temperature 0.6", "dry 0.5",
                           "3 without effect"]  # fmt: skip


def test_other_lanes_show_only_what_differs(head: LaneHead, model: ChainModel) -> None:
    model.set_reference(model.chain)
    assert chips(head) == ["same as A"]
    model.set_values({"dry_multiplier": 0.8})
    assert chips(head) == ["dry 0.8 (A: 0.5)", "rest as A"]


def test_differences_name_the_lane_that_is_the_first_one(head: LaneHead, model: ChainModel) -> None:
    """Lane A may have been removed."""
    model.set_reference(model.chain, replace(model.setup, label="B"))
    assert chips(head) == ["same as B"]
    model.set_values({"dry_multiplier": 0.8})
    assert chips(head) == ["dry 0.8 (B: 0.5)", "rest as B"]


def test_the_most_important_difference_comes_first() -> None:
    a = UNSLOTH.chain
    b = a.with_values(top_k=20).with_step("penalties", 0).without_step("dry")
    line = differences_line(a, b)
    assert [f"{chip.name} {chip.value}".strip() for chip in line.chips] == [
        "dry not in chain", "penalties first, 1.1", "top_k 20 (A: 40)"]  # fmt: skip


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("penalties;top_k;temperature", "first, 1.5 (A: off)"),
        ("top_k;temperature;penalties", "after temperature, 1.5 (A: off)"),
    ],
)
def test_a_step_that_is_off_in_a_says_where_it_acts(order: str, words: str) -> None:
    chain = SamplerChain.of(order.split(";"), repeat_penalty=1.5)
    line = differences_line(SamplerChain.of(), chain)
    assert words in [chip.value for chip in line.chips if chip.name == "penalties"]


def test_another_order_is_one_chip_with_both_orders_in_the_tip() -> None:
    a = UNSLOTH.chain
    line = differences_line(a, a.moved("temperature", 0))
    assert [chip.value for chip in line.chips] == ["order"]
    assert "temperature;top_k" in line.chips[0].tip


@pytest.mark.parametrize("order", [(), ("temperature",), ("adaptive_p",)])
def test_every_chain_has_a_line(order: tuple[str, ...]) -> None:
    for mirostat in (0, 1, 2):
        chain = SamplerChain.of(order, mirostat=mirostat)
        setup = LaneSetup("A", None, {"samplers": list(order), "mirostat": mirostat})
        assert steps_line(setup.resolved()).differing is False
        assert differences_line(UNSLOTH.chain, chain).chips


def test_chips_that_do_not_fit_become_a_number(head: LaneHead, qtbot: QtBot) -> None:
    head.resize(330, 80)
    shown = chips(head)
    assert shown[-1].endswith("more")
    line = head.findChild(QWidget, "laneChips")
    assert line is not None
    for chip in head.findChildren(Chip):
        assert not chip.isVisible() or chip.geometry().right() <= line.width()


def test_a_narrow_lane_shows_one_difference(head: LaneHead, model: ChainModel) -> None:
    model.set_reference(recipe_named("llama.cpp+1.1", BUILTIN_RECIPES).chain)
    head.resize(307, 80)
    head.set_density("narrow")
    shown = chips(head)
    assert len(shown) == 2
    assert shown[-1].endswith("more")


def test_a_click_on_a_chip_leads_to_its_step(head: LaneHead) -> None:
    chosen: list[str] = []
    head.stepChosen.connect(chosen.append)
    QApplication.processEvents()
    for chip in head.findChildren(Chip):
        if chip.text() == "top_k 40":
            QTest.mouseClick(chip, Qt.MouseButton.LeftButton)
    assert chosen == ["top_k"]


def test_a_recipe_from_the_menu_replaces_the_chain(head: LaneHead, model: ChainModel) -> None:
    model.set_values({"seed": 99, "top_k": 3})
    edited = head.findChild(Badge, "editedBadge")
    assert edited is not None
    assert edited.isVisible()
    menu = head.findChild(QMenu, "recipeMenu")
    assert menu is not None
    act = next(act for act in menu.actions() if act.objectName() == "recipe_greedy")
    act.trigger()
    assert model.setup.recipe is not None
    assert model.setup.recipe.id == "greedy"
    assert model.chain.integer("top_k") == 1
    assert model.chain.integer("seed") == 99, "the seed is the run's, not the recipe's"
    assert not edited.isVisible()
    model.undo()
    assert model.chain.integer("top_k") == 3


def test_own_recipes_stand_apart_and_can_be_named(head: LaneHead, model: ChainModel) -> None:
    own = Recipe.of(model.chain, "Mine & others")
    head.set_recipes([*BUILTIN_RECIPES, own])
    menu = head.findChild(QMenu, "recipeMenu")
    assert menu is not None
    texts = [act.text() for act in menu.actions()]
    assert texts[len(BUILTIN_RECIPES) : len(BUILTIN_RECIPES) + 2] == ["", "Mine && others"]
    named: list[str] = []
    head.recipeNamed.connect(named.append)
    head.ask_recipe_name()
    name = head.findChild(QLineEdit, "recipeName")
    save = head.findChild(QAbstractButton, "saveRecipe")
    assert name is not None
    assert save is not None
    name.setText("  ")
    assert not save.isEnabled()
    name.setText("Calm")
    save.click()
    assert named == ["Calm"]


def test_every_finish_reason_has_its_badge(head: LaneHead) -> None:
    for status, kind, text in [
        (finished("stop"), "neutral", "Finished"),
        (finished("length", "The context is full."), "warn", "Length limit"),
        (finished("loop"), "warn", "Looped, stopped"),
        (finished("cancelled"), "neutral", "Stopped by you"),
        (finished("error"), "bad", "Failed"),
        (finished(None), "warn", "Interrupted"),
        (looping(), "warn", "Looping"),
        (finished("stop", looped=True), "warn", "Looped"),
        (finished("length", looped=True), "warn", "Looped"),
        (finished("loop", looped=True), "warn", "Looped, stopped"),
        (finished("cancelled", looped=True), "neutral", "Stopped by you"),
        (finished("error", looped=True), "bad", "Failed"),
        (reading(31, 50), "accent", "Reading prompt 62 %"),
        (reading(0, 0), "accent", "Reading prompt 0 %"),
        (running("Thinking"), "accent", "Thinking"),
    ]:
        head.set_status(status)
        assert (badge(head).kind, badge(head).text()) == (kind, text)
    head.set_status(None)
    assert not badge(head).isVisible()


def test_narrow_badges_shrink_but_amber_and_red_keep_their_word(head: LaneHead) -> None:
    head.set_density("narrow")
    head.set_status(finished("stop"))
    assert badge(head).sizeHint().width() < 40
    assert badge(head).toolTip() == "Finished"
    head.set_status(finished("error"))
    assert badge(head).sizeHint().width() > 50


def test_a_narrow_lane_says_that_its_recipe_was_edited(head: LaneHead, model: ChainModel) -> None:
    edited = head.findChild(Badge, "editedBadge")
    assert edited is not None
    head.set_density("narrow")
    assert not edited.isVisible()
    model.set_values({"top_k": 3})
    assert edited.isVisible()
    assert edited.toolTip() == "edited"
    head.set_density("normal")
    assert edited.sizeHint().width() > 50


def test_a_banned_end_has_a_name_in_its_chip(head: LaneHead, model: ChainModel) -> None:
    head.resize(800, 80)
    model.set_values({"ignore_eos": True})
    assert chips(head)[0] == "logit_bias ignore_eos"
    model.set_values({"logit_bias": ((5, 1.0), (6, 2.0))})
    assert chips(head)[0] == "logit_bias 2 tokens, ignore_eos"


@pytest.mark.parametrize(("alone", "height"), [(True, 40), (False, 73)])
def test_the_height_is_that_of_the_look(head: LaneHead, alone: bool, height: int) -> None:
    head.set_density("wide", alone=alone)
    QApplication.processEvents()
    assert abs(head.sizeHint().height() - height) <= 2


def test_chain_button_and_removal(head: LaneHead) -> None:
    toggled: list[bool] = []
    removed: list[int] = []
    head.chainToggled.connect(toggled.append)
    head.removeAsked.connect(lambda: removed.append(1))
    chain = head.findChild(QAbstractButton, "chainButton")
    remove = head.findChild(QAbstractButton, "removeLaneButton")
    assert chain is not None
    assert remove is not None
    head.set_chain_open(True)
    assert toggled == [], "showing the state is not a click"
    chain.click()
    assert toggled == [False]
    assert not remove.isVisible()
    head.set_removable(True)
    remove.click()
    assert removed == [1]
