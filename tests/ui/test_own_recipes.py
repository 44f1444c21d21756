"""The user's own recipes: renamed, described and deleted in the window, found in the palette."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QLineEdit, QListWidget, QPushButton

from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import Constraints
from qwqdesk.sampling.recipe_files import load_recipes, save_recipe
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.ui.base import Toast
from qwqdesk.ui.conversation.recipes_box import RecipesBox
from qwqdesk.ui.palette import matching
from qwqdesk.ui.shortcuts import COMMANDS
from tests.ui.fakes import Driver, child, opened

CALM = Recipe.of(
    SamplerChain.of(temperature=0.2), "Calm", constraints=Constraints(banned_strings=("no",))
)


def open_box(d: Driver) -> RecipesBox:
    d.window.commands.run("recipes")
    return child(d.window, RecipesBox, "recipesBox")


def stored(folder: Path) -> list[Recipe]:
    return [recipe for recipe in load_recipes(folder / "recipes").recipes if not recipe.builtin]


async def test_a_recipe_is_renamed_and_described_and_lanes_say_so(
    qapp: QApplication, tmp_path: Path
) -> None:
    save_recipe(tmp_path / "recipes", CALM)
    async with opened(tmp_path) as d:
        lane = d.window.page.view.lanes[0]
        lane.model.set_recipe(d.window.desk.recipe("calm"))
        box = open_box(d)
        child(box, QLineEdit, "recipeTitle").setText("Very calm")
        child(box, QLineEdit, "recipeWords").setText("For letters")
        child(box, QPushButton, "saveRecipeChanges").click()
        (recipe,) = stored(tmp_path)
        assert (recipe.id, recipe.title, recipe.meaning) == ("calm", "Very calm", "For letters")
        assert (recipe.chain, recipe.constraints) == (CALM.chain, CALM.constraints)
        assert lane.head._picker.text() == "Very calm"
        assert not lane.setup.edited
        box.accept()


async def test_a_deleted_recipe_can_be_had_back_and_its_lanes_keep_its_values(
    qapp: QApplication, tmp_path: Path
) -> None:
    save_recipe(tmp_path / "recipes", CALM)
    async with opened(tmp_path) as d:
        lane = d.window.page.view.lanes[0]
        lane.model.set_recipe(d.window.desk.recipe("calm"))
        run = await d.send("Hi")
        run.write(0, "Hello")
        run.finish()
        await d.idle()
        number = d.window.page.view.conversation_id
        assert number is not None
        box = open_box(d)
        child(box, QPushButton, "deleteRecipe").click()
        assert not stored(tmp_path)
        assert "no recipes of your own" in child(box, QLabel, "recipeFacts").text()
        assert not child(box, QPushButton, "deleteRecipe").isEnabled()
        assert lane.model.chain.number("temperature") == 0.2
        box.accept()
        d.window.page.open_new()
        d.window.page.views.open(number)
        again = d.window.page.view.lanes[0]
        assert again.model.chain.number("temperature") == 0.2
        assert again.setup.limits == CALM.constraints
        toast = child(d.window.page, Toast, "toast")
        next(b for b in toast.findChildren(QPushButton) if b.text() == "Undo").click()
        assert stored(tmp_path) == [CALM]


async def test_the_menu_of_recipes_leads_to_one_s_own(qapp: QApplication, tmp_path: Path) -> None:
    save_recipe(tmp_path / "recipes", CALM)
    save_recipe(tmp_path / "recipes", Recipe.of(SamplerChain.of(), "Apple"))
    async with opened(tmp_path) as d:
        lane = d.window.page.view.lanes[0]
        lane.model.set_recipe(d.window.desk.recipe("calm"))
        names = [act.objectName() for act in lane.head._menu.actions()]
        assert "manageRecipes" in names
        lane.head.manageAsked.emit()
        box = child(d.window, RecipesBox, "recipesBox")
        chosen = child(box, QListWidget, "ownRecipes").currentItem()
        assert chosen.text() == "Calm"
        box.accept()


def name_box(d: Driver) -> QDialog:
    d.window.commands.run("save_recipe")
    return child(d.window, QDialog, "recipeNameBox")


@pytest.mark.parametrize("typed", ["Calm", "calm", "  CALM! "])
async def test_a_recipe_is_replaced_only_when_the_user_says_so(
    qapp: QApplication, tmp_path: Path, typed: str
) -> None:
    save_recipe(tmp_path / "recipes", CALM)
    async with opened(tmp_path) as d:
        box = name_box(d)
        field, save = child(box, QLineEdit, "recipeName"), child(box, QPushButton, "saveRecipe")
        field.setText(typed)
        assert "Calm" in child(box, QLabel, "recipeNameTaken").text()
        assert save.text() == "Replace recipe"
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert stored(tmp_path) == [CALM]
        await d.until(save.hasFocus)
        QTest.keyClick(save, Qt.Key.Key_Return)
        (recipe,) = stored(tmp_path)
        assert (recipe.id, recipe.title) == ("calm", typed.strip())
        assert recipe.chain.number("temperature") == 0.6, "the lane's, no longer Calm's"


async def test_names_of_builtin_recipes_are_refused_where_they_are_typed(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        box = name_box(d)
        child(box, QLineEdit, "recipeName").setText("Qwen")
        assert "built in" in child(box, QLabel, "recipeNameTaken").text()
        assert not child(box, QPushButton, "saveRecipe").isEnabled()
        child(box, QLineEdit, "recipeName").setText("Qwen of mine")
        assert not child(box, QLabel, "recipeNameTaken").text()
        assert child(box, QPushButton, "saveRecipe").isEnabled()
        box.reject()


async def test_the_name_that_is_suggested_is_free(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        lane = d.window.page.view.lanes[0]
        suggested = []
        for _ in range(3):
            lane.model.set_recipe(d.window.desk.recipe("qwen"))
            box = name_box(d)
            suggested.append(child(box, QLineEdit, "recipeName").text())
            QTest.keyClick(child(box, QLineEdit, "recipeName"), Qt.Key.Key_Return)
            await d.until(lambda: d.window.findChild(QDialog, "recipeNameBox") is None)
        assert len({recipe.id for recipe in stored(tmp_path)}) == 3
        assert suggested[1:] == [f"{suggested[0]} 2", f"{suggested[0]} 3"]


@pytest.mark.parametrize(
    ("command", "box"), [("save_recipe", "recipeNameBox"), ("paste_command", "pasteBox")]
)
async def test_the_palette_acts_on_the_lane_with_the_focus(
    qapp: QApplication, tmp_path: Path, command: str, box: str
) -> None:
    async with opened(tmp_path) as d:
        d.window.commands.run(command)
        found = d.window.findChild(QDialog, box)
        assert found is not None
        found.reject()


@pytest.mark.parametrize("typed", ["save as recipe", "paste a com", "import sett", "delete"])
def test_the_palette_finds_what_is_done_with_recipes(typed: str) -> None:
    assert matching(COMMANDS, typed)


def test_a_lane_of_a_builtin_recipe_is_stored_without_its_values() -> None:
    assert "sampling" not in LaneSetup("A").to_json()
