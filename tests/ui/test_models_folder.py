"""The models folder is chosen in the settings and used from the next start."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QApplication, QLabel

from qwqdesk.chosen_folders import with_chosen_models
from qwqdesk.paths import DataDirs
from qwqdesk.settings import Settings, load_settings
from qwqdesk.ui.settings.hub_controls import ModelsFolder
from tests.ui.fakes import opened


async def test_a_chosen_folder_counts_from_the_next_start(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path / "data") as d:
        d.window.show_page("settings")
        control = d.window.findChild(ModelsFolder)
        assert control is not None
        new = tmp_path / "big disk" / "models"
        control.take(new)
        shown = control.findChild(QLabel, "modelsFolder")
        assert shown is not None
        assert shown.text() == str(new)
        kept = load_settings(d.window.desk.dirs.settings).settings
        assert kept.models_folder == str(new)
        assert str(d.window.desk.dirs.models) in kept.model_folders
        assert new.is_dir()
        dirs = DataDirs.find(tmp_path / "data", {})
        assert with_chosen_models(dirs).models == new


async def test_a_folder_that_cannot_be_written_is_refused(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path / "data") as d:
        d.window.show_page("settings")
        control = d.window.findChild(ModelsFolder)
        assert control is not None
        (tmp_path / "file").touch()
        control.take(tmp_path / "file" / "models")
        assert not d.window.desk.settings.models_folder
        assert any("cannot be written" in label.text() for label in control.findChildren(QLabel))


def test_nothing_chosen_is_the_usual_place(tmp_path: Path) -> None:
    dirs = DataDirs.find(tmp_path, {})
    assert with_chosen_models(dirs, Settings()) == dirs
    assert with_chosen_models(dirs, Settings(models_folder="relative")) == dirs
