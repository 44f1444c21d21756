"""The menu of recipes, and the box that names a new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QMenu, QVBoxLayout, QWidget

from qwqdesk.sampling.recipes import Recipe
from qwqdesk.ui.base import button, label, plain_tip
from qwqdesk.ui.icons import icon
from qwqdesk.ui.theme import theme


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


class NameBox(QDialog):
    """Asks for the name of a recipe; `named` carries it."""

    named = Signal(str)

    def __init__(self, suggestion: str, parent: QWidget) -> None:
        super().__init__(parent)
        px = theme().px
        self.setObjectName("recipeNameBox")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("ground", "raised")
        self.setWindowTitle("Save as recipe")
        self.setMinimumWidth(px(400))
        self._name = QLineEdit(suggestion)
        self._name.setObjectName("recipeName")
        self._name.setAccessibleName("Name of the recipe")
        self._name.setMaxLength(120)
        self._name.selectAll()
        self._save = button("Save recipe", kind="primary", name="saveRecipe", clicked=self._done)
        self._name.textChanged.connect(lambda text: self._save.setEnabled(bool(text.strip())))
        self._name.returnPressed.connect(self._save.click)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[px(20)] * 4)
        column.setSpacing(px(8))
        column.addWidget(label("Save as recipe", "title"))
        words = "All values, the order and the constraints of this lane are kept."
        column.addWidget(label(words, tone="text2"))
        column.addWidget(self._name)
        row = QHBoxLayout()
        row.setSpacing(px(8))
        row.addStretch(1)
        row.addWidget(button("Cancel", clicked=self.reject))
        row.addWidget(self._save)
        column.addLayout(row)

    def _done(self) -> None:
        self.named.emit(self._name.text().strip())
        self.accept()
