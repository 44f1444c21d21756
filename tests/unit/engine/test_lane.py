"""A lane's tokens become text: nothing is dropped, no stop string shows, tags are counted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.engine.events import LaneRequest, Span
from qwqdesk.engine.lane import LaneWriter
from qwqdesk.engine.stop_strings import StopStrings
from qwqdesk.reasoning_tags import THINK
from qwqdesk.sampling.chain import SamplerChain
from tests.fakes import CLOSE, END, OPEN, FakeModel, ids

WORD = 400


class Written:
    """What a lane wrote for these tokens, taken after every token as the engine does."""

    def __init__(
        self,
        tokens: Sequence[int],
        *,
        stop: Sequence[str] = (),
        thinking: bool = False,
        opened: bool = False,
        pieces: dict[int, bytes] | None = None,
        n_predict: int = -1,
    ) -> None:
        chain = SamplerChain.of(seed=1, stop=stop, n_predict=n_predict)
        request = LaneRequest("A", chain, (9,), (THINK,) if thinking else (), opened, "off")
        self.writer = LaneWriter(0, request, FakeModel(pieces=pieces or {}), 4096)
        self.spans: list[Span] = []
        self.tokens: list[int] = []
        self.ends: list[int] = []
        self.shown: list[str] = []
        for token in tokens:
            if self.writer.finish is not None:
                break
            self.writer.push(token)
            self._take()
        self.writer.end("cancelled", None)
        self.writer.flush()
        self._take()

    def _take(self) -> None:
        output = self.writer.take()
        if output is not None:
            self.spans += output.spans
            self.tokens += output.tokens
            self.ends += output.ends
        self.shown.append(self.text)

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)

    def of(self, kind: str) -> str:
        return "".join(span.text for span in self.spans if span.kind == kind)


def test_a_character_split_over_tokens_appears_when_it_is_whole() -> None:
    written = Written(ids("딸기"))
    assert written.text == "딸기"
    assert written.shown[:4] == ["", "", "딸", "딸"]


def test_a_character_that_is_cut_off_at_the_end_is_shown_as_a_replacement() -> None:
    written = Written(ids("a딸")[:-1])
    assert written.text == "a\ufffd"


def test_a_special_token_ends_a_cut_character() -> None:
    written = Written([*ids("딸")[:1], CLOSE, *ids("b")], thinking=True, opened=True)
    assert written.text == "\ufffd</think>b"
    assert written.of("tag") == "</think>"


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_stop_string_across_tokens_never_shows(size: int) -> None:
    text = "one two END three"
    parts = [text[i : i + size] for i in range(0, len(text), size)]
    pieces = {WORD + i: part.encode() for i, part in enumerate(parts)}
    written = Written(list(pieces), stop=["END"], pieces=pieces)
    assert written.text == "one two "
    assert written.writer.finish == ("stop", "stop string 'END'")
    whole = b"".join(pieces[token] for token in written.tokens).decode()
    assert "END" in whole, "tokens are whole also after a stop string"
    assert not any("E" in shown for shown in written.shown)


def test_the_earliest_stop_string_wins_and_of_two_the_longest() -> None:
    pieces = {WORD: b"say stopping now, halt"}
    written = Written([WORD], stop=["halt", "stop", "stopping"], pieces=pieces)
    assert written.text == "say "
    assert written.writer.finish == ("stop", "stop string 'stopping'")


def test_what_might_have_been_a_stop_string_is_released() -> None:
    written = Written(ids("a EN b EN"), stop=["END"])
    assert written.text == "a EN b EN"
    assert "a EN b" in written.shown


def test_a_special_token_is_a_tag_also_behind_text_that_was_held_back() -> None:
    tokens = [*ids('quote "x'), CLOSE, *ids("ok")]
    written = Written(tokens, stop=["xyz"], thinking=True, opened=True)
    assert written.of("reasoning") == 'quote "x'
    assert written.of("answer") == "ok"


def test_reasoning_tokens_count_the_tags() -> None:
    written = Written([OPEN, *ids("ab"), CLOSE, *ids("xyz")], thinking=True)
    assert written.of("reasoning") == "ab"
    assert written.of("answer") == "xyz"
    assert written.writer.reasoning_tokens == 4
    assert len(written.tokens) == 7


def test_tags_written_as_text_count_as_reasoning_too() -> None:
    written = Written(ids("<think>ab</think>xyz"), thinking=True)
    assert written.of("tag") == "<think></think>"
    assert written.writer.reasoning_tokens == len("<think>ab</think>")


def test_reasoning_that_is_cut_off_is_all_reasoning() -> None:
    written = Written(ids("thinking on </thi"), thinking=True, opened=True)
    assert written.of("reasoning") == "thinking on </thi"
    assert written.writer.reasoning_tokens == len(written.tokens)


def test_the_end_token_is_no_token_of_the_reply() -> None:
    written = Written([*ids("hi"), END, *ids("more")])
    assert written.text == "hi"
    assert written.tokens == list(ids("hi"))
    assert written.writer.finish == ("stop", None)


ANY_TOKENS = st.lists(
    st.integers(3, 258) | st.sampled_from([OPEN, CLOSE, *ids('`"<tk/>\n')]), max_size=60
)


def test_every_token_says_where_its_text_ends_also_when_it_is_held_back() -> None:
    written = Written([*ids("a딸"), CLOSE, *ids("<b")], thinking=True, opened=True, stop=["<x"])
    assert written.ends == [1, 1, 1, 2, 10, 11, 12]
    assert written.text == "a딸</think><b"


def test_a_stop_string_has_ends_too() -> None:
    written = Written(ids("one STOP"), stop=["STOP"])
    assert written.text == "one "
    assert written.ends == list(range(1, 9))


@given(ANY_TOKENS, st.booleans(), st.booleans())
def test_every_character_belongs_to_one_token(
    tokens: list[int], thinking: bool, opened: bool
) -> None:
    written = Written(tokens, thinking=thinking, opened=opened and thinking)
    assert len(written.ends) == len(written.tokens)
    assert written.ends == sorted(written.ends)
    # Only a character that was cut off by the end of the reply comes behind the last token.
    assert len(written.text) - (written.ends or [0])[-1] in (0, 1)
    model = FakeModel()
    for number, (begin, end) in enumerate(zip([0, *written.ends], written.ends, strict=False)):
        if end - begin == 1 and written.text[begin] != "\ufffd":
            piece = model.piece(tokens[number])
            assert written.text[begin].encode().endswith(piece)


@given(ANY_TOKENS, st.booleans(), st.booleans())
def test_nothing_is_dropped(tokens: list[int], thinking: bool, opened: bool) -> None:
    written = Written(tokens, thinking=thinking, opened=opened and thinking)
    model, runs = FakeModel(), [b""]
    for token in tokens:  # a special token stands between two runs of bytes
        if model.is_special(token):
            runs += [model.piece(token), b""]
        else:
            runs[-1] += model.piece(token)
    assert written.text == "".join(run.decode("utf-8", "replace") for run in runs)
    assert written.tokens == tokens
    assert written.writer.reasoning_tokens <= len(tokens)


@given(
    st.text("ab<\n", max_size=40),
    st.lists(st.text("ab<\n", min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(st.integers(1, 5), min_size=1, max_size=40),
)
def test_stop_strings_cut_any_text_at_the_first_one(
    text: str, stops: list[str], sizes: list[int]
) -> None:
    found = StopStrings(stops)
    shown, at = "", 0
    for size in sizes * len(text):
        if found.found is not None or at >= len(text):
            break
        shown += found.push(text[at : at + size])
        at += size
    shown += found.finish()
    places = [text.find(stop) for stop in stops if stop in text]
    if found.found is None:
        assert not places
        assert shown == text
    else:
        assert text.startswith(shown + found.found)
        assert not any(stop in shown for stop in stops)
        # Nothing of a stop string that was complete by then is shown.
        assert len(shown) <= max(text.find(stop) for stop in stops if stop in text[:at])
