"""A model's file that has changed since it was loaded is noticed before it is read again."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.file_states import changed_file, file_states
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.run_plan import RunOptions
from qwqdesk.session import Session
from qwqdesk.store.history import History
from tests.fake_engine import FakeEngine
from tests.tiny_model import write_tiny_model
from tests.unit.models.gguf_writer import U16, GgufFile


def shorter(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def longer(path: Path) -> None:
    os.truncate(path, path.stat().st_size + 1)


def overwritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"GGUF")
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes() + b"x")
    other.replace(path)


def folder_gone(path: Path) -> None:
    shutil.rmtree(path.parent)


def link_in_a_ring(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def deleted(path: Path) -> None:
    path.unlink()


def renamed(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def untouched(_path: Path) -> None:
    pass


def read(path: Path) -> None:
    path.read_bytes()
    path.chmod(0o400)
    path.with_name("link").hardlink_to(path)


@pytest.mark.parametrize(
    "change", [shorter, longer, overwritten, replaced, folder_gone, link_in_a_ring]
)
def test_a_changed_file_is_named(tmp_path: Path, change: Callable[[Path], None]) -> None:
    files = [tmp_path / "models" / name for name in ("a.gguf", "b.gguf")]
    files[0].parent.mkdir()
    for file in files:
        file.write_bytes(b"weights")
    states = file_states(files)
    assert changed_file(states) is None
    change(files[1])
    assert changed_file(states) == (files[0] if change is folder_gone else files[1])


@pytest.mark.parametrize("change", [untouched, read, deleted, renamed])
def test_what_leaves_the_loaded_bytes_alone_does_not_count(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    """A file that has gone from its folder stays mapped until nobody uses it."""
    file = tmp_path / "a.gguf"
    file.write_bytes(b"weights")
    states = file_states([file])
    change(file)
    assert changed_file(states) is None


async def load(session: Session, path: Path) -> None:
    async for _ in session.load(path, EngineSettings(n_ctx=256, n_gpu_layers=0)):
        pass


async def ask(session: Session) -> int:
    batches = session.send("hi", [LaneSetup("A")], RunOptions(raw=True))
    return len([event async for batch in batches for event in batch])


def test_a_run_on_a_changed_file_is_refused_until_it_is_loaded_again(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "tiny.gguf", "F16")

    async def journey() -> None:
        history = History(None)
        engine = FakeEngine()
        session = Session(engine, history)  # type: ignore[arg-type]
        await load(session, path)
        assert await ask(session)
        shorter(path)
        for _ in range(2):
            with pytest.raises(UserError, match=r"tiny\.gguf has changed since") as caught:
                await ask(session)
            assert (caught.value.code, caught.value.what_to_do) == ("changed", "Load it again.")
        assert [session.changed_file] == [path]
        assert not session.running
        assert len(engine.runs) == 1
        assert len(history.conversations()) == 1, "nothing was saved for the refused ones"
        write_tiny_model(path, "F16")
        await load(session, path)
        assert [session.changed_file] == [None]
        assert await ask(session)
        history.close()

    asyncio.run(journey())


def test_every_shard_counts(tmp_path: Path) -> None:
    whole = write_tiny_model(tmp_path / "tiny.gguf", "F16")
    first, second = (tmp_path / f"m-0000{n}-of-00002.gguf" for n in (1, 2))
    head = GgufFile()
    head.string("general.architecture", "qwen2").scalar("split.no", U16, 0)
    head.scalar("split.count", U16, 2).tensor("token_embd.weight", (64, 32), "F16").write(first)
    tail = GgufFile().scalar("split.no", U16, 1).scalar("split.count", U16, 2)
    tail.tensor("output_norm.weight", (64,), "F32").write(second)

    async def journey() -> None:
        session = Session(FakeEngine())  # type: ignore[arg-type]
        await load(session, first)
        longer(second)
        with pytest.raises(UserError, match="00002-of-00002"):
            await ask(session)
        await load(session, whole)
        assert await ask(session)

    asyncio.run(journey())
