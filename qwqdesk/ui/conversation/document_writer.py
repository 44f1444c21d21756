"""Owns the writing of one Markdown block into a text document, formatted."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextBlockFormat, QTextCursor

from qwqdesk.ui.conversation.formula_object import insert_formula
from qwqdesk.ui.conversation.inline_runs import Run, inline_runs
from qwqdesk.ui.conversation.markdown_blocks import Shape, split
from qwqdesk.ui.conversation.text_look import QUOTE_PROPERTY, RULE_PROPERTY, TextLook
from qwqdesk.ui.theme import theme

_MAX_QUOTES = 4
_TASKS = {"[ ] ": "\u2610 ", "[x] ": "\u2611 ", "[X] ": "\u2611 "}
_BULLETS = ("\u2022", "\u25e6", "\u2013")


def write_block(cursor: QTextCursor, look: TextLook, shape: Shape, text: str, above: int) -> None:
    """Write a text block over the cursor's selection, whose paragraphs it replaces.

    The cursor stands in a paragraph that belongs to the block. `above` is the gap in pixels.
    """
    cursor.beginEditBlock()
    cursor.removeSelectedText()
    if shape.kind == "quote":
        _write_quote(cursor, look, text, above)
    elif shape.kind == "math":
        _write_math(cursor, look, text, above)
    else:
        form = look.block_format(shape.kind, indent=shape.indent, level=shape.level)
        _write_plain(cursor, look, shape, text, form, above)
    cursor.endEditBlock()


def _write_plain(
    cursor: QTextCursor,
    look: TextLook,
    shape: Shape,
    text: str,
    form: QTextBlockFormat,
    above: int,
) -> None:
    form.setTopMargin(above)
    if shape.kind == "rule":
        form.setProperty(RULE_PROPERTY, True)
    cursor.setBlockFormat(form)
    cursor.setBlockCharFormat(look.plain(shape.kind, shape.level))
    if shape.kind == "item":
        text = _write_marker(cursor, look, shape, text)
    write_runs(cursor, look, inline_runs(text), shape)


def _write_marker(cursor: QTextCursor, look: TextLook, shape: Shape, text: str) -> str:
    """The bullet or number; a task's box becomes a sign."""
    marker = _BULLETS[min(shape.indent, 2)] if shape.marker == "-" else shape.marker
    form = look.plain()
    form.setForeground(theme().color("text2"))
    cursor.insertText(marker + "\t", form)
    return _TASKS.get(text[:4], text[:4]) + text[4:]


def write_runs(cursor: QTextCursor, look: TextLook, runs: list[Run], shape: Shape) -> None:
    """Insert runs at the cursor."""
    for run in runs:
        if run.formula:
            _write_formula(cursor, look, run, shape)
        else:
            cursor.insertText(run.text, look.formatted(run, shape.kind, shape.level))


def _write_formula(cursor: QTextCursor, look: TextLook, run: Run, shape: Shape) -> None:
    plain = look.formatted(replace(run, formula=""), shape.kind, shape.level)
    if not insert_formula(cursor, run.text, plain):
        cursor.insertText(run.text, look.formatted(replace(run, formula="", code=True), shape.kind))


def _write_math(cursor: QTextCursor, look: TextLook, text: str, above: int) -> None:
    """A formula on its own lines, centred; its source where it cannot be read."""
    form = QTextBlockFormat()
    form.setTopMargin(above)
    form.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    distance = QTextBlockFormat.LineHeightTypes.LineDistanceHeight
    form.setLineHeight(theme().px(4), int(distance.value))
    cursor.setBlockFormat(form)
    if not insert_formula(cursor, text.replace("\n", " ").strip(), look.plain(), alone=True):
        source = text.strip().replace("\n", "\u2028")
        cursor.insertText(source, look.formatted(Run("", code=True), "paragraph"))


def _write_quote(
    cursor: QTextCursor, look: TextLook, text: str, above: int, level: int = 1
) -> None:
    """The blocks within a quotation; code and tables in it stay as their source, in mono."""
    before = None
    for closed in split(text):
        shape = closed.shape
        if before is not None:
            cursor.insertBlock()
            above = look.gap_above(before, shape.kind, shape.level)
        before = shape.kind
        if shape.kind == "quote" and level < _MAX_QUOTES:
            _write_quote(cursor, look, closed.text, above, level + 1)
            continue
        form = look.block_format(shape.kind, indent=shape.indent, level=shape.level)
        form.setLeftMargin(form.leftMargin() + theme().px(16) * level)
        form.setProperty(QUOTE_PROPERTY, level)
        if shape.kind in ("code", "table", "math"):
            form.setTopMargin(above)
            cursor.setBlockFormat(form)
            source = closed.text.replace("\n", "\u2028")
            cursor.insertText(source, look.formatted(Run("", code=True), "paragraph"))
        else:
            _write_plain(cursor, look, shape, closed.text, form, above)
