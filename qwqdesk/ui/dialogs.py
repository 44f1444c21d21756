"""Questions and reports as awaitables. Nothing here nests the event loop: `open()`, never `exec()`.

A nested loop inside a task leaves other tasks stuck and hangs the exit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from qwqdesk.diagnostics import report_text
from qwqdesk.ui.base import Dialog, button, label, wrapping_label
from qwqdesk.ui.base.buttons import Kind
from qwqdesk.ui.theme import theme

_MOST_ROWS: Final = 10
_ROW_HEIGHT: Final = 28  # px


async def finished(dialog: QDialog) -> bool:
    """Open a dialog and wait for its answer; True when it was accepted.

    The dialog is closed when the waiting task is cancelled, and always deleted.
    """
    answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def set_answer(code: int) -> None:
        if not answer.done():
            answer.set_result(code == QDialog.DialogCode.Accepted)

    dialog.finished.connect(set_answer)
    dialog.open()
    try:
        return await answer
    finally:
        dialog.hide()
        dialog.deleteLater()


async def ask(parent: QWidget, title: str, text: str, verb: str, *, danger: bool = False) -> bool:
    """Ask before something that cannot be undone; True when the user chose `verb`.

    Args:
        verb: the words on the button: what it does, never "OK".
        danger: the act destroys something.
    """
    return await finished(_question(parent, title, text, verb, danger))


async def choose(
    parent: QWidget, title: str, text: str, verbs: Sequence[str], *, danger: str = ""
) -> str:
    """Ask which of several acts; the chosen verb, "" where the user cancelled.

    Args:
        verbs: the words on the buttons, the usual one first.
        danger: the one of them that destroys something.
    """
    dialog, column = _framed(parent, title, "questionDialog")
    column.addWidget(wrapping_label(text, tone="text2"))
    chosen: list[str] = []

    def take(verb: str) -> None:
        chosen.append(verb)
        dialog.accept()

    buttons: list[QWidget] = [button("Cancel", name="cancelButton", clicked=dialog.reject)]
    for number, verb in reversed(list(enumerate(verbs))):
        kind: Kind = "danger" if verb == danger else "primary" if not number else "secondary"
        act = button(verb, kind=kind, name=f"verbButton{number}")
        act.clicked.connect(_calling(partial(take, verb)))
        buttons.append(act)
    column.addSpacing(theme().px(8))
    column.addLayout(_row(*buttons))
    buttons[-1].setFocus()
    return chosen[0] if await finished(dialog) and chosen else ""


async def choose_name(
    parent: QWidget, title: str, text: str, names: Sequence[str], verb: str
) -> int | None:
    """Let the user choose one of some names; its index, or None when they did not.

    Args:
        verb: the words on the button: what it does, never "OK".
    """
    dialog, column = _framed(parent, title, "choiceDialog")
    column.addWidget(wrapping_label(text, tone="text2"))
    choices = QListWidget()
    choices.setObjectName("choices")
    choices.setAccessibleName(title)
    choices.setUniformItemSizes(True)
    for name in names:
        item = QListWidgetItem(name, choices)
        item.setSizeHint(QSize(0, theme().px(_ROW_HEIGHT)))
    choices.setCurrentRow(0)
    choices.itemActivated.connect(_calling(dialog.accept))
    rows = min(len(names), _MOST_ROWS)
    choices.setFixedHeight(rows * theme().px(_ROW_HEIGHT) + 2 * choices.frameWidth())
    column.addWidget(choices)
    act = button(verb, kind="primary", name="verbButton")
    act.clicked.connect(_calling(dialog.accept))
    column.addSpacing(theme().px(8))
    column.addLayout(_row(button("Cancel", name="cancelButton", clicked=dialog.reject), act))
    choices.setFocus()
    accepted = await finished(dialog)
    return choices.currentRow() if accepted and choices.currentRow() >= 0 else None


async def open_file(parent: QWidget, title: str, pattern: str, folder: str = "") -> Path | None:
    """Let the user choose one file; None when they did not.

    Args:
        pattern: Qt's name filter, for example ``"Models (*.gguf)"``.
    """
    dialog = QFileDialog(parent, title, folder, pattern)
    dialog.setObjectName("openFileDialog")
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    return await _chosen(dialog)


async def open_folder(parent: QWidget, title: str) -> Path | None:
    """Let the user choose a folder; None when they did not."""
    dialog = QFileDialog(parent, title)
    dialog.setObjectName("openFolderDialog")
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    return await _chosen(dialog)


async def save_file(parent: QWidget, title: str, name: str, pattern: str) -> Path | None:
    """Let the user choose where to save; None when they did not.

    A name without an ending gets that of `name`.
    """
    dialog = QFileDialog(parent, title, name, pattern)
    dialog.setObjectName("saveFileDialog")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    # Added here, the ending counts when the dialog asks whether a file shall be replaced.
    dialog.setDefaultSuffix(Path(name).suffix)
    dialog.selectFile(name)
    return await _chosen(dialog)


async def _chosen(dialog: QFileDialog) -> Path | None:
    accepted = await finished(dialog)
    files = dialog.selectedFiles()
    return Path(files[0]) if accepted and files else None


def report_error(parent: QWidget | None, error: BaseException) -> QDialog:
    """Show a bug of ours with a report that can be copied; returns the open dialog."""
    details = report_text(error, "in the window")
    dialog, column = _framed(parent, "Something went wrong in QwQ Desk", "errorReport")
    column.addWidget(
        wrapping_label(
            "This is a fault of the program. Your chats are saved. Copy the report and send it "
            "to the developers, then go on working.",
            tone="text2",
        )
    )
    view = QPlainTextEdit(details)
    view.setObjectName("errorDetails")
    view.setAccessibleName("Error report")
    view.setReadOnly(True)
    view.setFont(theme().font("mono-small"))
    view.setMinimumSize(theme().px(560), theme().px(240))
    column.addWidget(view)
    copy = button("Copy report", "copy", name="copyReport")
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(details))
    close = button("Close", kind="primary", name="closeReport", clicked=dialog.accept)
    column.addLayout(_row(copy, close))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
    return dialog


def _question(parent: QWidget, title: str, text: str, verb: str, danger: bool) -> QDialog:
    dialog, column = _framed(parent, title, "questionDialog")
    column.addWidget(wrapping_label(text, tone="text2"))
    cancel = button("Cancel", name="cancelButton", clicked=dialog.reject)
    act = button(verb, kind="danger" if danger else "primary", name="verbButton")
    act.clicked.connect(_calling(dialog.accept))
    column.addSpacing(theme().px(8))
    column.addLayout(_row(cancel, act))
    (cancel if danger else act).setFocus()
    return dialog


def _framed(parent: QWidget | None, title: str, name: str) -> tuple[Dialog, QVBoxLayout]:
    dialog = Dialog(parent)
    dialog.setObjectName(name)
    dialog.setProperty("ground", "raised")
    dialog.setWindowTitle(title)
    dialog.setAccessibleName(title)
    dialog.setMinimumWidth(theme().px(400))
    column = QVBoxLayout(dialog)
    column.setContentsMargins(*[theme().px(20)] * 4)
    column.setSpacing(theme().px(8))
    column.addWidget(label(title, "title"))
    return dialog, column


def _row(*buttons: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(theme().px(8))
    row.addStretch(1)
    for each in buttons:
        row.addWidget(each)
    return row


def _calling(act: Callable[[], object]) -> Callable[..., None]:
    """A slot that drops the `checked` argument of `clicked`."""

    def slot(*_: object) -> None:
        act()

    return slot
