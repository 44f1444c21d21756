"""The trash, where this platform has one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QStandardPaths

from qwqdesk.ui.models.trash import move_to_trash


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere it is the user's own")
def test_a_file_is_found_in_the_trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home folder is the test's own (see the conftest), and so is its trash."""
    place = QStandardPaths.StandardLocation.GenericDataLocation
    assert Path(QStandardPaths.writableLocation(place)).is_relative_to(tmp_path)
    file = tmp_path / "model.gguf"
    file.write_text("weights")
    move_to_trash(file)
    assert not file.exists()
    [found] = tmp_path.rglob("Trash/files/model.gguf")
    assert found.read_text() == "weights"


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="trash"):
        move_to_trash(tmp_path / "no.gguf")
