"""Alignment, divergence and the word diff: whole, right, and quick on long replies."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.analysis.alignment import align
from qwqdesk.analysis.diff import word_diff
from qwqdesk.analysis.divergence import diverge, divergence_json
from qwqdesk.analysis.token_items import WrittenTokens

SMALL = st.lists(st.integers(0, 4), max_size=25)
TEXTS = st.text(alphabet="ab \n.é", max_size=40)


@given(SMALL, SMALL)
def test_segments_cover_both_sides_in_order(a: list[int], b: list[int]) -> None:
    a_at = b_at = 0
    last = ""
    for segment in align(a, b):
        assert (segment.a_start, segment.b_start) == (a_at, b_at)
        assert segment.length > 0
        assert segment.kind != last
        left = a[segment.a_start : segment.a_end]
        right = b[segment.b_start : segment.b_end]
        sides = {"equal": left == right, "only_a": not right, "only_b": not left}
        assert sides[segment.kind]
        a_at, b_at, last = segment.a_end, segment.b_end, segment.kind
    assert (a_at, b_at) == (len(a), len(b))


@given(TEXTS, TEXTS)
def test_the_pieces_of_a_word_diff_make_both_texts(a: str, b: str) -> None:
    found = word_diff(a, b)
    assert "".join(p.text for p in found.pieces if p.kind != "only_b") == a
    assert "".join(p.text for p in found.pieces if p.kind != "only_a") == b
    for piece in found.pieces:
        if piece.kind != "only_b":
            assert a[piece.a_start : piece.a_end] == piece.text
        if piece.kind != "only_a":
            assert b[piece.b_start : piece.b_end] == piece.text
    assert found.same == (a == b)


def test_a_changed_word_is_the_only_change() -> None:
    found = word_diff("The cat sat on the mat.", "The dog sat on the mat.")
    assert [(p.kind, p.text) for p in found.pieces] == [
        ("equal", "The "),
        ("only_a", "cat"),
        ("only_b", "dog"),
        ("equal", " sat on the mat."),
    ]


def test_white_space_between_changes_is_no_island() -> None:
    kinds = [p.kind for p in word_diff("one two three", "uno dos three").pieces]
    assert kinds == ["only_a", "only_b", "equal"]


@pytest.mark.parametrize(
    ("a", "b", "token"),
    [
        ([1, 2, 3], [1, 2, 3], None),
        ([1, 2, 3], [1, 9, 3], 1),
        ([1, 2, 3], [1, 2], 2),
        ([], [5], 0),
        ([], [], None),
    ],
)
def test_the_first_differing_token(a: list[int], b: list[int], token: int | None) -> None:
    found = diverge(WrittenTokens(a), WrittenTokens(b))
    assert (found.parting.token, found.rejoin) == (token, None)


def test_lanes_that_meet_again_say_where_in_both() -> None:
    start, tail = list(range(10)), list(range(100, 130))
    a, b = [*start, 50, *tail], [*start, 60, 61, 62, *tail]
    found = diverge(WrittenTokens(a), WrittenTokens(b))
    assert (found.parting.token, found.rejoin) == (10, (11, 13))


def test_every_pair_of_lanes_has_a_row() -> None:
    lanes = [("A", [1, 2]), ("B", [1, 2]), ("C", [1, 3])]
    rows = divergence_json([(label, WrittenTokens(ids)) for label, ids in lanes])
    assert [row["lanes"] for row in rows] == [["A", "B"], ["A", "C"], ["B", "C"]]
    assert [row["token"] for row in rows] == [None, 1, 1]
    assert [row["kind"] for row in rows] == ["same", "differ", "differ"]


def test_a_lane_that_was_cut_off_does_not_differ_by_being_shorter() -> None:
    whole = WrittenTokens(range(75))
    cut = WrittenTokens(range(74), whole=False)
    (row,) = divergence_json([("A", whole), ("B", cut)])
    assert row == {
        "lanes": ["A", "B"],
        "kind": "cut",
        "token": None,
        "same": 74,
        "unit": "tokens",
        "rejoin": None,
    }
    (row,) = divergence_json([("A", WrittenTokens(range(74))), ("B", WrittenTokens(range(75)))])
    assert (row["kind"], row["token"]) == ("differ", 74)  # A ended by itself


def test_token_numbers_of_different_vocabularies_are_never_compared() -> None:
    text = "The cat sat on the mat and looked at the bird for a long time today."
    words = [f"{word} " for word in text.split(" ")]
    a = _written([*words, "Then it slept."], "gpt2/one")
    b = _written([*text, " ", "Then it", " ran."], "gpt2/two")
    (row,) = divergence_json([("A", a), ("B", b)])
    assert (row["kind"], row["token"], row["rejoin"]) == ("differ", None, None)
    assert (row["same"], row["unit"]) == (len(f"{text} Then it "), "characters")
    found = diverge(a, b).parting
    assert (found.a, found.b) == (len(words), len(text) + 2)


def _written(pieces: list[str], vocabulary: str) -> WrittenTokens:
    ends = [sum(map(len, pieces[: n + 1])) for n in range(len(pieces))]
    return WrittenTokens(range(len(pieces)), "".join(pieces), ends, vocabulary)


def _zipf(seed: int) -> list[str]:
    draw = random.Random(seed)
    return [f"w{min(int(draw.paretovariate(0.7)), 3000)}" for _ in range(20_000)]


def _cases() -> dict[str, tuple[list[str], list[str]]]:
    words, draw = _zipf(1), random.Random(2)
    changed = [word if draw.random() > 0.1 else "x" for word in words]
    bits = [str(draw.randrange(2)) for _ in range(20_000)]
    return {
        "unlike": (words, _zipf(3)),
        "changed": (words, changed),
        "loops": (["a", "b", "c"] * 6_666, ["a", "c", "b"] * 6_666),
        "bits": (bits, bits[::-1]),
    }


@pytest.mark.parametrize("name", ["unlike", "changed", "loops", "bits"])
def test_twenty_thousand_words_take_less_than_a_second(name: str) -> None:
    a, b = _cases()[name]
    start = time.process_time()
    found = word_diff(" ".join(a), " ".join(b))
    assert time.process_time() - start < 2.0, "one second, and some for a busy machine"
    if name == "changed":
        equal = sum(len(piece.text) for piece in found.pieces if piece.kind == "equal")
        assert equal > 0.8 * len(" ".join(a))
