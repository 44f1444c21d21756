"""The order of Tab over parts that come and go: part after part, each in its own order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def stops_within(part: QWidget) -> list[QWidget]:
    """What Tab reaches within a part (itself too), in the present order."""
    found = [part] if _is_stop(part) else []
    widget = part.nextInFocusChain()
    while widget is not None and widget is not part:
        if part.isAncestorOf(widget) and _is_stop(widget):
            found.append(widget)
        widget = widget.nextInFocusChain()
    return found


def order_parts(parts: Sequence[QWidget]) -> None:
    """Let Tab go through the parts in this order; parts may be single controls."""
    stops = [stop for part in parts for stop in stops_within(part)]
    for first, second in pairwise(dict.fromkeys(stops)):
        QWidget.setTabOrder(first, second)


def _is_stop(widget: QWidget) -> bool:
    return bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus) and widget.focusProxy() is None
