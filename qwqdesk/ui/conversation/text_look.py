"""Owns how running text is set: fonts, line heights, gaps and the formats made from them.

Three looks: one chat's answer (15/24), an answer in a lane (14/22), and reasoning (13/20).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QTextBlockFormat,
    QTextCharFormat,
    QTextFormat,
    QTextOption,
)

from qwqdesk.ui.base.labels import plain_tip
from qwqdesk.ui.conversation.inline_runs import Run
from qwqdesk.ui.conversation.markdown_blocks import BlockKind
from qwqdesk.ui.theme import theme

LookName = Literal["reading", "lane", "reasoning"]

QUOTE_PROPERTY = int(QTextFormat.Property.UserProperty) + 1  # levels of quotation, in a block
RULE_PROPERTY = int(QTextFormat.Property.UserProperty) + 3  # a hairline instead of text
_HEADING_SIZES = {1: 1.34, 2: 1.2, 3: 1.07}  # times the size of the text
_ITEM_INDENT = 22


@dataclass(frozen=True)
class _Measure:
    size: int
    line: int
    gap: int
    mono: float
    token: str


_MEASURES: dict[LookName, _Measure] = {
    "reading": _Measure(15, 24, 12, 13, "text"),
    "lane": _Measure(14, 22, 10, 12.5, "text"),
    "reasoning": _Measure(13, 20, 8, 12, "text2"),
}


@dataclass(frozen=True)
class TextLook:
    """One way to set text, at the theme's present colours and size."""

    name: LookName

    @property
    def gap(self) -> int:
        """Pixels between two paragraphs, and between two blocks of an answer."""
        return theme().px(_MEASURES[self.name].gap)

    @property
    def line(self) -> int:
        """Pixels from one line of text to the next."""
        return theme().px(_MEASURES[self.name].line)

    def font(self, *, mono: bool = False, factor: float = 1.0) -> QFont:
        """The font of the text, or of code within it."""
        measure = _MEASURES[self.name]
        font = QFont(theme().font("mono" if mono else "reading"))
        font.setPixelSize(theme().px((measure.mono if mono else measure.size) * factor))
        return font

    def block_format(self, kind: BlockKind, *, indent: int = 0, level: int = 0) -> QTextBlockFormat:
        """Line height and indentation; the gap above is set by whoever knows what is above."""
        measure, px = _MEASURES[self.name], theme().px
        factor = _heading_factor(kind, level)
        font = self.font(factor=factor)
        wanted = px(measure.line) if factor == 1 else px(measure.size * factor * 1.4)
        result = QTextBlockFormat()
        result.setLineHeight(
            100 * wanted / QFontMetricsF(font).lineSpacing(),
            int(QTextBlockFormat.LineHeightTypes.ProportionalHeight.value),
        )
        step = px(_ITEM_INDENT)
        result.setLeftMargin(step * (indent + (kind == "item")))
        if kind == "item":
            result.setTextIndent(-step)
            result.setTabPositions([QTextOption.Tab(step, QTextOption.TabType.LeftTab)])
        if level:
            result.setHeadingLevel(level)
        return result

    def gap_above(self, before: BlockKind | None, kind: BlockKind, level: int = 0) -> int:
        """Pixels between a block and the one above it; none at the top."""
        if before is None:
            return 0
        if kind == "heading":
            return theme().px(20 if level < 3 else 16)
        if before == "heading":
            return theme().px(8)
        if before == kind == "item":
            return theme().px(4)
        return theme().px(6) if kind == "item" else self.gap

    def plain(self, kind: BlockKind = "paragraph", level: int = 0) -> QTextCharFormat:
        """The format of text without markup."""
        result = QTextCharFormat()
        font = self.font(factor=_heading_factor(kind, level))
        if kind == "heading":
            font.setWeight(QFont.Weight.DemiBold)
        result.setFont(font)
        result.setForeground(theme().color(_MEASURES[self.name].token))
        return result

    def formatted(self, run: Run, kind: BlockKind, level: int = 0) -> QTextCharFormat:
        """The format of one run of a block."""
        result = self.plain(kind, level)
        font = result.font()
        if run.code:
            font = self.font(mono=True, factor=_heading_factor(kind, level))
        if run.bold:
            font.setWeight(QFont.Weight.DemiBold)
        font.setItalic(run.italic)
        font.setStrikeOut(run.strike)
        result.setFont(font)
        if run.href:
            result.setAnchor(True)
            result.setAnchorHref(run.href)
            result.setToolTip(plain_tip(run.href))
            result.setForeground(theme().color("accent_text"))
            result.setFontUnderline(True)
        return result


def _heading_factor(kind: BlockKind, level: int) -> float:
    return _HEADING_SIZES.get(level, 1.0) if kind == "heading" else 1.0
