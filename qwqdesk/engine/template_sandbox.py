"""Compiling and running one chat template in jinja2's sandbox, as llama.cpp and transformers do.

Nothing here limits time: a single operation of Python can run for ever. `template_process` runs
this module in a child process that can be killed; only shipped templates run without it.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NoReturn, TypeVar

from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from qwqdesk.engine.template_inputs import template_inputs
from qwqdesk.template_variables import TemplateInput

TOO_LARGE = "it needs too much memory"
MAX_REPEAT = 1_000_000
MAX_BITS = 4096
_FILE = "<template>"

T = TypeVar("T")


class ChatTemplateError(Exception):
    """A template that cannot be rendered; `line` counts from 1, 0 where it is not known."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message, line)
        self.message = message
        self.line = line


class GenerationTag(Extension):
    """``{% generation %}``: marks what the model wrote, for training. Here its body is just run."""

    tags = {"generation"}  # noqa: RUF012 - jinja2 declares it so

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """The body's own nodes."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class ChatEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox in which a chat template runs."""

    intercepted_binops = frozenset(["*", "**"])

    def __init__(self, now: datetime) -> None:
        super().__init__(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, GenerationTag]
        )
        self.filters["tojson"] = to_json
        self.filters["safe"] = str  # jinja2's own makes later joins escape HTML
        self.globals["raise_exception"] = _raise_exception
        self.globals["strftime_now"] = now.strftime

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Products and powers, refused where the result would be enormous."""
        if operator == "*":
            _check_product(left, right)
        elif operator == "**":
            _check_power(left, right)
        return super().call_binop(context, operator, left, right)


class CompiledTemplate:
    """A template ready to be rendered more than once.

    Raises:
        ChatTemplateError: for a syntax error.
    """

    def __init__(self, source: str, now: datetime, max_chars: int) -> None:
        self._max_chars = max_chars
        self._source = source
        self._environment = ChatEnvironment(now)
        self._template: Template = _guarded(lambda: self._environment.from_string(source))

    def inputs(self) -> tuple[TemplateInput, ...]:
        """The variables that the template reads.

        Raises:
            ChatTemplateError: where it cannot be read for them.
        """
        return _guarded(lambda: template_inputs(self._environment, self._source))

    def render(self, context: Mapping[str, Any]) -> str:
        """The text for these variables.

        Raises:
            ChatTemplateError: with the template's line, for whatever goes wrong.
        """
        return _guarded(lambda: self._collect(context))

    def _collect(self, context: Mapping[str, Any]) -> str:
        pieces: list[str] = []
        length = 0
        for piece in self._template.generate(**context):
            length += len(piece)
            if length > self._max_chars:
                raise TemplateError(f"it writes more than {self._max_chars:,} characters")
            pieces.append(piece)
        return "".join(pieces)


def to_json(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as chat templates expect it: nothing escaped for HTML, keys in their order."""
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _raise_exception(message: object = "") -> NoReturn:
    raise TemplateError(str(message))


def _check_product(left: object, right: object) -> None:
    bits = _bits(left) + _bits(right)
    if bits > MAX_BITS:
        raise TemplateError("a product is too large")
    for sequence, count in ((left, right), (right, left)):
        if isinstance(count, int) and _length(sequence) * count > MAX_REPEAT:
            raise TemplateError("a repetition is too long")


def _check_power(base: object, exponent: object) -> None:
    if isinstance(exponent, int) and _bits(base) * exponent > MAX_BITS:
        raise TemplateError("a power is too large")


def _bits(value: object) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def _length(value: object) -> int:
    return len(value) if isinstance(value, str | list | tuple) else 0


def _guarded(work: Callable[[], T]) -> T:
    try:
        return work()
    except TemplateSyntaxError as error:
        raise ChatTemplateError(_short(error.message or "syntax error"), error.lineno) from error
    except TemplateError as error:
        raise ChatTemplateError(
            _short(error.message or type(error).__name__), _line(error)
        ) from error
    except RecursionError as error:
        raise ChatTemplateError("it nests too deeply", _line(error)) from error
    except MemoryError as error:
        raise ChatTemplateError(TOO_LARGE, _line(error)) from error
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        raise ChatTemplateError(_short(words), _line(error)) from error


def _line(error: BaseException) -> int:
    """The template's line in which the error arose; jinja2 has put it into the traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno or 0 for frame in frames if frame.filename == _FILE]
    return lines[-1] if lines else 0


def _short(text: str) -> str:
    """One line of at most 300 characters, since the template chose the words."""
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:299] + "…"
