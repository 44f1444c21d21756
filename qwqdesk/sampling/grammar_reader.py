"""Reads a GBNF text into rules, exactly as far as llama.cpp would, and says where it is wrong.

Groups and repetitions become rules of their own, by the rewriting that llama.cpp does
(src/llama-grammar.cpp, `parse_sequence`), because its limits count those rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from qwqdesk.sampling.grammar_text import GrammarText
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.text_error import line_and_column

MAX_NESTING: Final = 100
"""Groups inside groups: llama.cpp reads them by recursion."""
MAX_REPETITIONS: Final = 2000
"""llama.cpp's limit for one repetition and for the product of those inside one another."""
MAX_RULES: Final = 20_000
"""Rules after groups and repetitions have become rules."""
MAX_ELEMENTS: Final = 500_000
"""Characters and references of all rules after repetitions are written out."""

TERMINAL: Final = -1
"""A character, class or token in an alternate is this or lower, the same number for the same text;
everything else there is a rule's number."""

Alternates = list[list[int]]
_ITSELF: Final = -(2**40)

_NAME: Final = re.compile(r"[a-zA-Z0-9-]+")
_DIGITS: Final = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class Repetition:
    """A symbol (`item`) that may stand `times` times in succession, or more if `is_open`.

    `at` is its place in the text; `rule` was made for those that need not come, if there are any.
    """

    item: int
    times: int
    is_open: bool
    at: int
    rule: int | None


@dataclass
class _Sequence:
    """One alternate while it is read: its items and how many elements each has in llama.cpp.

    `start` is where the last symbol begins, to which a repetition applies; `multiple` is how many
    rules repetitions of that symbol have come to.
    """

    items: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    start: int = 0
    multiple: int = 1

    def add(self, item: int, size: int, multiple: int = 1) -> None:
        self.start = len(self.items)
        self.multiple = multiple
        if size:
            self.items.append(item)
            self.sizes.append(size)


