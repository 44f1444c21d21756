"""Argument lists in llama.cpp's language: what `ask`, `compare`, lanes and pasted lines say.

Read like llama.cpp's programs do: the word after a flag is its value, whatever it begins with,
and the last flag of a kind wins.
"""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.sampling.effective import ChainWarning
from qwqdesk.sampling.formats.arg_env import unread_words, words_of_variable
from qwqdesk.sampling.formats.arg_values import skipped_warnings
from qwqdesk.sampling.formats.escapes import process_escapes
from qwqdesk.sampling.formats.flags import FLAGS, Flag, find_flag, with_dashes
from qwqdesk.sampling.formats.program_words import (
    OTHERS,
    OURS,
    is_program,
    read_start,
)
from qwqdesk.sampling.formats.readers import Collected, UsageError, read_flag
from qwqdesk.sampling.param import shown
from qwqdesk.template_variables import TemplateVariables

__all__ = ["Occurrence", "ParsedArgs", "UsageError", "is_program", "parse_args", "parse_words"]

# Variables of other libraries that may change what a model computes.
_CONCERNING: Final = ("GGML_", "CUDA_", "HIP_", "ROCR_", "HSA_", "OMP_", "SYCL_")


@dataclass(frozen=True)
class Occurrence:
    """A flag as it was written, with its values ("" for a switch)."""

    flag: Flag
    word: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class ParsedArgs:
    """What an argument list says.

    `sampling` holds names of INTERFACE's `sampling` object (checked, only those that were
    written), `engine` fields of `EngineSettings`, `options` this program's own settings by the
    `dest` of `OPTION_FLAGS`. `notes` are sentences about what was accepted without effect or read
    otherwise than written; `skipped` are names in the order that mean no step. `refused` are flags
    that change what a model writes and are not built here, with the reason; only what is pasted has
    them, a command line of ours is refused by them. `unread` are environment variables before a
    program that are not taken.
    """

    sampling: dict[str, Any]
    engine: dict[str, Any]
    options: dict[str, Any]
    positional: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    occurrences: tuple[Occurrence, ...] = ()
    skipped: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        occurrences: Iterable[Occurrence],
        positional: Iterable[str] = (),
        *,
        lenient: bool = False,
        notes: Iterable[str] = (),
    ) -> ParsedArgs:
        """Read the flags in their order.

        Args:
            lenient: keeps what cannot be taken in `refused`.
            notes: what is to be said before that of the flags.

        Raises:
            UsageError: for a value that is not allowed, and for a flag that cannot be taken.
        """
        every = tuple(occurrences)
        into = Collected(lenient=lenient)
        for note in notes:
            into.note(note)
        for item in every:
            read_flag(item.flag, item.word, " ".join(item.values), into)
        _process_escapes(into)
        return cls(
            into.sampling,
            into.engine,
            into.option,
            tuple(positional),
            tuple(into.notes),
            every,
            into.skipped,
            tuple(into.refused),
        )

    def followed_by(self, other: ParsedArgs) -> ParsedArgs:
        """As if the other's words stood behind these: FLAGS outside a lane, then the lane's."""
        positional = (*self.positional, *other.positional)
        return ParsedArgs.of((*self.occurrences, *other.occurrences), positional)

    @property
    def warnings(self) -> tuple[ChainWarning, ...]:
        """What is to be said of the chain, beside it and not once."""
        return skipped_warnings(self.skipped)

    @property
    def engine_settings(self) -> EngineSettings:
        """The engine settings with defaults for what was not written."""
        return EngineSettings(**self.engine)

    def option(self, dest: str) -> str | None:
        """A text option, None when it was not written."""
        value = self.options.get(dest)
        return value if isinstance(value, str) else None

    def switch(self, dest: str) -> bool:
        """Whether a switch is on."""
        return self.options.get(dest) is True

    def listed(self, dest: str) -> tuple[str, ...]:
        """The values of an option that may be repeated."""
        return tuple(self.options.get(dest, ()))

    @property
    def model(self) -> str | None:
        """``--model``, else the first word that is not a flag."""
        named = self.option("model") or next(iter(self.positional), None)
        file = self.option("hf_file")
        if file is None or named is None or not named.startswith("hf.co/"):
            return named  # llama.cpp, too, reads --hf-file with a repository only
        return f"hf.co/{named.removeprefix('hf.co/').partition(':')[0]}:{file}"

    @property
    def prompt(self) -> str | None:
        """The text of ``-p`` with its escapes processed."""
        return self.option("prompt")

    @property
    def file(self) -> str | None:
        """The file of ``-f``."""
        return self.option("file")

    @property
    def recipe(self) -> str | None:
        """The name of ``--recipe``."""
        return self.option("recipe")

    @property
    def mode(self) -> str | None:
        """ "exact", "fast" or None."""
        return self.option("mode")

    @property
    def raw(self) -> bool:
        """Whether the prompt is used as it is."""
        return self.switch("raw")

    @property
    def use_model_sampling(self) -> bool:
        """Whether the model's own sampling values count."""
        return self.switch("use_model")

    @property
    def variables(self) -> TemplateVariables | None:
        """What the chat template gets beside the messages; None where no flag says anything."""
        found = self.options.get("variables")
        return found if isinstance(found, TemplateVariables) else None

    @property
    def lanes(self) -> tuple[str, ...]:
        """The texts of ``--lane``."""
        return self.listed("lane")


