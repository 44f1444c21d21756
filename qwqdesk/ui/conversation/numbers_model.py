"""The numbers of the shown lanes: counted beside the window, then a table model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import shiboken6
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from qwqdesk.analysis.checks import Check, Verdict
from qwqdesk.analysis.code_blocks import code_blocks
from qwqdesk.analysis.live_metrics import LiveMetrics
from qwqdesk.analysis.metrics import LaneResult
from qwqdesk.analysis.numbers import (
    LaneNumbers,
    NumberRow,
    dot_words,
    number_rows,
    reasoning_closed,
    summary,
)
from qwqdesk.analysis.parting import parting
from qwqdesk.experiment_result import checked
from qwqdesk.ui.background import background
from qwqdesk.ui.conversation.comparison import Comparison, LaneReply

BETTER_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_NOT_COUNTED = "The numbers could not be computed."
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Counted:
    """What was counted at one moment. `sentence` is the bar's, `dots` the open table's."""

    labels: tuple[str, ...] = ()
    rows: tuple[NumberRow, ...] = ()
    sentence: str = ""
    running: bool = False
    dots: str = ""


class NumbersCount(QObject):
    """Counts the replies of one comparison again whenever they change; `counted` has the result.

    Each lane's numbers grow with its text, so that a count costs what came since the last one.
    """

    counted = Signal(object)

    def __init__(
        self, checks: Callable[[], Sequence[Check]] = tuple, parent: QObject | None = None
    ) -> None:
        """`checks` says what the shown replies are checked for, when they come of an experiment."""
        super().__init__(parent)
        self._checks = checks
        self._comparison: Comparison | None = None
        self._live: dict[tuple[str, int], LiveMetrics] = {}

    def watch(self, comparison: Comparison, *, now: bool = True) -> None:
        """Count these lanes from now on; without `now` only when they change."""
        if comparison is self._comparison:
            return
        before, self._comparison = self._comparison, comparison
        if before is not None and shiboken6.isValid(before):
            for change in (before.replaced, before.grew, before.ended):
                change.disconnect(self.count)
        for change in (comparison.replaced, comparison.grew, comparison.ended):
            change.connect(self.count)
        if now:
            self.count()

    def count(self) -> None:
        """Count what the lanes have now, beside the window."""
        if self._comparison is None:
            return
        replies, checks = self._comparison.replies(), tuple(self._checks())
        # The counters are touched by one piece of work at a time, the queue's present one.
        work = partial(self._work, replies, checks)
        failed = partial(self._not_counted, tuple(reply.label for reply in replies))
        background().start(self, work, self.counted.emit, failed)

    def _not_counted(self, labels: tuple[str, ...], _error: Exception) -> None:
        """The numbers of other texts would be wrong; the next count reads the whole texts again."""
        self._live = {}
        self.counted.emit(Counted(labels, sentence=_NOT_COUNTED, dots=_NOT_COUNTED))

    def _work(self, replies: Sequence[LaneReply], checks: Sequence[Check]) -> Counted:
        kept = {(reply.label, reply.reply_id) for reply in replies}
        self._live = {key: live for key, live in self._live.items() if key in kept}
        lanes = [self._lane(reply, replies[0], checks) for reply in replies]
        return Counted(
            tuple(lane.label for lane in lanes),
            number_rows(lanes) if lanes else (),
            summary(lanes),
            any(lane.running for lane in lanes),
            dot_words(lanes),
        )

    def _lane(self, reply: LaneReply, first: LaneReply, checks: Sequence[Check]) -> LaneNumbers:
        live = self._live.setdefault((reply.label, reply.reply_id), LiveMetrics())
        result = LaneResult(
            reply.tokens,
            reply.text,
            reply.usage,
            reply.timing,
            loop=reply.loop,
            probabilities=reply.probabilities,
        )
        values = live.update(result, reply.answer, finished=not reply.running).values
        return LaneNumbers(
            label=reply.label,
            values=values,
            running=reply.running,
            finish_reason=reply.finish_reason,
            reasoning_closed=reasoning_closed(reply.text, reply.reasoning, reply.answer),
            code_open=reply.running and _code_open(reply.answer),
            parting=parting(first.written, reply.written) if reply is not first else None,
            verdicts=() if reply.running else _verdicts(reply, checks),
        )


def _verdicts(reply: LaneReply, checks: Sequence[Check]) -> tuple[Verdict, ...]:
    """What the experiment's checks say of a finished reply."""
    if not checks:
        return ()
    looked_at = checked(reply)
    return tuple(check.verdict(looked_at) for check in checks)


def _code_open(answer: str) -> bool:
    blocks = code_blocks(answer)
    return bool(blocks) and not blocks[-1].closed


class NumbersModel(QAbstractTableModel):
    """Measures down, lanes across; the first column names the measure."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._labels: tuple[str, ...] = ()
        self._all: tuple[NumberRow, ...] = ()
        self._rows: tuple[NumberRow, ...] = ()
        self.every = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The lanes' letters from left to right."""
        return self._labels

    @property
    def rows(self) -> tuple[NumberRow, ...]:
        """The rows that are shown."""
        return self._rows

    def show_counted(self, counted: Counted) -> None:
        """Show other numbers; the same rows and lanes keep their places."""
        self._take(counted.labels, counted.rows)

    def set_every(self, every: bool) -> None:
        """All numbers, or those that matter first."""
        self.every = every
        self._take(self._labels, self._all)

    def _take(self, labels: tuple[str, ...], rows: tuple[NumberRow, ...]) -> None:
        shown = tuple(row for row in rows if self.every or row.main)
        self._all = rows
        if (labels, len(shown)) == (self._labels, len(self._rows)):
            self._rows = shown
            if shown:
                last = self.index(len(shown) - 1, len(labels))
                self.dataChanged.emit(self.index(0, 0), last)
            return
        self.beginResetModel()
        self._labels, self._rows = labels, shown
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        return 0 if parent is not None and parent.isValid() else len(self._labels) + 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401
        if not index.isValid():
            return None
        row, lane = self._rows[index.row()], index.column() - 1
        better = lane >= 0 and row.better == lane
        if role == Qt.ItemDataRole.DisplayRole:
            return row.texts[lane] if lane >= 0 else row.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.meaning
        if role == Qt.ItemDataRole.AccessibleTextRole and lane >= 0:
            words = f"{row.texts[lane]}, the better value" if better else row.texts[lane]
            return f"{row.title}, lane {self._labels[lane]}: {words}"
        return better if role == BETTER_ROLE else None

    def headerData(  # noqa: N802 - Qt's name
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:  # noqa: ANN401
        across = orientation == Qt.Orientation.Horizontal
        wanted = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
        if not across or role not in wanted:
            return None
        if not section:
            return "Measure"
        if section > len(self._labels):
            return None
        label = self._labels[section - 1]
        return label if role == Qt.ItemDataRole.DisplayRole else f"Lane {label}"
