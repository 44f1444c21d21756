"""What a run has produced so far, whatever order its events came in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.conversation import Loop, Usage
from qwqdesk.engine.events import LoopFound, Output, RunStarted, Span
from qwqdesk.run_record import RunRecord
from tests.fake_engine import ENGINE, finished, output

KINDS = st.sampled_from(["reasoning", "answer", "tag"])


def test_a_lane_without_reasoning_has_none_and_an_empty_one_has_an_empty_one() -> None:
    record = RunRecord([3, 3])
    record.add(output(0, "just an answer"))
    record.add(output(1, "<think></think>", "tag"))
    assert (record.lanes[0].reasoning, record.lanes[0].answer) == (None, "just an answer")
    assert (record.lanes[1].reasoning, record.lanes[1].answer) == ("", "")
    assert record.lanes[1].text == "<think></think>"


@given(st.lists(st.tuples(KINDS, st.text(max_size=5)), max_size=700))
def test_every_character_is_kept_however_long_it_grows(parts: list[tuple[str, str]]) -> None:
    record = RunRecord([0])
    for kind, text in parts:
        record.add(Output(0, (Span(kind, text),), (1,)))  # type: ignore[arg-type]
    lane = record.lanes[0]
    assert lane.text == "".join(text for _, text in parts)
    assert lane.answer == "".join(text for kind, text in parts if kind == "answer")
    assert (lane.reasoning or "") == "".join(text for kind, text in parts if kind == "reasoning")
    assert len(lane.tokens) == len(parts)
    assert len(lane._parts) <= 257


def test_usage_counts_while_it_streams_and_the_end_has_the_last_word() -> None:
    record = RunRecord([7])
    record.add(Output(0, (), (1, 2, 3), reasoning_tokens=2))
    assert record.lanes[0].usage == Usage(7, 2, 1)
    assert record.lanes[0].finish_reason is None
    record.add(finished(0, "length", "context full"))
    lane = record.lanes[0]
    assert (lane.finish_reason, lane.finish_detail) == ("length", "context full")
    assert lane.usage == Usage(3, 0, 5)


def test_ends_never_pass_the_text_and_the_last_one_is_its_end() -> None:
    record = RunRecord([1])
    record.add(Output(0, (Span("answer", "ab"),), (1, 2), 0, (2, 4), (0.5, 0.25)))
    lane = record.lanes[0]
    assert lane.ends == [2, 2], "two characters are held back"
    record.add(Output(0, (Span("answer", "cd"),), (3,), 0, (4,), (1.0,)))
    assert lane.ends == [2, 4, 4]
    assert lane.probabilities == [0.5, 0.25, 1.0]
    record.add(Output(0, (Span("answer", "\ufffd"),), ()))
    record.add(finished(0))
    assert lane.ends == [2, 4, 5]


def test_loops_and_the_engine_are_kept() -> None:
    record = RunRecord([1])
    loop = Loop(1, 2, 3.0, "ab")
    record.add(RunStarted(ENGINE, note="a note"))
    record.add(LoopFound(0, loop))
    assert (record.engine, record.note, record.lanes[0].loop) == (ENGINE, "a note", loop)
