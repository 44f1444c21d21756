"""Live first differences, and places of tokens on the screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.analysis.alignment import align
from qwqdesk.analysis.divergence import first_difference
from qwqdesk.analysis.live_difference import LiveDifference
from qwqdesk.analysis.place_map import PlaceMap, common_length
from qwqdesk.analysis.token_places import TokenLink, TokenPlaces

_TOKENS = st.lists(st.integers(0, 3), max_size=30)


@given(_TOKENS, _TOKENS, st.integers(1, 7), st.integers(1, 7))
def test_a_live_difference_ends_where_the_whole_one_is(
    a: list[int], b: list[int], a_step: int, b_step: int
) -> None:
    live = LiveDifference()
    for moment in range(31):
        left, right = a[: moment * a_step], b[: moment * b_step]
        ended = len(left) == len(a), len(right) == len(b)
        live.update(left, right, a_ended=ended[0], b_ended=ended[1])
        if live.token is not None:
            assert live.token == first_difference(a, b)
    assert live.token == first_difference(a, b)


def test_a_lane_that_still_writes_does_not_differ_by_being_shorter() -> None:
    live = LiveDifference()
    live.update([1, 2, 3], [1, 2], a_ended=True, b_ended=False)
    assert (live.token, live.same) == (None, 2)
    live.update([1, 2, 3], [1, 2], a_ended=True, b_ended=True)
    assert live.token == 2


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
