"""The order of Tab over parts that come and go: part after part, each in its own order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def order_parts(parts: Sequence[QWidget]) -> None:
    """Let Tab go through the parts in this order; parts may be single controls."""
    if not parts:
        return
    chain = _chain(parts[0], parts)
    stops = [stop for part in parts for stop in _within(part, chain)]
    for first, second in pairwise(dict.fromkeys(stops)):
        QWidget.setTabOrder(first, second)


def _chain(start: QWidget, marks: Sequence[QWidget]) -> list[QWidget]:
    """The window's stops in the order of Tab, once around; with `marks`, which may be no stops."""
    kept = {id(mark) for mark in marks}
    found, widget = [start], start.nextInFocusChain()
    while widget is not None and widget is not start:
        if id(widget) in kept or _is_stop(widget):
            found.append(widget)
        widget = widget.nextInFocusChain()
    return found


def _within(part: QWidget, chain: list[QWidget]) -> list[QWidget]:
    at = chain.index(part) if part in chain else 0
    around = chain[at:] + chain[:at]
    return [w for w in around if (w is part or part.isAncestorOf(w)) and _is_stop(w)]


def _is_stop(widget: QWidget) -> bool:
    return bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus) and widget.focusProxy() is None
