"""Owns which letters of a line of code get which colour: pure rules, no Qt.

Small on purpose: keywords, strings, numbers, called and defined names, comments. What goes over
several lines (a triple-quoted string, a block comment) is carried as a number from line to line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

LONGEST_LINE = 2000  # characters; longer lines stay plain


@dataclass(frozen=True)
class Tint:
    """`length` characters from `start` in the colour `token` of the theme."""

    start: int
    length: int
    token: str


@dataclass(frozen=True)
class Grammar:
    """How a family of languages is written; `long` are pairs that may span lines."""

    keywords: frozenset[str]
    pattern: re.Pattern[str]
    long: tuple[tuple[str, str, str], ...] = ()


_PYTHON_WORDS = (
    "and as assert async await break case class continue def del elif else except finally for from "
    "global if import in is lambda match nonlocal not or pass raise return try while with yield "
    "None True False"
)
_C_WORDS = (
    "abstract async auto await bool break case catch char class const constexpr continue default "
    "delete do double else enum export extends extern false final finally float fn for from func "
    "function go goto if impl implements import in include inline instanceof int interface let "
    "long match mod mut namespace new nil null nullptr override package private protected pub "
    "public return self short signed sizeof static struct super switch template this throw trait "
    "true try type typedef typeof undefined union unsigned use using var virtual void volatile "
    "where while yield"
)
_SHELL_WORDS = (
    "if then else elif fi for while until do done case esac function in return export local "
    "readonly set unset shift exit source alias echo cd sudo"
)
_SQL_WORDS = (
    "select from where insert into values update delete create table drop alter join left right "
    "inner outer on group by order having limit as and or not null primary key distinct union"
)
_NUMBER = r"(?P<num>(?<![\w.])(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?)\w?)"
_QUOTED = r"(?P<str>[rRbBfFuU]{0,2}\"(?:[^\"\\]|\\.)*\"?|[rRbBfFuU]{0,2}'(?:[^'\\]|\\.)*'?)"
_WORD = r"(?P<word>[A-Za-z_]\w*)(?P<call>(?=\s*\())?"


def _grammar(words: str, comment: str, long: tuple[tuple[str, str, str], ...] = ()) -> Grammar:
    opens = "|".join(re.escape(start) for start, _, _ in long)
    parts = [f"(?P<com>{comment})"]
    if opens:
        parts.insert(0, f"(?P<prefix>[rRbBfFuU]{{0,2}})(?P<long>{opens})")
    pattern = re.compile("|".join([*parts, _QUOTED, _NUMBER, _WORD]))
    return Grammar(frozenset(words.split()), pattern, long)


_BLOCK_COMMENT = ("/*", "*/", "syn_com")
_TRIPLE = (('"""', '"""', "syn_str"), ("'''", "'''", "syn_str"))
_GRAMMARS = {
    "python": _grammar(_PYTHON_WORDS, r"#.*", _TRIPLE),
    "c": _grammar(_C_WORDS, r"//.*", (_BLOCK_COMMENT, ("`", "`", "syn_str"))),
    "shell": _grammar(_SHELL_WORDS, r"(?:^|(?<=\s))#.*"),
    "sql": _grammar(f"{_SQL_WORDS} {_SQL_WORDS.upper()}", r"--.*", (_BLOCK_COMMENT,)),
    "json": _grammar("true false null", r"//.*"),
    "html": _grammar("", r"(?!)", (("<!--", "-->", "syn_com"),)),
    "css": _grammar("", r"(?!)", (_BLOCK_COMMENT,)),
    "other": _grammar(f"{_PYTHON_WORDS} {_C_WORDS}", r"(?:#|//).*", (_BLOCK_COMMENT,)),
    "text": Grammar(frozenset(), re.compile(r"(?!)")),
}
_FAMILIES = {
    "python": "python py python3 pygame ipython pycon gdscript",
    "c": "c cpp c++ h hpp cs csharp java js javascript jsx ts typescript tsx go rust rs swift "
    "kotlin kt scala dart php glsl",
    "shell": "sh bash shell zsh console powershell dockerfile make makefile yaml yml toml ini",
    "sql": "sql sqlite postgresql mysql",
    "json": "json jsonc json5",
    "html": "html xml svg vue",
    "css": "css scss less",
    "text": "text txt plain plaintext output log diff markdown md latex tex",
}
_NAMES = {
    "py": "Python", "python": "Python", "python3": "Python", "js": "JavaScript", "md": "Markdown",
    "javascript": "JavaScript", "ts": "TypeScript", "typescript": "TypeScript", "json": "JSON",
    "html": "HTML", "css": "CSS", "sql": "SQL", "cpp": "C++", "c++": "C++", "cs": "C#",
    "csharp": "C#", "rs": "Rust", "xml": "XML", "yaml": "YAML", "yml": "YAML", "toml": "TOML",
    "php": "PHP", "sh": "Shell", "bash": "Bash", "": "Code", "plaintext": "Text", "txt": "Text",
}  # fmt: skip


@lru_cache(maxsize=64)
def grammar(language: str) -> Grammar:
    """The rules for a fence's language word; general ones for a word that nobody knows."""
    for family, words in _FAMILIES.items():
        if language.lower() in words.split():
            return _GRAMMARS[family]
    return _GRAMMARS["other"]


def language_name(language: str) -> str:
    """The language as it is written in words."""
    name = _NAMES.get(language.lower())
    return name if name is not None else language[:1].upper() + language[1:]


def tint_line(rules: Grammar, line: str, state: int) -> tuple[list[Tint], int]:
    """The tints of one line, and the state for the next; `state` 0 is outside of everything."""
    if len(line) > LONGEST_LINE:
        return [], 0
    tints: list[Tint] = []
    at = 0
    while at < len(line):
        if state:
            at, state = _finish_long(rules, line, at, state, tints)
            continue
        match = rules.pattern.search(line, at)
        if match is None:
            break
        at, state = _tint_match(rules, match, tints)
    return tints, state


def _finish_long(
    rules: Grammar, line: str, at: int, state: int, tints: list[Tint]
) -> tuple[int, int]:
    _, closing, token = rules.long[state - 1]
    end = line.find(closing, at)
    stop = len(line) if end < 0 else end + len(closing)
    tints.append(Tint(at, stop - at, token))
    return stop, state if end < 0 else 0


def _tint_match(rules: Grammar, match: re.Match[str], tints: list[Tint]) -> tuple[int, int]:
    start, end = match.span()
    groups = match.groupdict()
    if groups.get("long"):
        number = next(i for i, pair in enumerate(rules.long, 1) if pair[0] == groups["long"])
        tints.append(Tint(start, end - start, rules.long[number - 1][2]))
        return end, number
    token = _token(rules, groups)
    if token:
        tints.append(Tint(start, end - start, token))
    return end, 0


def _token(rules: Grammar, groups: dict[str, str | None]) -> str:
    word = groups.get("word")
    if word is not None:
        if word in rules.keywords:
            return "syn_kw"
        return "syn_fn" if groups.get("call") is not None else ""
    return next((f"syn_{name}" for name in ("com", "str", "num") if groups.get(name)), "")
