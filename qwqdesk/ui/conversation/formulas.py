"""Owns the reading of TeX formulas as models write them: a small tree, or None; no Qt.

Only what answers really contain is read. A formula with anything else is shown as its source, so
a wrong picture never replaces a right text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from qwqdesk.ui.conversation.formula_symbols import ACCENTS, FUNCTIONS, SPACES, SYMBOLS

LONGEST = 1500  # characters; more is shown as source
DEEPEST = 24  # nested groups

AtomKind = Literal["variable", "number", "operator", "relation", "punctuation", "text", "bracket"]


@dataclass(frozen=True)
class Atom:
    """One sign or word."""

    text: str
    kind: AtomKind


@dataclass(frozen=True)
class Space:
    """Empty width in em."""

    em: float


@dataclass(frozen=True)
class Row:
    """Nodes side by side."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Script:
    """A base with something raised or lowered."""

    base: Node
    raised: Node | None
    lowered: Node | None


@dataclass(frozen=True)
class Fraction:
    above: Node
    below: Node


@dataclass(frozen=True)
class Root:
    body: Node
    degree: Node | None


@dataclass(frozen=True)
class Boxed:
    body: Node


@dataclass(frozen=True)
class Lines:
    """Rows below each other, each of cells that stand in columns; `fence` is drawn around them."""

    rows: tuple[tuple[Node, ...], ...]
    fence: str = ""


Node = Atom | Space | Row | Script | Fraction | Root | Boxed | Lines


class _Unreadable(Exception):  # noqa: N818 - never leaves this module
    """Something in the formula is not among what we know."""


_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|[{}^_&]|\d+(?:[.,]\d+)*|\s+|.", re.DOTALL)
_LINES = {"aligned": "", "align": "", "align*": "", "gathered": "", "gather*": "", "split": "",
          "equation": "", "equation*": "", "cases": "{", "pmatrix": "(", "bmatrix": "[",
          "vmatrix": "|", "matrix": ""}  # fmt: skip
_NO_MEANING = (
    "left right middle big Big bigg Bigg bigl bigr Bigl Bigr displaystyle textstyle limits nolimits"
)
_UPRIGHT = (
    "text textbf textit mathrm operatorname mathbf mathit mathbb mathcal mathsf texttt mbox "
    "boldsymbol textrm"
)
_SIZES = frozenset("\\" + name for name in _NO_MEANING.split()) | {"\\!"}
_TEXTS = frozenset("\\" + name for name in _UPRIGHT.split())
_RELATIONS = frozenset("=<>≤≥≠≈≡→←↔⇒⇐⇔∈∉⊂⊆∼≅∝↦⟹⟸⟺:∣")
_OPERATORS = frozenset("+−±∓×÷·∗∘∪∩∧∨∖⊕⊗")


