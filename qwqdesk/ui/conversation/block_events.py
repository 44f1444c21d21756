"""Owns what is said about the blocks of a Markdown text while it arrives; plain values, no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["paragraph", "heading", "item", "code", "table", "quote", "rule", "math"]


@dataclass(frozen=True)
class Shape:
    """What is known of a block when it opens.

    `indent` counts the list levels around it. `continues` is set on the rest of a block that was
    cut because of its length. `head` is the repeated header of a table that goes on.
    """

    kind: BlockKind
    language: str = ""
    indent: int = 0
    level: int = 0
    marker: str = ""
    continues: bool = False
    head: str = ""


@dataclass(frozen=True)
class Opened:
    """A block begins; with `replaces` the open one turns out to be this one, with its text."""

    shape: Shape
    replaces: bool = False


@dataclass(frozen=True)
class Grew:
    """Text at the end of the open block."""

    text: str


@dataclass(frozen=True)
class Closed:
    """The open block is finished; `whole` is False for a code fence that was never closed."""

    shape: Shape
    text: str
    whole: bool = True


BlockEvent = Opened | Grew | Closed
