"""Where files live: one folder when asked, the platform's places otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwqdesk.errors import UserError
from qwqdesk.paths import DataDirs


def test_one_folder_holds_everything_when_asked(tmp_path: Path) -> None:
    by_flag = DataDirs.find(tmp_path / "flag", {"QWQDESK_HOME": str(tmp_path / "variable")})
    by_variable = DataDirs.find(None, {"QWQDESK_HOME": str(tmp_path / "variable")})
    for dirs, root in ((by_flag, tmp_path / "flag"), (by_variable, tmp_path / "variable")):
        dirs.create()
        for path in (dirs.database, dirs.settings, dirs.loading_marker, dirs.probe, dirs.models):
            assert path.is_relative_to(root)
            assert path.parent.is_dir()
    assert not (tmp_path / "data").exists()


def test_a_relative_folder_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert DataDirs.find(Path("here"), {}).data == tmp_path / "here"


@pytest.mark.parametrize("value", ["", "  "])
def test_without_a_choice_the_platform_decides(value: str) -> None:
    dirs = DataDirs.find(None, {"QWQDESK_HOME": value})
    assert dirs.data.is_absolute()
    assert "qwqdesk" in str(dirs.data)


def test_a_place_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="--data-dir or QWQDESK_HOME") as caught:
        DataDirs.find(tmp_path / "file" / "x", {}).create()
    assert caught.value.code == "read_only"
