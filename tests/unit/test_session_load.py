"""Loading through the session with the real engine: what is refused leaves everything usable."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qwqdesk.diagnostics import LoadingMarker
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import Event, Loaded, LoadProgress
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.run_plan import RunOptions
from qwqdesk.run_record import RunRecord
from qwqdesk.session import Session
from tests.fake_engine import until_began

SETTINGS = EngineSettings(n_ctx=512, n_gpu_layers=0, n_threads=1)
LANE = LaneSetup("A", user={"n_predict": 4, "seed": 1, "ignore_eos": True})


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    engine = Engine(extra_buffers_safe=lambda: False)
    yield Session(engine, marker=LoadingMarker(tmp_path / "loading.json"))
    assert engine.close()


async def load(
    session: Session, path: Path, settings: EngineSettings = SETTINGS
) -> list[LoadProgress | Loaded]:
    return [event async for event in session.load(path, settings)]


async def written(session: Session) -> int:
    """How many tokens a short run gives."""
    record = RunRecord([0])
    async for batch in session.send("hi", [LANE], RunOptions(raw=True)):
        for event in batch:
            if isinstance(event, Event):
                record.add(event)
    return len(record.lanes[0].tokens)


def test_a_model_is_loaded_and_answers(session: Session, models: dict[str, Path]) -> None:
    async def run() -> None:
        events = await load(session, models["Q8_0"])
        assert isinstance(events[-1], Loaded)
        assert events[-1].model.quantization == "Q8_0"
        assert session.loaded == events[-1]
        assert await written(session) == 4
        await session.unload()
        with pytest.raises(UserError, match="No model"):
            await written(session)

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "cut", "folder"])
def test_a_file_refused_by_its_header_leaves_the_present_model(
    session: Session, models: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    bad = tmp_path / "bad.gguf"
    data = models["F16"].read_bytes()
    content = {"empty": b"", "text": b"hello" * 50, "cut": data[:1500]}
    if kind == "folder":
        bad.mkdir()
    elif kind in content:
        bad.write_bytes(content[kind])

    async def run() -> None:
        await load(session, models["F16"])
        with pytest.raises(UserError) as caught:
            await load(session, bad)
        assert "bad.gguf" in caught.value.what
        assert caught.value.what_to_do
        assert await written(session) == 4

    asyncio.run(run())


def test_a_file_whose_tensors_are_cut_off_or_unknown_is_refused(
    session: Session, models: dict[str, Path], tmp_path: Path
) -> None:
    data = models["F16"].read_bytes()
    changed = [data[: len(data) // 2], data.replace(b"qwen2", b"qwen9"), data[:-100]]

    async def run() -> None:
        for content in changed:
            (tmp_path / "bad.gguf").write_bytes(content)
            with pytest.raises(UserError, match=r"bad\.gguf"):
                await load(session, tmp_path / "bad.gguf")
            await load(session, models["F16"])
            assert await written(session) == 4

    asyncio.run(run())


def test_more_memory_than_there_is_is_refused_with_both_numbers(
    session: Session, models: dict[str, Path]
) -> None:
    async def run() -> None:
        with pytest.raises(UserError) as caught:
            await load(session, models["F16"], replace(SETTINGS, n_ctx=2**31 - 1))
        assert caught.value.code == "memory"
        await load(session, models["F16"])
        assert await written(session) == 4

    asyncio.run(run())


def test_closing_the_iterator_aborts_the_load(session: Session, models: dict[str, Path]) -> None:
    async def run() -> None:
        loading = session.load(models["F16"], SETTINGS)
        await anext(loading)
        await loading.aclose()
        assert session.loaded is None
        await load(session, models["other"])
        assert await written(session) == 4

    asyncio.run(run())


def test_the_marker_lies_on_disk_only_while_loading(
    session: Session, models: dict[str, Path], tmp_path: Path
) -> None:
    marker = tmp_path / "loading.json"

    async def run() -> None:
        loading = session.load(models["F16"], SETTINGS)
        await anext(loading)
        assert marker.exists()
        async for _ in loading:
            pass
        assert not marker.exists()

    asyncio.run(run())


def test_no_model_is_loaded_while_a_run_is_under_way(
    session: Session, models: dict[str, Path]
) -> None:
    async def run() -> None:
        await load(session, models["F16"])
        batches = session.send("hi", [LANE], RunOptions(raw=True))
        await until_began(batches)
        with pytest.raises(UserError, match="under way"):
            await load(session, models["other"])
        await batches.aclose()
        assert await written(session) == 4

    asyncio.run(run())
