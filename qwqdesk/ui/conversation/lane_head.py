"""The head of a lane: letter, recipe, state, and what its chain is or does differently."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from qwqdesk.sampling.recipes import Recipe
from qwqdesk.setup_differences import set_parts, setup_differences
from qwqdesk.ui.base import Badge, IconButton, LetterTile, PickerButton, plain_tip
from qwqdesk.ui.conversation.chain_foot import PasteBox
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.conversation.chain_row import Density
from qwqdesk.ui.conversation.chips import ChipLine, differences_line, steps_line
from qwqdesk.ui.conversation.copy_menu import fill_copy_menu
from qwqdesk.ui.conversation.lane_model import LaneModelBadge
from qwqdesk.ui.conversation.lane_status import LaneStatus
from qwqdesk.ui.conversation.recipe_menu import NameBox, RecipeMenu
from qwqdesk.ui.icons import icon
from qwqdesk.ui.theme import scaled, theme


class LaneHead(QFrame):
    """Two rows, or one when the lane is alone and wide.

    Signals: `chainToggled` when the chain button opens or closes the editor; `stepChosen` with
    the step of a chip that was clicked ("" for the chain as a whole); `removeAsked`;
    `recipeChosen` when one was chosen; `recipeNamed` with the name under which to save the chain;
    `menuShown` with the menu behind the three dots, so that the page can add what it knows to do.
    """

    chainToggled = Signal(bool)  # noqa: N815 - signals, named as Qt names them
    stepChosen = Signal(str)  # noqa: N815
    removeAsked = Signal()  # noqa: N815
    recipeNamed = Signal(str)  # noqa: N815
    recipeChosen = Signal()  # noqa: N815
    menuShown = Signal(QMenu)  # noqa: N815
    importAsked = Signal()  # noqa: N815
    manageAsked = Signal()  # noqa: N815

    def __init__(self, model: ChainModel, letter: str = "A", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("laneHead")
        self.setProperty("ground", "surface")
        self.setProperty("edge", "bottom")
        self._model = model
        self._density: Density = "normal"
        self._alone = self._removable = False
        self._status: LaneStatus | None = None
        self._tile = LetterTile(letter)
        self._picker = PickerButton(name="recipePicker")
        self._menu = RecipeMenu(lambda: model.setup.recipe, self)
        self._picker.setMenu(self._menu)
        self._edited = Badge("neutral", "pencil", "edited", name="editedBadge")
        self._runs_on = LaneModelBadge()
        self._badge = Badge(name="finishBadge")
        self._chain = _chain_button()
        self._more = IconButton("ellipsis", "More about this lane", name="laneMore")
        self._remove = IconButton(
            "x",
            "Remove lane",
            shortcut="Ctrl+W",
            name="removeLaneButton",
            clicked=self.removeAsked.emit,
        )
        self._chips = ChipLine()
        self._first, self._second = QHBoxLayout(), QHBoxLayout()
        self._arrange()
        self._connect()
        self.set_status(None)
        self.set_removable(False)
        self.refresh()

    # ------------------------------------------------------------ for the lane

    def set_recipes(self, recipes: Sequence[Recipe]) -> None:
        """The recipes that the picker offers."""
        self._menu.set_recipes(recipes)

    def set_letter(self, letter: str) -> None:
        self._tile.set_letter(letter)

    def set_status(self, status: LaneStatus | None) -> None:
        """How the lane stands; None before its first run."""
        self._status = status
        self._badge.setVisible(status is not None)
        if status is not None:
            narrow = self._density == "narrow"
            text = status.short or status.text if narrow else status.text
            self._badge.set_badge(status.kind, status.icon, text, status.tip)
            self._badge.set_shrunk(status.shrinks and narrow)

    def set_density(self, density: Density, *, alone: bool = False) -> None:
        """How much room there is; `alone`: the only lane, in one row and without a letter."""
        if (density, alone) == (self._density, self._alone):
            return
        self._density, self._alone = density, alone
        self._tile.setVisible(not alone)
        small = density in ("compact", "narrow")
        _set_words(self._chain, shown=not small)
        self._chips.set_brief(density == "narrow")
        self._arrange()
        self.set_removable(self._removable)
        self.set_status(self._status)
        self.refresh()

    def set_removable(self, removable: bool) -> None:
        """Whether there is another lane; with little room the act is in the menu alone."""
        self._removable = removable
        self._remove.setVisible(removable and self._density in ("wide", "normal"))

    def set_chain_open(self, opened: bool) -> None:
        """Show whether the editor is open; emits nothing."""
        blocked = self._chain.blockSignals(True)
        self._chain.setChecked(opened)
        self._chain.blockSignals(blocked)

    def tab_stops(self) -> list[QWidget]:
        """Recipe, chips, Chain, more: the order of Tab."""
        return [self._picker, *self._chips.tab_stops(), self._chain, self._more, self._remove]

    def refresh(self) -> None:
        """Show the model's recipe and chain."""
        setup, reference = self._model.setup, self._model.reference
        title = setup.recipe.title if setup.recipe else "llama.cpp default"
        self._picker.set_text(title)
        edited = setup.edited
        self._edited.setVisible(edited)
        self._edited.set_shrunk(self._density not in ("wide", "normal"))
        self._runs_on.show_model(setup.model)
        self._picker.setToolTip(plain_tip(f"{title}, edited" if edited else title))
        self._picker.setAccessibleName(f"Recipe: {title}{', edited' if edited else ''}")
        if reference is None:
            self._chips.show_line(steps_line(self._model.resolved, set_parts(setup)))
        else:
            first = self._model.compared_with or setup
            found = setup_differences(first, setup)
            parts = [part for part in found if part.part != "model"]
            same_model = len(parts) == len(found)
            chain = self._model.chain
            letter = first.label if self._model.compared_with is not None else "A"
            self._chips.show_line(
                differences_line(reference, chain, parts, same_model=same_model, first=letter)
            )

    def paste_command(self) -> None:
        """Open the box for a command line."""
        PasteBox(self._model, self).open()

    def ask_recipe_name(self) -> None:
        """Ask for a name to save the chain under."""
        recipe = self._model.setup.recipe
        suggestion = f"{recipe.title}, changed" if recipe else "My recipe"
        box = NameBox(suggestion, self._menu.recipes, self)
        box.named.connect(self.recipeNamed)
        box.open()

    # ------------------------------------------------------------ inside

    def _connect(self) -> None:
        self._model.changed.connect(self.refresh)
        self._menu.chosen.connect(self._model.set_recipe)
        self._menu.chosen.connect(lambda *_: self.recipeChosen.emit())
        self._menu.save_asked.connect(self.ask_recipe_name)
        self._menu.paste_asked.connect(self.paste_command)
        self._menu.import_asked.connect(self.importAsked)
        self._menu.manage_asked.connect(self.manageAsked)
        self._chain.toggled.connect(self.chainToggled)
        self._chips.chosen.connect(self.stepChosen)
        self._more.clicked.connect(self._show_menu)

    def _show_menu(self) -> None:
        menu = QMenu(self)
        menu.setObjectName("laneMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        copies = menu.addMenu(icon("copy"), "Copy settings as")
        copies.setObjectName("copySettings")
        fill_copy_menu(copies, self._model)
        menu.addAction(icon("terminal"), "Paste a command", self.paste_command)
        menu.addAction(icon("save"), "Save as recipe", self.ask_recipe_name)
        reset = menu.addAction(icon("undo-2"), "Reset chain", self._model.reset)
        reset.setEnabled(self._model.setup.edited)
        self.menuShown.emit(menu)
        if self._removable:
            menu.addSeparator()
            menu.addAction(icon("x"), "Remove lane", self.removeAsked.emit)
        menu.popup(self._more.mapToGlobal(self._more.rect().bottomLeft()))

    def _arrange(self) -> None:
        """One row when the lane is alone and wide, else two."""
        px = theme().px
        for row in (self._first, self._second):
            while row.takeAt(0) is not None:
                pass
        column = self.layout()
        if not isinstance(column, QVBoxLayout):
            column = QVBoxLayout(self)
            column.addLayout(self._first)
            column.addLayout(self._second)
        one_row = self._alone and self._density in ("wide", "normal")
        small = self._density in ("compact", "narrow")
        left, right = (12, 8) if small else (12 if one_row else 16, 12)
        above, below = (6, 5) if one_row else (8, 8)
        column.setContentsMargins(px(left), px(above), px(right), px(below))
        column.setSpacing(0 if one_row else px(4))
        self._first.setSpacing(px(8))
        for widget in (self._tile, self._picker, self._edited):
            self._first.addWidget(widget)
        # In two rows the model stands below: beside the recipe one of both could not be read.
        second = self._first if one_row else self._second
        if not one_row:
            self._first.addStretch(1)
            self._second.setSpacing(px(6))
        second.addWidget(self._runs_on)
        second.addWidget(self._chips, 1)
        acts: list[QWidget] = [self._badge, self._chain, self._more, self._remove]
        for act in acts:
            self._first.addWidget(act)
        self._fit_model()

    def _fit_model(self) -> None:
        """The model's name takes at most half of its row."""
        self._runs_on.fit(self.width() // (4 if self._alone else 2))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit_model()


def _chain_button() -> QToolButton:
    result = QToolButton()
    result.setObjectName("chainButton")
    result.setProperty("kind", "text")
    result.setText("Chain")
    result.setAccessibleName("Chain editor")
    result.setToolTip("Chain editor  Ctrl+E")
    result.setCheckable(True)
    result.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    result.setIcon(icon("sliders-horizontal"))
    _set_words(result, shown=True)
    return result


def _set_words(target: QToolButton, *, shown: bool) -> None:
    style = Qt.ToolButtonStyle
    target.setToolButtonStyle(style.ToolButtonTextBesideIcon if shown else style.ToolButtonIconOnly)
    scaled(target, icon=15)
