"""A command line pasted as text: what surrounds the flags is dropped, then they are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from qwqdesk.sampling.formats.arg_env import ASSIGNMENT
from qwqdesk.sampling.formats.llama_args import ParsedArgs, parse_words, refuse_other_program
from qwqdesk.sampling.formats.program_words import read_start
from qwqdesk.sampling.formats.readers import UsageError
from qwqdesk.sampling.formats.shell_words import UnclosedQuoteError, split_commands

MAX_COMMAND: Final = 1_000_000
"""Characters of a pasted command: a grammar and a schema of the greatest length, and more."""
_BEFORE: Final = frozenset({"$", ">", "%", "sudo", "nohup", "time", "env", "exec", "!", "&"})


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
        commands = [c for c in split_commands(text.replace("\r\n", "\n")) if c]
    except UnclosedQuoteError as error:
        what = f"A quotation mark {error} is opened and never closed."
        raise UsageError(what, "Close it and paste the command again.") from None
    starts = [read_start(command) for command in commands]
    start = next((found for found in starts if found is not None), None)
    if start is None:
        return parse_words(*_without_program(commands), lenient=True)
    refuse_other_program(start.program)
    return parse_words(start.words, start.variables, lenient=True)


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
