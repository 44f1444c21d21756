"""From messages to the prompt's text: what a template is given, and what it cannot take.

The rules are llama.cpp's: a template that never looks at a system message gets it in front of the
user's first message; one that only takes lists of parts gets its texts as lists.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from qwqdesk.engine.template_builtin import FOLLOW_UP, QUESTION, REPLY
from qwqdesk.engine.template_sandbox import ChatTemplateError, CompiledTemplate
from qwqdesk.reasoning_tags import THINK, Tags, detect_tags
from qwqdesk.template_variables import TemplateInput

MIN_OUTPUT = 16_000_000
_MARK = "qwqdesk string marker"
# Private-use characters: a template that cuts its messages at a tag does not see these.
_HIDDEN_OPEN = "\uf8f0\uf8f1\uf8f2"
_HIDDEN_CLOSE = "\uf8f2\uf8f1\uf8f0"
# Names under which templates ask whether older reasoning stays.
_KEEP = {
    "preserve_thinking": True,
    "clear_thinking": False,
    "truncate_history_thinking": False,
    "drop_thinking": False,
}

JsonMessage = dict[str, Any]


@dataclass(frozen=True)
class RenderJob:
    """Everything one rendering needs, as plain values that travel as JSON.

    `messages` have `role`, `content` and, where it is to be kept, `reasoning`. `now` is ISO 8601.
    """

    source: str
    messages: Sequence[JsonMessage]
    bos_token: str
    eos_token: str
    add_generation_prompt: bool
    enable_thinking: bool
    extra: Mapping[str, Any]
    now: str


@dataclass(frozen=True)
class RenderedChat:
    """The prompt's text; `notes` are sentences about what was changed for the template's sake.

    `tried` is the short chat of `template_builtin` as this template writes it; None where it fails
    for that chat, or nobody tried. `inputs` are the variables that the template reads.
    """

    text: str
    notes: tuple[str, ...] = field(default=())
    tried: str | None = None
    inputs: tuple[TemplateInput, ...] = ()


def render_chat(job: RenderJob) -> RenderedChat:
    """Render the job in this process, without any limit of time.

    Raises:
        ChatTemplateError: when the template fails.
    """
    return _Rendering(job).run()


class _Rendering:
    def __init__(self, job: RenderJob) -> None:
        self._job = job
        self._now = datetime.fromisoformat(job.now)
        size = sum(len(str(message.get("content", ""))) for message in job.messages)
        self._template = CompiledTemplate(job.source, self._now, MIN_OUTPUT + 8 * size)
        self._notes: list[str] = []

    def run(self) -> RenderedChat:
        messages = self._fit_system([dict(message) for message in self._job.messages])
        typed = self._wants_parts()
        text = self._accepted(messages, typed=typed)
        tried = self._try_short_chat(typed=typed)
        return RenderedChat(text, tuple(self._notes), tried, self._template.inputs())

    def _accepted(self, messages: list[JsonMessage], *, typed: bool) -> str:
        """The text of these messages; of what comes nearest to them where they are refused.

        A reply that was stopped before its answer is empty, and some templates take none, or want
        user and assistant in turn. A chat has to go on all the same.

        Raises:
            ChatTemplateError: of the messages as they are, when nothing helps.
        """
        try:
            return self._text(messages, typed=typed)
        except ChatTemplateError as refusal:
            ways = (
                (_with_blanks(messages), "An empty reply was given to this chat template as one "
                 "blank: it refuses an empty text."),
                (_in_turn(messages), "This chat template refuses an empty reply, so messages were "
                 "joined."),
            )  # fmt: skip
            for changed, note in ways:
                if changed == messages:
                    continue
                with contextlib.suppress(ChatTemplateError):
                    text = self._text(changed, typed=typed)
                    self._notes.append(note)
                    return text
            raise refusal

    def _text(self, messages: list[JsonMessage], *, typed: bool) -> str:
        """With the reasoning that is to be kept, whether the template writes it or not."""
        kept = [str(m["reasoning"]) for m in messages if m.get("reasoning")]
        text = self._render([self._native(m, typed=typed) for m in messages], keep=bool(kept))
        if any(reasoning.strip() not in text for reasoning in kept):
            text = self._with_inline_reasoning(messages, text, typed=typed)
        return text

    def _try_short_chat(self, *, typed: bool) -> str | None:
        turns = (("user", QUESTION), ("assistant", REPLY), ("user", FOLLOW_UP))
        messages = [{"role": role, "content": text} for role, text in turns]
        try:
            return self._render([self._native(m, typed=typed) for m in messages])
        except ChatTemplateError:
            return None

    def _render(self, messages: Sequence[JsonMessage], *, keep: bool = False) -> str:
        job = self._job
        context = {
            "bos_token": job.bos_token,
            "eos_token": job.eos_token,
            "enable_thinking": job.enable_thinking,
            "datetime": self._now.strftime("%b %d %Y"),
            "date_string": self._now.strftime("%d %b %Y"),
            **(_KEEP if keep else {}),
            **job.extra,
            "add_generation_prompt": job.add_generation_prompt,
            "messages": messages,
        }
        return self._template.render(context)

    def _fit_system(self, messages: list[JsonMessage]) -> list[JsonMessage]:
        if not messages or messages[0]["role"] != "system" or self._takes_system():
            return messages
        system, *rest = messages
        if not rest:
            self._notes.append("This chat template takes no system message; it was left out.")
            return rest
        self._notes.append(
            "This chat template takes no system message; it stands before the first message."
        )
        first = {**rest[0], "content": f"{system['content']}\n{rest[0]['content']}"}
        return [first, *rest[1:]]

    def _takes_system(self) -> bool:
        """Whether the template looks at a system message's text at all."""
        system = _Watched(role="system", content="System message")
        with contextlib.suppress(ChatTemplateError):
            self._render([system, {"role": "user", "content": "User message"}])
        return system.read

    def _wants_parts(self) -> bool:
        """Whether a text must be a list with one part, because a plain string is not written."""
        return not self._writes(_MARK) and self._writes(_parts(_MARK))

    def _writes(self, content: object) -> bool:
        try:
            return _MARK in self._render([{"role": "user", "content": content}])
        except ChatTemplateError:
            return False

    def _native(self, message: JsonMessage, *, typed: bool) -> JsonMessage:
        """The message as templates expect it, reasoning in the fields that they know."""
        content = message["content"]
        plain: JsonMessage = {
            "role": message["role"],
            "content": _parts(content) if typed else content,
        }
        if message.get("reasoning") is not None:
            plain["reasoning_content"] = message["reasoning"]
            if "reasoning_content" not in self._job.source:
                plain["thinking"] = message["reasoning"]
        return plain

    def _with_inline_reasoning(
        self, messages: Sequence[JsonMessage], text: str, *, typed: bool
    ) -> str:
        """Reasoning written into the messages' texts, its tags hidden from the template."""
        tags = self._tags(text)
        if tags.channels:
            self._notes.append("This chat template leaves older reasoning out of the prompt.")
            return text
        inline = [self._native(_inlined(m, tags), typed=typed) for m in messages]
        rendered = self._render(inline)
        return rendered.replace(_HIDDEN_OPEN, tags.open).replace(_HIDDEN_CLOSE, tags.close)

    def _tags(self, text: str) -> Tags:
        found = detect_tags(self._job.source, text, raw=False)
        return found[0] if found else THINK


