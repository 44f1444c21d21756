"""Taking settings from a file into a lane, by way of a recipe of the user's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QWidget

from qwqdesk.errors import UserError
from qwqdesk.recipe_import import imported_recipe
from qwqdesk.ui.conversation.lane import Lane
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.dialogs import open_file

_FILES = (
    "Settings (*.json *.yaml *.yml *.txt *.settings *.gguf Modelfile* *.modelfile *.sh);;"
    "All files (*)"
)
_MOST_NAMED = 12


async def import_settings(desk: Desk, lane: Lane, parent: QWidget) -> None:
    """Let the user choose a file, and use what is in it."""
    path = await open_file(parent, "Import settings", _FILES)
    if path is not None:
        await take_settings(desk, lane, path)


async def take_settings(desk: Desk, lane: Lane, path: Path) -> None:
    """Make a recipe of a file and give it to the lane; what has no counterpart is told."""
    try:
        found = await asyncio.to_thread(imported_recipe, path)
        desk.save_recipe(found.recipe)
    except UserError as error:
        lane.output.bands.show_error(error)
        return
    lane.model.set_recipe(found.recipe)
    if found.unmapped:
        lane.output.bands.show_note(
            f"{found.recipe.title} is imported, but not all of it.", left_out(found.unmapped)
        )


def left_out(names: Sequence[str]) -> str:
    """What could not be taken over, in a sentence."""
    shown = ", ".join(names[:_MOST_NAMED])
    rest = len(names) - _MOST_NAMED
    return f"Left out: {shown}{f' and {rest} more' if rest > 0 else ''}."
