"""The menu of recipes, and the box that names a new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QVBoxLayout, QWidget

from qwqdesk.sampling.recipes import Recipe, free_title, recipe_id
from qwqdesk.ui.base import Dialog, button, label, plain_tip, wrapping_label
from qwqdesk.ui.icons import icon
from qwqdesk.ui.theme import theme

_BY_KEY = Qt.FocusReason.TabFocusReason


class RecipeMenu(QMenu):
    """Built-in recipes, the user's own, and what makes new ones; filled when it opens."""

    chosen = Signal(object)  # Recipe
    save_asked = Signal()
    paste_asked = Signal()
    import_asked = Signal()
    manage_asked = Signal()

    def __init__(self, current: Callable[[], Recipe | None], parent: QWidget | None = None) -> None:
        """`current` says which recipe the lane has."""
        super().__init__(parent)
        self.setObjectName("recipeMenu")
        self.setToolTipsVisible(True)
        self._current = current
        self._recipes: tuple[Recipe, ...] = ()
        self.aboutToShow.connect(self._fill)

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The recipes to choose from."""
        return self._recipes

    def set_recipes(self, recipes: Sequence[Recipe]) -> None:
        """The recipes to choose from, in their order."""
        self._recipes = tuple(recipes)
        self._fill()

    def _fill(self) -> None:
        self.clear()
        group = QActionGroup(self)
        builtin = [recipe for recipe in self._recipes if recipe.builtin]
        own = [recipe for recipe in self._recipes if not recipe.builtin]
        for part in (builtin, own):
            for recipe in part:
                group.addAction(self._recipe_action(recipe))
            if part:
                self.addSeparator()
        save = self.addAction(icon("save"), "Save as recipe")
        save.setObjectName("saveAsRecipe")
        save.triggered.connect(self.save_asked)
        paste = self.addAction(icon("terminal"), "Paste a command")
        paste.setObjectName("pasteACommand")
        paste.triggered.connect(self.paste_asked)
        bring = self.addAction(icon("file-text"), "Import settings…")
        bring.setObjectName("importSettings")
        bring.setToolTip("A preset of another program, a recipe file, or a model's own values")
        bring.triggered.connect(self.import_asked)
        if own:
            manage = self.addAction(icon("pencil"), "Your recipes…")
            manage.setObjectName("manageRecipes")
            manage.setToolTip("Rename, describe or delete them")
            manage.triggered.connect(self.manage_asked)

    def _recipe_action(self, recipe: Recipe) -> QAction:
        act = self.addAction(recipe.title.replace("&", "&&"))
        act.setObjectName(f"recipe_{recipe.id}")
        act.setToolTip(plain_tip(recipe.meaning or recipe.source))
        act.setCheckable(True)
        current = self._current()
        act.setChecked(current is not None and current.id == recipe.id)
        act.triggered.connect(lambda _=False: self.chosen.emit(recipe))
        return act


class NameBox(Dialog):
    """Asks for the name of a recipe; `named` carries it.

    Two names that differ only in signs or capitals are one file, so the box says which of `recipes`
    would be replaced, and does it only when the button that says so is pressed.
    """

    named = Signal(str)

    def __init__(self, suggestion: str, recipes: Sequence[Recipe], parent: QWidget) -> None:
        """`suggestion` gets a number where a recipe of this name is there already."""
        super().__init__(parent)
        px = theme().px
        self._by_id = {recipe.id: recipe for recipe in recipes}
        self.setObjectName("recipeNameBox")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("ground", "raised")
        self.setWindowTitle("Save as recipe")
        self.setMinimumWidth(px(400))
        self._name = QLineEdit(free_title(suggestion, recipes))
        self._name.setObjectName("recipeName")
        self._name.setAccessibleName("Name of the recipe")
        self._name.setMaxLength(120)
        self._name.selectAll()
        self._taken = wrapping_label("", "small", "warn")
        self._taken.setObjectName("recipeNameTaken")
        self._save = button("Save recipe", kind="primary", name="saveRecipe", clicked=self._done)
        self._name.textChanged.connect(self._refresh)
        self._name.returnPressed.connect(self._enter)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[px(20)] * 4)
        column.setSpacing(px(8))
        column.addWidget(label("Save as recipe", "title"))
        words = "All values, the order and the constraints of this lane are kept."
        column.addWidget(label(words, tone="text2"))
        column.addWidget(self._name)
        column.addWidget(self._taken)
        row = QHBoxLayout()
        row.setSpacing(px(8))
        row.addStretch(1)
        row.addWidget(button("Cancel", clicked=self.reject))
        row.addWidget(self._save)
        column.addLayout(row)
        self._refresh()

    def _there(self) -> Recipe | None:
        return self._by_id.get(recipe_id(self._name.text()))

    def _refresh(self) -> None:
        named, there, words = bool(self._name.text().strip()), self._there(), ""
        if named and there is not None:
            words = (
                f"{there.title} is built in and cannot be replaced. Choose another name."
                if there.builtin
                else f"You have a recipe of this name: {there.title}. It will be replaced."
            )
        self._taken.setText(words)
        self._taken.setVisible(bool(words))
        replaces = there is not None and not there.builtin
        self._save.setText("Replace recipe" if replaces else "Save recipe")
        self._save.setEnabled(named and (there is None or replaces))

    def _enter(self) -> None:
        if self._there() is None:
            self._save.click()
        else:  # who types a name and Enter without looking does not lose a recipe
            # Afterwards: this Enter goes on to the dialog, which presses the button with the focus.
            QTimer.singleShot(0, self._save, partial(self._save.setFocus, _BY_KEY))

    def _done(self) -> None:
        self.named.emit(self._name.text().strip())
        self.accept()
