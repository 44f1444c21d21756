"""Owns saving a block of code to a file that the user chooses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from qwqdesk.whole_file import write_whole

_ENDINGS = {"Python": "py", "JavaScript": "js", "TypeScript": "ts", "JSON": "json", "HTML": "html",
            "CSS": "css", "SQL": "sql", "C++": "cpp", "C": "c", "Rust": "rs", "Shell": "sh",
            "Bash": "sh", "YAML": "yaml", "Markdown": "md"}  # fmt: skip


def ask_where(
    parent: QWidget,
    language: str,
    text: Callable[[], str],
    failed: Callable[[str], object],
) -> None:
    """Ask for a place and write the code there; `failed` hears why it could not be written."""

    def save(path: str) -> None:
        try:
            write_whole(Path(path), text())
        except OSError as error:
            failed(error.strerror or "the file cannot be written")

    dialog = QFileDialog(parent, "Save code", f"code.{_ENDINGS.get(language, 'txt')}")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(save)
    dialog.open()
