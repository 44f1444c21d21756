"""Live first differences, and places of tokens on the screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.analysis.alignment import align
from qwqdesk.analysis.parting import (
    PARTING_KINDS,
    LiveParting,
    Parting,
    PartingKind,
    parting,
    parting_json,
    parting_of,
)
from qwqdesk.analysis.place_map import PlaceMap, common_length
from qwqdesk.analysis.token_items import WrittenTokens
from qwqdesk.analysis.token_places import TokenLink, TokenPlaces

_TOKENS = st.lists(st.integers(0, 3), max_size=30)


@given(_TOKENS, _TOKENS, st.integers(1, 7), st.integers(1, 7), st.booleans(), st.booleans())
def test_a_live_parting_ends_where_the_whole_one_is(
    a: list[int], b: list[int], a_step: int, b_step: int, a_whole: bool, b_whole: bool
) -> None:
    def at(tokens: list[int], count: int, whole: bool) -> WrittenTokens:
        ended = count >= len(tokens)
        return WrittenTokens(tokens[:count], growing=not ended, whole=whole and ended)

    live, whole = LiveParting(), parting(at(a, 99, a_whole), at(b, 99, b_whole))
    for moment in range(31):
        live.update(at(a, moment * a_step, a_whole), at(b, moment * b_step, b_whole))
        if live.now.kind == "differ":
            assert live.now == whole
    assert live.now == whole
    assert whole.kind != "open"
    if whole.kind != "differ":
        assert a[: whole.same] == b[: whole.same]
        assert whole.same == min(len(a), len(b))


@pytest.mark.parametrize(
    ("a_whole", "b_growing", "b_whole", "kind"),
    [
        (True, True, False, "open"),
        (True, False, True, "differ"),  # b ended by itself where a goes on
        (True, False, False, "cut"),
        (False, False, False, "cut"),
    ],
)
def test_what_a_shorter_lane_means(
    a_whole: bool, b_growing: bool, b_whole: bool, kind: PartingKind
) -> None:
    a = WrittenTokens([1, 2, 3], whole=a_whole)
    b = WrittenTokens([1, 2], growing=b_growing, whole=b_whole)
    for found in (parting(a, b), parting(b, a)):
        assert (found.kind, found.same) == (kind, 2)
        assert found.token == (2 if kind == "differ" else None)


def test_text_of_another_vocabulary_grows_on_both_sides() -> None:
    live = LiveParting()
    one = WrittenTokens([1, 2], "The cat", [3, 7], "gpt2/one", growing=True)
    live.update(one, WrittenTokens([8], "T", [1], "spm/two", growing=True))
    assert live.now == Parting("open", 1, by_text=True)
    live.update(one, WrittenTokens([8, 9], "The car", [1, 7], "spm/two", growing=True))
    assert live.now == Parting("differ", 6, by_text=True, a=1, b=1)
    assert live.now.token is None


@pytest.mark.parametrize("kind", PARTING_KINDS)
@pytest.mark.parametrize("by_text", [True, False])
def test_a_row_tells_what_was_found(kind: PartingKind, by_text: bool) -> None:
    where = 5 if kind == "differ" else None
    found = Parting(kind, 5, by_text, where, where)
    read = parting_of(parting_json(found))
    assert read is not None
    assert (read.kind, read.same, read.by_text, read.token) == (kind, 5, by_text, found.token)


def test_rows_of_older_documents_have_the_token_alone() -> None:
    assert parting_of({"token": 7}) == Parting("differ", 7, a=7, b=7)
    assert parting_of({"token": None}) == Parting("same")
    for broken in ("x", -1, 1.5, True, [1]):
        assert parting_of({"token": broken}) is None


@given(st.text("ab", max_size=40), st.text("ab", max_size=40))
def test_common_length(a: str, b: str) -> None:
    length = common_length(a, b)
    assert a[:length] == b[:length]
    assert a[length : length + 1] != b[length : length + 1] or length == min(len(a), len(b))


def test_places_of_markdown_are_found_where_it_is_shown() -> None:
    source = (
        "\n\nSome **bold** words and `code`.\n\n- first\n- second `x`\n\n```py\na = 1\n```\nEnd."
    )
    shown = "Some bold words and code.\n•\tfirst\n•\tsecond x\n\na = 1\n\nEnd."
    places = PlaceMap(source, shown)
    for word in ("Some", "bold", "words", "code", "first", "second", "a = 1", "End"):
        assert places.to_shown(source.index(word)) == shown.index(word), word
        assert places.to_source(shown.index(word)) == source.index(word), word
    assert places.to_shown(source.index("**bold")) == shown.index("bold")
    assert places.to_shown(len(source)) == len(shown)


@given(st.text(max_size=60), st.text(max_size=60))
def test_every_place_leads_into_the_other_text(source: str, shown: str) -> None:
    places = PlaceMap(source, shown)
    found = [places.to_shown(place) for place in range(len(source) + 1)]
    assert found == sorted(found)
    assert all(0 <= place <= len(shown) for place in found)


def test_tokens_are_found_in_reasoning_and_answer() -> None:
    pieces = ["<think>", "\n", "One", " two", "\n", "</think>", "\n\n", "**Yes", "**", "!"]
    text = "".join(pieces)
    ends = [len("".join(pieces[: n + 1])) for n in range(len(pieces))]
    places = TokenPlaces(ends, text, "\nOne two\n", "\n\n**Yes**!", ("One two", "Yes!"))
    assert places.shown_at(0) == ("reasoning", 0)
    assert places.shown_at(3) == ("reasoning", 3)
    assert places.shown_at(7) == ("answer", 0)
    assert places.shown_at(9) == ("answer", 3)
    assert places.shown_at(10) == ("answer", 4)
    assert places.token_at("reasoning", 3) == 3
    assert places.token_at("answer", 3) == 9


@given(_TOKENS, _TOKENS)
def test_equal_tokens_stand_beside_each_other(a: list[int], b: list[int]) -> None:
    segments = align(a, b)
    link = TokenLink(segments)
    for segment in segments:
        if segment.kind == "equal":
            assert link.across(segment.a_start + 0.5) == segment.b_start + 0.5
            assert link.across(segment.b_end - 0.5, back=True) == segment.a_end - 0.5
    steps = [link.across(n / 2) for n in range(2 * len(a) + 1)]
    assert steps == sorted(steps)
    assert all(0 <= step <= len(b) for step in steps)
