"""Values for variables that a chat template reads beside the messages, such as enable_thinking.

They come from llama.cpp's ``--chat-template-kwargs``, ``--reasoning`` and ``--reasoning-effort``,
or from the window, and belong to a conversation or to one lane. Every value is one that JSON knows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from qwqdesk.errors import UserError
from qwqdesk.sampling.effective import ChainWarning
from qwqdesk.sampling.param import shown

THINKING: Final = "enable_thinking"
EFFORT: Final = "reasoning_effort"
MAX_TEXT: Final = 65_536
"""Characters of all values as JSON."""
_MAX_DEPTH: Final = 32
_MAX_NAME: Final = 200
# What the prompt itself is made of: values from outside would contradict it.
_OWN: Final = frozenset({"messages", "add_generation_prompt"})
_SHOWN: Final = 40

# llama.cpp hands these on under other names too (common/jinja/caps.cpp).
_PRESERVE: Final = {
    "preserve_thinking": True,
    "clear_thinking": False,
    "truncate_history_thinking": False,
    "drop_thinking": False,
}

InputKind = Literal["switch", "text", "number", "any"]


@dataclass(frozen=True)
class TemplateInput:
    """A variable that a chat template reads; `choices` are texts that it compares it with."""

    name: str
    kind: InputKind = "any"
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class TemplateVariables:
    """Names with values; kept as their JSON text, so that they can be compared and hashed."""

    text: str = "{}"

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> TemplateVariables:
        """The variables with these values.

        Raises:
            UserError: for a value that JSON does not know, or one that cannot be used.
        """
        for name, value in values.items():
            _check(name, value)
        text = json.dumps(dict(values), ensure_ascii=False, allow_nan=False, sort_keys=True)
        if len(text) > MAX_TEXT:
            raise _too_long(len(text))
        return cls(text)

    @classmethod
    def read(cls, text: str) -> TemplateVariables:
        """Variables written as a JSON object, as after ``--chat-template-kwargs``.

        Raises:
            UserError: for anything else.
        """
        if len(text) > MAX_TEXT:
            raise _too_long(len(text))
        try:
            data = json.loads(text, parse_constant=_no_constant)
        except RecursionError:
            raise _too_deep() from None
        except ValueError as error:
            what = f"{shown(text)!r} is not a JSON object: {_reason(error)}."
            raise UserError(what, _EXAMPLE, code="value") from None
        if not isinstance(data, dict):
            what = f"{shown(text)!r} is not a JSON object with names and values."
            raise UserError(what, _EXAMPLE, code="value")
        return cls.of(data)

    @classmethod
    def from_json(cls, data: object) -> TemplateVariables:
        """From a record that may come from a stranger; what cannot be used is none."""
        if not isinstance(data, Mapping):
            return NO_VARIABLES
        try:
            return cls.of(data)
        except (UserError, RecursionError, ValueError, TypeError):
            return NO_VARIABLES

    @classmethod
    def from_text(cls, text: str) -> TemplateVariables:
        """From the text of a record; what cannot be used is none."""
        try:
            return cls.read(text)
        except UserError:
            return NO_VARIABLES

    def __bool__(self) -> bool:
        return self.text != "{}"

    @property
    def values(self) -> dict[str, Any]:
        """Names with values, in the order of their names."""
        return dict(json.loads(self.text))

    def with_value(self, name: str, value: object) -> TemplateVariables:
        """With one value more, or changed.

        Raises:
            UserError: for a value that cannot be used.
        """
        return TemplateVariables.of({**self.values, name: value})

    def without(self, name: str) -> TemplateVariables:
        """Without this one: the template's own default."""
        return TemplateVariables.of({k: v for k, v in self.values.items() if k != name})

    def given_to_template(self) -> dict[str, Any]:
        """What a template gets: with the further names under which llama.cpp hands some on."""
        values = self.values
        more: dict[str, Any] = {}
        preserve, effort = values.get("preserve_reasoning"), values.get(EFFORT)
        if isinstance(preserve, bool):
            more |= {name: kept == preserve for name, kept in _PRESERVE.items()}
        if isinstance(effort, str) and effort:
            more["reasoning_strength"] = effort
        return {**more, **values}

    def unread(self, read: Iterable[str]) -> tuple[str, ...]:
        """The names of which nothing reaches a template that reads these."""
        known = set(read)
        also = {"preserve_reasoning": set(_PRESERVE), EFFORT: {"reasoning_strength"}}
        return tuple(n for n in self.values if n not in known and not also.get(n, set()) & known)

    def words(self) -> str:
        """Names with values, for people: "enable_thinking off, reasoning_effort high"."""
        return ", ".join(f"{name} {value_words(value)}" for name, value in self.values.items())


