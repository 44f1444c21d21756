"""The theme: which colours, fonts and sizes are in force, and the one pass that changes them.

One `Theme` lives on the application; `theme()` finds it. Painters ask it for colours, fonts and
pixels each time they paint, so that nothing has to be kept up to date but what is on the screen.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, QSize, Qt, QTemporaryDir, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QPushButton,
    QStyle,
    QToolButton,
    QWidget,
)

from qwqdesk.resources import resource
from qwqdesk.ui.fonts import Role, load_families, make_font
from qwqdesk.ui.theme_style import palette, style_fields, style_sheet, write_assets
from qwqdesk.ui.theme_tokens import DARK, LIGHT, Tokens

Choice = Literal["system", "light", "dark"]

TEXT_PERCENT_LOW, TEXT_PERCENT_HIGH = 85, 150
_ICON_GAP = 2  # what the style's gap between icon and words lacks
_OBJECT_NAME = "qwqdeskTheme"


class Theme(QObject):
    """Colours, fonts and sizes of the program; `changed` comes after everything is repolished."""

    changed = Signal()

    def __init__(self, app: QApplication, choice: Choice = "system", percent: int = 100) -> None:
        super().__init__(app)
        self.setObjectName(_OBJECT_NAME)
        self._app = app
        self._choice: Choice = choice
        self._percent = _bounded(percent)
        self._reduce_motion = False
        self._families = load_families()
        self._fonts: dict[Role, QFont] = {}
        self._colors: dict[str, QColor] = {}
        self._template = resource("qss", "app.qss").read_text("utf-8")
        self._assets = QTemporaryDir()
        self.tokens: Tokens = LIGHT
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(self._system_changed)
        self._request_scheme()
        self.apply()

    # ------------------------------------------------------------ what is in force

    @property
    def choice(self) -> Choice:
        return self._choice

    @property
    def percent(self) -> int:
        """The text size, 85 to 150 percent."""
        return self._percent

    @property
    def dark(self) -> bool:
        return self.tokens is DARK

    def px(self, pixels: float) -> int:
        """Logical pixels at the user's text size."""
        return round(pixels * self._percent / 100)

    def color(self, token: str) -> QColor:
        """One colour by its token's name, for painters and documents."""
        found = self._colors.get(token)
        if found is None:
            found = self._colors[token] = QColor(getattr(self.tokens, token))
        return found

    def font(self, role: Role) -> QFont:
        """The font of one role at the user's text size; do not change it in place."""
        found = self._fonts.get(role)
        if found is None:
            found = self._fonts[role] = make_font(self._families, role, self._percent / 100)
        return found

    def duration(self, milliseconds: int) -> int:
        """How long a motion lasts: 0 when the system or the user wants none."""
        style = self._app.style()
        wanted = style.styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration)
        return 0 if self._reduce_motion or wanted == 0 else milliseconds

    # ------------------------------------------------------------ what changes it

    def set_choice(self, choice: Choice) -> None:
        """Follow the system, or always light or dark."""
        self._choice = choice
        self._request_scheme()
        self._apply_if_new()

    def set_percent(self, percent: int) -> None:
        """Text size in percent; bounded to 85 and 150."""
        if _bounded(percent) != self._percent:
            self._percent = _bounded(percent)
            self.apply()

    def set_reduce_motion(self, reduce: bool) -> None:
        self._reduce_motion = reduce

    def apply(self) -> None:
        """Put palette, font and style sheet on the application, in one pass."""
        self.tokens = DARK if self._wants_dark() else LIGHT
        self._fonts.clear()
        self._colors.clear()
        windows = [w for w in self._app.topLevelWidgets() if w.isVisible() and w.updatesEnabled()]
        _set_updates(windows, False)
        try:
            self._app.setPalette(palette(self.tokens))
            self._app.setFont(self.font("body"))
            self._app.setStyleSheet(self._style_sheet())
            for widget in self._app.allWidgets():
                _rescale(widget, self)
            self.changed.emit()
        finally:
            _set_updates(windows, True)

    def _style_sheet(self) -> str:
        mono = self.font("mono")
        fields = style_fields(self.tokens)
        fields["font_mono"] = ", ".join(f'"{name}"' for name in mono.families())
        fields["mono_size"] = _css_size(mono)
        fields |= write_assets(_path_of(self._assets), self.tokens)
        return style_sheet(self._template, fields, self._percent / 100)

    def _wants_dark(self) -> bool:
        if self._choice != "system":
            return self._choice == "dark"
        return self._app.styleHints().colorScheme() is Qt.ColorScheme.Dark

    def _request_scheme(self) -> None:
        """Tell Qt too, so that native window frames and file dialogs follow."""
        schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
        self._app.styleHints().setColorScheme(schemes.get(self._choice, Qt.ColorScheme.Unknown))

    def _system_changed(self) -> None:
        self._apply_if_new()

    def _apply_if_new(self) -> None:
        if self._wants_dark() != self.dark:
            self.apply()


def theme() -> Theme:
    """The application's theme; a RuntimeError before one was made."""
    app = QGuiApplication.instance()
    found = (
        app.findChild(Theme, _OBJECT_NAME, Qt.FindChildOption.FindDirectChildrenOnly)
        if app is not None
        else None
    )
    if not isinstance(found, Theme):
        raise RuntimeError("The theme has not been made yet.")
    return found


def repolish(widget: QWidget) -> None:
    """Let the style sheet see a changed dynamic property of this one widget."""
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()


def scaled(widget: QWidget, *, width: int = 0, height: int = 0, icon: int = 0) -> None:
    """Fix sizes in pixels at 100 % text size; they grow with it. 0 leaves a size alone.

    Args:
        icon: the side of a button's icon.
    """
    for name, pixels in (("scaledWidth", width), ("scaledHeight", height), ("scaledIcon", icon)):
        if pixels:
            widget.setProperty(name, pixels)
    _rescale(widget, theme())


def set_state(widget: QWidget, name: str, value: object) -> None:
    """Set a dynamic property and repolish, but only when it changes."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        repolish(widget)


def _rescale(widget: QWidget, look: Theme) -> None:
    width, height, side = (
        widget.property(name) for name in ("scaledWidth", "scaledHeight", "scaledIcon")
    )
    if width:
        widget.setFixedWidth(look.px(width))
    if height:
        widget.setFixedHeight(look.px(height))
    if side and isinstance(widget, QAbstractButton):
        gap = _ICON_GAP if _has_words_beside(widget) else 0
        widget.setIconSize(QSize(look.px(side + gap), look.px(side)))


def _has_words_beside(widget: QAbstractButton) -> bool:
    if isinstance(widget, QToolButton):
        return widget.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonTextBesideIcon
    return isinstance(widget, QPushButton) and bool(widget.text())


def _bounded(percent: int) -> int:
    return min(TEXT_PERCENT_HIGH, max(TEXT_PERCENT_LOW, percent))


def _set_updates(windows: list[QWidget], enabled: bool) -> None:
    for window in windows:
        window.setUpdatesEnabled(enabled)


def _css_size(font: QFont) -> str:
    """Points carry a fraction in a style sheet, pixels do not."""
    return f"{font.pixelSize()}px" if font.pixelSize() > 0 else f"{font.pointSizeF():.4g}pt"


def _path_of(folder: QTemporaryDir) -> Path:
    return Path(folder.path())
