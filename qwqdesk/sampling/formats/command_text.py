"""A command line pasted as text: what surrounds the flags is dropped, then they are read."""

from __future__ import annotations

import re
from typing import Final

from qwqdesk.sampling.formats.llama_args import ParsedArgs, is_program, parse_args
from qwqdesk.sampling.formats.readers import UsageError
from qwqdesk.sampling.formats.shell_words import UnclosedQuoteError, split_command

_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_BEFORE: Final = frozenset({"$", ">", "%", "sudo", "nohup", "time", "env", "exec", "!", "&"})


def parse_command(text: str) -> ParsedArgs:
    """Read a pasted llama-cli, llama-completion, llama-server or qwqdesk line.

    Raises:
        UsageError: for an unclosed quotation mark, an unknown flag or a value not allowed.
    """
    try:
        words = split_command(text.replace("\r\n", "\n"))
    except UnclosedQuoteError as error:
        what = f"A quotation mark {error} is opened and never closed."
        raise UsageError(what, "Close it and paste the command again.") from None
    return parse_args(_without_beginning(words))


def _without_beginning(words: list[str]) -> list[str]:
    """The words after the program's name, or after assignments if no program is named."""
    first_flag = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    for index, word in enumerate(words[:first_flag]):
        if is_program(word):
            return words[index + 1 :]
        if word.endswith("qwqdesk"):
            verb = words[index + 1 : index + 2]
            return words[index + 2 :] if verb in (["ask"], ["compare"]) else words[index + 1 :]
    index = 0
    while index < first_flag and (words[index] in _BEFORE or _ASSIGNMENT.fullmatch(words[index])):
        index += 1
    return words[index:]