class GrammarReader:
    """Walks once over the text; `read` fills `rules`, `names`, `defined` and `references`.

    `rules` maps a rule's number to its alternates; `names` has every rule's name, a made rule that
    of the rule in which it stands. `defined` and `references` map names to places in the text.
    `repetitions` are all but ``?`` and ``{1}``; `same` maps a made rule to an earlier one that says
    the same.
    """

    def __init__(self, text: str) -> None:
        self.text = GrammarText(text)
        self.rules: dict[int, Alternates] = {}
        self.names: list[str] = []
        self.defined: dict[str, int] = {}
        self.references: dict[str, int] = {}
        self.repetitions: list[Repetition] = []
        self.same: dict[int, int] = {}
        self._made_of: dict[tuple[tuple[int, ...], ...], int] = {}
        self._terminals: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._depth = 0
        self._elements = 0

    def read(self) -> None:
        """Read all rules.

        Raises:
            TextError: code "grammar", with the place.
        """
        self.text.skip(lines=True)
        while not self.text.is_over:
            self._rule()

    # ------------------------------------------------------------ rules

    def _rule(self) -> None:
        text = self.text
        name = self._new_name()
        text.skip(lines=False)
        if not text.stands("::="):
            raise text.unexpected("::=", f"Write {shown(name)} ::= and what it stands for.")
        text.at += 3
        text.skip(lines=True)
        number = self._number(name)
        self.rules[number] = self._alternates(name)
        if not text.is_over and text.sign not in "\r\n":
            todo = "Close quotation marks and brackets, and begin each rule on a line of its own."
            raise text.unexpected("a symbol, | or the end of the line", todo)
        text.skip(lines=True)

    def _new_name(self) -> str:
        began = self.text.at
        name = self.text.matched(_NAME)
        if not name:
            raise self.text.unexpected("the name of a rule", "Begin each rule with NAME ::=.")
        if name in self.defined:
            line, _ = line_and_column(self.text.text, self.defined[name])
            found = f"the rule {shown(name)} is defined in line {line} already"
            raise self.text.error(began, found, "Give each rule a name of its own.")
        self.defined[name] = began
        return name

    def _alternates(self, name: str) -> Alternates:
        alternates = [self._sequence(name)]
        while self.text.stands("|"):
            self.text.at += 1
            self.text.skip(lines=True)
            alternates.append(self._sequence(name))
        self._count(2 * len(alternates))
        return alternates

    def _sequence(self, name: str) -> list[int]:
        sequence = _Sequence()
        while not self.text.is_over and self._symbol(sequence, name):
            self._skip()
        self._count(sum(sequence.sizes))
        return sequence.items

    def _symbol(self, sequence: _Sequence, name: str) -> bool:
        """Read a symbol or a repetition; False when there is none."""
        text, sign = self.text, self.text.sign
        if sign in "*+?{":
            self._repetition(sequence, name)
        elif sign == "(":
            self._group(sequence, name)
        elif sign == ".":
            text.at += 1
            sequence.add(self._terminal(sign), 1)
        elif sign in '"[<!':
            readers = {'"': text.literal, "[": text.brackets}
            began = text.at
            size = readers.get(sign, text.token)()
            sequence.add(self._terminal(text.text[began : text.at]), size)
        else:
            return self._reference(sequence)
        return True

    def _reference(self, sequence: _Sequence) -> bool:
        began = self.text.at
        name = self.text.matched(_NAME)
        if name:
            self.references.setdefault(name, began)
            sequence.add(self._number(name), 1)
        return bool(name)

    def _group(self, sequence: _Sequence, name: str) -> None:
        text = self.text
        began = text.at
        self._depth += 1
        if self._depth > MAX_NESTING:
            todo = "Give inner groups a rule of their own."
            raise text.error(began, f"more than {MAX_NESTING} groups inside one another", todo)
        text.at += 1
        text.skip(lines=True)
        before = len(self.names)
        number = self._made(name)
        self._fill(number, self._alternates(name))
        if not text.stands(")"):
            if text.is_over:
                raise text.error(began, "a ( is never closed", "Close it with ).")
            raise text.unexpected("a symbol, | or )", "Close the group with ).")
        text.at += 1
        self._depth -= 1
        sequence.add(number, 1, len(self.names) - before)

    # ------------------------------------------------------------ repetitions

    def _repetition(self, sequence: _Sequence, name: str) -> None:
        began = self.text.at
        if sequence.start == len(sequence.items):
            found = f"{self.text.sign} has nothing before it that it could repeat"
            todo = "Put a symbol before it, or quotation marks around it."
            raise self.text.error(began, found, todo)
        least, most = self._times()
        total = (most or 1) if most is not None else max(least, 1)
        if sequence.multiple * total > MAX_REPETITIONS:
            found = f"repetitions inside one another make more than {MAX_REPETITIONS} rules"
            raise self.text.error(began, found, "Lower the numbers, or use * or +.")
        optional = 1 if most is None else most - least
        self._count(sum(sequence.sizes[sequence.start :]) * (least + optional) + 3 * optional)
        item = sequence.items[sequence.start]
        last = self._repeat(sequence, name, least, most)
        times = least if most is None else most
        if most is None or most > 1:
            self.repetitions.append(Repetition(item, times, most is None, began, last))
        sequence.multiple *= total

    def _times(self) -> tuple[int, int | None]:
        text, sign = self.text, self.text.sign
        began = text.at
        text.at += 1
        if sign != "{":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        self._skip()
        least = self._limit(began)
        most: int | None = least
        if text.stands(","):
            text.at += 1
            self._skip()
            most = self._limit(began) if _DIGITS.match(text.text, text.at) else None
        if not text.stands("}"):
            raise text.unexpected("} or ,", "Write a repetition as {3}, {3,} or {3,5}.")
        text.at += 1
        if most is not None and most < least:
            found = f"the repetition {least} to {most} runs backwards"
            raise text.error(began, found, "Put the smaller number first.")
        return least, most

    def _limit(self, began: int) -> int:
        digits = self.text.matched(_DIGITS)
        if not digits:
            raise self.text.unexpected("a number", "Write a repetition as {3}, {3,} or {3,5}.")
        if len(digits.lstrip("0")) > 4 or int(digits[-5:]) > MAX_REPETITIONS:
            found = f"{shown(digits)} repetitions, llama.cpp takes at most {MAX_REPETITIONS}"
            raise self.text.error(began, found, "Lower the number, or write {3,} for no maximum.")
        self._skip()
        return int(digits[-5:])

    def _repeat(self, sequence: _Sequence, name: str, least: int, most: int | None) -> int | None:
        """Write the repetition out: `least` times, then rules for those that may follow.

        Returns the first of those rules.
        """
        start = sequence.start
        items, sizes = sequence.items[start:], sequence.sizes[start:]
        sequence.items[start:], sequence.sizes[start:] = items * least, sizes * least
        last: int | None = None
        for _ in range(1 if most is None else most - least):
            number = self._made(name)
            following = number if most is None else last
            tail = [] if following is None else [following]
            self._fill(number, [[*items, *tail], []])
            last = number
        if last is not None:
            sequence.items.append(last)
            sequence.sizes.append(1)
        return last

    # ------------------------------------------------------------ small steps

    def _fill(self, number: int, alternates: Alternates) -> None:
        """Give a made rule its alternates, and note an earlier one that has the same."""
        self.rules[number] = alternates
        body = tuple(
            tuple(_ITSELF if item == number else self.same.get(item, item) for item in alternate)
            for alternate in alternates
        )
        if (first := self._made_of.setdefault(body, number)) != number:
            self.same[number] = first

    def _terminal(self, text: str) -> int:
        return self._terminals.setdefault(text, TERMINAL - len(self._terminals))

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = self._made(name)
        return self._numbers[name]

    def _made(self, name: str) -> int:
        self.names.append(name)
        if len(self.names) > MAX_RULES:
            found = f"the grammar comes to more than {MAX_RULES} rules"
            raise self.text.error(self.text.at, found, "Use fewer repetitions and groups.")
        return len(self.names) - 1

    def _count(self, elements: int) -> None:
        self._elements += elements
        if self._elements > MAX_ELEMENTS:
            found = f"the grammar comes to more than {MAX_ELEMENTS} elements"
            raise self.text.error(self.text.at, found, "Lower the repetitions of long texts.")

    def _skip(self) -> None:
        """Inside a group symbols may stand on several lines."""
        self.text.skip(lines=self._depth > 0)
