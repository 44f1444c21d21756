"""What is shown of a download, and the limit on its speed."""

from __future__ import annotations

import threading
import time

import pytest

from qwqdesk.models.download_status import Meter, Status, StatusBoard, duration
from qwqdesk.models.hub_errors import Stopped
from qwqdesk.models.hub_http import StopSwitch
from qwqdesk.models.rate_limit import RateLimit


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_speed_is_an_average_and_time_left_comes_late() -> None:
    clock = _Clock()
    meter = Meter(clock)
    for _ in range(20):
        meter.add(500_000)
        clock.now += 0.1
        if clock.now < 102.5:
            assert meter.left(10**7) is None
    for _ in range(20):
        meter.add(500_000)
        clock.now += 0.1
    assert meter.speed() == pytest.approx(5e6, rel=0.1)
    left = meter.left(10**7)
    assert left is not None
    assert left == pytest.approx(2, rel=0.2)
    clock.now += 60
    assert (meter.speed(), meter.left(10**7)) == (0.0, None)


def test_the_words_of_a_status() -> None:
    status = Status("downloading", 5 * 10**9, 20 * 10**9, 2e7, 750.0)
    assert status.words == "5.00 GB of 20.00 GB, 20.0 MB/s, 12 min 30 s left"
    assert "stalled" in Status("stalled", 1, 2).words
    retry = Status("retrying", 10**6, 10**7, note="Connection lost.", retry_in=7.6)
    assert retry.words == "1.0 MB of 10.0 MB; Connection lost. Trying again in 8 s."
    assert [duration(s) for s in (3, 61, 7300)] == ["3 s", "1 min 01 s", "2 h 01 min"]


def test_listeners_hear_of_states_at_once_and_of_bytes_seldom() -> None:
    heard: list[Status] = []
    board = StatusBoard(1000, heard.append)
    board.to("downloading")
    for done in range(1000):
        board.at(done, 1)
    board.to("done")
    assert [heard[0].state, heard[-1].state] == ["downloading", "done"]
    assert len(heard) < 20
    assert board.now().done == 999


def test_a_limit_holds_for_all_together() -> None:
    limit, stop = RateLimit(1_000_000), StopSwitch()
    begun = time.monotonic()

    def take() -> None:
        for _ in range(10):
            limit.take(20_000, stop)

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begun >= 0.39
    limit.set(0)
    limit.take(10**12, stop)
    limit.set(1)
    stop.throw()
    with pytest.raises(Stopped):
        limit.take(10**6, stop)
