"""The library: every place is scanned, nothing in it can break the scan, MODEL finds its file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from qwqdesk.errors import UserError
from qwqdesk.models.hub_files import RepoFile
from qwqdesk.models.library import Library, Places, missing_words, places
from qwqdesk.models.library_acts import copies, removal, remove, verify
from qwqdesk.models.library_facts import FactsMemory
from qwqdesk.models.library_uses import note_use, read_uses
from qwqdesk.models.records import Record, with_checksum, write_json
from tests.unit.models.gguf_writer import GgufFile, small_model


@pytest.fixture
def where(tmp_path: Path) -> Places:
    found = Places(
        bundled=tmp_path / "resources",
        models=tmp_path / "models",
        folders=(tmp_path / "mine", tmp_path / "missing"),
        hf_cache=tmp_path / "hub",
        lm_studio=tmp_path / "lms",
    )
    small_model(file_type=1).write(found.bundled / "qwqdesk-demo-F16.gguf")
    small_model(file_type=7).write(found.bundled / "qwqdesk-demo-Q8_0.gguf")
    repo = found.models / "unsloth" / "QwQ-32B-GGUF"
    small_model().write(repo / "QwQ-32B-Q4_K_M.gguf")
    for number in (1, 2):
        small_model(file_type=32).write(repo / "BF16" / f"QwQ-32B-BF16-0000{number}-of-00002.gguf")
    return found


def _code(library: Library, text: str) -> tuple[str, str]:
    with pytest.raises(UserError) as caught:
        library.find(text)
    return caught.value.code, str(caught.value)


def test_all_places_are_listed_and_shards_are_one_model(where: Places) -> None:
    small_model().write(where.folders[0] / "deep" / "er" / "own-Q4_K_M.gguf")
    assert where.lm_studio is not None
    small_model().write(where.lm_studio / "me" / "thing" / "thing.gguf")
    found = {model.path.name: model for model in Library(where).scan()}
    assert {name: model.source for name, model in found.items()} == {
        "qwqdesk-demo-F16.gguf": "bundled",
        "qwqdesk-demo-Q8_0.gguf": "bundled",
        "QwQ-32B-Q4_K_M.gguf": "library",
        "QwQ-32B-BF16-00001-of-00002.gguf": "library",
        "own-Q4_K_M.gguf": "folder",
        "thing.gguf": "lm-studio",
    }
    shards = found["QwQ-32B-BF16-00001-of-00002.gguf"]
    assert (shards.repo, shards.label) == ("unsloth/QwQ-32B-GGUF", "BF16")
    assert shards.size_bytes == 2 * shards.path.stat().st_size
    assert found["thing.gguf"].repo == "me/thing"
    assert found["qwqdesk-demo-F16.gguf"].verified
    assert not found["own-Q4_K_M.gguf"].verified


def test_the_hugging_face_cache_is_read_through_its_links(where: Places) -> None:
    assert where.hf_cache is not None
    repo = where.hf_cache / "models--owner--some--name"
    blob = small_model().write(repo / "blobs" / "abc")
    snapshot = repo / "snapshots" / "123"
    snapshot.mkdir(parents=True)
    (snapshot / "m-Q4_K_M.gguf").symlink_to(blob)
    (snapshot / "dangling.gguf").symlink_to(repo / "gone")
    [model] = [model for model in Library(where).scan() if model.source == "hf-cache"]
    assert (model.repo, model.path.name) == ("owner/some--name", "m-Q4_K_M.gguf")


def test_odd_files_do_not_stop_the_scan(where: Places) -> None:
    mine = where.folders[0]
    (mine / "folder.gguf").mkdir(parents=True)
    (mine / "broken-Q8_0.gguf").write_bytes(b"GGUF" + b"\xff" * 50)
    (mine / "model.gguf.part").write_bytes(b"")
    (mine / "half-00001-of-00002.gguf").write_bytes(b"GGUF")
    clip = GgufFile().string("general.architecture", "clip").tensor("v.x", (32,), "F16")
    clip.write(mine / "mmproj-model-f16.gguf")
    (mine / "loop").symlink_to(mine)
    found = [m for m in Library(where).scan() if m.source == "folder" and m.complete]
    assert [(model.path.name, model.label, model.architecture) for model in found] == [
        ("broken-Q8_0.gguf", "Q8_0", None)
    ]


def test_a_file_in_two_places_is_listed_once(where: Places) -> None:
    again = Places(where.bundled, where.models, folders=(where.models, where.models / "unsloth"))
    assert [model.source for model in Library(again).scan()].count("folder") == 0


def test_the_list_is_interface_json(where: Places) -> None:
    [first, *_] = Library(where).list_json()
    json.dumps(first, allow_nan=False)
    assert set(first) == {
        "path",
        "repo",
        "label",
        "size_bytes",
        "verified",
        "architecture",
        "source",
    }


def test_nothing_means_the_demo_model(where: Places, tmp_path: Path) -> None:
    assert Library(where).find(None) == where.bundled / "qwqdesk-demo-F16.gguf"
    with pytest.raises(UserError, match="missing from this installation"):
        Library(Places(tmp_path / "no", tmp_path / "no")).find(None)


@pytest.mark.parametrize(
    "text",
    [
        "QwQ-32B-Q4_K_M.gguf",
        "qwq-32b-q4_k_m",
        "hf.co/unsloth/QwQ-32B-GGUF:Q4_K_M",
        "https://huggingface.co/unsloth/qwq-32b-gguf:q4_k_m",
        "unsloth/QwQ-32B-GGUF:q4_k_m",
        "QwQ-32B-GGUF:Q4_K_M",
        "unsloth/QwQ-32B-GGUF/QwQ-32B-Q4_K_M",
    ],
)
def test_a_model_is_found_by_its_names(where: Places, text: str) -> None:
    assert Library(where).find(text).name == "QwQ-32B-Q4_K_M.gguf"


def test_a_path_and_a_sharded_name_are_found(where: Places) -> None:
    library = Library(where)
    path = where.bundled / "qwqdesk-demo-Q8_0.gguf"
    assert library.find(str(path)) == path
    assert library.find("QwQ-32B-BF16").name == "QwQ-32B-BF16-00001-of-00002.gguf"


def test_what_is_not_here_says_the_next_step(where: Places) -> None:
    library = Library(where)
    code, words = _code(library, "hf.co/unsloth/QwQ-32B-GGUF:q6_k")
    assert code == "not_found"
    assert "qwqdesk models download unsloth/QwQ-32B-GGUF Q6_K" in words
    assert _code(library, "hf.co/a/b")[0] == "not_found"
    assert _code(library, "hf.co/unsloth/QwQ-32B-GGUF")[0] == "ambiguous"
    assert _code(library, "unsloth/QwQ-32B-GGUF")[0] == "ambiguous"
    for text in ("nope", "/no/such.gguf", "a\0b", "~nobody/x", "x" * 5000, "", "."):
        assert _code(library, text)[0] == "not_found", text


def test_places_follow_the_variables(tmp_path: Path) -> None:
    def cache(**environ: str) -> Path | None:
        return places(tmp_path, tmp_path, (), {"HOME": str(tmp_path), **environ}).hf_cache

    assert cache() == tmp_path / ".cache" / "huggingface" / "hub"
    assert cache(HF_HOME="/hf") == Path("/hf/hub")
    assert cache(HF_HOME="/hf", HF_HUB_CACHE="/hub") == Path("/hub")


def test_a_set_that_misses_a_shard_is_shown_but_never_found(where: Places) -> None:
    for number in (1, 2, 4):
        small_model().write(where.folders[0] / f"big-Q8_0-0000{number}-of-00005.gguf")
    library = Library(where)
    [broken] = [model for model in library.scan() if not model.complete]
    assert (broken.missing, broken.parts, len(broken.files)) == ((3, 5), 5, 3)
    assert missing_words(broken) == "2 of 5 parts are missing"
    assert str(broken.path) not in json.dumps(library.list_json())
    assert _code(library, "big-Q8_0")[0] == "not_found"


@pytest.mark.parametrize("name", ["x-00009-of-00002.gguf", "x-00000-of-00002.gguf",
                                  "x-00001-of-99999.gguf"])  # fmt: skip
def test_an_impossible_shard_number_is_an_ordinary_file(where: Places, name: str) -> None:
    small_model().write(where.folders[0] / name)
    [model] = [m for m in Library(where).scan() if m.source == "folder"]
    assert model.complete


def test_what_headers_say_is_remembered_between_runs(where: Places, tmp_path: Path) -> None:
    file = tmp_path / "cache" / "headers.json"
    first, more = Library(where, FactsMemory(file)).glance()
    assert more
    assert {model.architecture for model in first} == {None}
    assert {model.label for model in first} == {"F16", "Q8_0", "Q4_K_M", "BF16"}
    full = Library(where, FactsMemory(file)).scan()
    assert Library(where, FactsMemory(file)).glance() == (full, False)
    path = where.models / "unsloth" / "QwQ-32B-GGUF" / "QwQ-32B-Q4_K_M.gguf"
    small_model().string("general.note", "longer").write(path)
    assert Library(where, FactsMemory(file)).glance()[1]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 1, "facts": 3}', "[" * 9000,
                                  '{"version": 1, "facts": {"a": [1], "b": null}}'])  # fmt: skip
def test_a_damaged_memory_is_read_again(where: Places, tmp_path: Path, text: str) -> None:
    (tmp_path / "m.json").write_text(text)
    assert len(Library(where, FactsMemory(tmp_path / "m.json")).scan()) == 4


def test_checks_are_told_apart(where: Places) -> None:
    mine = small_model().write(where.folders[0] / "mine-Q8_0.gguf")
    repo = where.models / "unsloth" / "QwQ-32B-GGUF"

    def check(path: Path) -> str:
        return next(m.check for m in Library(where).scan() if m.path == path)

    assert check(mine) == "unchecked"
    verify(mine, where.models, lambda *_: None)
    assert check(mine) == "unpublished"
    mine.write_bytes(mine.read_bytes() + b"x")
    assert check(mine) == "changed"
    file = repo / "QwQ-32B-Q4_K_M.gguf"
    right = RepoFile(file.name, 1, hashlib.sha256(file.read_bytes()).hexdigest())
    verify(file, where.models, lambda *_: right)
    assert check(file) == "verified"
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(UserError, match="damaged"):
        verify(file, where.models, lambda *_: None)
    assert check(file) == "damaged"
    with pytest.raises(UserError, match="damaged"):  # also when asked again
        verify(file, where.models, lambda *_: None)


def test_copies_are_found_by_what_is_known_of_checksums(where: Places) -> None:
    one = small_model().write(where.folders[0] / "one-Q8_0.gguf")
    two = small_model().write(where.folders[0] / "two-Q8_0.gguf")
    (where.folders[0] / "three-Q8_0.gguf").hardlink_to(one)
    assert copies(Library(where).scan()) == {}
    for path in (one, two):
        verify(path, where.models, lambda *_: None)
    assert copies(Library(where).scan()) == {one: (two,), two: (one,)}


def test_the_last_use_is_remembered(where: Places) -> None:
    model = Library(where).scan()[0]
    assert model.last_used is None
    note_use(where.models, model.path, 1234.5)
    assert Library(where).scan()[0].last_used == 1234.5
    (where.models / ".records" / "last-used.json").write_text('{"a": "x", "b": NaN, "c": -1}')
    assert read_uses(where.models) == {}


def test_the_uses_of_many_models_with_long_paths_are_remembered(tmp_path: Path) -> None:
    folder = Path("/models") / ("x" * 200) / ("y" * 200)
    rows = {str(folder / f"{number}.gguf"): float(number + 1) for number in range(400)}
    write_json(tmp_path / ".records" / "last-used.json", rows)
    note_use(tmp_path, folder / "new.gguf", 1000.0)
    assert len(read_uses(tmp_path)) == 401


def test_deleting_says_what_it_frees_and_takes_every_shard(where: Places) -> None:
    path = where.models / "unsloth" / "QwQ-32B-GGUF" / "BF16" / "QwQ-32B-BF16-00001-of-00002.gguf"
    plan = removal(path, where.models)
    assert (len(plan.paths), plan.freed_bytes) == (2, 2 * path.stat().st_size)
    gone: list[Path] = []

    def discard(file: Path) -> None:
        gone.append(file)
        file.unlink()

    assert remove(path, where.models, discard) == plan
    assert gone == list(plan.paths)
    assert not path.parent.exists()
    elsewhere = small_model().write(where.folders[0] / "m.gguf")
    with pytest.raises(UserError, match="read-only"):
        removal(elsewhere, where.models)


def test_a_checksum_read_again_is_compared_again() -> None:
    verified = Record("a", True, "o/r")
    assert with_checksum(verified, "a") == verified
    damaged = with_checksum(verified, "b")
    assert (damaged.verified, damaged.expected) == (False, "a")
    assert with_checksum(damaged, "a").verified
    assert with_checksum(Record("a", False), "b") == Record("b", False)
