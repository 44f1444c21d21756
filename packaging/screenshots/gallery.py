"""Draws the base widgets in all their states into a PNG, to be looked at beside the pictures.

    python packaging/screenshots/gallery.py OUT_DIR [--percent 100]

Needs no display. It writes gallery-light.png and gallery-dark.png.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_SCALE_FACTOR", "1")

from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from qwqdesk.ui.base import (
    Badge,
    Chip,
    EmptyState,
    FocusRings,
    IconButton,
    LetterTile,
    MessageBand,
    PickerButton,
    SearchField,
    Segment,
    Toast,
    ValueField,
    button,
    label,
    panel,
)
from qwqdesk.ui.theme import Theme, theme


def row(*widgets: QWidget) -> QHBoxLayout:
    """Widgets side by side, to the left."""
    line = QHBoxLayout()
    line.setSpacing(theme().px(8))
    for widget in widgets:
        line.addWidget(widget)
    line.addStretch(1)
    return line


def card(title: str, *rows: QHBoxLayout) -> QWidget:
    """A titled box of rows."""
    outer = QWidget()
    column = QVBoxLayout(outer)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(label(title, "small-strong", "text2"))
    box = panel("surface", "box")
    inner = QVBoxLayout(box)
    inner.setContentsMargins(*[theme().px(12)] * 4)
    for line in rows:
        inner.addLayout(line)
    column.addWidget(box)
    return outer


def buttons() -> QWidget:
    off = button("Send", kind="primary")
    off.setEnabled(False)
    off_small = button("Try again", small=True)
    off_small.setEnabled(False)
    on = IconButton("link-2", "Scroll together")
    on.setCheckable(True)
    on.setChecked(True)
    options = [("no", "No diff"), ("words", "Words"), ("code", "Code")]
    return card(
        "Buttons",
        row(button("Send", "arrow-up", "primary"), button("Add lane", "plus"), off),
        row(
            button("Try again", small=True), button("Delete", kind="danger", small=True), off_small
        ),
        row(button("Set to 1.0", kind="flat", small=True), button("Show all", kind="link")),
        row(IconButton("copy", "Copy"), on, Segment(options, small=True), Segment(options[:2])),
        row(PickerButton("Unsloth for llama.cpp"), PickerButton("Qwen", framed=True)),
    )


def fields() -> QWidget:
    made: list[QWidget] = []
    for value, source in ((0.95, "recipe"), (0.6, "user"), (40, "model"), (0.1, "recipe")):
        field = ValueField("Top-p", 0, 1, 0.05, name=f"field{len(made)}")
        field.show_value(value, source)
        made.append(field)
    wrong = ValueField("Top-p", 0, 1, 0.05)
    wrong.show_value(0.95, "user")
    wrong.setValue(1.4)
    problem = label(wrong.problem, "small", "bad")
    return card("Fields", row(*made, wrong), row(problem), row(SearchField("Search chats")))


def badges() -> QWidget:
    return card(
        "Badges",
        row(
            Badge("accent", "circle-dot", "Reading prompt 62 %"),
            Badge("neutral", "check", "Finished"),
        ),
        row(Badge("warn", "ruler", "Length limit"), Badge("warn", "repeat-2", "Looped, stopped")),
        row(Badge("bad", "circle-alert", "Failed"), Badge("good", "scale", "Fair: A = A")),
        row(*[LetterTile(letter) for letter in "ABCD"]),
        row(Chip("step", "top_k", "40"), Chip("step", "top_p", "0.95"), Chip("more", "2 more")),
        row(Chip("diff", "dry", "0.5 (A: 0.8)"), Chip("diff", "", "order")),
    )


def messages() -> QWidget:
    outer = QWidget()
    column = QVBoxLayout(outer)
    band = MessageBand(
        "warn",
        "Repeat penalty 1.1 is set but penalties is not in the chain: it has no effect.",
        "Put it in the chain, or set it back to 1.0.",
        below=True,
    )
    band.add_action("Add penalties first", print, icon_name="plus")
    band.add_action("Add after dry", print, icon_name="plus")
    band.add_action("Set to 1.0", print, flat=True)
    error = MessageBand("bad", "The file ends early, at 12.1 GB.", "Download it again to get all.")
    error.add_action("Download", print)
    empty = EmptyState("Ask something, or compare two recipes.", "Compare now", print)
    for widget in (band, error, empty):
        column.addWidget(widget)
    return outer


def sheet() -> QWidget:
    """All of it in one window."""
    window = QWidget()
    window.setObjectName("gallery")
    columns = QHBoxLayout(window)
    for parts in ((buttons(), fields()), (badges(),), (messages(),)):
        column = QVBoxLayout()
        for part in parts:
            column.addWidget(part)
        column.addStretch(1)
        columns.addLayout(column)
    return window


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--percent", type=int, default=100)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    look = Theme(app, "light", options.percent)
    FocusRings(app)
    for choice in ("light", "dark"):
        look.set_choice("light" if choice == "light" else "dark")
        window = sheet()
        window.resize(look.px(1180), look.px(560))
        window.show()
        window.activateWindow()
        Toast(window, "Chat deleted", "Undo", print)
        target = window.findChild(ValueField, "field3")
        assert target is not None
        target.setFocus()
        app.processEvents()
        window.grab().save(str(options.out / f"gallery-{choice}.png"))
        window.close()


if __name__ == "__main__":
    main()
