"""The box in which the user's own recipes are renamed, described and deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.errors import UserError
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.ui.base import Dialog, Toast, button, label, wrapping_label
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.theme import theme

_RECIPE = Qt.ItemDataRole.UserRole
_MOST_NAME, _MOST_WORDS = 120, 500
_ROW = 28  # px
_NONE = "You have no recipes of your own. Save a lane's settings as a recipe, or import some."


class RecipesBox(Dialog):
    """A list at the left, the chosen recipe's name and description at the right.

    A recipe keeps its id, which is its file's name and what ``--recipe`` takes: chats refer to it.
    """

    def __init__(self, desk: Desk, window: QWidget, chosen: str = "") -> None:
        """`chosen` is the id of the recipe to begin with."""
        super().__init__(window)
        px = theme().px
        self._desk, self._window = desk, window
        self.setObjectName("recipesBox")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("ground", "raised")
        self.setWindowTitle("Your recipes")
        self.setMinimumWidth(px(560))
        self._list = QListWidget()
        self._list.setObjectName("ownRecipes")
        self._list.setAccessibleName("Your recipes")
        self._list.setFixedWidth(px(200))
        self._list.setMinimumHeight(px(200))
        self._list.currentItemChanged.connect(lambda *_: self._show())
        self._name = _field("recipeTitle", "Name of the recipe", _MOST_NAME)
        self._words = _field("recipeWords", "Description of the recipe", _MOST_WORDS)
        self._words.setPlaceholderText("What it is for")
        self._facts = wrapping_label("", "small", "text2")
        self._facts.setObjectName("recipeFacts")
        self._problem = wrapping_label("", "small", "bad")
        self._problem.hide()
        self._save = button("Save", kind="primary", name="saveRecipeChanges", clicked=self._keep)
        self._delete = button("Delete", "trash-2", name="deleteRecipe", clicked=self._remove)
        for field in (self._name, self._words):
            field.textChanged.connect(self._refresh)
            field.returnPressed.connect(self._save.click)
        self._lay_out()
        self._fill(chosen)

    def _lay_out(self) -> None:
        px = theme().px
        right = QVBoxLayout()
        right.setSpacing(px(8))
        for caption, field in (("Name", self._name), ("Description", self._words)):
            right.addWidget(label(caption, "small", "text2"))
            right.addWidget(field)
        right.addWidget(self._facts)
        right.addWidget(self._problem)
        right.addStretch(1)
        middle = QHBoxLayout()
        middle.setSpacing(px(16))
        middle.addWidget(self._list)
        middle.addLayout(right, 1)
        row = QHBoxLayout()
        row.setSpacing(px(8))
        row.addWidget(self._delete)
        row.addStretch(1)
        row.addWidget(button("Close", name="closeRecipes", clicked=self.accept))
        row.addWidget(self._save)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[px(20)] * 4)
        column.setSpacing(px(12))
        column.addWidget(label("Your recipes", "title"))
        column.addLayout(middle)
        column.addLayout(row)

    # ------------------------------------------------------------ content

    def _own(self) -> Sequence[Recipe]:
        return [recipe for recipe in self._desk.recipes if not recipe.builtin]

    def _fill(self, chosen: str) -> None:
        self._list.clear()
        for recipe in self._own():
            item = QListWidgetItem(recipe.title)
            item.setData(_RECIPE, recipe)
            item.setSizeHint(QSize(0, theme().px(_ROW)))
            self._list.addItem(item)
            if recipe.id == chosen:
                self._list.setCurrentItem(item)
        if self._list.currentItem() is None:
            self._list.setCurrentRow(0)
        self._show()

    def _chosen(self) -> Recipe | None:
        item = self._list.currentItem()
        found = item.data(_RECIPE) if item is not None else None
        return found if isinstance(found, Recipe) else None

    def _show(self) -> None:
        recipe = self._chosen()
        self._name.setText(recipe.title if recipe else "")
        self._words.setText(recipe.meaning if recipe else "")
        self._facts.setText(_facts(recipe) if recipe else _NONE)
        self._problem.hide()
        self._refresh()

    def _refresh(self) -> None:
        recipe = self._chosen()
        for part in (self._name, self._words, self._delete):
            part.setEnabled(recipe is not None)
        changed = recipe is not None and self._changed(recipe) != recipe
        self._save.setEnabled(changed and bool(self._name.text().strip()))

    def _changed(self, recipe: Recipe) -> Recipe:
        return replace(recipe, title=self._name.text(), meaning=self._words.text())

    # ------------------------------------------------------------ acts

    def _keep(self) -> None:
        recipe = self._chosen()
        if recipe is not None and self._save.isEnabled():
            self._try(lambda: self._desk.save_recipe(self._changed(recipe)), recipe.id)

    def _remove(self) -> None:
        recipe = self._chosen()
        if recipe is None:
            return
        row = self._list.currentRow()
        after = [one.id for one in self._own() if one.id != recipe.id]
        chosen = after[min(row, len(after) - 1)] if after else ""
        if self._try(lambda: self._desk.delete_recipe(recipe.id), chosen):
            Toast(self._window, f"{recipe.title} is deleted", "Undo", lambda: self._restore(recipe))

    def _restore(self, recipe: Recipe) -> None:
        try:
            self._desk.save_recipe(recipe)
        except UserError as error:
            self._desk.trouble.emit(error)

    def _try(self, act: Callable[[], object], chosen: str) -> bool:
        try:
            act()
        except UserError as error:
            self._problem.setText(f"{error.what} {error.what_to_do}")
            self._problem.show()
            return False
        self._fill(chosen)
        return True


def _facts(recipe: Recipe) -> str:
    source = f"From: {recipe.source}. " if recipe.source else ""
    return f"{source}On the command line: --recipe {recipe.id}"


def _field(name: str, accessible: str, most: int) -> QLineEdit:
    field = QLineEdit()
    field.setObjectName(name)
    field.setAccessibleName(accessible)
    field.setMaxLength(most)
    return field
