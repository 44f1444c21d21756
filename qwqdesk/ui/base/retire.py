"""Taking a widget away for good."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


def retire(widget: QWidget) -> None:
    """Hide a widget and delete it when the event loop comes round.

    Not at once, because this may run inside a signal of the widget itself. Until then it and its
    children have no object names, so that a search finds what took their place.
    """
    widget.hide()
    for each in (widget, *widget.findChildren(QWidget)):
        each.setObjectName("")
    widget.deleteLater()