def parse_args(argv: Sequence[str], *, lenient: bool = False) -> ParsedArgs:
    """Read the words after the command's name.

    A program of llama.cpp that is named at their beginning, and environment variables before it,
    are read as a shell would.

    Args:
        lenient: keeps flags that cannot be taken in `refused` instead of raising.

    Raises:
        UsageError: for an unknown flag, a missing value or one that is not allowed.
    """
    start = read_start(argv)
    if start is None or start.program == OURS:
        return parse_words(argv, lenient=lenient)
    refuse_other_program(start.program)
    return parse_words(start.words, start.variables, lenient=lenient)


def parse_words(
    argv: Iterable[str],
    variables: Iterable[tuple[str, str]] = (),
    *,
    lenient: bool = False,
    notes: Iterable[str] = (),
) -> ParsedArgs:
    """Read flags and, before them, environment variables: a flag counts more than a variable.

    Args:
        argv: the flags.
        variables: names with values.
        lenient: keeps flags that cannot be taken in `refused` instead of raising.
        notes: what is to be said before that of the flags.

    Raises:
        UsageError: as `parse_args`.
    """
    words = deque(argv)
    occurrences, unread = _from_variables(variables)
    told = (*notes, *unread.values())
    positional: list[str] = []
    while words:
        word = words.popleft()
        if not word.startswith("-") or word == "-":
            positional.append(word)
            continue
        occurrences.append(_occurrence(word, words))
    found = ParsedArgs.of(occurrences, positional, lenient=lenient, notes=told)
    return replace(found, unread=tuple(unread))


def refuse_other_program(name: str) -> None:
    """Say that a program's flags mean something else than how a model answers.

    Raises:
        UsageError: unless it is a program that answers.
    """
    if name in OTHERS:
        what = f"{name} {OTHERS[name]}: its flags mean something else."
        raise UsageError(what, "Give a line of llama-cli, llama-completion or llama-server.")


def _from_variables(
    variables: Iterable[tuple[str, str]],
) -> tuple[list[Occurrence], dict[str, str]]:
    """What environment variables say, as if the flags had been written.

    And those that are not taken, each with a sentence.
    """
    occurrences: list[Occurrence] = []
    unread: dict[str, str] = {}
    for name, value in variables:
        words = words_of_variable(name, value)
        if words is None:
            if name.startswith("LLAMA_ARG_"):
                unread[name] = unread_words(name)
            elif name.startswith(_CONCERNING):
                unread[name] = f"{name} is not taken over."
        elif words:
            found = _occurrence(words[0], deque(words[1:]))
            occurrences.append(replace(found, word=name))
    return occurrences, unread


def _occurrence(word: str, rest: deque[str]) -> Occurrence:
    found = find_flag(word)
    if found is None:
        raise _unknown(word)
    flag, value = found
    name = word.partition("=")[0] if value is not None else word
    if value is not None:
        if flag.arity > 1:
            raise _missing(name, flag)
        return Occurrence(flag, name, (value,))
    if flag.optional:
        taken = bool(rest) and rest[0].lower() in flag.choices
        return Occurrence(flag, name, (rest.popleft(),) if taken else (str(flag.value),))
    if len(rest) < flag.arity:
        raise _missing(name, flag)
    return Occurrence(flag, name, tuple(rest.popleft() for _ in range(flag.arity)))


def _unknown(word: str) -> UsageError:
    name = with_dashes(word).partition("=")[0]
    near = difflib.get_close_matches(name[:60], FLAGS, n=3)
    todo = f"Did you mean {' or '.join(near)}?" if near else "See --help for the flags."
    return UsageError(f"There is no flag {shown(word)}.", todo)


def _missing(word: str, flag: Flag) -> UsageError:
    many = "a value" if flag.arity == 1 else f"{flag.arity} values"
    return UsageError(f"{shown(word)} needs {many}.", f"Write {shown(word)} VALUE.")


def _process_escapes(into: Collected) -> None:
    """llama.cpp processes escapes after all flags are read, so that --no-escape may follow."""
    if into.option.get("escape") is False:
        return
    try:
        if "prompt" in into.option:
            into.option["prompt"] = process_escapes(into.option["prompt"])
        texts = {"stop": into.sampling, "dry_sequence_breakers": into.sampling}
        texts |= {"banned_strings": into.option, "text_biases": into.option}
        for name, group in texts.items():
            if name in group:
                group[name] = [process_escapes(text) for text in group[name]]
    except UserError as error:
        raise UsageError(error.what, error.what_to_do) from None
