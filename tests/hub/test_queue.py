"""The download queue: order, pause, cancel, restarts; and what it makes of a broken file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from qwqdesk.models.download_set import SetOrder
from qwqdesk.models.queue import DownloadQueue
from qwqdesk.models.queue_item import QueueRow
from tests.hub.hub_fixture import QUICK, REPO, Bench, noise

LABELS = ("Q2_K", "Q3_K", "Q5_K", "Q6_K")


def _file(bench: Bench) -> Path:
    return bench.models.parent / "downloads.json"


@contextmanager
def _queue(bench: Bench) -> Iterator[DownloadQueue]:
    patience = replace(QUICK, keep_on=None)
    queue = DownloadQueue(bench.client(), bench.models, _file(bench), patience=patience)
    queue.start()
    try:
        yield queue
    finally:
        queue.close()


def _order(bench: Bench, label: str = "Q4_K_M") -> SetOrder:
    return bench.job(label).order


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def _states(queue: DownloadQueue) -> list[str]:
    return [row.status.state for row in queue.rows()]


@pytest.fixture
def four(bench: Bench) -> Bench:
    """Four quantizations more."""
    for number, label in enumerate(LABELS):
        bench.hub.put(REPO, f"T-{label}.gguf", noise(400_000, number))
    return bench


def test_two_at_a_time_in_their_order(four: Bench) -> None:
    four.hub.rate = 2e6
    with _queue(four) as queue:
        stream = queue.listen()
        for label in LABELS:
            queue.add(_order(four, label))
        assert [row.label for row in queue.rows()] == list(LABELS)
        assert _states(queue)[2:] == ["queued", "queued"]
        _until(lambda: set(_states(queue)) == {"done"})
        queue.close()
        rows: list[QueueRow] = []
        while (batch := stream.wait_batch(1)) is not None:
            rows += batch
    assert four.hub.peak == 2
    assert [row.label for row in rows if row.status.state == "done"] != []
    assert {row.label for row in rows} == set(LABELS)


def test_pause_is_seen_at_once_and_resume_goes_on(bench: Bench) -> None:
    bench.hub.rate = 5e5
    with _queue(bench) as queue:
        name = queue.add(_order(bench))
        _until(lambda: queue.rows()[0].status.done > 100_000)
        queue.pause(name)
        assert _states(queue) == ["paused"]
        kept = queue.rows()[0].status.done
        bench.hub.rate = 0
        queue.resume(name)
        _until(lambda: _states(queue) == ["done"])
    assert kept > 0
    assert int(bench.hub.asked("cdn")[-1].range[6:-1]) >= kept


def test_a_paused_one_makes_room(four: Bench) -> None:
    four.hub.rate = 1e5
    with _queue(four) as queue:
        names = [queue.add(_order(four, label)) for label in LABELS[:3]]
        queue.pause(names[0])
        _until(lambda: queue.rows()[2].status.state == "downloading")


def test_cancel_leaves_nothing_behind(bench: Bench) -> None:
    bench.hub.rate = 5e5
    with _queue(bench) as queue:
        stream = queue.listen()
        name = queue.add(_order(bench))
        _until(lambda: bench.part().exists() and bench.part().stat().st_size > 1000)
        queue.cancel(name)
        assert queue.rows() == ()
        _until(lambda: not (bench.models / REPO).exists())
        assert any(row.gone for row in stream.wait_batch(1) or [])
    with _queue(bench) as queue:
        assert queue.rows() == ()


def test_a_removed_one_comes_back_to_its_place_and_byte(four: Bench) -> None:
    four.hub.rate = 2e5
    with _queue(four) as queue:
        names = [queue.add(_order(four, label)) for label in LABELS]
        _until(lambda: queue.rows()[0].status.done > 30_000)
        kept = queue.rows()[0].status.done
        queue.remove(names[0])
        assert [row.id for row in queue.rows()] == names[1:]
        assert queue.restore(names[0])
        assert [row.id for row in queue.rows()] == names
        four.hub.rate = 0
        _until(lambda: set(_states(queue)) == {"done"})
        assert not queue.restore(names[0])
    asked = [each.range for each in four.hub.asked("cdn") if each.range]
    assert any(int(text[6:-1]) >= kept for text in asked), "it went on where it was"


@pytest.mark.parametrize("state", ["paused", "failed"])
def test_what_stood_still_comes_back_standing_still(bench: Bench, state: str) -> None:
    bench.hub.rate = 5e5
    if state == "failed":
        bench.hub.fault("html", times=-1)
    with _queue(bench) as queue:
        name = queue.add(_order(bench))
        if state == "paused":
            _until(lambda: queue.rows()[0].status.done > 1000)
            queue.pause(name)
        _until(lambda: _states(queue) == [state])
        before = queue.rows()[0]
        queue.remove(name)
        assert queue.restore(name)
        after = queue.rows()[0]
        assert (after.status.state, after.status.code) == (state, before.status.code)
        queue.remove(name)
        assert queue.add(_order(bench)) == name, "asked for again, it is brought back"
        assert len(queue.rows()) == 1


def test_quitting_deletes_what_was_removed(bench: Bench) -> None:
    bench.hub.rate = 5e5
    with _queue(bench) as queue:
        name = queue.add(_order(bench))
        _until(lambda: bench.part().exists() and bench.part().stat().st_size > 1000)
        queue.remove(name)
        assert bench.part().exists()
    assert not (bench.models / REPO).exists()
    assert json.loads(_file(bench).read_text())["items"] == []


def test_what_was_removed_before_a_crash_is_deleted_at_the_next_start(bench: Bench) -> None:
    bench.hub.rate = 5e5
    with _queue(bench) as queue:
        name = queue.add(_order(bench))
        _until(lambda: bench.part().exists() and bench.part().stat().st_size > 1000)
        queue.pause(name)
        queue.remove(name)
        _until(lambda: '"removed"' in _file(bench).read_text())
        left, part = _file(bench).read_bytes(), bench.part().read_bytes()
    # As after a crash: the file and the part are as they were before the end.
    _file(bench).write_bytes(left)
    bench.part().parent.mkdir(parents=True)
    bench.part().write_bytes(part)
    with _queue(bench) as queue:
        assert queue.rows() == ()
        _until(lambda: not (bench.models / REPO).exists())
        _until(lambda: json.loads(_file(bench).read_text())["items"] == [])


def test_cancel_takes_the_shards_that_are_no_model(bench: Bench) -> None:
    for number in (1, 2):
        bench.hub.put(REPO, f"T-BF16-0000{number}-of-00002.gguf", noise(300_000, number))
    order = _order(bench, "BF16")
    bench.hub.fault("none")
    bench.hub.fault("html", times=-1)
    with _queue(bench) as queue:
        name = queue.add(order)
        _until(lambda: _states(queue) == ["failed"])
        assert queue.rows()[0].status.code == "portal"
        queue.cancel(name)
    assert not (bench.models / REPO).exists()


def test_it_goes_on_after_a_restart(four: Bench) -> None:
    four.hub.rate = 2e5
    with _queue(four) as queue:
        names = [queue.add(_order(four, label)) for label in LABELS]
        queue.pause(names[1])
        _until(lambda: queue.rows()[0].status.done > 50_000)
    four.hub.rate = 0
    with _queue(four) as queue:
        assert [row.label for row in queue.rows()] == list(LABELS)
        _until(lambda: _states(queue) == ["done", "paused", "done", "done"])
    assert any(each.range for each in four.hub.asked("cdn"))


def test_a_failed_one_says_why_and_can_be_tried_again(bench: Bench) -> None:
    bench.hub.fault("html", times=-1)
    order = _order(bench)
    with _queue(bench) as queue:
        name = queue.add(order)
        _until(lambda: _states(queue) == ["failed"])
    with _queue(bench) as queue:
        [row] = queue.rows()
        assert (row.status.state, row.status.code) == ("failed", "portal")
        assert "log in" in row.status.note
        bench.hub.repair()
        queue.resume(name)
        _until(lambda: _states(queue) == ["done"])


def test_it_waits_for_the_network_without_end(bench: Bench) -> None:
    order = _order(bench)
    bench.hub.cdn_up = False
    with _queue(bench) as queue:
        queue.add(order)
        _until(lambda: _states(queue) == ["waiting"])
        assert queue.rows()[0].status.code == "network"
        bench.hub.cdn_up = True
        _until(lambda: _states(queue) == ["done"])


def test_the_same_twice_is_one(four: Bench) -> None:
    four.hub.rate = 1e5
    with _queue(four) as queue:
        first, second, third = (queue.add(_order(four, label)) for label in LABELS[:3])
        queue.pause(first)
        assert queue.add(_order(four, LABELS[0])) == first
        assert len(queue.rows()) == 3
        queue.move(third, 0)
        assert [row.id for row in queue.rows()] == [third, first, second]


def test_quitting_is_quick_in_a_stall(bench: Bench) -> None:
    bench.hub.fault("stall", after=100_000, seconds=30)
    with _queue(bench) as queue:
        queue.add(_order(bench))
        _until(lambda: queue.rows()[0].status.done >= 100_000)
        begun = time.monotonic()
        queue.close()
        assert time.monotonic() - begun < 0.5


@pytest.mark.parametrize("text", ["", "{", "[]", '{"items": 3}', "[" * 100_000])
def test_a_broken_file_loses_no_part(bench: Bench, text: str) -> None:
    bench.hub.rate = 5e5
    bench.hub.put(REPO, "T-BF16-00001-of-00002.gguf", noise(300_000))
    with _queue(bench) as queue:
        queue.add(_order(bench))
        _until(lambda: bench.part().exists() and bench.part().stat().st_size > 1000)
    kept = bench.part().stat().st_size
    _file(bench).write_text(text)
    evil = json.dumps({"repo": "a/b", "commit": "c", "path": "../../x.gguf", "size": 5})
    (bench.models / REPO / "x.gguf.part.json").write_text(evil)
    bench.hub.rate = 0
    with _queue(bench) as queue:
        [row] = queue.rows()
        assert (row.label, row.status.state, row.status.done) == ("Q4_K_M", "paused", kept)
        queue.resume(row.id)
        _until(lambda: _states(queue) == ["done"])
    assert _file(bench).with_name("downloads.json.broken").exists()


def test_rows_that_make_no_sense_are_left_out(bench: Bench) -> None:
    _file(bench).write_text('{"items": [{}, 1, null, {"stage": "queued", "files": [[]]}]}')
    with _queue(bench) as queue:
        assert queue.rows() == ()


def test_a_stranger_in_the_file_cannot_leave_the_folder(bench: Bench) -> None:
    row = {"repo": "../..", "commit": "c", "label": "x", "stage": "queued"}
    good = {"path": "m.gguf", "size": 4, "sha256": None, "blob_id": None}
    evil = {**good, "path": "../../../evil.gguf"}
    rows = [{**row, "files": [good]}, {**row, "repo": "a/b", "files": [evil]}]
    _file(bench).write_text(json.dumps({"items": rows}))
    with _queue(bench) as queue:
        assert queue.rows() == ()
