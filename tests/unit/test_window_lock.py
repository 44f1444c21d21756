"""Two windows on one data folder: the first keeps the downloads, until it ends in any way."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from qwqdesk.downloads import Downloads
from qwqdesk.errors import UserError
from qwqdesk.models.hub_files import RepoFile, Repository, quantizations
from qwqdesk.paths import DataDirs
from qwqdesk.settings import Settings
from qwqdesk.shared_file import change_json, read_json
from qwqdesk.window_lock import WindowLock

_HOLD = """
import sys, time
from pathlib import Path
from qwqdesk.window_lock import WindowLock
lock = WindowLock(Path(sys.argv[1]))
print(lock.take(), flush=True)
time.sleep(60)
"""


def test_only_one_is_first_and_the_next_one_follows(tmp_path: Path) -> None:
    first, second = WindowLock(tmp_path / "lock"), WindowLock(tmp_path / "lock")
    assert first.take()
    assert not second.take()
    assert first.take(), "it may be asked again"
    first.give_back()
    assert second.take()
    second.give_back()


def test_a_killed_program_leaves_no_lock(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    command = [sys.executable, "-c", _HOLD, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "True"
        assert not WindowLock(file).take()
        process.kill()
        process.wait()
    lock = WindowLock(file)
    assert lock.take()
    lock.give_back()


def test_a_folder_that_takes_no_file_stops_nothing(tmp_path: Path) -> None:
    assert WindowLock(tmp_path / "missing" / "lock").take()


def test_the_second_window_leaves_the_downloads_alone(tmp_path: Path) -> None:
    dirs = DataDirs.find(tmp_path, {}).create()
    downloads = Downloads(dirs, Settings(), {})
    downloads.file.write_text('{"version": 1, "items": []}')
    first = False
    downloads.share(lambda: first)
    downloads.start()
    assert not downloads.rows
    file = RepoFile("a.gguf", 10, "0" * 64, None)
    (row,) = quantizations([file])
    with pytest.raises(UserError) as error:
        downloads.add(Repository("a/b", "c" * 40, False, (row,)), row)
    assert error.value.code == "other_window"
    downloads.close()


@pytest.mark.parametrize("code", ["ENOLCK", "EOPNOTSUPP", "ENOSYS"])
def test_a_folder_without_locks_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Some network folders answer every lock with an error: nobody has it, so nobody is refused."""

    def no_locks(_descriptor: int, _how: int) -> None:
        raise OSError(getattr(errno, code), "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    lock = WindowLock(tmp_path / "window.lock")
    assert lock.take()
    lock.give_back()
    change_json(tmp_path / "some.json", lambda _now: [1])
    assert read_json(tmp_path / "some.json") == [1]
