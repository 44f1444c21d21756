"""Reasoning and answer told apart, for every way of cutting the text into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.conversation import Reply
from qwqdesk.reasoning import (
    KNOWN_TAGS,
    ReasoningSplitter,
    Span,
    Tags,
    history_message,
    split_reply,
)
from qwqdesk.reasoning_tags import HARMONY, THINK, TO_SELF

FINAL = "<|end|><|start|>assistant<|channel|>final<|message|>"
ANALYSIS = "<|channel|>analysis<|message|>"


def run(pieces: list[str], tags: tuple[Tags, ...] = KNOWN_TAGS, opened: bool = False) -> list[Span]:
    splitter = ReasoningSplitter(tags, opened)
    spans = [span for piece in pieces for span in splitter.push(piece)]
    return merge([*spans, *splitter.finish()])


def merge(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in spans:
        if merged and merged[-1].kind == span.kind:
            span = Span(span.kind, merged.pop().text + span.text)
        merged.append(span)
    return merged


@pytest.mark.parametrize(
    ("text", "opened", "reasoning", "answer"),
    [
        ("<think>\nhm\n</think>\n\nYes.", False, "\nhm\n", "\n\nYes."),
        ("hm\n</think>\n\nYes.", True, "hm\n", "\n\nYes."),
        ("\n <think>hm</think>Yes.", False, "hm", "Yes."),
        ("<think>\nhm</think>Yes.", True, "\nhm", "Yes."),
        ("<think>hm", False, "hm", ""),
        ("hm", True, "hm", ""),
        ("", True, "", ""),
        ("", False, None, ""),
        ("Yes.", False, None, "Yes."),
        ("<thin air", False, None, "<thin air"),
        ("<think>hm</thin", False, "hm</thin", ""),
        ("Use <think>a</think>.", False, None, "Use <think>a</think>."),
        ("```\n<think>a</think>\n```", False, None, "```\n<think>a</think>\n```"),
        ("<think></think>Yes", False, "", "Yes"),
        ("<think>a</think>b</think>c", False, "a", "b</think>c"),
        ("<think>a</think>\n<think>b</think>c", False, "ab", "c"),
        ("<think>a</think>b<think>c</think>d", False, "a", "b<think>c</think>d"),
        ("[THINK]a[/THINK]b", False, "a", "b"),
        ("<thinking>a</thinking>b", False, "a", "b"),
        ("<seed:think>a</seed:think>b", False, "a", "b"),
        ("<|START_THINKING|>a<|END_THINKING|>b", False, "a", "b"),
        ("<|channel>thought\na<channel|>b", False, "\na", "b"),
        ("◁think▷a◁/think▷b", False, "a", "b"),
        ("<thinking>a</think>b</thinking>c", False, "a</think>b", "c"),
        (f"{ANALYSIS}a{FINAL}b", False, "a", "b"),
        (f"{ANALYSIS}a{FINAL}b<|return|>", False, "a", "b"),
        (f"{ANALYSIS}a<|end|><|start|>assistant{ANALYSIS}b{FINAL}c", False, "ab", "c"),
        ("<|channel|>final<|message|>b", False, "", "b"),
        (f"{ANALYSIS}a <|end|> of", False, "a <|end|> of", ""),
        (" to=self<|message|>a<|eom|><|start|>assistant to=user<|message|>b", False, "a", "b"),
    ],
)
def test_the_parts_of_a_reply(text: str, opened: bool, reasoning: str | None, answer: str) -> None:
    assert split_reply(text, KNOWN_TAGS, opened) == (reasoning, answer)


@pytest.mark.parametrize(
    ("text", "reasoning"),
    [
        ("The tag `</think>` ends it.\n</think>\n\nA", "The tag `</think>` ends it.\n"),
        ('The tag "</think>" ends it.</think>\n\nA', 'The tag "</think>" ends it.'),
        ("So:\n```html\n</think>\n```\nok</think>\n\nA", "So:\n```html\n</think>\n```\nok"),
        ("~~~\n</think>\n~~~\n</think>\n\nA", "~~~\n</think>\n~~~\n"),
        ("```\ncode</think>\n\nA", "```\ncode"),
        ("```\ncode\n```</think>\n\nA", "```\ncode\n```"),
        ("a ` stray</think>\n\nA", "a ` stray"),
        ("```x``` y</think>\n\nA", "```x``` y"),
        ('he said "</think>\n\nA', 'he said "'),
    ],
)
def test_a_closing_tag_that_is_only_spoken_about(text: str, reasoning: str) -> None:
    assert split_reply(text, (THINK,), opened=True) == (reasoning, "\n\nA")


def test_a_block_left_open_in_reasoning_does_not_swallow_the_answer() -> None:
    text = "```python\nx = 1\n</think>\n\nHere:\n```python\nx = 1\n```\nDone.\n```\nout\n```\n"
    reasoning, answer = split_reply(text, (THINK,), opened=True)
    assert reasoning == "```python\nx = 1\n"
    assert answer.startswith("\n\nHere:")


def test_a_long_answer_behind_a_block_left_open_is_shown_before_it_ends() -> None:
    splitter = ReasoningSplitter((THINK,), opened=True)
    splitter.push("```\nx\n</think>\n")
    spans = [span for _ in range(100) for span in splitter.push("words and words " * 5)]
    assert any(span.kind == "answer" for span in spans)


def test_text_is_shown_as_soon_as_it_cannot_be_a_tag() -> None:
    splitter = ReasoningSplitter((THINK,), opened=True)
    assert splitter.push("So ") == (Span("reasoning", "So "),)
    assert splitter.push("a </th") == (Span("reasoning", "a "),)
    assert splitter.push("e") == (Span("reasoning", "</the"),)
    assert splitter.in_reasoning


def test_a_tag_token_between_quotes_closes() -> None:
    splitter = ReasoningSplitter((THINK,), opened=True)
    splitter.push('say "')
    assert splitter.push("</think>", is_tag_token=True) == (Span("tag", "</think>"),)
    assert not splitter.in_reasoning


@pytest.mark.parametrize("before", ["```\ncode", "a `b", 'a "', "```\n</think>\n", "plain"])
def test_a_forced_close_is_meant_wherever_it_stands(before: str) -> None:
    splitter = ReasoningSplitter((THINK,), opened=True)
    spans = list(splitter.push(before))
    closing = splitter.closing_text()
    assert closing is not None
    spans += splitter.push(closing)
    spans += splitter.push("So 42.\n```\n1\n```\n")
    assert not splitter.in_reasoning
    spans += splitter.finish()
    answer = "".join(span.text for span in spans if span.kind == "answer")
    assert answer.endswith("So 42.\n```\n1\n```\n")
    assert answer.strip().startswith("So 42.")


@pytest.mark.parametrize("tags", [THINK, HARMONY, TO_SELF, *KNOWN_TAGS])
def test_closing_text_closes_for_every_known_tag(tags: Tags) -> None:
    splitter = ReasoningSplitter((tags,), opened=True)
    splitter.push("hm")
    splitter.push(splitter.closing_text() or "")
    spans = [*splitter.push("Yes"), *splitter.finish()]
    assert "".join(span.text for span in spans if span.kind == "answer").strip() == "Yes"
    assert splitter.closing_text() is None


def test_tags_of_no_length_are_ignored() -> None:
    assert split_reply("a", (Tags("", ""),), opened=True) == (None, "a")


WORDS = [
    "<think>", "</think>", "<thinking>", "</thinking>", "<", "</", "think>", "`", "```", "~~~",
    "\n", " ", '"', "a", "python", "<|channel|>", "<|message|>", "<|end|>", "<|start|>assistant",
    "analysis", "final", "[THINK]", "[/THINK]", "é", "\u2028",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(WORDS), max_size=30).map("".join)


@given(text=TEXTS, cuts=st.lists(st.integers(1, 5), max_size=80), opened=st.booleans())
def test_nothing_is_lost_and_the_cuts_do_not_matter(
    text: str, cuts: list[int], opened: bool
) -> None:
    pieces, rest = [], text
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    spans = run([*pieces, rest], opened=opened)
    assert "".join(span.text for span in spans) == text
    assert spans == run([text], opened=opened)
    assert spans == run(list(text), opened=opened)


def test_a_long_reply_is_split_in_little_time() -> None:
    text = "word `x` and </ more\n" * 20_000
    reasoning, answer = split_reply(text + "</think>done", (THINK,), opened=True)
    assert (reasoning, answer) == (text, "done")


def test_an_older_reply_returns_without_its_reasoning_unless_asked() -> None:
    reply = Reply(1, 1, "A", text="<think>a</think>b", reasoning="a", answer="b")
    assert history_message(reply).reasoning is None
    assert history_message(reply, keep_reasoning=True).reasoning == "a"
    assert history_message(reply).content == "b"
