"""Owns the block that is open while Markdown is split: it grows, turns, is cut and is closed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from qwqdesk.analysis.fences import Fence
from qwqdesk.ui.conversation.block_events import BlockEvent, Closed, Grew, Opened, Shape

PIECE_LIMIT = 4096  # characters after which a text block is cut in two
_CUT_KINDS = ("paragraph", "item", "quote", "heading", "math")


@dataclass
class OpenBlock:
    shape: Shape
    parts: list[str] = field(default_factory=list)
    size: int = 0
    lines: int = 0
    fence: Fence | None = None
    blanks: int = 0

    def text(self) -> str:
        return "".join(self.parts)


class BlockSink:
    """Collects the events; at most one block is open."""

    def __init__(self) -> None:
        self.open: OpenBlock | None = None
        self._events: list[BlockEvent] = []

    def take_events(self) -> list[BlockEvent]:
        """What happened since the last call."""
        events, self._events = self._events, []
        return events

    @property
    def kind(self) -> str:
        """The open block's kind, or nothing."""
        return "" if self.open is None else self.open.shape.kind

    def begin(self, shape: Shape) -> None:
        """Close the open block and open another."""
        self.close()
        self.open = OpenBlock(shape)
        self._events.append(Opened(shape))

    def turn(self, shape: Shape) -> None:
        """The open block turns out to be of another kind."""
        assert self.open is not None
        self.open.shape = shape
        self._events.append(Opened(shape, replaces=True))

    def close(self, *, whole: bool = True) -> None:
        """Close the open block, if there is one."""
        if self.open is not None:
            self._events.append(Closed(self.open.shape, self.open.text(), whole))
            self.open = None

    def next_line(self, text: str) -> None:
        """Add a line to the open block."""
        assert self.open is not None
        self.grow("\n" + text if self.open.lines else text)

    def grow(self, text: str) -> None:
        """Add text to the open block; text that is too long for one block goes on in the next."""
        block = self.open
        assert block is not None
        block.lines = max(block.lines, 1) + text.count("\n")
        while block.shape.kind in _CUT_KINDS and block.size + len(text) > PIECE_LIMIT:
            room = max(PIECE_LIMIT - block.size, 0)
            cut = text.rfind(" ", 0, room) + 1 or room
            self._append(block, text[:cut])
            text = text[cut:]
            block = self._continued(block)
        self._append(block, text)

    def _continued(self, block: OpenBlock) -> OpenBlock:
        shape = block.shape
        if shape.kind == "item":
            shape = Shape("paragraph", indent=shape.indent + 1)
        self.begin(replace(shape, continues=True))
        assert self.open is not None
        self.open.lines = 1
        return self.open

    def _append(self, block: OpenBlock, text: str) -> None:
        if text:
            block.parts.append(text)
            block.size += len(text)
            self._events.append(Grew(text))
