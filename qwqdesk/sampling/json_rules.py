"""The rules of a grammar for JSON while it is made: common ones, and names that are free."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9-]+")
_NAME: Final = re.compile(r"[a-zA-Z0-9-]+")
_ESCAPED: Final = {"\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\", "\0": "\\x00"}
_MAX_NAME: Final = 60

# RFC 8259, with llama.cpp's limits: 16 digits, and blanks only where and as many as it writes.
_COMMON: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "space": ('"" | " " | "\\n" "\\n"? [ \\t]{0,20}', ()),
    "boolean": ('"true" | "false"', ()),
    "null": ('"null"', ()),
    "whole": ('"0" | [1-9] [0-9]{0,15}', ()),
    "integer": ('"-"? whole', ("whole",)),
    "number": ('"-"? whole ("." [0-9]{1,16})? ([eE] [+-]? whole)?', ("whole",)),
    "hex": ("[0-9a-fA-F]", ()),
    "char": ('[^"\\\\\\x00-\\x1F\\x7F] | "\\\\" (["\\\\bfnrt] | "u" hex{4})', ("hex",)),
    "string": ('"\\"" char* "\\""', ("char",)),
    "member": ('string ":" space value', ("string", "value", "space")),
    "object": ('"{" space (member ("," space member)*)? space "}"', ("member", "space")),
    "array": ('"[" space (value ("," space value)*)? space "]"', ("value", "space")),
    "value": (
        "object | array | string | number | boolean | null",
        ("object", "array", "string", "number", "boolean", "null"),
    ),
    "uuid-string": ('"\\"" hex{8} ("-" hex{4}){3} "-" hex{12} "\\""', ("hex",)),
    "date": (
        '[0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [12] [0-9] | "3" [01])',
        (),
    ),
    "clock": ('([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]', ()),
    "time": ('clock ":" [0-5] [0-9] ("." [0-9]{3})? ("Z" | [+-] clock)', ("clock",)),
    "date-string": ('"\\"" date "\\""', ("date",)),
    "time-string": ('"\\"" time "\\""', ("time",)),
    "date-time-string": ('"\\"" date "T" time "\\""', ("date", "time")),
}


def literal(text: str) -> str:
    """A text in quotation marks as GBNF writes it."""
    return '"' + "".join(_ESCAPED.get(sign, sign) for sign in text) + '"'


def repeated(symbol: str, least: int, most: int | None) -> str:
    """A symbol so many times; None has no greatest count."""
    if most == 0:
        return '""'
    if most is None and least < 2:
        return symbol + ("+" if least else "*")
    return f"{symbol}{{{least},{'' if most is None else most}}}"


class Rules:
    """Rules by name, in the order in which they were made."""

    def __init__(self) -> None:
        self._bodies: dict[str, str] = {}
        self._taken = {"root", *_COMMON}
        self._last: dict[str, int] = {}  # the number of a wish that was given out last
        self.common("space")

    def text(self) -> str:
        """The grammar, with root first."""
        names = sorted(self._bodies, key=lambda name: name != "root")
        return "".join(f"{name} ::= {self._bodies[name]}\n" for name in names)

    def common(self, name: str) -> str:
        """The name of a rule of JSON, added with all that it needs."""
        if name not in self._bodies:
            self._bodies[name], needs = _COMMON[name]
            for other in needs:
                self.common(other)
        return name

    def is_name(self, body: str) -> bool:
        """Whether an expression is nothing but a rule's name."""
        return _NAME.fullmatch(body) is not None

    def reserve(self, wish: str) -> str:
        """A free name like this one; `define` must follow."""
        name = _NOT_IN_NAMES.sub("-", wish)[:_MAX_NAME] or "part"
        number = self._last.get(name, 0)
        free = f"{name}-{number}" if number else name
        while free in self._taken:
            number += 1
            free = f"{name}-{number}"
        self._last[name] = number
        self._taken.add(free)
        return free

    def define(self, name: str, body: str) -> None:
        """Say what a reserved name stands for."""
        self._bodies[name] = body

    def add(self, wish: str, body: str) -> str:
        """A new rule; its name."""
        name = self.reserve(wish)
        self.define(name, body)
        return name
