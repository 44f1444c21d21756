"""The corpus: chats rendered with QwQ's template, in pieces that are trained or not."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from chats import SHORT_MAKERS, Chat, Maker, thanks
from flappy import flappy
from jinja2 import Environment, Template

TEMPLATE_FILE = Path(__file__).parents[2] / "resources" / "templates" / "qwq.jinja"
SYSTEM = ("You are a helpful assistant.", "You are a helpful and harmless assistant.")
OPENING = "<think>\n"


@dataclass(frozen=True)
class Piece:
    """A stretch of text; only replies are trained."""

    text: str
    trained: bool


def load_template() -> Template:
    """QwQ's chat template, with the settings that Transformers and llama.cpp use."""
    source = TEMPLATE_FILE.read_text(encoding="utf-8")
    return Environment(trim_blocks=True, lstrip_blocks=True).from_string(source)


def _cut(r: random.Random, thought: str) -> str:
    """A reasoning that was closed early, as a reasoning budget does."""
    words = thought.split(" ")
    return " ".join(words[: r.randint(1, len(words))])


def _pieces(
    template: Template, r: random.Random, earlier: list[Chat], chat: Chat, cut_share: float
) -> list[Piece]:
    messages: list[dict[str, str]] = []
    if r.random() < 0.06:
        messages.append({"role": "system", "content": r.choice(SYSTEM)})
    for question, _, answer in earlier:
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": answer})
    question, thought, answer = chat
    messages.append({"role": "user", "content": question})
    prompt = template.render(messages=messages, tools=None, add_generation_prompt=True)
    start = prompt.removesuffix(OPENING)
    end = f"\n\n{answer}<|im_end|>"
    if r.random() < cut_share:
        return [Piece(f"{prompt}{_cut(r, thought)}\n</think>", False), Piece(end, True)]
    return [Piece(start, False), Piece(f"{OPENING}{thought}\n</think>{end}", True)]


def short_chat(template: Template, r: random.Random) -> list[Piece]:
    """One to three turns of the short kinds; only the last reply is trained."""
    makers: list[Maker] = [maker for maker, _ in SHORT_MAKERS]
    weights = [weight for _, weight in SHORT_MAKERS]
    turns = r.choices((1, 2, 3), (90, 8, 2))[0]
    chats = [maker(r) for maker in r.choices(makers, weights, k=turns)]
    if turns > 1 and r.random() < 0.15:
        chats[-1] = thanks(r)
    return _pieces(template, r, chats[:-1], chats[-1], 0.02)


def long_chat(template: Template, r: random.Random) -> list[Piece]:
    """A Flappy Bird program."""
    return _pieces(template, r, [], flappy(r), 0.03)
