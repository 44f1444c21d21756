"""The tags that set reasoning apart: the known ones, and which of them a chat template uses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from qwqdesk.conversation import SpanKind


@dataclass(frozen=True)
class Tags:
    """An opening and a closing tag, as text; `name` is for people.

    `channels` says that the text is a row of messages, each with a header that names its channel
    (OpenAI's harmony format): `close` is then what ends the reasoning and begins the answer.
    """

    open: str
    close: str
    name: str = "own"
    channels: bool = False


@dataclass(frozen=True)
class Span:
    """A piece of text of one kind; concatenated, a reply's spans are its whole text."""

    kind: SpanKind
    text: str


THINK = Tags("<think>", "</think>", "think")
HARMONY = Tags(
    "<|channel|>",
    "<|end|><|start|>assistant<|channel|>final<|message|>",
    "harmony",
    channels=True,
)
TO_SELF = Tags(
    "to=self<|message|>", "<|eom|><|start|>assistant to=user<|message|>", "to-self", True
)

# Facts read in the templates and parsers that come with llama.cpp, and in the models' own cards.
KNOWN_TAGS: tuple[Tags, ...] = (
    THINK,
    Tags("<thinking>", "</thinking>", "thinking"),
    Tags("[THINK]", "[/THINK]", "mistral"),
    Tags("<seed:think>", "</seed:think>", "seed"),
    Tags("<mm:think>", "</mm:think>", "minimax"),
    Tags("<think:opensource>", "</think:opensource>", "hunyuan"),
    Tags("<|START_THINKING|>", "<|END_THINKING|>", "cohere"),
    HARMONY,
    TO_SELF,
    Tags("<|channel>thought", "<channel|>", "gemma"),
    Tags("<|inner_prefix|>", "<|inner_suffix|>", "apertus"),
    Tags("<|open|>think<|sep|>", "<|close|>think<|sep|>", "kimi-k3"),
    Tags("◁think▷", "◁/think▷", "kimi-vl"),
    Tags("<|think|>", "<|end|><|begin|>assistant<|content|>", "solar"),
    Tags("<|begin_of_thought|>", "<|end_of_thought|>", "open-thoughts"),
    Tags("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]", "apriel"),
    Tags("<thought>", "</thought>", "thought"),
    Tags("<reasoning>", "</reasoning>", "reasoning"),
    Tags("<reason>", "</reason>", "reason"),
)

HARMONY_REASONING = "<|channel|>analysis<|message|>"

_WORD = r"[\w:.-]*(?:think|thought|reason)[\w:.-]*"
_OPEN_AT_END = re.compile(rf"([<\[])({_WORD})([>\]])\s*\Z", re.IGNORECASE)
_TAIL = 200


def own_tags(open_tag: str, close_tag: str) -> Tags:
    """The user's tags, without blanks around them. Raises ValueError when one is empty."""
    open_tag, close_tag = open_tag.strip(), close_tag.strip()
    if not open_tag or not close_tag:
        raise ValueError("a reasoning tag may not be empty")
    return Tags(open_tag, close_tag)


def detect_tags(
    template: str | None, rendered_prompt: str, own: Iterable[Tags] = ()
) -> tuple[Tags, ...]:
    """All tags to look for, most likely first: the one the prompt opened, the user's own, those
    the template names, then every other known one.

    The others are harmless: a tag opens reasoning only at the very start of a reply. With them a
    model that thinks is understood under a template that does not say so.
    """
    candidates = [*own, *KNOWN_TAGS]
    opened = prompt_opens_reasoning(rendered_prompt, candidates)
    named = [tags for tags in KNOWN_TAGS if template and _names(template, tags)]
    ordered = [*([opened] if opened else []), *own, *named, *KNOWN_TAGS]
    return tuple(dict.fromkeys(ordered))


def prompt_opens_reasoning(rendered_prompt: str, tags: Iterable[Tags]) -> Tags | None:
    """The tags whose opening one ends the prompt, blanks aside, so that the reply begins inside.

    A prompt that ends with an opened and closed pair does not open reasoning. Of several that
    fit, the longest tag counts. An unknown tag such as ``<my_thinking>`` is understood too.
    """
    tail = rendered_prompt[-_TAIL:].rstrip()
    found = [candidate for candidate in tags if _ends_open(tail, candidate)]
    if found:
        return max(found, key=lambda candidate: len(candidate.open))
    return _unknown_open(tail)


def _ends_open(tail: str, tags: Tags) -> bool:
    if tags.channels:
        ending = HARMONY_REASONING if tags.name == HARMONY.name else tags.open
        return tail.endswith(ending)
    return tail.endswith(tags.open.strip())


def _unknown_open(tail: str) -> Tags | None:
    match = _OPEN_AT_END.search(tail)
    if match is None:
        return None
    left, word, right = match.groups()
    if (left, right) not in (("<", ">"), ("[", "]")):
        return None
    return Tags(f"{left}{word}{right}", f"{left}/{word}{right}", word)


def _names(template: str, tags: Tags) -> bool:
    if tags.channels:
        return tags.open in template
    closing = tags.close in template
    return closing or (tags.open in template and tags.close.startswith("<|end|>"))
