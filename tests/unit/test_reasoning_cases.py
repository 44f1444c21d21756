"""Replies as models write them, with tags that are meant and tags that are spoken about.

Every case is read with a vocabulary that has the tags as tokens, and with one that spells them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from qwqdesk.engine.events import FrozenThought, LaneRequest, Output
from qwqdesk.engine.lane import LaneWriter
from qwqdesk.reasoning import (
    KNOWN_TAGS,
    Span,
    add_spans,
    detect_tags,
    prompt_opens_reasoning,
    split_reply,
)
from qwqdesk.reasoning_tags import FRAMES, HARMONY
from qwqdesk.run_record import LaneRecord
from qwqdesk.sampling.chain import SamplerChain
from tests.fakes import CLOSE, END, OPEN, FakeModel, ids

CASES = json.loads((Path(__file__).parents[1] / "cases" / "reasoning.json").read_text("utf-8"))
ASSISTANT = "<|im_start|>assistant\n"
TAG = 500
"""The first id of a tag in `TaggedModel`."""


def _names() -> tuple[str, ...]:
    marks = ("<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|return|>")
    tags = [name for pair in KNOWN_TAGS for name in (pair.open, pair.close)]
    tags += [name for frame in FRAMES for name in (frame.open, frame.close)]
    whole = [name for name in tags if name and " " not in name and name.count("<") < 2]
    return tuple(dict.fromkeys([*whole, *marks]))


@dataclass
class TaggedModel(FakeModel):
    """Has every known tag of one piece as a token."""

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> tuple[int, ...]:
        if not parse_special:
            return ids(text)
        found = [name for name in NAMES if name in text]
        if not found:
            return ids(text)
        name = min(found, key=lambda name: (text.index(name), -len(name)))
        at = text.index(name)
        rest = self.tokenize(text[at + len(name) :], add_special=False, parse_special=True)
        return (*ids(text[:at]), NAMES[name], *rest)

    def is_special(self, token: int) -> bool:
        return token == END or token >= TAG

    def piece(self, token: int) -> bytes:
        return BY_ID[token].encode() if token in BY_ID else super().piece(token)


class SpellingModel(FakeModel):
    """Has no token for any tag."""

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> tuple[int, ...]:
        return ids(text)

    def is_special(self, token: int) -> bool:
        return token == END


NAMES: Mapping[str, int] = {name: TAG + number for number, name in enumerate(_names())}
BY_ID: Mapping[int, str] = {number: name for name, number in NAMES.items()}


def written(
    tokens: Sequence[int],
    model: FakeModel,
    *,
    prompt: str = ASSISTANT,
    thought: FrozenThought | None = None,
) -> LaneRecord:
    """What a run records of these tokens."""
    tags = detect_tags(None, prompt)
    opened = prompt_opens_reasoning(prompt, tags)
    if opened is not None:
        tags = (opened, *tags)
    request = LaneRequest(
        "A", SamplerChain.of(seed=1), (9,), tags, opened is not None, "off", thought=thought
    )
    writer = LaneWriter(0, request, model, 100_000)
    record = LaneRecord()
    _take(writer, record)
    for token in tokens:
        writer.push(token)
        _take(writer, record)
    writer.end("stop", None)
    writer.flush()
    _take(writer, record)
    record.finish_reason = "stop"
    assert record.ends[-1:] == [len(record.text)][: len(record.tokens)]
    assert record.ends == sorted(record.ends)
    return record


def _take(writer: LaneWriter, record: LaneRecord) -> None:
    output = writer.take()
    if output is not None:
        assert isinstance(output, Output)
        record.add(output)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_spelt_reply(case: Mapping[str, str]) -> None:
    record = written(ids(case["reply"]), SpellingModel(), prompt=case["prompt"])
    assert record.text == case["reply"]
    assert record.answer.strip() == case["answer"]
    assert case["reply"].count(record.answer) >= 1
    tags = detect_tags(None, case["prompt"])
    opened = prompt_opens_reasoning(case["prompt"], tags) is not None
    assert split_reply(case["reply"], tags, opened) == (record.reasoning, record.answer)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_reply_whose_tags_are_tokens(case: Mapping[str, str]) -> None:
    reply, model = case["reply"], TaggedModel()
    if case["id"].startswith("close-in-"):  # the first closing tag is spelt, the last one meant
        head, _, tail = reply.rpartition("</think>")
        tokens = (
            NAMES["<think>"], *ids(head.removeprefix("<think>")), NAMES["</think>"], *ids(tail)
        )  # fmt: skip
    else:
        tokens = model.tokenize(reply, add_special=False, parse_special=True)
    record = written(tokens, model, prompt=case["prompt"])
    assert record.text == reply
    assert record.answer.strip() == case["answer"]


@pytest.mark.parametrize(
    "about",
    [
        "a line:\n</think>\n\nThe end of it",
        "`</think> stands open",
        "for (s of t.split(/<\\/?think>|</think>/))",
        "</think>",
        "```\n</think>",
    ],
)
def test_a_spelt_tag_never_closes_where_there_is_a_token(about: str) -> None:
    tokens = (NAMES["<think>"], *ids(about), NAMES["</think>"], *ids("Yes."))
    record = written(tokens, TaggedModel())
    assert (record.reasoning, record.answer) == (about, "Yes.")
    assert record.usage.answer_tokens == len("Yes.")


@pytest.mark.parametrize("before", ['say "', "a `", "```\ncode", "<!-- ", "> the tag "])
def test_a_tag_that_is_drawn_as_its_token_closes_at_once(before: str) -> None:
    record = written((NAMES["<think>"], *ids(before), NAMES["</think>"], *ids("`")), TaggedModel())
    assert (record.reasoning, record.answer) == (before, "`")


def test_a_model_that_spells_its_opening_tag_may_spell_the_closing_one() -> None:
    record = written(ids("<think>hm</think>\nYes."), TaggedModel())
    assert (record.reasoning, record.answer) == ("hm", "\nYes.")


@pytest.mark.parametrize(
    ("thought", "answer"),
    [
        ("s = 'done </think>' # it's\n", "A"),
        ('rule: "<think>" opens, "</think>" closes.\n', "A"),
        ("Strip with /<think>.*<\\/think>/ or </think>, then go on.\n", "A"),
        ("a list:\n* before </think> comes the thought\n", "A"),
        ("<!--\n</think>\n-->\n", "A"),
        ("// everything before </think> is dropped\n", "A"),
        ("「</think>」 is the tag\n", "A"),
        ("<think>x</think>\nis how it looks\n", "A"),
        ("그는 “생각 </think> 끝”이라고 썼다.\n", "A"),
    ],
)
def test_more_places_where_a_spelt_tag_is_spoken_about(thought: str, answer: str) -> None:
    record = written(ids(f"<think>\n{thought}</think>\n\n{answer}"), SpellingModel())
    assert (record.reasoning, record.answer) == (f"\n{thought}", f"\n\n{answer}")


@pytest.mark.parametrize(
    "thought",
    [
        "It is 5\" wide and I don't know",
        "The user asks what <think> does.",
        'So he said "yes',
        "> a quoted line",
        "    an indented line",
        "# a heading",
        "so it is four. ",
        "그래서 답은 넷이다 ",
        "<!-- never closed",
        "it's 'quoted",
    ],
)
def test_a_spelt_tag_that_is_meant_in_spite_of_what_stands_before(thought: str) -> None:
    for answer in ("\n\nThe answer is 4.", "\n4"):
        record = written(ids(f"<think>{thought}</think>{answer}"), SpellingModel())
        assert (record.reasoning, record.answer) == (thought, answer)


@pytest.mark.parametrize(
    ("reply", "reasoning", "answer"),
    [
        ("I think.\n</think>\nYes.", "I think.\n", "\nYes."),
        ("I think.\n\n[/THINK]\n\nYes.", "I think.\n\n", "\n\nYes."),
        ("I think.\n</think>", "I think.\n", ""),
        ("Let `</think>` be.\n</think>\n\nYes.", "Let `</think>` be.\n", "\n\nYes."),
        (
            'Use r"<think>.*?</think>".\n</think>\n\nYes.',
            'Use r"<think>.*?</think>".\n',
            "\n\nYes.",
        ),
        ("</think>Yes.", None, "Yes."),
        # Nothing was thought here: the answer is about the tags.
        ("Write <think>, then\n</think>\nat the end.", None, None),
        ("The tag </think> ends it.", None, None),
        ("```\n</think>\n```\n", None, None),
        ("Strip it:\n`</think>`\n", None, None),
        ("</think> is a tag.", None, None),
        ("<answer>5</answer>", None, None),
        ("Here is my response:\n5", None, None),
    ],
)
def test_a_closing_tag_that_nothing_opened(
    reply: str, reasoning: str | None, answer: str | None
) -> None:
    record = written(ids(reply), SpellingModel())
    expected = (reasoning, reply if answer is None else answer)
    assert (record.reasoning, record.answer) == expected


def test_a_token_that_nothing_opened_closes_in_the_middle_of_a_line_too() -> None:
    record = written((*ids("So 4."), NAMES["</think>"], *ids("It is 4.")), TaggedModel())
    assert (record.reasoning, record.answer) == ("So 4.", "It is 4.")
    assert (record.usage.reasoning_tokens, record.usage.answer_tokens) == (6, 8)
    about = (*ids("Write `"), NAMES["</think>"], *ids("` there."))
    record = written(about, TaggedModel())
    assert (record.reasoning, record.answer) == (None, "Write `</think>` there.")


@pytest.mark.parametrize(
    ("reply", "reasoning", "answer"),
    [
        ("<think>a</think>\n<response>\nb</response>\n", "a", "\nb\n"),
        ("<think>a</think><answer>say `</answer>` here</answer>", "a", "say `</answer>` here"),
        ("<think>a</think><answer>cut off", "a", "cut off"),
        ("<|START_RESPONSE|>b<|END_RESPONSE|>", None, "b"),
        ("<|START_THINKING|>a<|END_THINKING|><|START_TEXT|>b<|END_TEXT|>", "a", "b"),
        ("<|begin_of_thought|>a<|end_of_thought|>\n\n<|begin_of_solution|>b<|end_of_solution|>",
         "a", "b"),
        ("<|open|>think<|sep|>a<|close|>think<|sep|><|open|>response<|sep|>b<|close|>response"
         "<|sep|>", "a", "b"),
    ],
)  # fmt: skip
def test_what_stands_around_an_answer_is_no_part_of_it(
    reply: str, reasoning: str | None, answer: str
) -> None:
    record = written(ids(reply), SpellingModel())
    assert (record.text, record.reasoning, record.answer) == (reply, reasoning, answer)


def test_the_phrases_of_one_model_are_ordinary_words_of_others() -> None:
    text = "Here is my thought process:\n1. Read it."
    assert split_reply(text, detect_tags(None, ASSISTANT), False) == (None, text)


def test_marks_of_channels_that_are_spelt_are_text_where_they_are_tokens() -> None:
    model = TaggedModel()
    about = "the form is <|end|><|start|>assistant<|channel|>final<|message|>text"
    head = model.tokenize("<|channel|>analysis<|message|>", add_special=False, parse_special=True)
    tail = model.tokenize(f"{HARMONY.close}Yes.", add_special=False, parse_special=True)
    record = written((*head, *ids(about), *tail), model, prompt="<|start|>assistant")
    assert (record.reasoning, record.answer) == (about, "Yes.")


def test_a_thought_that_is_given_as_text_keeps_the_tag_that_it_speaks_about() -> None:
    about = 'Use re.sub(r"<think>.*?</think>", "", s).'
    record = written(
        ids("Yes."), FakeModel(), thought=FrozenThought(text=f"<think>\n{about}"), prompt=ASSISTANT
    )
    assert (record.reasoning, record.answer) == (f"\n{about}\n", "\n\nYes.")
    assert record.tokens.count(CLOSE) == 1
    assert record.tokens[0] == OPEN


def test_a_given_thought_that_nothing_opened_is_closed_by_its_tag() -> None:
    tokens = (*ids("So 4.\n"), *ids("</think>"))
    thought = FrozenThought(tokens, closed=True)
    record = written(ids("\n\nYes."), SpellingModel(), thought=thought)
    assert (record.reasoning, record.answer) == ("So 4.\n", "\n\nYes.")


def test_spans_of_a_reply_are_recast_together() -> None:
    spans: list[Span] = []
    add_spans(spans, [Span("answer", "a"), Span("answer", "b"), Span("frame", "x")])
    add_spans(spans, [Span("tag", "</think>", recast=True), Span("answer", "c")])
    assert spans == [
        Span("reasoning", "ab"), Span("frame", "x"), Span("tag", "</think>"), Span("answer", "c")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("prompt", "opened"),
    [
        (f"{ASSISTANT}<think>\nOkay,", "<think>"),
        ("<｜Assistant｜><think>\nOkay", "<think>"),
        ("[INST]hi[/INST][THINK]So", "[THINK]"),
        ("<|start|>assistant<|channel|>analysis<|message|>Let me", "<|channel|>"),
        (f"{ASSISTANT}<think>\na\n</think>\nb\n<think>\nc", "<think>"),
        ("<|start|>assistant<|channel|>final<|message|>Let me", None),
        (f"{ASSISTANT}<think>\nOkay,</think>\n\nHel", None),
        ("<|im_start|>user\n<think>\nwhat is it?<|im_end|>\n<|im_start|>assistant\n", None),
        ("Explain the <think> tag in", None),
        ("```\n<think>\nx", None),
    ],
)
def test_a_raw_prompt_may_end_inside_a_thought(prompt: str, opened: str | None) -> None:
    found = prompt_opens_reasoning(prompt, KNOWN_TAGS)
    assert (found.open if found else None) == opened


def test_what_a_message_says_about_tags_opens_no_thought_in_a_chat() -> None:
    prompt = "### User:\n<think>\nWhat is that?\n### Assistant:\n"
    assert prompt_opens_reasoning(prompt, KNOWN_TAGS, raw=False) is None
