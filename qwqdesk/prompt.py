"""From messages to prompt tokens: the chat template, the reasoning tags, the tokenizer.

A file's own template is used where it can be. Where there is none, or it cannot be used for the
simplest chat, a built-in one takes its place, as in llama.cpp, but by what is known of the model;
the prompt's `template` says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from qwqdesk.conversation import Message
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import FrozenThought, ModelInfo
from qwqdesk.engine.template_builtin import (
    FALLBACK,
    behind_a_reply,
    guessable_tags,
    guessed,
    named_for_chats,
    writes_messages,
)
from qwqdesk.errors import UserError
from qwqdesk.pipe import first
from qwqdesk.reasoning import Tags, detect_tags, prompt_opens_reasoning
from qwqdesk.sampling.effective import ChainWarning
from qwqdesk.template_note import TemplateCause, TemplateNote, template_warnings
from qwqdesk.template_variables import (
    NO_VARIABLES,
    TemplateInput,
    TemplateVariables,
    unused_warnings,
)

FINETUNE = "general.finetune"

if TYPE_CHECKING:  # jinja2 would delay the window by a tenth of its start
    from qwqdesk.engine.template_chat import RenderedChat


@dataclass(frozen=True)
class Prompt:
    """A rendered prompt with its tokens; `reasoning_open`: it ends inside the reasoning.

    `notes` are sentences about what the template could not take as it was; `messages` is what was
    rendered, () for a raw prompt. `thought` is a reasoning with which the reply begins. `template`
    is None where nothing has to be known about the chat template. `variables` were given to it, of
    which it never reads those in `unused`; `inputs` are all that it reads, () where it did not run.
    """

    text: str
    tokens: tuple[int, ...]
    tags: tuple[Tags, ...]
    reasoning_open: bool
    notes: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    thought: FrozenThought | None = None
    template: TemplateNote | None = None
    variables: TemplateVariables = NO_VARIABLES
    unused: tuple[str, ...] = ()
    inputs: tuple[TemplateInput, ...] = ()

    @property
    def warnings(self) -> tuple[ChainWarning, ...]:
        """What is to be said of the chat template and its variables."""
        return (*template_warnings(self.template), *unused_warnings(self.unused))

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
    variables: TemplateVariables = NO_VARIABLES,
) -> Prompt:
    """Render messages with the chosen chat template and tokenize the result.

    `own_tags` are the user's own reasoning tags; they are looked for before all others. `variables`
    are given to the template beside the messages.

    Raises:
        UserError: code "template", when the template fails (with its line).
    """
    note = TemplateNote()
    rendered: RenderedChat | None = None
    if template == "model":
        source = model.chat_template or ""
        cause: TemplateCause = _missing(model)
        fault = ""
        if not cause:
            rendered, fault = await _own_template(model, source, messages, variables)
            cause = "broken" if rendered is None else ""
        if cause:
            template, note = await _in_its_place(engine, model, cause, fault)
    if rendered is None:
        source, rendered = await _render(model, template, messages, variables)
    note = await _with_ends(engine, note, rendered.tried)
    prompt = await _tokenized(engine, rendered.text, source, own_tags, raw=False)
    return replace(
        prompt,
        notes=tuple(rendered.notes),
        messages=tuple(messages),
        template=note if note.says_something else None,
        variables=variables,
        unused=variables.unread(each.name for each in rendered.inputs),
        inputs=rendered.inputs,
    )


def _missing(model: ModelInfo) -> TemplateCause:
    if not model.template_is_text:
        return "not-text"
    if model.chat_template is None:
        return "missing"
    return "" if model.chat_template.strip() else "empty"


async def _own_template(
    model: ModelInfo, source: str, messages: Sequence[Message], variables: TemplateVariables
) -> tuple[RenderedChat | None, str]:
    """The messages as the file's own template writes them; or None, and why it cannot be used.

    It cannot where it fails for the simplest chat too, or writes nothing of the messages. One that
    only refuses these messages or variables keeps its word.

    Raises:
        UserError: code "template", when it refuses these messages or variables.
    """
    simplest = [Message("user", "Hello")]
    try:
        _, rendered = await _render(model, source, messages, variables, is_source=True)
    except UserError as error:
        if error.__cause__ is None or isinstance(error.__cause__, OSError):
            raise
        if list(messages) != simplest or variables:
            try:
                await _render(model, source, simplest, NO_VARIABLES, is_source=True)
            except UserError:
                return None, error.what
            raise
        return None, error.what
    if rendered.tried is not None and not writes_messages(rendered.tried):
        return None, "The chat template of this file leaves the messages out."
    return rendered, ""


async def _render(
    model: ModelInfo,
    template: str | Path,
    messages: Sequence[Message],
    variables: TemplateVariables,
    *,
    is_source: bool = False,
) -> tuple[str, RenderedChat]:
    from qwqdesk.engine.template import render_with_notes, template_source

    source = str(template) if is_source else template_source(template, model.chat_template)
    rendered = await asyncio.to_thread(
        render_with_notes,
        source,
        messages,
        bos_token=model.bos_token,
        eos_token=model.eos_token,
        extra=variables.given_to_template(),
    )
    return source, rendered


async def _in_its_place(
    engine: Engine, model: ModelInfo, cause: TemplateCause, fault: str
) -> tuple[str, TemplateNote]:
    """Which built-in template stands for the file's own, and what has to be known about it."""
    tokens = await first(engine.token_ends(guessable_tags()))
    names = (model.name, model.metadata.get(FINETUNE, ""), Path(model.path).stem)
    found = guessed(model.architecture, tokens)
    used = found or FALLBACK
    note = TemplateNote(
        used=used.name,
        cause=cause,
        fault=fault,
        architecture=model.architecture,
        known=found is not None,
        base=not named_for_chats(*names),
        strange=tuple(tag for tag in used.tags if tag not in tokens),
    )
    return used.name, note


async def _with_ends(engine: Engine, note: TemplateNote, tried: str | None) -> TemplateNote:
    """With what ends a reply as text: where the first tag behind a reply is no token.

    Behind a template that stands for another one, a token that does not end a generation counts as
    text too; a file's own template is taken at its word, as llama.cpp does.
    """
    behind = behind_a_reply(tried) if tried is not None else ()
    if not behind:
        return note
    ends = await first(engine.token_ends(behind))
    if ends.get(behind[0], False) or (behind[0] in ends and not note.cause):
        return note
    return replace(note, ends=tuple(text for text in behind if not ends.get(text, False)))


async def raw_prompt(
    engine: Engine, model: ModelInfo, text: str, *, own_tags: Sequence[Tags] = ()
) -> Prompt:
    """The text itself as the whole prompt, special tokens and all."""
    return await _tokenized(engine, text, model.chat_template, own_tags, raw=True)


def without_reader(raw: Prompt, variables: TemplateVariables) -> Prompt:
    """A raw prompt for which variables were set: no template reads any of them."""
    return replace(raw, variables=variables, unused=variables.unread(()))


async def _tokenized(
    engine: Engine, text: str, template: str | None, own_tags: Sequence[Tags], *, raw: bool
) -> Prompt:
    tokens = await first(engine.tokenize(text))
    tags = detect_tags(template, text, own_tags, raw=raw)
    opened = prompt_opens_reasoning(text, tags, raw=raw)
    if opened is not None:
        tags = (opened, *(tag for tag in tags if tag != opened))
    return Prompt(text, tokens, tags, opened is not None)
