"""Stored lists: one bad entry costs itself, never its neighbours and never the start."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwqdesk.analysis.checks import Check, Checked
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_files import load_experiments
from qwqdesk.experiment_result import ExperimentResult
from qwqdesk.experiment_store import load_result
from qwqdesk.fairness import SelfTests
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.models.download_set import SetOrder
from qwqdesk.models.hub_files import Quantization, RepoFile
from qwqdesk.models.hub_names import is_repo
from qwqdesk.models.hub_paths import local_path
from qwqdesk.models.library_facts import VERSION, FactsMemory
from qwqdesk.models.library_uses import NAME, read_uses
from qwqdesk.models.queue_file import Queued, load_queue, save_queue
from qwqdesk.models.queue_item import restored
from qwqdesk.models.records import FOLDER, Record, stored_record, write_record
from qwqdesk.sampling.recipe_files import load_recipes
from qwqdesk.sampling.recipes import BUILTIN_RECIPES
from qwqdesk.settings import Settings, load_settings
from qwqdesk.store.history import History

FEW = settings(max_examples=25)  # each writes files

# Values that a reader may meet anywhere: other kinds, odd texts, huge numbers.
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([0, -1, 2**31, 2**63, 10**30, 1e308, 0.5])
    | st.floats(allow_nan=True)
    | st.sampled_from(["", "CON/Foo", "a/NUL", "../x", "\ud800", "\0", "A" * 3000, "딸기", "1e999"])
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401
    """Every place inside a document."""
    found = [path]
    inner = value.items() if isinstance(value, dict) else ()
    for key, below in enumerate(value) if isinstance(value, list) else inner:
        found += _places(below, (*path, key))
    return found


@st.composite
def damaged(draw: st.DrawFn, good: Any) -> Any:  # noqa: ANN401
    """A good document with one to three places that hold something else, or nothing."""
    document = deepcopy(good)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(_places(document)))
        if not path:
            return draw(ODD)
        holder = document
        for key in path[:-1]:
            holder = holder[key]
        if isinstance(holder, dict) and draw(st.booleans()):
            del holder[path[-1]]
        else:
            holder[path[-1]] = draw(ODD)
    return document


def _write(path: Path, document: Any) -> Path:  # noqa: ANN401
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8", errors="surrogatepass")
    return path


def _order(models: Path, name: str) -> SetOrder:
    files = (RepoFile(f"{name}-Q4_K_M.gguf", 100, "a" * 64, None),)
    return SetOrder(f"owner/{name}", "c" * 40, Quantization("Q4_K_M", files), models)


# ---------------------------------------------------------------- downloads


@pytest.mark.parametrize("repo", ["CON/Foo", "Foo/NUL", "com1/x", "a/aux.gguf", "lpt9/prn"])
def test_no_repository_is_accepted_that_cannot_be_a_folder(repo: str, tmp_path: Path) -> None:
    assert not is_repo(repo)
    with pytest.raises(ValueError, match="may not become"):
        local_path(tmp_path, repo, "x.gguf")


@given(st.text(st.characters(codec="ascii"), max_size=12), st.text(max_size=8))
def test_a_repository_that_is_accepted_is_a_folder(owner: str, name: str) -> None:
    for text in (f"{owner}/{name}", f"{owner}/{owner}", f"nul.{owner}/{name}"):
        if is_repo(text):
            assert local_path(Path("/models"), text, "x.gguf").parts[2:] == (
                *text.split("/"),
                "x.gguf",
            )


def test_a_row_that_cannot_be_a_folder_costs_only_itself(tmp_path: Path) -> None:
    file = tmp_path / "downloads.json"
    save_queue(file, [Queued(_order(tmp_path, name), "paused") for name in ("one", "two", "three")])
    data = json.loads(file.read_text())
    data["items"][1]["repo"] = "CON/Foo"
    _write(file, data)
    found = [restored(item) for item in load_queue(file, tmp_path)]
    assert [item.order.repo for item in found] == ["owner/one", "owner/three"]
    assert [item.row().status.done for item in found] == [0, 0]


def _queue_file(folder: Path) -> Any:  # noqa: ANN401
    save_queue(folder / "q.json", [Queued(_order(folder, n), "paused") for n in ("one", "two")])
    return json.loads((folder / "q.json").read_text())


@FEW
@given(data=st.data())
def test_any_queue_is_read_and_shown(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("queue")
    file = _write(folder / "downloads.json", data.draw(damaged(_queue_file(folder))))
    for item in load_queue(file, folder):
        restored(item).row()


# ---------------------------------------------------------------- small memories


@FEW
@given(data=st.data())
def test_any_memory_of_models_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("models")
    good = {
        "version": VERSION,
        "facts": {"/a": [1, 2, True, "llama", "Q4", True], "/b": [1, 2, False, None, "", False]},
    }
    memory = FactsMemory(_write(folder / "headers.json", data.draw(damaged(good))))
    memory.get(Path("/a"), (1, 2))
    _write(folder / FOLDER / NAME, data.draw(damaged({"/a": 1.5, "/b": 2})))
    assert all(isinstance(when, float) for when in read_uses(folder).values())
    model = folder / "m.gguf"
    model.write_bytes(b"x")
    write_record(folder, model, Record("0" * 64, True, "a/b", "c" * 40, "m.gguf"))
    place = folder / FOLDER / "m.gguf.json"
    _write(place, data.draw(damaged(json.loads(place.read_text()))))
    stored_record(folder, model)


def test_a_bad_entry_of_a_memory_costs_only_itself(tmp_path: Path) -> None:
    rows = {
        "/a": [1, 2, True, "llama", "Q4", True],
        "/b": ["x"],
        "/c": [1, 2, False, None, "", False],
    }
    memory = FactsMemory(_write(tmp_path / "headers.json", {"version": VERSION, "facts": rows}))
    known = [memory.get(Path(path), (1, 2)) is not None for path in rows]
    assert known == [True, False, True]
    _write(tmp_path / FOLDER / NAME, {"/a": "x", "/b": 2, "/c": float("nan")})
    assert read_uses(tmp_path) == {"/b": 2.0}


# ---------------------------------------------------------------- recipes, experiments, results


ONE = Experiment.of("Mine", "Count.", [LaneSetup("A"), LaneSetup("B")], [Check("finished")])


@FEW
@given(data=st.data())
def test_any_recipe_costs_only_itself(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("recipes")
    good = {**BUILTIN_RECIPES[1].to_json(), "id": "mine", "title": "Mine"}
    _write(folder / "good.json", good)
    _write(folder / "odd.json", data.draw(damaged(good)))
    found = load_recipes(folder)
    own = len(found.recipes) - len(BUILTIN_RECIPES)
    assert own + len(found.problems) == 2


@FEW
@given(data=st.data())
def test_any_experiment_costs_only_itself(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("experiments")
    _write(folder / "good.json", ONE.to_json())
    _write(folder / "odd.json", data.draw(damaged(ONE.to_json())))
    found = load_experiments(folder, BUILTIN_RECIPES)
    own = [one for one in found.experiments if not one.builtin]
    assert len(own) + len(found.problems) == 2
    assert own


@FEW
@given(data=st.data())
def test_any_result_is_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    result = ExperimentResult(ONE)
    for seed in (1, 2):
        result.add("A", seed, Checked("3", (1,), "stop"))
    folder = tmp_path_factory.mktemp("results")
    file = _write(folder / "r.json", data.draw(damaged(result.to_json())))
    load_result(file, ONE).to_json()
    SelfTests(_write(folder / "tests.json", data.draw(damaged([{"mode": "exact", "when": 1}]))))


@FEW
@given(data=st.data())
def test_any_settings_are_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    good = replace(Settings(), model_folders=("/a", "/b")).to_json()
    file = _write(tmp_path_factory.mktemp("s") / "settings.json", data.draw(damaged(good)))
    load_settings(file).settings.to_json()


def test_a_bad_folder_costs_no_other_folder(tmp_path: Path) -> None:
    file = _write(tmp_path / "settings.json", {"model_folders": ["/a", 7, None, "/b"]})
    loaded = load_settings(file)
    assert loaded.settings.model_folders == ("/a", "/b")
    assert len(loaded.problems) == 1


# ---------------------------------------------------------------- the database

RAW = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.binary(max_size=9),
    st.sampled_from([b"\xff\xfe", b"[" * 5000, 1e308, -1.0, "x"]),
)
ANY_COLUMN = [
    ("conversations", ("title", "created", "updated", "system_prompt", "lanes", "tips")),
    ("messages", ("text", "created")),
    ("replies", ("lane", "text", "reasoning", "answer", "tokens", "finish_reason", "finish_detail",
                 "mode", "sampling", "sources", "usage", "timing", "loop", "manifest", "created",
                 "ends", "probabilities", "recipe", "answer_sampling", "answer_sources")),
]  # fmt: skip


@FEW
@given(data=st.data())
def test_any_value_in_any_column_costs_no_list(data: st.DataObject) -> None:
    history = History(None)
    lanes = [LaneSetup("A").to_json(), LaneSetup("B").to_json()]
    for number in range(2):
        chat = history.create_conversation(f"chat {number}", lanes=lanes)
        reply = history.add_reply(history.add_user_message(chat, None, "hi"), "A")
        history.finish_reply(
            reply, text="yes", reasoning=None, answer="yes", tokens=(1,), finish_reason="stop"
        )
    for _ in range(3):
        table, columns = data.draw(st.sampled_from(ANY_COLUMN))
        column = data.draw(st.sampled_from(columns))
        value = data.draw(RAW | damaged(lanes).map(json.dumps))
        if isinstance(value, str):
            value = value.encode("utf-8", "surrogatepass")
            cast = f"UPDATE {table} SET {column} = CAST(? AS TEXT) WHERE id = 1"
        else:
            cast = f"UPDATE {table} SET {column} = ? WHERE id = 1"
        history._db.write(cast, (value,))
    assert {head.id for head in history.conversations()} == {1, 2}
    for number in (1, 2):
        chat_now = history.load(number)
        for setup in chat_now.lanes:
            LaneSetup.from_json(setup, {}).to_json()
        assert len(chat_now.messages) == 1
        assert chat_now.messages[0].replies[0].tokens is not None
    assert history.load(2).messages[0].replies[0].text == "yes"
    history.close()
