"""From messages to prompt tokens: the chat template, the reasoning tags, the tokenizer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from qwqdesk.conversation import Message
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import ModelInfo
from qwqdesk.engine.template import render, template_source
from qwqdesk.pipe import Stream
from qwqdesk.reasoning import Tags, detect_tags, prompt_opens_reasoning

T = TypeVar("T")


@dataclass(frozen=True)
class Prompt:
    """A rendered prompt with its tokens; `reasoning_open`: it ends inside the reasoning."""

    text: str
    tokens: tuple[int, ...]
    tags: tuple[Tags, ...]
    reasoning_open: bool


async def first(stream: Stream[T]) -> T:
    """The only item of a stream; raises the worker's error."""
    items: list[T] = []
    async for batch in stream:
        items.extend(batch)
    return items[0]


async def chat_prompt(
    engine: Engine, model: ModelInfo, messages: Sequence[Message], *, template: str | Path
) -> Prompt:
    """Render messages with the chosen chat template and tokenize the result.

    Raises:
        UserError: code "template", when the template fails (with its line).
    """
    source = template_source(template, model.chat_template)
    text = await asyncio.to_thread(
        render,
        source,
        messages,
        bos_token=model.bos_token,
        eos_token=model.eos_token,
    )
    return await _tokenized(engine, text, source)


async def raw_prompt(engine: Engine, model: ModelInfo, text: str) -> Prompt:
    """The text itself as the whole prompt, special tokens and all."""
    return await _tokenized(engine, text, model.chat_template)


async def _tokenized(engine: Engine, text: str, template: str | None) -> Prompt:
    tokens = await first(engine.tokenize(text))
    tags = detect_tags(template, text)
    opened = prompt_opens_reasoning(text, tags)
    if opened is not None:
        tags = (opened, *(tag for tag in tags if tag != opened))
    return Prompt(text, tokens, tags, opened is not None)
