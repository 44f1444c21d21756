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
from qwqdesk.engine.events import Loaded
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.lane_rules import LaneRules
from qwqdesk.models.library import LibraryModel
from qwqdesk.paths import DataDirs
from qwqdesk.run_conditions import Conditions, conditions_now
from qwqdesk.run_plan import RunOptions
from qwqdesk.sampling.recipe_files import delete_recipe, load_recipes, save_recipe
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.session import Session
from qwqdesk.settings import Settings, save_settings
from qwqdesk.store.history import History
from qwqdesk.template_variables import NO_VARIABLES, TemplateVariables
from qwqdesk.ui.engine_use import EngineUse

Report = Callable[[BaseException], object]
ChosenModel = tuple[Loaded, EngineSettings]
"""A model as it was when it was loaded, and what was asked of the engine."""


class Desk(QObject):
    """The program's state beside the widgets. `trouble` carries a UserError with no place of its
    own: the window shows it; `threads_told` what a run in the window says about the processor.
    """

    settings_changed = Signal(object)
    recipes_changed = Signal()
    history_changed = Signal()
    model_changed = Signal()
    engine_use_changed = Signal()
    threads_told = Signal(object)
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
        self._chosen: ChosenModel | None = None
        self.engine_use: EngineUse = ""
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

    def options(
        self,
        mode: Mode,
        system_prompt: str = "",
        variables: TemplateVariables = NO_VARIABLES,
    ) -> RunOptions:
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
            variables=variables,
        )

    def usual_rules(self) -> LaneRules:
        """What watches over lanes that have no rules of their own."""
        settings = self.settings
        message = settings.reasoning_message or None
        return LaneRules.of(settings.loop_guard, settings.reasoning_budget, message)

    # ------------------------------------------------------------ the model

    @property
    def model(self) -> Loaded | None:
        """The model that the user chose: lanes without a model of their own run on it.

        A comparison on several models loads one after the other. None of them is chosen by that:
        the user's model is loaded again when it is needed next.
        """
        return self.session.loaded if self._chosen is None or self.holds_model else self._chosen[0]

    @property
    def model_settings(self) -> EngineSettings:
        """The engine settings that the chosen model was loaded with, else those for the next."""
        if self._chosen is not None:
            return self._chosen[1]
        plan = self.session.plan
        return plan.asked if plan is not None else self.settings.engine

    @property
    def holds_model(self) -> bool:
        """Whether the engine has the chosen model now, as it was loaded."""
        loaded, plan = self.session.loaded, self.session.plan
        if self._chosen is None or loaded is None or plan is None:
            return loaded is not None
        chosen, asked = self._chosen
        return loaded.model.path == chosen.model.path and plan.asked == asked

    def use_engine(self, use: EngineUse) -> None:
        """Say for what the engine is used from now on; "" where it is free again.

        It holds for the whole run, also between the runs of lanes on several models.
        """
        if use != self.engine_use:
            self.engine_use = use
            self.engine_use_changed.emit()

    def conditions(self, mode: Mode) -> Conditions | None:
        """Of a run that would begin now on the chosen model; None without one."""
        loaded, session = self.model, self.session
        if loaded is None:
            return None
        return conditions_now(loaded, session.files_of(loaded), session.library_sha256, mode)

    def choose_present_model(self) -> None:
        """The user had the engine load or free a model: what it has now is chosen."""
        loaded, plan = self.session.loaded, self.session.plan
        self._chosen = (loaded, plan.asked) if loaded is not None and plan is not None else None

    # ------------------------------------------------------------ recipes

    def reload_recipes(self) -> None:
        """Read the recipe files again; broken ones are told."""
        found = load_recipes(self.dirs.recipes)
        self.recipes = found.recipes
        self.recipes_changed.emit()
        if found.problems:
            self.trouble.emit(UserError(found.problems[0], "Fix or delete the file."))

    def save_recipe(self, recipe: Recipe) -> Path:
        """Write a recipe of the user; raises UserError."""
        path = save_recipe(self.dirs.recipes, recipe)
        self.reload_recipes()
        return path

    def delete_recipe(self, name: str) -> None:
        """Remove a recipe of the user; raises UserError. Lanes that have it keep its values."""
        delete_recipe(self.dirs.recipes, name)
        self.reload_recipes()

    def recipe(self, name: str | None) -> Recipe | None:
        """The recipe of this id, or None."""
        return next((recipe for recipe in self.recipes if recipe.id == name), None)

    def recipes_by_id(self) -> dict[str, Recipe]:
        """All recipes by their ids."""
        return {recipe.id: recipe for recipe in self.recipes}
