"""Work beside the window: in turn, the newest of an owner, none for owners that are gone."""

from __future__ import annotations

import asyncio
import threading

import pytest
from PySide6.QtCore import QObject

from qwqdesk.ui.background import background


def _never(error: Exception) -> None:
    raise AssertionError(f"not expected: {error}")


async def test_work_runs_on_a_thread_one_after_another() -> None:
    owners = [QObject() for _ in range(3)]
    busy = threading.Semaphore(1)
    idents: list[int] = []
    ended: list[int] = []

    def work() -> int:
        assert busy.acquire(blocking=False), "two at once"
        idents.append(threading.get_ident())
        busy.release()
        return len(idents)

    for owner in owners:
        background().start(owner, work, ended.append, _never)
    while len(ended) < 3:
        await asyncio.sleep(0.001)
    assert ended == [1, 2, 3]
    assert threading.get_ident() not in idents


async def test_only_the_newest_that_waits_is_done() -> None:
    owner, other = QObject(), QObject()
    ended: list[str] = []
    background().start(other, lambda: "first", ended.append, _never)
    background().start(owner, lambda: "old", ended.append, _never)
    background().start(owner, lambda: "new", ended.append, _never)
    while len(ended) < 2:
        await asyncio.sleep(0.001)
    assert ended == ["first", "new"]


async def test_an_owner_that_is_gone_hears_nothing_and_faults_are_told() -> None:
    told: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context.get("exception")))
    parent = QObject()
    child = QObject(parent)
    ended: list[str] = []
    background().start(child, lambda: "late", ended.append, _never)
    del parent, child
    fault = ValueError("broken")

    def fail() -> str:
        raise fault

    failures: list[Exception] = []
    left = QObject()
    background().start(left, fail, ended.append, failures.append)
    while not failures:
        await asyncio.sleep(0.001)
    assert (told, failures, ended) == ([fault], [fault], [])


async def test_an_owner_that_cannot_take_its_result_costs_no_other_work() -> None:
    told: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context.get("exception")))
    ended: list[str] = []
    fault = KeyError("taking")

    def cannot(_: object) -> None:
        raise fault

    owners = [QObject() for _ in range(3)]
    background().start(owners[0], lambda: 1, cannot, _never)
    background().start(owners[1], lambda: str(1 / 0), ended.append, cannot)
    background().start(owners[2], lambda: "after", ended.append, _never)
    while not ended:
        await asyncio.sleep(0.001)
    assert ended == ["after"]
    assert told[0] is fault
    assert told[2] is fault


def test_without_a_loop_it_is_done_at_once() -> None:
    ended: list[int] = []
    background().start(QObject(), lambda: 7, ended.append, _never)
    assert ended == [7]
    failures: list[Exception] = []
    fault = ValueError("broken")

    def fail() -> int:
        raise fault

    with pytest.raises(ValueError, match="broken"):
        background().start(QObject(), fail, ended.append, failures.append)
    assert (failures, ended) == ([fault], [7])