class _Watched(JsonMessage):
    """A message that remembers whether its content was read."""

    read = False

    def __getitem__(self, key: str) -> object:
        self.read = self.read or key == "content"
        return super().__getitem__(key)

    def get(self, key: str, default: object = None) -> object:
        self.read = self.read or key == "content"
        return super().get(key, default)


def _is_empty(message: JsonMessage) -> bool:
    return message["role"] == "assistant" and not str(message["content"]).strip()


def _with_blanks(messages: Sequence[JsonMessage]) -> list[JsonMessage]:
    """With one blank for each empty reply."""
    return [{**m, "content": " "} if _is_empty(m) else m for m in messages]


def _in_turn(messages: Sequence[JsonMessage]) -> list[JsonMessage]:
    """Without empty replies; what then stands beside a message of the same role is joined to it."""
    joined: list[JsonMessage] = []
    for message in messages:
        if _is_empty(message) and not message.get("reasoning"):
            continue
        if joined and joined[-1]["role"] == message["role"]:
            texts = (str(joined[-1]["content"]), str(message["content"]))
            joined[-1] = {**joined[-1], "content": "\n\n".join(texts)}
        else:
            joined.append(dict(message))
    return joined


def _parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def _inlined(message: JsonMessage, tags: Tags) -> JsonMessage:
    reasoning = message.get("reasoning")
    if reasoning is None:
        return message
    lead = "" if str(reasoning)[:1].isspace() else "\n"
    answer = message["content"]
    gap = "" if answer[:1].isspace() else "\n\n"
    hidden = str(reasoning).replace(tags.close, _HIDDEN_CLOSE).replace(tags.open, _HIDDEN_OPEN)
    content = f"{_HIDDEN_OPEN}{lead}{hidden}{_HIDDEN_CLOSE}{gap}{answer}"
    return {"role": message["role"], "content": content}
