"""The folders of this installation, with the models folder that the user has chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qwqdesk.paths import DataDirs
from qwqdesk.settings import Settings, load_settings


def with_chosen_models(dirs: DataDirs, settings: Settings | None = None) -> DataDirs:
    """The same folders, models in the chosen one.

    Args:
        dirs: the usual folders.
        settings: read from their file when they are not given; a broken file chooses nothing.
    """
    known = settings if settings is not None else load_settings(dirs.settings).settings
    chosen = Path(known.models_folder)
    return replace(dirs, models=chosen) if known.models_folder and chosen.is_absolute() else dirs
