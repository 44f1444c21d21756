"""A folder, a pipe or a dangling link in place of a file: no reader waits, ends or replaces it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from qwqdesk.diagnostics import LoadingMarker, start_fault_log, start_log
from qwqdesk.engine.remembered import keep_json
from qwqdesk.errors import UserError
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_files import is_experiment_file, load_experiments
from qwqdesk.experiment_store import load_result
from qwqdesk.fairness import SelfTests
from qwqdesk.models.library_facts import FactsMemory
from qwqdesk.models.library_uses import NAME, read_uses
from qwqdesk.models.queue_file import load_queue
from qwqdesk.models.records import FOLDER, stored_record
from qwqdesk.sampling.recipe_files import load_recipes
from qwqdesk.settings import Settings, load_settings, save_settings
from qwqdesk.shared_file import change_json
from qwqdesk.whole_file import open_regular, write_whole

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and links of POSIX")
KINDS = ("folder", "pipe", "link to nothing")
SECONDS = 10.0  # after which a reader waits for a pipe


def put(path: Path, kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path.parent / "nowhere" / "at all")


def ends(work: Callable[[], object]) -> None:
    """Fails where the work waits for ever, or raises something that is no word of ours."""
    faults: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except (UserError, OSError):
            pass
        except BaseException as error:
            faults.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(SECONDS)
    assert not thread.is_alive(), "it waits"
    assert not faults, faults


def _log(folder: Path) -> None:
    start_log(folder)()


def _result(path: Path) -> None:
    load_result(path, Experiment("x", "x", "", ()))


# The file's name, and what the program does with it when it starts or looks at it.
READERS: dict[str, Callable[[Path], object]] = {
    "settings.json": load_settings,
    "loading.json": lambda path: LoadingMarker(path).previous_crash(),
    "qwqdesk.log": lambda path: _log(path.parent),
    "crash.txt": lambda path: start_fault_log(path.parent)(),
    "recipes/mine.json": lambda path: load_recipes(path.parent),
    "experiments/mine.json": lambda path: load_experiments(path.parent, ()),
    "dropped.json": is_experiment_file,
    "result.json": _result,
    "self_tests.json": SelfTests,
    "headers.json": FactsMemory,
    f"{FOLDER}/{NAME}": lambda path: read_uses(path.parent.parent),
    ".records/m.gguf.json": lambda path: stored_record(
        path.parent.parent, path.parent.parent / "m.gguf"
    ),
    "downloads.json": lambda path: load_queue(path, path.parent / "models"),
    "trials.json": lambda path: keep_json(path, lambda now: now),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", READERS)
def test_no_reader_waits_for_it_or_replaces_it(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    put(path, kind)
    before = path.lstat()
    ends(lambda: READERS[name](path))
    after = path.lstat()
    assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_said_in_words_and_stays(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "settings.json"
    put(path, kind)
    before = path.lstat().st_mode
    reason = "it is a link to nothing" if "link" in kind else "it is not an ordinary file"
    assert load_settings(path).problems == (f"The settings cannot be read: {reason}.",)
    with pytest.raises(UserError, match="The settings cannot be saved"):
        save_settings(path, replace(Settings(), theme="dark"), Settings())
    assert path.lstat().st_mode == before
    with pytest.raises(OSError, match="it is"):
        write_whole(path, "text")
    with pytest.raises(OSError, match=reason):
        open_regular(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_that_is_no_file_stops_no_change(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "settings.json"
    put(tmp_path / ".settings.json.lock", kind)
    ends(lambda: change_json(path, lambda _now: {"a": 1}))
    assert path.read_text(encoding="utf-8").strip() == '{"a": 1}'


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    real = tmp_path / "real.json"
    real.write_text('{"theme": "dark"}', encoding="utf-8")
    (tmp_path / "settings.json").symlink_to(real)
    assert load_settings(tmp_path / "settings.json").settings.theme == "dark"
