"""The editor's part for the reasoning: budget, closing sentence, loop guard, and two chains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QMenu,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from qwqdesk.answer_setup import AnswerSetup
from qwqdesk.lane_rules import LaneRules
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.recipes import BUILTIN_RECIPES, recipe_named
from qwqdesk.ui.base import ValueField
from qwqdesk.ui.conversation.chain_editor import ChainEditor
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.conversation.chain_row import StepRow
from tests.ui.fakes import Driver, child, opened


@pytest.fixture
def model() -> ChainModel:
    return ChainModel(LaneSetup("B", recipe_named("unsloth", BUILTIN_RECIPES)))


@pytest.fixture
def editor(qtbot: QtBot, model: ChainModel) -> Iterator[ChainEditor]:
    made = ChainEditor(model)
    qtbot.addWidget(made)
    made.resize(640, 900)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    child(made, QToolButton, "reasoningRulesButton").click()
    yield made
    for menu in made.findChildren(QMenu):
        menu.close()


def write(field: QLineEdit, text: str) -> None:
    """Write into a field and leave it with Enter."""
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def temperature(editor: ChainEditor) -> ValueField:
    return child(child(editor, StepRow, "step_temperature"), ValueField, "field_temperature")


def budget(model: ChainModel) -> int | None:
    return model.setup.reasoning_budget


def said_problem(editor: ChainEditor) -> str:
    return editor.problem


def said(editor: ChainEditor) -> str:
    return child(editor, QToolButton, "reasoningRulesButton").accessibleName()


def test_a_budget_is_set_told_and_undone(editor: ChainEditor, model: ChainModel) -> None:
    field = child(editor, QLineEdit, "reasoningBudget")
    assert field.placeholderText() == "no limit"
    write(field, "2000")
    assert budget(model) == 2000
    assert said(editor) == "Reasoning: budget 2,000 tokens"
    model.undo()
    assert budget(model) is None
    assert (field.text(), said(editor)) == ("", "Reasoning")


def test_what_is_no_budget_is_told_and_holds_the_lane_up(
    editor: ChainEditor, model: ChainModel
) -> None:
    model.change(reasoning_budget=7)
    field = child(editor, QLineEdit, "reasoningBudget")
    write(field, "many")
    problem = child(editor, QLabel, "budgetProblem")
    assert problem.isVisible()
    assert "many" in problem.text()
    assert said_problem(editor) == problem.text()
    assert budget(model) == 7
    write(field, "8")
    assert budget(model) == 8
    assert said_problem(editor) == ""


def test_what_the_settings_say_stands_in_the_empty_fields(
    editor: ChainEditor, model: ChainModel
) -> None:
    model.set_usual(LaneRules("stop", 500, "Enough."))
    assert child(editor, QLineEdit, "reasoningBudget").placeholderText() == "500"
    assert child(editor, QLineEdit, "closingSentence").placeholderText() == "Enough."
    guard = child(editor, QToolButton, "laneLoopGuard")
    assert guard.text() == "As in Settings: stop the lane"
    guard.menu().aboutToShow.emit()
    next(a for a in guard.menu().actions() if a.objectName() == "guard_close").trigger()
    assert model.setup.loop_guard == "close"
    assert said(editor) == "Reasoning: closes looping reasoning"


def test_two_chains_begin_equal_and_say_what_differs(
    editor: ChainEditor, model: ChainModel
) -> None:
    child(editor, QToolButton, "chainCount_two").click()
    note = child(editor, QLabel, "twoChainsNote")
    assert note.isVisible()
    assert child(editor, QToolButton, "chainPart_answer").isChecked()
    assert model.setup.answer == AnswerSetup()
    field = temperature(editor)
    assert "set by you" not in field.accessibleDescription()
    field.setValue(0.2)
    assert not note.isVisible()
    assert model.setup.answer == AnswerSetup(None, {"temperature": 0.2})
    assert model.chain.number("temperature") == 0.6
    assert child(editor, QLabel, "answerDiffers").text() == "Answer: temperature 0.2"
    child(editor, QToolButton, "chainPart_reasoning").click()
    assert temperature(editor).value() == 0.6


def test_the_answer_follows_the_lane_where_it_has_no_value_of_its_own(
    editor: ChainEditor, model: ChainModel
) -> None:
    model.change(answer=AnswerSetup(None, {"temperature": 0.2}))
    model.set_values({"top_k": 7})
    assert model.resolved.answer is not None
    assert model.resolved.answer.chain["top_k"] == 7
    child(editor, QAbstractButton, "resetAnswer").click()
    assert model.setup.answer == AnswerSetup()
    model.undo()
    assert model.setup.answer == AnswerSetup(None, {"temperature": 0.2})


def test_back_to_one_chain_the_lanes_chain_is_shown(editor: ChainEditor, model: ChainModel) -> None:
    model.change(answer=AnswerSetup(None, {"temperature": 0.2}))
    assert temperature(editor).value() == 0.2
    child(editor, QAbstractButton, "oneChain").click()
    assert model.setup.answer is None
    assert temperature(editor).value() == 0.6
    assert not child(editor, QWidget, "chainSwitch").isVisible()


def test_what_counts_for_a_whole_reply_is_not_asked_for_the_answer(
    editor: ChainEditor, model: ChainModel
) -> None:
    assert editor.findChild(QWidget, "field_n_predict") is not None
    model.change(answer=AnswerSetup())
    assert editor.findChild(QWidget, "field_n_predict") is None


@pytest.mark.parametrize("width", [300, 420, 560, 800])
def test_both_chains_can_be_edited_in_any_width(
    editor: ChainEditor, model: ChainModel, width: int
) -> None:
    editor.resize(width, 700)
    model.change(answer=AnswerSetup(None, {"temperature": 0.2}))
    child(editor, QToolButton, "chainPart_reasoning").click()
    child(editor, QToolButton, "chainPart_answer").click()
    assert temperature(editor).value() == 0.2


async def test_rules_come_back_with_the_conversation(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.press("Ctrl+E")
        await d.until(lambda: d.page.findChildren(QLineEdit, "reasoningBudget"))
        lane = d.window.page.view.lanes[0]
        lane.model.change(reasoning_budget=12, loop_guard="stop")
        lane.model.change(answer=AnswerSetup(None, {"temperature": 0.2}))
        run = await d.send("Hello")
        (asked,) = d.engine.runs[-1].lanes
        assert (asked.reasoning_budget, asked.loop_guard) == (12, "stop")
        assert asked.answer_chain is not None
        assert asked.answer_chain.number("temperature") == 0.2
        run.finish()
        await d.idle()
        number = d.window.page.view.conversation_id or 0
        d.window.page.open_new()
        d.window.page.views.open(number)
        again = d.window.page.view.lanes[0].setup
        assert (again.reasoning_budget, again.loop_guard) == (12, "stop")
        assert again.answer == AnswerSetup(None, {"temperature": 0.2})


async def test_a_chip_leads_to_the_part_that_it_names(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        lane = d.window.page.view.lanes[0]
        lane.model.change(reasoning_budget=12)
        await click_chip(d, "chip_rules")
        assert d.window.focusWidget() is d.find("reasoningBudget")
        lane.model.change(answer=AnswerSetup(None, {"temperature": 0.2}))
        await click_chip(d, "chip_answer")
        assert await d.shown("answerFoot")


async def click_chip(d: Driver, name: str) -> None:
    chip = await d.shown(name)
    assert isinstance(chip, QAbstractButton)
    chip.click()


async def test_the_settings_count_for_lanes_without_rules(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.window.show_page("settings")
        field = d.find("setting_reasoning_budget")
        assert isinstance(field, QLineEdit)
        write(field, "lots")
        assert d.window.desk.settings.reasoning_budget == -1
        write(field, "300")
        assert d.window.desk.settings.reasoning_budget == 300
        d.window.show_page("conversation")
        run = await d.send("Hello")
        assert d.engine.runs[-1].lanes[0].reasoning_budget == 300
        run.finish()
        await d.idle()
