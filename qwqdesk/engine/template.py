"""Chat templates: which one is used, and the prompt that it makes of the messages.

A template comes out of a model file and is a program written by a stranger. It runs in jinja2's
sandbox, in a child process with limits of time, memory and output; only the templates that ship
with this program run here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from qwqdesk.conversation import Message
from qwqdesk.engine.template_builtin import BUILT_IN, built_in_source
from qwqdesk.engine.template_chat import RenderedChat, RenderJob, render_chat
from qwqdesk.engine.template_process import render_in_child
from qwqdesk.engine.template_sandbox import ChatTemplateError
from qwqdesk.errors import UserError
from qwqdesk.whole_file import open_regular

# Name to title; "model" is the one in the model file.
TEMPLATE_CHOICES: Mapping[str, str] = {
    "model": "The model's own",
    **{made.name: made.title for made in BUILT_IN},
}
SHIPPED = tuple(made.name for made in BUILT_IN)
MAX_SOURCE = 1_000_000


def render(
    template_source: str,
    messages: Sequence[Message],
    *,
    bos_token: str,
    eos_token: str,
    add_generation_prompt: bool = True,
    enable_thinking: bool = True,
    extra: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> str:
    """The prompt's text; see `render_with_notes`, of which this is the text alone."""
    return render_with_notes(
        template_source,
        messages,
        bos_token=bos_token,
        eos_token=eos_token,
        add_generation_prompt=add_generation_prompt,
        enable_thinking=enable_thinking,
        extra=extra,
        now=now,
    ).text


def render_with_notes(
    template_source: str,
    messages: Sequence[Message],
    *,
    bos_token: str,
    eos_token: str,
    add_generation_prompt: bool = True,
    enable_thinking: bool = True,
    extra: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> RenderedChat:
    """Render a chat template as llama.cpp does; blocks, so call it off the main thread.

    A message whose `reasoning` is set keeps it: in the field that the template knows, or, where
    the template would drop it, between tags in the message's text.

    Args:
        extra: further variables of the template, values that JSON knows.
        now: the time that the template sees, by default the present.

    Raises:
        UserError: code "template", with the template's line.
    """
    job = RenderJob(
        source=template_source,
        messages=[_plain(message) for message in messages],
        bos_token=bos_token,
        eos_token=eos_token,
        add_generation_prompt=add_generation_prompt,
        enable_thinking=enable_thinking,
        extra=dict(extra or {}),
        now=(now or datetime.now()).isoformat(),
    )
    try:
        _check_size(template_source)
        return render_chat(job) if _is_shipped(template_source) else render_in_child(job)
    except ChatTemplateError as error:
        raise _user_error(error) from error
    except OSError as error:
        raise UserError(
            f"The chat template could not be run: {error}.",
            "Choose one of the templates that come with the program.",
            code="template",
        ) from error


def is_template(text: str) -> bool:
    """Whether a text is a template itself, and no name and no file: it has ``{%`` or ``{{``."""
    return "{%" in text or "{{" in text


def template_source(choice: str | Path, model_template: str | None) -> str:
    """The source of the chosen template.

    Args:
        choice: a name of `TEMPLATE_CHOICES`, an ordinary file, or a template itself (see
            `is_template`). "model" means ChatML where the model has no template, as in llama.cpp.

    Raises:
        UserError: code "template", when a file cannot be read.
    """
    if choice == "model":
        if model_template and model_template.strip():
            return model_template
        choice = "chatml"
    if choice in SHIPPED:
        return built_in_source(str(choice))
    if isinstance(choice, str) and is_template(choice):
        return choice
    return _read(Path(choice))


def _plain(message: Message) -> dict[str, Any]:
    plain: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.reasoning is not None:
        plain["reasoning"] = message.reasoning
    return plain


def _is_shipped(source: str) -> bool:
    return any(source.strip() == built_in_source(name).strip() for name in SHIPPED)


def _check_size(source: str) -> None:
    if len(source) > MAX_SOURCE:
        raise ChatTemplateError(f"it has {len(source):,} characters, more than {MAX_SOURCE:,}")


def _read(path: Path) -> str:
    try:
        with open_regular(path) as file:
            source = file.read(4 * MAX_SOURCE + 1).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        names = ", ".join(TEMPLATE_CHOICES)
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UserError(
            f"The chat template {str(path)!r} cannot be read: {reason}.",
            f"Give a readable file, or one of: {names}.",
            code="template",
        ) from error
    return source.replace("\r\n", "\n")


def _user_error(failure: ChatTemplateError) -> UserError:
    where = f" in line {failure.line}" if failure.line else ""
    return UserError(
        f"The chat template failed{where}: {failure.message.rstrip('.')}.",
        "Choose another chat template, or correct this one.",
        code="template",
    )
