"""A command line pasted as text: what surrounds the flags is dropped, then they are read."""

from __future__ import annotations

import re
from typing import Final

from qwqdesk.sampling.formats.llama_args import ParsedArgs, is_program, parse_args
from qwqdesk.sampling.formats.readers import UsageError
from qwqdesk.sampling.formats.shell_words import UnclosedQuoteError, split_commands

MAX_COMMAND: Final = 1_000_000
"""Characters of a pasted command: a grammar and a schema of the greatest length, and more."""
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_BEFORE: Final = frozenset({"$", ">", "%", "sudo", "nohup", "time", "env", "exec", "!", "&"})


def parse_command(text: str) -> ParsedArgs:
    """Read a pasted llama-cli, llama-completion, llama-server or qwqdesk line.

    Raises:
        UsageError: for an unclosed quotation mark, an unknown flag or a value not allowed, and
            for a text of more than `MAX_COMMAND` characters.
    """
    if len(text) > MAX_COMMAND:
        what = f"The text has {len(text):,} characters; a command has at most {MAX_COMMAND:,}."
        raise UsageError(what, "Paste the command alone.")
    try:
        commands = [c for c in split_commands(text.replace("\r\n", "\n")) if c]
    except UnclosedQuoteError as error:
        what = f"A quotation mark {error} is opened and never closed."
        raise UsageError(what, "Close it and paste the command again.") from None
    ours = next((command for command in commands if _program_at(command) is not None), None)
    return parse_args(_without_beginning(ours or next(iter(commands), [])))


def _before_flags(words: list[str]) -> list[str]:
    return words[: next((i for i, word in enumerate(words) if word.startswith("-")), len(words))]


def _program_at(words: list[str]) -> int | None:
    """Where a llama.cpp program or qwqdesk is named, before any flag."""
    for index, word in enumerate(_before_flags(words)):
        if is_program(word) or word.endswith("qwqdesk"):
            return index
    return None


def _without_beginning(words: list[str]) -> list[str]:
    """The words after the program's name, or after assignments if no program is named."""
    index = _program_at(words)
    if index is not None:
        rest = words[index + 1 :]
        return rest[1:] if rest[:1] in (["ask"], ["compare"]) else rest
    start = 0
    for word in _before_flags(words):
        if word not in _BEFORE and not _ASSIGNMENT.fullmatch(word):
            break
        start += 1
    return words[start:]
