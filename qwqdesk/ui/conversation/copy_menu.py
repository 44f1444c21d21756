"""The entries that copy a lane's settings for other programs."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from qwqdesk.lane_export import COPY_FORMATS, copy_lane
from qwqdesk.ui.conversation.chain_model import ChainModel


def fill_copy_menu(menu: QMenu, model: ChainModel) -> None:
    """Add an entry for each format; `model.copied` then says what is not in the text."""
    for form, words in COPY_FORMATS:
        act = menu.addAction(words)
        act.setObjectName(f"copyAs_{form}")
        act.triggered.connect(lambda _=False, form=form: copy_as(model, form))


def copy_as(model: ChainModel, form: str) -> None:
    """Put the settings on the clipboard in one of `COPY_FORMATS`."""
    copied = copy_lane(model.setup, form)
    QGuiApplication.clipboard().setText(copied.text)
    model.copied.emit(copied)
