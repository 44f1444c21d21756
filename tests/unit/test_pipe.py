"""The bridge from a thread to a loop: in order, nothing lost, one wake-up for many items."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.errors import UserError
from qwqdesk.pipe import Stream


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


async def collect(stream: Stream[int]) -> list[int]:
    return [item async for batch in stream for item in batch]


def drain(stream: Stream[int]) -> list[int]:
    items: list[int] = []
    while (batch := stream.wait_batch(5)) is not None:
        items += batch
    return items


@given(st.lists(st.integers(0, 3), max_size=30))
def test_everything_arrives_in_order_with_a_loop_or_without(pauses: list[int]) -> None:
    def produce(stream: Stream[int]) -> None:
        for number, pause in enumerate(pauses):
            stream.put(number)
            if pause == 0:
                time.sleep(0)
        stream.close()

    expected = list(range(len(pauses)))
    with_loop, without = Stream[int](), Stream[int]()

    def produce_both() -> None:
        produce(with_loop)
        produce(without)

    thread = in_thread(produce_both)
    assert asyncio.run(collect(with_loop)) == expected
    assert drain(without) == expected
    thread.join()


def test_what_was_put_before_anybody_listened_is_there() -> None:
    stream = Stream[int]()
    stream.put(1)
    stream.put(2)
    stream.close()
    assert asyncio.run(collect(stream)) == [1, 2]


def test_an_error_comes_behind_the_last_item() -> None:
    def read_with_loop(stream: Stream[int]) -> list[int]:
        return asyncio.run(collect(stream))

    for read in (read_with_loop, drain):
        stream = Stream[int]()
        stream.put(1)
        stream.close(UserError("It broke.", "Mend it."))
        with pytest.raises(UserError, match="It broke"):
            read(stream)


def test_items_that_wait_come_as_one_batch() -> None:
    async def batches() -> list[list[int]]:
        stream = Stream[int]()
        for number in range(1000):
            stream.put(number)
        stream.close()
        return [batch async for batch in stream]

    assert asyncio.run(batches()) == [list(range(1000))]


def test_many_items_wake_the_loop_few_times() -> None:
    woken = 0

    async def count() -> None:
        nonlocal woken
        stream = Stream[int]()
        loop = asyncio.get_running_loop()
        call = loop.call_soon_threadsafe

        def counted(*arguments: object) -> object:
            nonlocal woken
            woken += 1
            return call(*arguments)  # type: ignore[arg-type]

        loop.call_soon_threadsafe = counted  # type: ignore[assignment, method-assign]
        reader = asyncio.ensure_future(collect(stream))
        await asyncio.sleep(0)
        for number in range(10_000):
            stream.put(number)
        stream.close()
        assert len(await reader) == 10_000

    asyncio.run(count())
    assert woken == 1


def test_leaving_the_loop_early_asks_the_worker_to_stop() -> None:
    stream = Stream[int]()
    stream.put(1)

    async def run() -> None:
        iterator = stream.__aiter__()
        await anext(iterator)
        await iterator.aclose()  # type: ignore[attr-defined]

    asyncio.run(run())
    assert stream.cancelled.is_set()


def test_cancelling_the_reading_task_asks_the_worker_to_stop() -> None:
    stream = Stream[int]()

    async def run() -> None:
        task = asyncio.ensure_future(collect(stream))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert stream.cancelled.is_set()
    stream.put(1)  # the worker may still write
    stream.close()


def test_reading_to_the_end_does_not_cancel() -> None:
    stream = Stream[int]()
    stream.close()
    asyncio.run(collect(stream))
    assert not stream.cancelled.is_set()


def test_a_loop_that_has_gone_tells_the_worker() -> None:
    stream = Stream[int]()
    loop = asyncio.new_event_loop()

    stream._loop = loop
    loop.close()
    stream.put(1)
    assert stream.cancelled.is_set()


def test_waiting_ends_after_its_time_and_cancel_keeps_what_was_written() -> None:
    stream = Stream[int]()
    assert stream.wait_batch(0.01) == []
    stream.put(1)
    stream.cancel()
    assert stream.wait_batch(0.01) == [1]
    stream.close()
    assert stream.wait_batch(1) is None
    assert stream.wait_batch(1) is None
