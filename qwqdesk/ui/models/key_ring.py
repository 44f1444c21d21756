"""The ring of a view's current row is for those who work by keyboard."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QAbstractItemView

_BY_KEY = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


class KeyRing(QObject):
    """Follows what a view is used with; it belongs to the view, which paints the ring."""

    def __init__(self, view: QAbstractItemView) -> None:
        super().__init__(view)
        self._view = view
        self._by_key = False
        view.installEventFilter(self)
        view.viewport().installEventFilter(self)

    @property
    def shown(self) -> bool:
        """Whether the ring is to be painted: the view has the focus, and keys were used last."""
        return self._by_key and self._view.hasFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        kind = event.type()
        if kind == QEvent.Type.FocusIn and isinstance(event, QFocusEvent):
            if event.reason() in _BY_KEY:
                self._set(True)
        elif kind == QEvent.Type.MouseButtonPress:
            self._set(False)
        elif kind == QEvent.Type.KeyPress:
            self._set(True)
        return False

    def _set(self, by_key: bool) -> None:
        if by_key != self._by_key:
            self._by_key = by_key
            self._view.viewport().update()
