"""The tags that set reasoning apart: the known ones, and which of them a chat template uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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
    """A piece of text of one kind; concatenated, a reply's spans are its whole text.

    `recast`: this is a closing tag without an opening one, so what was taken for the answer before
    it was reasoning.
    """

    kind: SpanKind
    text: str
    recast: bool = False


def add_spans(known: list[Span], more: Iterable[Span]) -> None:
    """Put further spans behind those of the same reply; neighbours of one kind are joined."""
    for span in more:
        if span.recast:
            before = [Span("reasoning", old.text) if old.kind == "answer" else old for old in known]
            known.clear()
            add_spans(known, before)
        if known and known[-1].kind == span.kind:
            span = Span(span.kind, known.pop().text + span.text)
        known.append(Span(span.kind, span.text))


@dataclass(frozen=True)
class Frame:
    """What some models put around an answer. `close` is "" where nothing closes it.

    `alone`: it frames an answer without reasoning too; others stand behind reasoning only, since
    the answer itself may be asked for in such tags.
    """

    open: str
    close: str
    alone: bool = False


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
    Tags("Here is my thought process:", "Here is my response:", "granite"),
    Tags("Here's my thought process:", "Here's my response:", "granite"),
)

OTHER_CLOSES: Mapping[str, tuple[str, ...]] = {
    "Here is my response:": ("Here's my response:",),
    "Here's my response:": ("Here is my response:",),
}
"""By a closing tag: what closes the same reasoning as well."""

FRAMES: tuple[Frame, ...] = (
    Frame("<response>", "</response>"),  # Granite 3.3
    Frame("<answer>", "</answer>"),  # Hunyuan, and many that were trained as R1-Zero was
    Frame("<|START_RESPONSE|>", "<|END_RESPONSE|>", alone=True),  # Command R7B
    Frame("<|START_TEXT|>", "<|END_TEXT|>", alone=True),  # Cohere 2
    Frame("<|open|>response<|sep|>", "<|close|>response<|sep|>", alone=True),  # Kimi K3
    Frame("<|begin_of_solution|>", "<|end_of_solution|>"),  # Open Thoughts
    Frame("<|content|>", "", alone=True),  # Solar
)

# A phrase that anybody may begin a reply with counts only where these speak for its model.
_PHRASES: Mapping[str, str] = {"granite": "<|end_of_role|>", "apriel": "[BEGIN FINAL RESPONSE]"}

HARMONY_REASONING = "<|channel|>analysis<|message|>"

_WORD = r"[\w:.-]*(?:think|thought|reason)[\w:.-]*"
_OPEN_AT_END = re.compile(rf"([<\[])({_WORD})([>\]])\s*\Z", re.IGNORECASE)
_TAIL = 200
# What stands between turns: behind it a thought of the turn before is over.
_TURN_MARK = re.compile(
    r"<\|[^\s<>|]{1,60}\|>|<｜[^\s<>]{1,60}｜>|<(?:start|end)_of_turn>|</?s>"
    r"|\[\|[a-z_]{2,40}\|\]|\[/?(?:INST|SYSTEM_PROMPT)\]"
)


def own_tags(open_tag: str, close_tag: str) -> Tags:
    """The user's tags, without blanks around them. Raises ValueError when one is empty."""
    open_tag, close_tag = open_tag.strip(), close_tag.strip()
    if not open_tag or not close_tag:
        raise ValueError("a reasoning tag may not be empty")
    return Tags(open_tag, close_tag)


def detect_tags(
    template: str | None, rendered_prompt: str, own: Iterable[Tags] = (), *, raw: bool = True
) -> tuple[Tags, ...]:
    """All tags to look for, most likely first: the one the prompt opened, the user's own, those
    the template names, then every other known one.

    The others are harmless: a tag opens reasoning only at the very start of a reply. With them a
    model that thinks is understood under a template that does not say so.

    Args:
        template: the chat template's source, None without one.
        rendered_prompt: the prompt's text.
        own: the user's own tags.
        raw: as for `prompt_opens_reasoning`.
    """
    candidates = [*own, *KNOWN_TAGS]
    opened = prompt_opens_reasoning(rendered_prompt, candidates, raw=raw)
    named = [tags for tags in KNOWN_TAGS if template and _names(template, tags)]
    about = f"{template or ''}{rendered_prompt}"
    others = [tags for tags in KNOWN_TAGS if _PHRASES.get(tags.name, "") in about]
    ordered = [*([opened] if opened else []), *own, *named, *others]
    return tuple(dict.fromkeys(ordered))


def prompt_opens_reasoning(
    rendered_prompt: str, tags: Iterable[Tags], *, raw: bool = True
) -> Tags | None:
    """The tags that stand open at the prompt's end, so that the reply begins inside.

    Most prompts that open reasoning end with the opening tag, blanks aside. One that ends with an
    opened and closed pair does not open reasoning. Of several that fit, the longest tag counts. An
    unknown tag such as ``<my_thinking>`` is understood too.

    Args:
        rendered_prompt: the prompt's text.
        tags: those to look for.
        raw: the user has written the prompt, so it may end in the middle of a thought; a template
            never writes one, but the messages in it may speak about tags.
    """
    tags = list(tags)
    tail = rendered_prompt[-_TAIL:].rstrip()
    found = [candidate for candidate in tags if _ends_open(tail, candidate)]
    if found:
        return max(found, key=lambda candidate: len(candidate.open))
    begun = _begun_thought(rendered_prompt, tags) if raw else None
    return begun or _unknown_open(tail)


def _begun_thought(prompt: str, tags: Iterable[Tags]) -> Tags | None:
    """The tags of a thought that the prompt has begun: opened on a line's start, or behind what
    begins a turn, in the last turn and outside of code, and not closed.
    """
    marks = list(_TURN_MARK.finditer(prompt))
    best: tuple[int, int, Tags] | None = None
    for candidate in tags:
        opening = HARMONY_REASONING if candidate.name == HARMONY.name else candidate.open
        at = prompt.rfind(opening)
        behind = at + len(opening)
        if at < 0 or candidate.close in prompt[behind:]:
            continue
        if any(mark.start() >= behind for mark in marks):
            continue
        turn = max((mark.end() for mark in marks if mark.end() <= at), default=0)
        lead = prompt[turn:at]
        begins_turn = turn > 0 and len(lead.split()) <= 1  # a role's name may stand before
        if not begins_turn and lead.strip() and not lead.rstrip(" \t").endswith("\n"):
            continue
        if sum(line.lstrip().startswith(("```", "~~~")) for line in lead.splitlines()) % 2:
            continue
        if best is None or (behind, len(opening)) > best[:2]:
            best = (behind, len(opening), candidate)
    return best[2] if best else None


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