NO_VARIABLES: Final = TemplateVariables()
_EXAMPLE: Final = "Write for example '{\"enable_thinking\": false}'."


def value_words(value: object) -> str:
    """A value in a few characters."""
    if isinstance(value, bool):
        return "on" if value else "off"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


# What this program does not fill in, or fills in itself: nothing to be set by hand.
_NOT_SHOWN: Final = frozenset(
    (
        *("messages", "add_generation_prompt", "continue_final_message", "is_training"),
        *("bos_token", "eos_token", "unk_token", "pad_token"),
        *("tools", "tool_choice", "functions", "builtin_tools", "available_tools", "custom_tools"),
        *("documents", "controls", "response_format", "response_schema", "image_prompts"),
        *("datetime", "date_string", "add_vision_id", "fallback_strategy"),
    )
)


def shown_inputs(inputs: Iterable[TemplateInput]) -> tuple[TemplateInput, ...]:
    """Those that a person would set, thinking first; tools and tokens are none of them."""
    found = [
        each
        for each in inputs
        if each.name not in _NOT_SHOWN
        and "tool" not in each.name
        and "function" not in each.name
        and (each.kind != "any" or each.name in (THINKING, EFFORT))
    ]
    order = (THINKING, "thinking", EFFORT)
    return tuple(
        sorted(found, key=lambda e: order.index(e.name) if e.name in order else len(order))
    )


def unused_warnings(names: Iterable[str]) -> tuple[ChainWarning, ...]:
    """A warning for each variable that no template reads: not this one, or there is none."""
    why = "no chat template reads it here"
    return tuple(
        ChainWarning("template-variable-unused", f"{shown(name)} has no effect: {why}.")
        for name in names
    )


def _check(name: object, value: object) -> None:
    if not isinstance(name, str) or not name or len(name) > _MAX_NAME:
        what = f"A template variable cannot be called {shown(name)!r}."
        raise UserError(what, f"Use a name of at most {_MAX_NAME} characters.", code="value")
    if name in _OWN:
        what = f"{name} cannot be set: the prompt itself is made of it."
        raise UserError(what, f"Take {name} out.", code="value")
    if name == THINKING and isinstance(value, str):
        what = f"{THINKING} is true or false, not the text {shown(value)!r}."
        raise UserError(what, "Write it without quotation marks.", code="value")
    _check_value(name, value, 0)


def _check_value(name: str, value: object, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, float) and not math.isfinite(value):
        what = f"{shown(name)} has a number that is not finite."
        raise UserError(what, "Give a finite number.", code="value")
    if isinstance(value, str):
        _check_text(name, value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check_text(name, key)
            _check_value(name, item, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_value(name, item, depth + 1)
    elif value is not None and not isinstance(value, (bool, int, float)):
        what = f"{shown(name)} has a value that JSON does not know."
        raise UserError(what, "Give a text, a number, true, false or null.", code="value")


def _check_text(name: str, text: object) -> None:
    try:
        assert isinstance(text, str)
        text.encode("utf-8")
    except (AssertionError, UnicodeEncodeError):
        what = f"{shown(name)} has a text that is not valid Unicode."
        raise UserError(what, "Correct the text.", code="value") from None


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number in JSON")


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg.lower()} at character {error.pos + 1}"
    return str(error).rstrip(".") if "is not a number" in str(error) else "a number is too long"


def _too_long(length: int) -> UserError:
    what = f"The template variables have {length:,} characters, at most {MAX_TEXT:,} are allowed."
    return UserError(what, "Shorten them.", code="value")


def _too_deep() -> UserError:
    what = f"The template variables are nested more than {_MAX_DEPTH} levels deep."
    return UserError(what, "Make them simpler.", code="value")
