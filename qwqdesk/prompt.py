"""From messages to prompt tokens: the chat template, the reasoning tags, the tokenizer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qwqdesk.conversation import Message
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import FrozenThought, ModelInfo
from qwqdesk.pipe import first
from qwqdesk.reasoning import Tags, detect_tags, prompt_opens_reasoning


@dataclass(frozen=True)
class Prompt:
    """A rendered prompt with its tokens; `reasoning_open`: it ends inside the reasoning.

    `notes` are sentences about what the template could not take as it was; `messages` is what was
    rendered, () for a raw prompt. `thought` is a reasoning with which the reply begins.
    """

    text: str
    tokens: tuple[int, ...]
    tags: tuple[Tags, ...]
    reasoning_open: bool
    notes: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    thought: FrozenThought | None = None

    @property
    def given_tokens(self) -> int:
        """How many tokens, as far as they are known, stand before the first one that is drawn."""
        return len(self.tokens) + (len(self.thought.tokens) if self.thought else 0)


async def chat_prompt(
    engine: Engine,
    model: ModelInfo,
    messages: Sequence[Message],
    *,
    template: str | Path,
    own_tags: Sequence[Tags] = (),
) -> Prompt:
    """Render messages with the chosen chat template and tokenize the result.

    `own_tags` are the user's own reasoning tags; they are looked for before all others.

    Raises:
        UserError: code "template", when the template fails (with its line).
    """
    # Imported here: jinja2 would delay the window by a tenth of its start.
    from qwqdesk.engine.template import render_with_notes, template_source

    source = template_source(template, model.chat_template)
    rendered = await asyncio.to_thread(
        render_with_notes,
        source,
        messages,
        bos_token=model.bos_token,
        eos_token=model.eos_token,
    )
    prompt = await _tokenized(engine, rendered.text, source, own_tags)
    return replace(prompt, notes=tuple(rendered.notes), messages=tuple(messages))


async def raw_prompt(
    engine: Engine, model: ModelInfo, text: str, *, own_tags: Sequence[Tags] = ()
) -> Prompt:
    """The text itself as the whole prompt, special tokens and all."""
    return await _tokenized(engine, text, model.chat_template, own_tags)


async def _tokenized(
    engine: Engine, text: str, template: str | None, own_tags: Sequence[Tags]
) -> Prompt:
    tokens = await first(engine.tokenize(text))
    tags = detect_tags(template, text, own=own_tags)
    opened = prompt_opens_reasoning(text, tags)
    if opened is not None:
        tags = (opened, *(tag for tag in tags if tag != opened))
    return Prompt(text, tokens, tags, opened is not None)
