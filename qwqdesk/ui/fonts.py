"""The fonts: which families are used, and the roles that text can have.

Inter and JetBrains Mono ship with the program (SIL Open Font License). The system's own font is
used for the interface where it is a real choice; the monospaced font is always JetBrains Mono,
because token cells and aligned lanes need one width everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtGui import QFont, QFontDatabase, QFontInfo, QGuiApplication

from qwqdesk.resources import resource

Role = Literal["title", "body", "name", "strong", "small", "small-strong", "caption", "group",
               "reading", "mono", "mono-name", "mono-small"]  # fmt: skip

# A bare Linux resolves the system font to one of these: not a choice anybody made.
_NO_CHOICE = frozenset(
    {"dejavu sans", "sans serif", "sans-serif", "sans", "helvetica", "bitstream vera sans", ""}
)
_KOREAN = ["Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans CJK KR", "Noto Sans KR"]


@dataclass(frozen=True)
class Style:
    """Size and line height in pixels at 100 % text size, and the weight."""

    size: float
    line: int
    weight: QFont.Weight = QFont.Weight.Normal
    mono: bool = False


STYLES: dict[Role, Style] = {
    "title": Style(16, 24, QFont.Weight.DemiBold),
    "body": Style(13, 20),
    "name": Style(13, 20, QFont.Weight.Medium),
    "strong": Style(13, 20, QFont.Weight.DemiBold),
    "small": Style(12, 16),
    "small-strong": Style(12, 16, QFont.Weight.Medium),
    "caption": Style(11, 16),
    "group": Style(11, 16, QFont.Weight.DemiBold),
    "reading": Style(15, 24),
    "mono": Style(12.5, 20, mono=True),
    "mono-name": Style(12.5, 20, QFont.Weight.Medium, mono=True),
    "mono-small": Style(12, 20, mono=True),
}


@dataclass(frozen=True)
class Families:
    """Family lists in order of preference; the Korean fonts come last."""

    ui: tuple[str, ...]
    mono: tuple[str, ...]


def load_families() -> Families:
    """Register the shipped fonts and choose; needs a QGuiApplication."""
    shipped: list[str] = []
    for file in sorted(resource("fonts").glob("*.[ot]tf")):
        number = QFontDatabase.addApplicationFont(str(file))
        if number >= 0:
            shipped += QFontDatabase.applicationFontFamilies(number)
    system = QFontInfo(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)).family()
    ui = "Inter" if system.lower() in _NO_CHOICE and "Inter" in shipped else system
    fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
    mono = "JetBrains Mono" if "JetBrains Mono" in shipped else fixed
    # A family that is not there makes Qt search its aliases, which takes long.
    korean = [name for name in _KOREAN if QFontDatabase.hasFamily(name)]
    return Families((ui, *korean), (mono, *korean))


def make_font(families: Families, role: Role, scale: float = 1.0) -> QFont:
    """The font of one role; `scale` is the user's text size, 1.0 for 100 %.

    Figures have one width, so that numbers do not jump while they change; contextual
    alternates are off, so that code shows what is there.
    """
    style = STYLES[role]
    font = QFont(list(families.mono if style.mono else families.ui))
    _set_size(font, style.size, scale)
    font.setWeight(style.weight)
    font.setFeature(QFont.Tag("tnum"), 1)
    font.setFeature(QFont.Tag("calt"), 0)
    if style.mono:
        font.setFeature(QFont.Tag("liga"), 0)
        font.setStyleHint(QFont.StyleHint.Monospace)
    return font


def _set_size(font: QFont, pixels: float, scale: float) -> None:
    """Whole pixel sizes as pixels; 12.5 px needs points, the only fractional size in Qt."""
    if pixels == int(pixels):
        font.setPixelSize(round(pixels * scale))
        return
    screen = QGuiApplication.primaryScreen()
    dots = screen.logicalDotsPerInchY() if screen is not None else 96.0
    font.setPointSizeF(pixels * scale * 72 / dots)
