"""Numbers that grow with a reply are those of the whole reply."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.analysis.code_check import check_answer
from qwqdesk.analysis.live_metrics import LiveMetrics
from qwqdesk.analysis.metrics import LaneMetrics, LaneResult, lane_metrics
from qwqdesk.analysis.repeats import GrowingRepeats
from qwqdesk.analysis.statistics import distinct_n, longest_repeat
from qwqdesk.conversation import Loop

TOKENS = st.lists(st.integers(0, 3), max_size=60) | st.lists(st.integers(0, 40), max_size=200)
ANSWER = "Here:\n```python\nprint(x)\n```\nand\n```python\ny = 1\n"


def same(one: LaneMetrics, other: LaneMetrics) -> None:
    """Equal but for the compression, which may be cut into other pieces."""
    for name, value in one.values.items():
        if name != "compression_ratio":
            assert value == other.values[name], name
    assert one.loop == other.loop


@given(TOKENS, st.lists(st.integers(0, 200), max_size=5))
def test_growing_repeats_are_those_of_the_whole(tokens: list[int], cuts: list[int]) -> None:
    growing = GrowingRepeats()
    at = 0
    for cut in sorted(cuts):
        growing.feed(tokens[at:cut])
        at = max(at, cut)
    growing.feed(tokens[at:])
    whole = longest_repeat(tokens)
    found = growing.longest
    assert (found.length if found else 0) == (whole.length if whole else 0)
    if found:
        first, second = found.first, found.second
        assert first < second
        assert tokens[first : first + found.length] == tokens[second : second + found.length]
    for n in (1, 2, 3, 4):
        assert growing.distinct(n) == distinct_n(tokens, n)


@given(TOKENS, st.integers(0, 200))
def test_updates_give_the_numbers_of_the_whole_reply(tokens: list[int], cut: int) -> None:
    live = LiveMetrics()
    words = " ".join(map(str, tokens))
    half = " ".join(map(str, tokens[:cut]))
    live.update(LaneResult(tokens[:cut], half), "")
    grown = live.update(LaneResult(tokens, words), "")
    same(lane_metrics(LaneResult(tokens, words)), grown)


def test_another_reply_starts_anew() -> None:
    live = LiveMetrics()
    live.update(LaneResult([1, 2, 3, 1, 2, 3], "one two"), "")
    found = live.update(LaneResult([9, 8], "other"), "")
    same(lane_metrics(LaneResult([9, 8], "other")), found)


def test_a_loop_has_the_text_that_the_guard_saw_and_the_repeats_up_to_now() -> None:
    tokens = [7, 8, 9, 10] * 60
    live = LiveMetrics()
    live.update(LaneResult(tokens[:200], "x" * 200), "")
    known = Loop(0, 4, 50.0, "round")
    found = live.update(LaneResult(tokens, "x" * 240, loop=known), "").loop
    assert found is not None
    assert (found.from_token, found.repeats, found.text) == (0, 60.0, "round")


def test_code_is_checked_when_its_block_closes() -> None:
    live = LiveMetrics()
    running = live.update(LaneResult([1], "a"), ANSWER, finished=False)
    assert [check.block.text for check in live.checks] == ["print(x)"]
    assert running.values["code_errors"] == 1
    ended = live.update(LaneResult([1], "a"), ANSWER)
    assert live.checks == check_answer(ANSWER)
    assert ended.values["python_blocks"] == 2


def test_the_compression_is_that_of_the_whole_text() -> None:
    live = LiveMetrics()
    text = "Wait, the pipes must also be dark. " * 40
    for end in range(0, len(text) + 1, 100):
        live.update(LaneResult([1], text[:end]), "")
    found = live.update(LaneResult([1], text), "").values["compression_ratio"]
    whole = lane_metrics(LaneResult([1], text)).values["compression_ratio"]
    assert found == pytest.approx(whole, rel=0.05)
