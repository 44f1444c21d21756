"""Checksums come after the run, without delaying it, into the replies that were saved."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qwqdesk.lane_setup import LaneSetup
from qwqdesk.model_hash import ModelHashes
from qwqdesk.run_plan import RunOptions
from qwqdesk.session import Session
from qwqdesk.store.history import History
from tests.fake_engine import FakeEngine, began_of, fake_session


@pytest.fixture
def history() -> Iterator[History]:
    history = History(None)
    yield history
    history.close()


@pytest.fixture
def session(tmp_path: Path, history: History) -> Session:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"weights")
    made = fake_session(FakeEngine(), history, ModelHashes(tmp_path))
    assert made.loaded is not None
    made.loaded = replace(made.loaded, model=replace(made.loaded.model, path=str(file)))
    return made


async def run(session: Session) -> int:
    options = RunOptions(raw=True)
    batches = session.send("hi", [LaneSetup("A")], options)
    events = [event async for batch in batches for event in batch]
    return began_of(events).reply_ids[0]


def test_a_reply_gets_its_models_checksum_after_the_run(session: Session, history: History) -> None:
    async def journey() -> None:
        reply = await run(session)
        manifest = history.reply(reply).manifest
        assert [file["sha256"] for file in manifest["files"]] == [None]
        assert await session.complete_hashes()
        manifest = history.reply(reply).manifest
        assert len(manifest["files"][0]["sha256"]) == 64
        assert len(manifest["library_sha256"]) == 64
        known = history.reply(await run(session)).manifest
        assert known["files"] == manifest["files"]

    asyncio.run(journey())


def test_reading_waits_while_a_run_is_under_way(session: Session, history: History) -> None:
    async def journey() -> None:
        reply = await run(session)
        session._busy = True
        work = asyncio.ensure_future(session.complete_hashes())
        await asyncio.sleep(0.15)
        assert not work.done()
        session._busy = False
        assert await work
        assert history.reply(reply).manifest["files"][0]["sha256"]

    asyncio.run(journey())


def test_cancelling_ends_the_reading(session: Session) -> None:
    async def journey() -> None:
        session._busy = True
        work = asyncio.ensure_future(session.complete_hashes())
        await asyncio.sleep(0.05)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    before = threading.active_count()
    asyncio.run(journey())  # its end waits for the executor's threads
    assert threading.active_count() == before


def test_a_deleted_conversation_is_no_trouble(session: Session, history: History) -> None:
    async def journey() -> None:
        await run(session)
        history.delete(history.conversations()[0].id)
        assert await session.complete_hashes()

    asyncio.run(journey())
