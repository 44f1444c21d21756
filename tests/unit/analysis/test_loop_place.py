"""Where a loop begins, in a reply's text and in what is shown of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.analysis.loop_place import Landmark, loop_place
from qwqdesk.conversation import Loop


def shown_from(source: str, char: int, shown: str) -> str | None:
    place = Landmark.at(source, char).find(shown)
    return None if place is None else shown[place:]


@pytest.mark.parametrize(
    ("source", "char", "shown", "rest"),
    [
        ("I **say** it. And it. And it.", 14, "I say it. And it. And it.", "And it. And it."),
        ("a b a b a b", 4, "a b a b a b", "a b a b"),
        ("# One\n\n- *two*\n- *two*\n", 16, "One\ntwo\ntwo", "two"),
        ("Hello world", 0, "Hello world", "Hello world"),
        ("Hello world", 8, "Hello world", "world"),  # in the middle of a word: the whole word
        ("Look: ===== =====", 6, "Look: ===== =====", ": ===== ====="),
        ("=====", 2, "=====", "====="),
        ("하나 **둘** 셋 둘 셋", 10, "하나 둘 셋 둘 셋", "둘 셋"),
        ("a b c", 2, "", None),
    ],
)
def test_the_place_is_found_without_its_markup(
    source: str, char: int, shown: str, rest: str | None
) -> None:
    assert shown_from(source, char, shown) == rest


def test_a_longer_text_does_not_move_the_place() -> None:
    source = "Start. " + "again and **again**, " * 3
    start = Landmark.at(source, 7)
    for rounds in (3, 30, 300):
        shown = "Start. " + "again and again, " * rounds
        assert start.find(shown) == 7


@given(st.lists(st.sampled_from(["a", "b", "\n\n", " ", "- ", "word"]), max_size=60), st.data())
def test_without_markup_every_word_is_found_where_it_is(
    parts: list[str], data: st.DataObject
) -> None:
    text = "".join(parts)
    char = data.draw(st.integers(0, len(text)))
    place = Landmark.at(text, char).find(text)
    assert place is not None
    if text[char : char + 1].isalnum() and (char == 0 or not text[char - 1].isalnum()):
        assert place == char


def test_a_hundred_thousand_words_of_one_kind_take_no_second() -> None:
    text = "no " * 100_000
    began = time.perf_counter()
    assert Landmark.at(text, 150_000).find(text) == 150_000
    assert time.perf_counter() - began < 3


def test_the_part_and_the_place_in_it_come_from_the_tokens() -> None:
    text = "<think>ab ab ab</think>so so so"
    ends = [7, 10, 13, 15, 23, 26, 29, 31]
    loops = [Loop(token, 1, 9.0, "") for token in (0, 1, 2, 5, 6, 99)]
    assert [loop_place(loop, 8, ends, text, "ab ab ab", "so so so") for loop in loops] == [
        ("reasoning", 0), ("reasoning", 0), ("reasoning", 3), ("answer", 0), ("answer", 3),
        ("answer", 8),
    ]  # fmt: skip


def test_old_replies_are_searched_near_the_place() -> None:
    text = "well, well. " + "go on and " * 9
    place = loop_place(Loop(3, 3, 9.0, "go on and "), 30, (), text, None, text)
    assert place == ("answer", 12)
    assert loop_place(Loop(5, 3, 9.0, "elsewhere"), 10, (), "x" * 100, None, "x" * 100) == (
        "answer",
        50,
    )