@lru_cache(maxsize=512)
def read_formula(tex: str) -> Node | None:
    """The tree of a formula, or None when it cannot be read."""
    if len(tex) > LONGEST:
        return None
    reader = _Reader([t for t in _TOKEN.findall(tex) if not t.startswith("%")])
    try:
        node = reader.row(0, "")
        return node if reader.at_end else None
    except _Unreadable:
        return None


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._tokens)

    def _peek(self) -> str:
        while not self.at_end and self._tokens[self._at].isspace():
            self._at += 1
        return "" if self.at_end else self._tokens[self._at]

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise _Unreadable
        self._at += 1
        return token

    def row(self, depth: int, until: str) -> Row:
        """Nodes up to `until`, to a cell's or a line's end, or to the end of the formula."""
        if depth > DEEPEST:
            raise _Unreadable
        items: list[Node] = []
        while (token := self._peek()) and token not in (until, "&", "\\\\", "\\end", "}"):
            if token in ("^", "_"):
                items.append(self._script(items.pop() if items else Row(()), depth))
            else:
                node = self._node(depth)
                if node is not None:
                    items.append(node)
        return Row(tuple(items))

    def _script(self, base: Node, depth: int) -> Node:
        raised = lowered = None
        while (token := self._peek()) in ("^", "_", "'"):
            self._at += 1
            part = Atom("′", "operator") if token == "'" else self._argument(depth)
            if token == "_":
                lowered = part
            else:
                raised = part if raised is None else Row((raised, part))
        return Script(base, raised, lowered)

    def _argument(self, depth: int) -> Node:
        if self._peek() == "{":
            return self._group(depth)
        token = self._peek()
        if token in ("^", "_", "&", ""):
            raise _Unreadable
        if len(token) > 1 and token[0].isdigit():  # only the first digit belongs to the command
            self._tokens[self._at : self._at + 1] = [token[0], token[1:]]
        return self._node(depth) or Row(())

    def _group(self, depth: int) -> Node:
        self._next()
        row = self.row(depth + 1, "}")
        if self._next() != "}":
            raise _Unreadable
        return row.items[0] if len(row.items) == 1 else row

    def _node(self, depth: int) -> Node | None:
        token = self._peek()
        if token == "{":
            return self._group(depth)
        self._next()
        if token.startswith("\\"):
            return self._command(token, depth)
        if token == "'":
            return Atom("′", "operator")
        return _atom("−" if token == "-" else token)

    def _command(self, token: str, depth: int) -> Node | None:  # noqa: C901 - a table of commands
        if depth > DEEPEST:
            raise _Unreadable
        if token in ("\\frac", "\\dfrac", "\\tfrac"):
            return Fraction(self._argument(depth + 1), self._argument(depth + 1))
        if token == "\\sqrt":
            return self._root(depth)
        if token in ("\\boxed", "\\fbox"):
            return Boxed(self._argument(depth + 1))
        if token in _TEXTS:
            return Atom(self._words(), "text")
        if token == "\\begin":
            return self._lines(depth)
        if token in _SIZES:
            if self._peek() == "." and token in ("\\left", "\\right"):
                self._next()
            return None
        if token in SPACES:
            return Space(SPACES[token])
        if token in ACCENTS:
            return self._accent(ACCENTS[token], depth)
        if token[1:] in FUNCTIONS:
            return Row((Atom(token[1:], "text"), Space(0.12)))
        if token in SYMBOLS:
            return _atom(SYMBOLS[token])
        raise _Unreadable

    def _accent(self, mark: str, depth: int) -> Node:
        body = self._argument(depth + 1)
        if isinstance(body, Atom) and len(body.text) == 1:
            return Atom(body.text + mark, body.kind)
        if mark == "":
            return body
        raise _Unreadable

    def _root(self, depth: int) -> Node:
        degree: Node | None = None
        if self._peek() == "[":
            self._next()
            degree = self.row(depth + 1, "]")
            if self._next() != "]":
                raise _Unreadable
        return Root(self._argument(depth + 1), degree)

    def _words(self) -> str:
        """A braced text as it stands, spaces too."""
        if self._next() != "{":
            raise _Unreadable
        words: list[str] = []
        while not self.at_end:
            token = self._tokens[self._at]
            self._at += 1
            if token == "}":
                return "".join(words)
            if token == "{":
                raise _Unreadable
            words.append(SYMBOLS.get(token, token[1:] if token[:1] == "\\" else token))
        raise _Unreadable

    def _lines(self, depth: int) -> Node:
        name = self._words()
        if name not in _LINES:
            raise _Unreadable
        rows: list[tuple[Node, ...]] = []
        cells: list[Node] = []
        while True:
            cells.append(self.row(depth + 1, ""))
            token = self._next()
            if token == "&":
                continue
            rows.append(tuple(cells))
            cells = []
            if token == "\\end":
                break
            if token != "\\\\":
                raise _Unreadable
        if self._words() != name:
            raise _Unreadable
        if rows and all(isinstance(cell, Row) and not cell.items for cell in rows[-1]):
            rows.pop()
        return Lines(tuple(rows), _LINES[name])


def _atom(text: str) -> Atom:
    if text[0].isdigit():
        return Atom(text, "number")
    if text in _RELATIONS:
        return Atom(text, "relation")
    if text in _OPERATORS:
        return Atom(text, "operator")
    if text in "()[]{}|‖⟨⟩⌊⌋⌈⌉/!":
        return Atom(text, "bracket")
    if text in ",;.":
        return Atom(text, "punctuation")
    return Atom(text, "variable" if text.isalpha() and len(text) == 1 else "bracket")


def breakable_pieces(node: Node) -> list[Node]:
    """A formula in parts between which a line may end: before each relation."""
    if not isinstance(node, Row):
        return [node]
    pieces: list[list[Node]] = [[]]
    for item in node.items:
        if isinstance(item, Atom) and item.kind == "relation" and pieces[-1]:
            pieces.append([])
        pieces[-1].append(item)
    return [Row(tuple(piece)) for piece in pieces]


def formula_line(node: Node) -> str:
    """The formula in one line of plain signs, for copying and for screen readers."""
    if isinstance(node, Atom):
        return f" {node.text} " if node.kind in ("relation", "operator") else node.text
    if isinstance(node, Space):
        return " " if node.em > 0.2 else ""
    if isinstance(node, Row):
        return "".join(formula_line(item) for item in node.items)
    if isinstance(node, Script):
        raised = "" if node.raised is None else f"^{_tight(node.raised)}"
        lowered = "" if node.lowered is None else f"_{_tight(node.lowered)}"
        return formula_line(node.base).rstrip() + lowered + raised
    if isinstance(node, Fraction):
        return f"{_tight(node.above)}/{_tight(node.below)}"
    if isinstance(node, Root):
        degree = "" if node.degree is None else formula_line(node.degree)
        return f"{degree}√{_tight(node.body)}"
    if isinstance(node, Boxed):
        return formula_line(node.body)
    return "\n".join(" ".join(formula_line(cell) for cell in row) for row in node.rows)


def _tight(node: Node) -> str:
    text = formula_line(node).strip()
    return text if len(text) <= 1 or text.isalnum() else f"({text})"
