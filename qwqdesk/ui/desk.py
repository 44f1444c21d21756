"""What every page works with: settings, recipes, history and the session, and when they change."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from qwqdesk.conversation import Mode
from qwqdesk.downloads import Downloads
from qwqdesk.errors import UserError
from qwqdesk.lane_rules import LaneRules
from qwqdesk.models.library import LibraryModel
from qwqdesk.paths import DataDirs
from qwqdesk.run_plan import RunOptions
from qwqdesk.sampling.recipe_files import load_recipes, save_recipe
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.session import Session
from qwqdesk.settings import Settings, save_settings
from qwqdesk.store.history import History

Report = Callable[[BaseException], object]


class Desk(QObject):
    """The program's state beside the widgets. `trouble` carries a UserError with no place of its
    own: the window shows it.
    """

    settings_changed = Signal(object)
    recipes_changed = Signal()
    history_changed = Signal()
    model_changed = Signal()
    trouble = Signal(object)

    def __init__(
        self,
        dirs: DataDirs,
        settings: Settings,
        history: History,
        session: Session,
        report: Report,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.dirs = dirs
        self.settings = settings
        self.history = history
        self.session = session
        self.report = report
        self.downloads = Downloads(dirs, settings, os.environ)
        self.recipes: tuple[Recipe, ...] = ()
        self.models: Sequence[LibraryModel] = ()  # found on this computer
        self.reload_recipes()

    # ------------------------------------------------------------ settings

    def change(self, **values: Any) -> None:  # noqa: ANN401 - the fields of Settings
        """Change settings by name and save them; a disk that refuses is told, not raised."""
        changed = replace(self.settings, **values)
        if changed == self.settings:
            return
        before, self.settings = self.settings, changed
        self.downloads.change(changed)
        self.settings_changed.emit(changed)
        try:
            save_settings(self.dirs.settings, changed, before)
        except UserError as error:
            self.trouble.emit(error)

    def options(self, mode: Mode, system_prompt: str = "") -> RunOptions:
        """How a run is made, by the settings."""
        settings = self.settings
        return RunOptions(
            mode=mode,
            template=settings.chat_template,
            templates=tuple(sorted(settings.model_templates.items())),
            system_prompt=system_prompt,
            keep_reasoning=settings.keep_reasoning_in_history,
            loop_guard=settings.loop_guard,
            reasoning_budget=settings.reasoning_budget,
            reasoning_budget_message=settings.reasoning_message or None,
        )

    def usual_rules(self) -> LaneRules:
        """What watches over lanes that have no rules of their own."""
        settings = self.settings
        message = settings.reasoning_message or None
        return LaneRules.of(settings.loop_guard, settings.reasoning_budget, message)

    # ------------------------------------------------------------ recipes

    def reload_recipes(self) -> None:
        """Read the recipe files again; broken ones are told."""
        found = load_recipes(self.dirs.recipes)
        self.recipes = found.recipes
        self.recipes_changed.emit()
        if found.problems:
            self.trouble.emit(UserError(found.problems[0], "Mend or remove the file."))

    def save_recipe(self, recipe: Recipe) -> Path:
        """Write a recipe of the user; raises UserError."""
        path = save_recipe(self.dirs.recipes, recipe)
        self.reload_recipes()
        return path

    def recipe(self, name: str | None) -> Recipe | None:
        """The recipe of this id, or None."""
        return next((recipe for recipe in self.recipes if recipe.id == name), None)

    def recipes_by_id(self) -> dict[str, Recipe]:
        """All recipes by their ids."""
        return {recipe.id: recipe for recipe in self.recipes}
