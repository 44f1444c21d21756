"""A command line pasted as text: what surrounds the flags is dropped, then they are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from qwqdesk.sampling.formats.arg_env import ASSIGNMENT
from qwqdesk.sampling.formats.flags import find_flag
from qwqdesk.sampling.formats.llama_args import ParsedArgs, parse_words, refuse_other_program
from qwqdesk.sampling.formats.program_words import read_start
from qwqdesk.sampling.formats.readers import UsageError
from qwqdesk.sampling.formats.shell_words import UnclosedQuoteError, split_pasted

MAX_COMMAND: Final = 1_000_000
"""Characters of a pasted command: a grammar and a schema of the greatest length, and more."""
_BEFORE: Final = frozenset(
    {"$", ">", "%", "!", "&", "sudo", "nohup", "time", "env", "exec", "export", "set", "setx"}
)
_ENV: Final = re.compile(r"\$env:([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?", re.DOTALL | re.IGNORECASE)
# Hyphens and dashes of Unicode, and the plain one behind one of them.
_TYPOGRAPHIC_DASHES: Final = re.compile(
    "[\u2010-\u2015\u2212][-\u2010-\u2015\u2212]*|-[\u2010-\u2015\u2212]+"
)
_DASHES: Final = "Typographic dashes were read as the plain ones of flags."
_QUOTES: Final = "Typographic quotation marks were read as plain ones."


def parse_command(text: str) -> ParsedArgs:
    """Read a pasted line of one of llama.cpp's programs or qwqdesk.

    What llama.cpp knows and cannot be done here is in `refused`; the rest counts all the same.

    Raises:
        UsageError: for an unclosed quotation mark, an unknown flag or a value not allowed, for
            another program's line, and for a text of more than `MAX_COMMAND` characters.
    """
    if len(text) > MAX_COMMAND:
        what = f"The text has {len(text):,} characters; a command has at most {MAX_COMMAND:,}."
        raise UsageError(what, "Paste the command alone.")
    try:
        pasted = split_pasted(text)
    except UnclosedQuoteError as error:
        what = f"A quotation mark {error} is opened and never closed."
        raise UsageError(what, "Close it and paste the command again.") from None
    notes = [_QUOTES] if pasted.typographic else []
    commands = []
    for command in filter(None, pasted.commands):
        words, changed = _plain_dashes(_assignments(command))
        commands.append(words)
        notes += [_DASHES] if changed else []
    variables: list[tuple[str, str]] = []
    for command in commands:
        start = read_start(command)
        if start is not None:
            refuse_other_program(start.program)
            variables += start.variables
            return parse_words(start.words, variables, lenient=True, notes=notes)
        variables += _only_variables(command)
    return parse_words(*_without_program(commands), lenient=True, notes=notes)


def _only_variables(command: Sequence[str]) -> list[tuple[str, str]]:
    """What a command sets that does nothing else, such as ``export A=b``; else nothing."""
    matches = [ASSIGNMENT.fullmatch(word) for word in command if word not in _BEFORE]
    found = [(match[1], match[2]) for match in matches if match is not None]
    return found if len(found) == len(matches) else []


def _assignments(words: Sequence[str]) -> list[str]:
    """With PowerShell's ``$env:NAME = value`` as other shells write it."""
    found: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        named = _ENV.fullmatch(word)
        if named is None:
            found.append(word)
            continue
        value = named[2]
        if value is None and waiting[:1] == ["="] and len(waiting) > 1:
            value = waiting[1]
            del waiting[:2]
        found.append(f"{named[1]}={(value or '').removesuffix(';')}")
    return found


def _plain_dashes(words: Sequence[str]) -> tuple[list[str], bool]:
    """With the dashes of a word processor as flags have them, where they make one.

    "--" becomes one long dash there, and a minus may become a sign of its own.
    """
    found = [_plain_dash(word) for word in words]
    return found, found != list(words)


def _plain_dash(word: str) -> str:
    dashes = _TYPOGRAPHIC_DASHES.match(word)
    if dashes is None:
        return word
    rest = word[dashes.end() :]
    if re.fullmatch(r"[0-9.]+", rest):
        return f"-{rest}"
    both = (f"--{rest}", f"-{rest}")
    return next((name for name in both if rest and find_flag(name) is not None), word)


def _without_program(
    commands: Sequence[Sequence[str]],
) -> tuple[Sequence[str], Sequence[tuple[str, str]]]:
    """The flags of a command without a program, and the variables before them.

    Lines that only assign, as in an .env file, count together.
    """
    variables: list[tuple[str, str]] = []
    for command in commands:
        start = 0
        for word in command:
            assigned = ASSIGNMENT.fullmatch(word)
            if assigned is not None:
                variables.append((assigned[1], assigned[2]))
            elif word not in _BEFORE:
                break
            start += 1
        if start < len(command):
            return command[start:], variables
    return (), variables
