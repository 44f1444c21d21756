"""GBNF grammars, llama.cpp's notation: read and checked before llama.cpp sees them.

llama.cpp's own reader says what is wrong on standard error only, and some grammars make it hang
or fill the memory. What passes here is accepted by it. Refused beyond what llama.cpp refuses: a
rule defined twice (it would take the last), a range or repetition that runs backwards, an empty
``[]``, a maximum above 2000 (it would take it for no maximum), hidden left recursion, many
repetitions of what may be empty, and what is above the limits here, in `grammar_reader`, in
`grammar_recursion` and in `grammar_ambiguity`.

The notation was read in llama.cpp 0c1e57098 (src/llama-grammar.cpp).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from qwqdesk.sampling.grammar_ambiguity import refuse_ambiguity
from qwqdesk.sampling.grammar_reader import GrammarReader
from qwqdesk.sampling.grammar_recursion import refuse_recursion
from qwqdesk.sampling.grammar_text import TokenMention
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.text_error import TextError, line_and_column

__all__ = ["MAX_TEXT", "ROOT", "Grammar", "TokenMention", "check_grammar"]

ROOT: Final = "root"
MAX_TEXT: Final = 200_000
"""Characters of a grammar."""


@dataclass(frozen=True)
class Grammar:
    """A checked grammar; `tokens` must be single tokens of the model that it is used with."""

    text: str
    tokens: tuple[TokenMention, ...] = ()


@lru_cache(maxsize=16)
def check_grammar(text: str) -> Grammar:
    """Read a grammar; the text is kept as it is.

    Raises:
        TextError: code "grammar", with line, column, what stands there and what was expected.
    """
    _refuse_text(text)
    reader = GrammarReader(text)
    reader.read()
    for name, at in reader.references.items():
        if name not in reader.defined:
            todo = f"Define it: {shown(name)} ::= and what it stands for."
            raise reader.text.error(at, f"there is no rule {shown(name)}", todo)
    if not reader.defined:
        raise _whole("The grammar has no rule.", "Write root ::= and what the answer may be.")
    if ROOT not in reader.defined:
        what = f"The grammar has no rule named {ROOT}, where the answer begins."
        raise _whole(what, f"Name one of its rules {ROOT}.")

    def at_rule(rule: int, found: str, todo: str) -> TextError:
        loop = next((r for r in reader.repetitions if r.rule == rule and r.is_open), None)
        if loop is not None:
            found = "what is repeated without end may be empty"
            todo = 'Take the empty text out of it: ("" | x)* says the same as x*.'
            return reader.text.error(loop.at, found, todo)
        name = reader.names[rule]
        return reader.text.error(reader.defined[name], f"{found} ({shown(name)})", todo)

    refuse_recursion(reader.rules, at_rule)
    refuse_ambiguity(reader, reader.text.error, at_rule)
    return Grammar(text, tuple(reader.text.tokens))


def _refuse_text(text: str) -> None:
    if len(text) > MAX_TEXT:
        what = f"The grammar has {len(text)} characters, at most {MAX_TEXT} can be read."
        raise _whole(what, "Shorten it.")
    if text.lstrip().startswith("%llguidance"):
        what = "This is a grammar for llguidance, which is not part of this llama.cpp."
        raise _whole(what, "Write it in GBNF, with root ::=.")
    at = next(
        (i for i, sign in enumerate(text) if sign == "\0" or "\ud800" <= sign <= "\udfff"), -1
    )
    if at >= 0:
        line, column = line_and_column(text, at)
        what = f"The grammar is wrong in line {line}, column {column}: not a character of a text."
        todo = "Take it out; write \\x00 for a character that cannot be typed."
        raise TextError(what, todo, code="grammar", line=line, column=column)


def _whole(what: str, todo: str) -> TextError:
    return TextError(what, todo, code="grammar")
