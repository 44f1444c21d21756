"""Lanes side by side on a terminal: the newest lines while they run, everything at the end."""

from __future__ import annotations

import shutil
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from qwqdesk.cli.display import progress_text, summary
from qwqdesk.cli.output import printable, to_stderr, write_out
from qwqdesk.cli.progress import Progress
from qwqdesk.engine.events import Event, LaneFinished, Output, Span
from qwqdesk.reasoning import add_spans

MIN_COLUMN = 38
_GAP = " \u2502 "
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_FRAME_S = 0.1


@dataclass
class _Column:
    label: str
    spans: list[Span] = field(default_factory=list)
    end: LaneFinished | None = None


class Columns:
    """Needs a terminal at least `MIN_COLUMN` wide for each lane."""

    def __init__(self) -> None:
        self._columns: list[_Column] = []
        self._base = 0
        self._progress = Progress()
        self._drawn = 0
        self._last = 0.0

    @staticmethod
    def fits(lanes: int) -> bool:
        """Whether this terminal is wide enough."""
        return shutil.get_terminal_size().columns >= lanes * (MIN_COLUMN + len(_GAP))

    def lanes(self, labels: Sequence[str]) -> None:
        """Lanes of one more run."""
        self._base = len(self._columns)
        self._columns += [_Column(label) for label in labels]

    def event(self, event: Event) -> None:
        """Collect and redraw ten times a second."""
        if isinstance(event, Output):
            add_spans(self._columns[self._base + event.lane].spans, event.spans)
        elif isinstance(event, LaneFinished):
            self._columns[self._base + event.lane].end = event
        elif (text := progress_text(event)) is not None:
            self._progress.show(text)
            return
        if time.monotonic() - self._last >= _FRAME_S:
            self._last = time.monotonic()
            self._progress.clear()
            self._draw(max(4, shutil.get_terminal_size().lines - 4))

    def end(self) -> None:
        """Replace the moving part by the whole text."""
        self._progress.clear()
        if self._columns:
            self._draw(None)
        for column in self._columns:
            if column.end is not None:
                to_stderr(f"{column.label}: {summary(column.end)}")

    def _draw(self, height: int | None) -> None:
        """Redraw over the last drawing; `height` None draws everything."""
        width = shutil.get_terminal_size().columns // len(self._columns) - len(_GAP)
        blocks = [list(_wrapped(column.spans, width)) for column in self._columns]
        rows = max(len(block) for block in blocks)
        if height is not None:
            rows = min(rows, height)
            blocks = [block[-rows:] for block in blocks]
        up = f"\x1b[{self._drawn}A\r\x1b[J" if self._drawn else ""
        lines = [_GAP.join(_fitted(column.label, width) for column in self._columns)]
        for row in range(rows):
            cells = (block[row] if row < len(block) else ("", False) for block in blocks)
            lines.append(_GAP.join(_cell(text, dim, width) for text, dim in cells))
        write_out(up + "\n".join(line.rstrip() for line in lines) + "\n")
        self._drawn = len(lines)


def _wrapped(spans: Sequence[Span], width: int) -> Iterator[tuple[str, bool]]:
    """Lines of at most `width` cells, each with whether it is reasoning."""
    line, used, dim = "", 0, False
    for span in spans:
        for character in printable(span.text).expandtabs(4):
            if character != "\n":
                size = _cells(character)
                if used + size > width:
                    yield line, dim
                    line, used = "", 0
                if not line:
                    dim = span.kind != "answer"
                line, used = line + character, used + size
            else:
                yield line, dim
                line, used = "", 0
    if line:
        yield line, dim


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _fitted(text: str, width: int) -> str:
    """Cut or padded to exactly `width` cells."""
    used, kept = 0, ""
    for character in printable(text).replace("\n", " "):
        if used + _cells(character) > width:
            break
        kept, used = kept + character, used + _cells(character)
    return kept + " " * (width - used)


def _cell(text: str, dim: bool, width: int) -> str:
    padded = text + " " * (width - sum(map(_cells, text)))
    return f"{_DIM}{padded}{_PLAIN}" if dim else padded
