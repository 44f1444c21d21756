"""Taking settings from a file into a lane, by way of a recipe of the user's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QWidget

from qwqdesk.errors import UserError
from qwqdesk.recipe_import import imported_recipe
from qwqdesk.sampling.formats.foreign import Imported
from qwqdesk.sampling.formats.importing import SeveralPartsError
from qwqdesk.sampling.recipes import Recipe, free_title, recipe_id
from qwqdesk.ui.conversation.import_words import said_of
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.dialogs import choose, choose_name, open_file

_FILES = (
    "Settings (*.json *.jsonc *.yaml *.yml *.ini *.kcpps *.txt *.settings *.env *.gguf Modelfile* "
    "*.modelfile *.sh *.bat *.ps1);;"
    "All files (*)"
)
_BOTH, _REPLACE = "Keep both", "Replace"


async def import_settings(desk: Desk, lane: Lane, parent: QWidget) -> None:
    """Let the user choose a file, and use what is in it."""
    path = await open_file(parent, "Import settings", _FILES)
    if path is not None:
        await take_settings(desk, lane, path, parent)


async def take_settings(desk: Desk, lane: Lane, path: Path, parent: QWidget) -> None:
    """Make a recipe of a file and give it to the lane; what was left out is told.

    Where the file has several sets of settings the user chooses one.
    """
    try:
        found = await _read(path, parent)
        recipe = await _under_a_name(desk, found.recipe, parent) if found is not None else None
        if found is None or recipe is None:
            return
        desk.save_recipe(recipe)
    except UserError as error:
        lane.output.bands.show_error(error)
        return
    lane.model.set_recipe(recipe)
    if said := said_of(found):
        whole = ", but not all of it" if found.left_out else ""
        lane.output.bands.show_note(f"{recipe.title} is imported{whole}.", said)


async def _under_a_name(desk: Desk, recipe: Recipe, parent: QWidget) -> Recipe | None:
    """The recipe as it is to be saved; None when the user wants none in an older one's place."""
    there = desk.recipe(recipe.id)
    if there is None or there.builtin or there == recipe:
        return recipe
    text = f"You have a recipe of this name, with other settings: {there.title}."
    verb = await choose(parent, "Import settings", text, (_BOTH, _REPLACE), danger=_REPLACE)
    if verb != _BOTH:
        return recipe if verb else None
    title = free_title(recipe.title, desk.recipes)
    return replace(recipe, id=recipe_id(title), title=title)


async def _read(path: Path, parent: QWidget) -> Imported | None:
    """What is in the file, or in the part that the user chooses; None when they chose none."""
    try:
        return await asyncio.to_thread(imported_recipe, path)
    except SeveralPartsError as error:
        names = error.parts
    text = f"{path.name} holds several sets of settings. Which one do you want to import?"
    chosen = await choose_name(parent, "Choose the settings", text, names, "Import")
    return None if chosen is None else await asyncio.to_thread(imported_recipe, path, names[chosen])
