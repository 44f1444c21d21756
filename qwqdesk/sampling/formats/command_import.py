"""The recipe in a command line of llama.cpp, pasted or inside another file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import NO_CONSTRAINTS
from qwqdesk.sampling.effective import ChainWarning
from qwqdesk.sampling.formats.arg_env import VARIABLES
from qwqdesk.sampling.formats.command_text import parse_command
from qwqdesk.sampling.formats.constraint_args import CONSTRAINT_DESTS, constraints_from
from qwqdesk.sampling.formats.flags import Flag, find_flag
from qwqdesk.sampling.formats.foreign import Imported, LeftOut
from qwqdesk.sampling.formats.llama_args import Occurrence, ParsedArgs
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.recipes import Recipe

_FLAG: Final = re.compile(r"(?:^|\s)(--?[A-Za-z][\w-]*)")
_SOURCE: Final = "llama-server presets"


def has_sampling_flag(text: str) -> bool:
    """Whether a text names a sampling flag; it need not be a line that can be read."""
    names = (match[1] for match in _FLAG.finditer(text))
    flags = (found[0] for found in map(find_flag, names) if found is not None)
    return any(flag.group == "sampling" for flag in flags)


def read_command(text: str, title: str) -> Imported:
    """The recipe in a command line.

    Raises:
        UserError: when it cannot be read or has no sampling flag.
    """
    return _imported(parse_command(text), title)


def _imported(
    args: ParsedArgs, title: str, source: str = "", left_out: tuple[LeftOut, ...] = ()
) -> Imported:
    limits = None
    if not _needs_file(args):
        limits = constraints_from(args)
    known = CONSTRAINT_DESTS if limits is not None else frozenset[str]()
    unmapped = [
        item.word
        for item in args.occurrences
        if item.flag.group != "sampling" and item.flag.dest not in known
    ]
    unmapped += args.unread
    unmapped += [shown(word) for word in args.positional]
    if not args.sampling:
        what = "The text has no sampling flag."
        raise UserError(what, "Paste a llama-cli line, for example --temp 0.6.", code="recipe")
    chain = SamplerChain.of(**args.sampling)
    constraints = limits if limits is not None else NO_CONSTRAINTS
    recipe = Recipe.of(chain, title, source=source, constraints=constraints)
    skipped = [
        LeftOut(f"sampler {shown(name)}", "unknown-sampler", warning.text)
        for name, warning in zip(args.skipped, args.warnings, strict=True)
    ]
    return Imported(recipe, (*map(LeftOut, dict.fromkeys(unmapped)), *skipped, *left_out))


def _needs_file(args: ParsedArgs) -> bool:
    """A pasted line may name a grammar's file, which is not part of the text."""
    kind, _ = args.options.get("form", ("", ""))
    return str(kind).endswith("-file")


# ---------------------------------------------------------------- INI sections


def preset_flag(key: str) -> Flag | None:
    """The flag that a name in one of llama-server's presets means: long, short or as LLAMA_ARG."""
    if key.startswith("LLAMA_ARG_"):
        key = next(iter(VARIABLES.get(key, ())), key).lstrip("-")
    for dashes in ("--", "-"):
        found = find_flag(dashes + key)
        if found is not None and found[1] is None:
            return found[0]
    return None


def read_preset(section: Mapping[str, str], title: str) -> Imported:
    """The recipe in a section of llama-server's presets: flags without their dashes.

    Raises:
        UserError: when no name is a sampling flag with a value that can be read.
    """
    occurrences: list[Occurrence] = []
    left_out: list[LeftOut] = []
    for key, value in section.items():
        flag = preset_flag(key)
        if flag is None:
            left_out.append(LeftOut(shown(key)))
            continue
        item = Occurrence(flag, shown(key), (value,))
        try:
            ParsedArgs.of([item])
            constraints_from(ParsedArgs.of([item]), read_file=lambda _: "")
        except UserError as error:
            why = error.what.removeprefix(f"{item.word}: ")
            left_out.append(LeftOut(shown(key), "value-left-out", why))
            continue
        occurrences.append(item)
    found = _imported(ParsedArgs.of(occurrences), title, _SOURCE, tuple(left_out))
    if ";" not in section.get("samplers", ""):
        return found
    return replace(found, notes=(*found.notes, ChainWarning("value-differs", _SEMICOLON)))


_SEMICOLON: Final = (
    "samplers: the whole order is taken; llama-server itself takes a semicolon in such a file for "
    "the beginning of a comment and would run only the first step."
)
