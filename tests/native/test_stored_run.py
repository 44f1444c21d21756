"""Reading a run that somebody else may have written: bounded, checked, and round trips."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.conversation import Reply
from qwqdesk.engine.events import Event
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.model_hash import ModelFile, ModelHashes
from qwqdesk.models.library import LibraryModel
from qwqdesk.rerun import RerunResult, present_conditions, run_stored
from qwqdesk.run_conditions import changes, conditions_then
from qwqdesk.run_json import FinishedRun, run_json
from qwqdesk.run_plan import RunOptions
from qwqdesk.run_record import RunRecord
from qwqdesk.store.history import History
from qwqdesk.stored_document import document_of, import_run
from qwqdesk.stored_model import find_model
from qwqdesk.stored_run import read_run, run_of_document, stored_lane
from qwqdesk.stored_values import StoredModel
from tests.fake_engine import FakeEngine, began_of, fake_session

SHA = "a" * 64
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@pytest.fixture
def history() -> Iterator[History]:
    history = History(None)
    yield history
    history.close()


def document(history: History | None = None) -> dict[str, Any]:
    """A real document of two lanes."""

    async def journey() -> dict[str, Any]:
        session = fake_session(FakeEngine(), history)
        assert session.loaded is not None
        lanes = [LaneSetup("A"), LaneSetup("B", user={"temperature": 0.1})]
        batches = session.send("hi", lanes, RunOptions(raw=True, seed=3))
        events = [event async for batch in batches for event in batch]
        began = began_of(events)
        record = RunRecord([2, 2])
        for event in events:
            if isinstance(event, Event):
                record.add(event)
        made = run_json([FinishedRun(session.loaded, began, record)], [(0, 0), (0, 1)])
        found: dict[str, Any] = json.loads(json.dumps(made, allow_nan=False))
        return found

    return asyncio.run(journey())


def test_a_document_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document()), encoding="utf-8")
    run = read_run(path)
    assert [lane.label for lane in run.lanes] == ["A", "B"]
    lane = run.lanes[1]
    assert (lane.chain.number("temperature"), lane.chain.integer("seed")) == (0.1, 3)
    assert lane.prompt.tokens == tuple(b"hi")
    assert lane.text == "hello 1"
    assert lane.settings is not None
    assert lane.settings.n_ctx == 256
    assert lane.sources["temperature"] == "user"


def test_history_and_document_say_the_same(history: History) -> None:
    run = run_of_document(document(history))
    (summary,) = history.conversations()
    replies = history.load(summary.id).messages[0].replies
    for lane, reply in zip(run.lanes, replies, strict=True):
        stored = stored_lane(reply)
        for name in ("label", "chain", "prompt", "model", "settings", "tokens", "text", "sources"):
            assert getattr(stored, name) == getattr(lane, name), name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "holds no run"),
        ({"lanes": []}, "no lanes"),
        ({"lanes": [{}] * 5}, "5 lanes"),
        ({"lanes": [1]}, "sampling values"),
        ({"mode": "slow"}, "its mode"),
        ({"prompt": {"text": "x", "tokens": []}}, "prompt's tokens"),
        ({"prompt": {"text": "x", "tokens": [1, -1]}}, "no token numbers"),
        ({"prompt": {"text": "x", "tokens": [1, True]}}, "no token numbers"),
        ({"prompt": {"text": "x", "tokens": [9, 9]}}, "checksum"),
    ],
)
def test_what_a_run_needs_is_asked_for_in_words(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        run_of_document({**document(), **change})


def test_a_lane_with_a_value_that_is_not_allowed_is_refused() -> None:
    made = document()
    made["lanes"][0]["sampling"]["top_p"] = 7
    with pytest.raises(UserError, match="top_p"):
        run_of_document(made)


def test_texts_for_people_lose_their_control_characters() -> None:
    made = document()
    made["lanes"][0]["label"] = "\x1b[31mA\n" + "x" * 5000
    made["model"]["name"] = "evil\x07\nname"
    lane = run_of_document(made).lanes[0]
    assert len(lane.label) <= 40
    assert lane.label.isprintable()
    assert lane.model.title.startswith("evil  name")


@given(st.dictionaries(st.sampled_from(["lanes", "mode", "model", "engine", "prompt"]), JSON))
def test_anything_is_read_or_refused_in_words(change: dict[str, Any]) -> None:
    with suppress(UserError):
        run_of_document({**_DOCUMENT, **change})


@given(
    st.sampled_from(
        ["manifest", "sampling", "sources", "tokens", "ends", "model", "text", "label"]
    ),
    JSON,
)
def test_any_lane_is_read_or_refused_in_words(name: str, value: object) -> None:
    lanes = [{**_DOCUMENT["lanes"][0], name: value}]
    with suppress(UserError):
        run_of_document({**_DOCUMENT, "lanes": lanes})


def test_files_that_are_none(tmp_path: Path) -> None:
    for content in (b"", b"\xff\xfe", b"[" * 100_000, b'{"format": "qwqdesk.run"'):
        path = tmp_path / "x.json"
        path.write_bytes(content)
        with pytest.raises(UserError):
            read_run(path)
    with pytest.raises(UserError, match="cannot be read"):
        read_run(tmp_path / "missing.json")


_DOCUMENT = document()


# ---------------------------------------------------------------- its model


def wanted(path: Path | str, size: int = 7, sha256: str | None = SHA) -> StoredModel:
    return StoredModel(str(path), "m", "qwen2", "F16", 1, ((str(path), size, sha256),))


def listed(path: Path, size: int = 7, sha256: tuple[str, ...] = ()) -> LibraryModel:
    return LibraryModel(path, None, "F16", size, False, "qwen2", "folder", sha256=sha256)


def test_a_model_is_found_by_its_checksum_wherever_it_lies(tmp_path: Path) -> None:
    other = tmp_path / "renamed.gguf"
    found = find_model(wanted("/gone/m.gguf"), [listed(other, sha256=(SHA,))])
    assert (found.path, found.note) == (other, "")


def test_a_model_at_its_old_place_counts_when_its_size_is_right(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"weights")
    assert find_model(wanted(file), []).path == file
    with pytest.raises(UserError, match="is not here"):
        find_model(wanted(file, size=8), [])


def test_another_content_under_the_same_name_is_not_it(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"weights")
    with pytest.raises(UserError) as caught:
        find_model(wanted(file), [listed(file, sha256=("b" * 64,))])
    assert SHA in caught.value.what
    assert "another content" in caught.value.what_to_do


def test_name_and_size_are_taken_with_a_note(tmp_path: Path) -> None:
    found = find_model(wanted("/gone/m.gguf"), [listed(tmp_path / "m.gguf")])
    assert "not compared" in found.note


@pytest.mark.parametrize(
    "path", ["//server/share/m.gguf", "\\\\server\\share\\m.gguf", "m.gguf", "/dev/zero", "\0"]
)
def test_paths_of_strangers_are_not_followed_anywhere(path: str) -> None:
    with pytest.raises(UserError, match="is not here"):
        find_model(wanted(path), [])


# ---------------------------------------------------------------- history and back


def test_replies_make_the_document_that_was_printed(history: History) -> None:
    printed = document(history)
    (summary,) = history.conversations()
    made = json.loads(json.dumps(document_of(history.load(summary.id).messages[0].replies)))
    for lane in (*printed["lanes"], *made["lanes"]):
        lane["timing"].pop("load_s")  # of the model, not of the reply
    assert made == printed


def test_a_run_from_a_file_is_shown_as_a_conversation(history: History) -> None:
    run = run_of_document(document())
    conversation = history.load(import_run(history, run, {}))
    (message,) = conversation.messages
    assert message.text == "hi"
    assert [reply.text for reply in message.replies] == ["hello 0", "hello 1"]
    assert conversation.tips == {"A": message.replies[0].id, "B": message.replies[1].id}
    setups = [LaneSetup.from_json(lane, {}) for lane in conversation.lanes]
    assert [setup.resolved().chain for setup in setups] == [lane.chain for lane in run.lanes]
    for lane, reply in zip(run.lanes, message.replies, strict=True):
        again = stored_lane(reply)
        for name in ("chain", "prompt", "model", "engine", "settings", "tokens", "usage"):
            assert getattr(again, name) == getattr(lane, name), name


def test_an_old_reply_cannot_be_saved_as_a_run() -> None:
    with pytest.raises(UserError, match="does not say enough"):
        document_of([Reply(1, 1, "A")])


def test_a_strangers_file_sets_neither_priority_nor_memory_locks() -> None:
    made = document()
    made["lanes"][0]["manifest"]["settings"].update(priority=3, use_mlock=True, n_threads=3)
    lane = run_of_document(made).lanes[0]
    settings = lane.settings_for(EngineSettings())
    assert settings is not None
    assert (settings.priority, settings.use_mlock) == (0, False)
    made["lanes"][0]["manifest"]["settings"]["n_threads"] = 10**9
    assert run_of_document(made).lanes[0].settings_for(EngineSettings()) is None


@pytest.mark.parametrize(("said", "made_with"), [(None, True), (True, True), (False, False)])
def test_a_run_that_does_not_say_its_window_cache_was_made_with_the_full_one(
    said: bool | None, made_with: bool
) -> None:
    made = document()
    for lane in made["lanes"]:
        del lane["manifest"]["settings"]["swa_full"]
        if said is not None:
            lane["manifest"]["settings"]["swa_full"] = said
    lane = run_of_document(made).lanes[0]
    for own in (EngineSettings(swa_full=False), EngineSettings(swa_full=True)):
        assert lane.settings_to_rerun(own).swa_full is made_with


def test_a_run_that_says_only_what_the_context_had_is_rerun_with_its_window_cache() -> None:
    made = document()
    for lane in made["lanes"]:
        del lane["manifest"]["settings"]
    assert run_of_document(made).lanes[0].settings_to_rerun(EngineSettings()).swa_full
    made["engine"]["swa_full"] = False
    lane = run_of_document(made).lanes[0]
    assert lane.settings_to_rerun(EngineSettings(n_ctx=512)) == EngineSettings(n_ctx=512)


@pytest.mark.parametrize("window", [True, False])
def test_the_window_cache_is_a_difference_where_the_model_has_a_window(window: bool) -> None:
    made = document()
    for lane in made["lanes"]:
        del lane["manifest"]["settings"]["swa_full"]
    lane = run_of_document(made).lanes[0]
    session = fake_session(FakeEngine())

    def said(now: bool) -> bool:
        assert session.loaded is not None
        session.loaded = replace(
            session.loaded,
            settings=replace(session.loaded.settings, swa_full=now),
            engine=replace(session.loaded.engine, extra={"swa_full": now} if window else {}),
        )
        found = changes(conditions_then(lane), present_conditions(session, "exact"))
        return "Full sliding-window cache: on then, off now." in found

    assert said(False) is window
    assert not said(True)


@pytest.mark.parametrize("name", ["n_threads", "n_threads_batch"])
def test_a_strangers_file_starts_no_more_threads_than_the_machine_has(name: str) -> None:
    machine = os.cpu_count() or 4

    def threads(asked: int, own: EngineSettings) -> int:
        made = document()
        made["lanes"][0]["manifest"]["settings"][name] = asked
        settings = run_of_document(made).lanes[0].settings_for(own)
        assert settings is not None
        return int(getattr(settings, name))

    own = EngineSettings()
    asked = (0, 1, machine, machine + 1, 512)
    assert [threads(number, own) for number in asked] == [0, 1, machine, machine, machine]
    wanted = EngineSettings(n_threads=machine + 2)
    assert threads(512, wanted) == machine + 2, "a user who wants more has more"


def test_fewer_threads_than_then_are_said_as_a_difference() -> None:
    """Also where the file does not tell what its engine reported."""
    made = document()
    made["engine"].pop("n_threads")
    for lane in made["lanes"]:
        lane["manifest"]["settings"].update(n_threads=512, n_threads_batch=511)
    lane = run_of_document(made).lanes[0]
    settings = lane.settings_for(EngineSettings())
    session = fake_session(FakeEngine())
    assert session.loaded is not None
    assert settings is not None
    session.loaded = replace(session.loaded, settings=settings)
    said = changes(conditions_then(lane), present_conditions(session, "exact"))
    assert "Threads: 512 then, 1 now." in said
    assert f"Threads for prompts: 511 then, {os.cpu_count()} now." in said


@pytest.mark.parametrize("size", [2**31 - 1, 2**30, 2**20 + 1])
def test_a_strangers_batches_are_bounded(size: int) -> None:
    made = document()
    made["lanes"][0]["manifest"]["settings"].update(n_batch=size, n_ubatch=size)
    settings = run_of_document(made).lanes[0].settings_for(EngineSettings())
    assert settings is not None
    assert (settings.n_batch, settings.n_ubatch) == (2**20, 2**20)


# ---------------------------------------------------------------- token numbers of strangers

OUTSIDE = (300, 2**31 - 1)
"""The fake model has the tokens 0 to 299."""


def with_thought(thought: list[int], tokens: list[int]) -> dict[str, Any]:
    """A document whose first lane says that these tokens were given to it."""
    data = document()
    lane = data["lanes"][0]
    lane["manifest"]["prompt"]["thought"] = {"tokens": thought, "text": "", "closed": True}
    lane["tokens"], lane["text"] = tokens, "x" * len(tokens)
    lane["ends"] = list(range(1, len(tokens) + 1))
    return data


def test_a_thought_that_the_tokens_do_not_begin_with_is_refused() -> None:
    assert run_of_document(with_thought([5, 6], [5, 6, 7])).lanes[0].prompt.thought is not None
    assert run_of_document(with_thought([5, 6], [])).lanes[0].prompt.thought is not None
    for tokens in ([5], [6, 5, 7]):
        data = with_thought([5, 6], tokens)
        if tokens == [5]:
            run_of_document(data)  # it was stopped early
            continue
        with pytest.raises(UserError, match="do not begin with the given thought") as caught:
            run_of_document(data)
        assert caught.value.code == "manifest"


@pytest.mark.parametrize("token", [-1, 2**31, 2**63, True, 1.0, "5"])
def test_what_is_no_token_number_at_all_is_refused_when_it_is_read(token: object) -> None:
    for where in ("prompt", "thought", "tokens"):
        data = with_thought([5], [5, 6])
        if where == "prompt":
            data["prompt"]["tokens"][0] = token
        elif where == "thought":
            data["lanes"][0]["manifest"]["prompt"]["thought"]["tokens"] = [token]
        else:
            data["lanes"][0]["tokens"][1] = token
        with pytest.raises(UserError) as caught:
            run_of_document(data)
        assert caught.value.code == "manifest"


@pytest.mark.parametrize("token", OUTSIDE)
def test_a_rerun_never_gives_the_engine_a_token_that_the_model_does_not_have(token: int) -> None:
    async def journey(data: dict[str, Any]) -> tuple[FakeEngine, RerunResult]:
        engine = FakeEngine()
        lanes = run_of_document(data).lanes
        return engine, await run_stored(fake_session(engine), lanes)

    for data in (with_thought([token], [token, 5]), document()):
        if "thought" not in data["lanes"][0]["manifest"]["prompt"]:
            data["prompt"]["tokens"] = [token]
            for lane in data["lanes"]:
                lane["manifest"]["prompt"].pop("tokens_sha256")
        engine, result = asyncio.run(journey(data))
        assert result.notes
        for lane in engine.runs[0].lanes:
            thought = lane.thought.tokens if lane.thought is not None else ()
            assert max((*lane.prompt_tokens, *thought)) < 300


class SameModel(ModelHashes):
    """Knows that the loaded model is the one that wrote the run."""

    def known(self, path: Path) -> tuple[ModelFile, ...]:
        return (ModelFile(str(path), 1, 0, SHA),)


def test_a_token_that_the_very_model_of_the_run_does_not_have_means_a_changed_file() -> None:
    """Its checksum says that it is the same model, so the tokens cannot be its own."""
    data = with_thought([300], [300, 5])
    for lane in data["lanes"]:
        lane["manifest"]["files"] = [{"path": "/m.gguf", "size_bytes": 1, "sha256": SHA}]

    async def journey() -> None:
        session = fake_session(FakeEngine(), hashes=SameModel(Path("/models")))
        await run_stored(session, run_of_document(data).lanes)

    with pytest.raises(UserError, match="was given token 300") as caught:
        asyncio.run(journey())
    assert caught.value.code == "manifest"


def test_answering_again_takes_a_strangers_thought_as_text(history: History) -> None:
    """An imported reply may hold tokens that the model does not have."""
    data = with_thought([300], [300, 5])
    data["lanes"][0] |= {"text": "<think>\nhm</think>5", "reasoning": "hm", "answer": "5"}
    data["lanes"][0]["ends"] = [18, 19]
    conversation = import_run(history, run_of_document(data), {})
    reply = history.load(conversation).messages[0].replies[0]

    async def journey() -> FakeEngine:
        engine = FakeEngine()
        session = fake_session(engine, history)
        answers = session.answer_again(conversation, reply.id, [LaneSetup("A")], RunOptions())
        assert [event async for batch in answers for event in batch]
        return engine

    thought = asyncio.run(journey()).runs[0].lanes[0].thought
    assert thought is not None
    assert thought.tokens == ()
    assert "hm" in thought.text
