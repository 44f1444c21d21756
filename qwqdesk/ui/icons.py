"""Icons: Lucide outlines drawn in a colour of the theme, sharp at every pixel ratio.

An icon asks the theme for its colour when it is painted, so a change of theme needs no more than
a repaint. Pixmaps are cached by name, colour and size in device pixels.
"""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPaintEvent, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QWidget

from qwqdesk.resources import resource
from qwqdesk.ui.theme import theme


class _Engine(QIconEngine):
    """Paints one icon; `on` is the colour of the checked state."""

    def __init__(self, name: str, token: str, on: str) -> None:
        super().__init__()
        self._name, self._token, self._on = name, token, on

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        side = min(rect.width(), rect.height())
        ratio = painter.device().devicePixelRatioF()
        pixmap = _pixmap(self._name, self._colour(mode, state), round(side * ratio))
        painter.drawPixmap(QRect(rect.topLeft(), QSize(side, side)), pixmap)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def scaledPixmap(  # noqa: N802 - Qt's name
        self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float
    ) -> QPixmap:
        """`size` is in logical pixels, the pixmap in device pixels."""
        side = round(min(size.width(), size.height()) * scale)
        square = _pixmap(self._name, self._colour(mode, state), side)
        if size.width() <= size.height():
            return square
        # A wider place is a gap behind the icon: the style's own between icon and words is small.
        wide = QPixmap(round(size.width() * scale), side)
        wide.fill(Qt.GlobalColor.transparent)
        painter = QPainter(wide)
        painter.drawPixmap(0, 0, square)
        painter.end()
        return wide

    def clone(self) -> QIconEngine:
        return _Engine(self._name, self._token, self._on)

    def _colour(self, mode: QIcon.Mode, state: QIcon.State) -> str:
        if mode is QIcon.Mode.Disabled:
            token = "text3"
        else:
            token = self._on if state is QIcon.State.On else self._token
        return str(getattr(theme().tokens, token))


def icon(name: str, token: str = "text2", on: str = "accent_text") -> QIcon:
    """An icon of `resources/icons/`; KeyError when there is none of that name.

    Args:
        name: the file's name without its ending, for example ``copy``.
        token: the colour; `on` is the colour while a checkable button is checked.
    """
    _svg(name)
    return QIcon(_Engine(name, token, on))


def draw_icon(painter: QPainter, rect: QRectF, name: str, token: str) -> None:
    """Paint an icon into a delegate or an own widget."""
    ratio = painter.device().devicePixelRatioF()
    pixmap = _pixmap(name, str(getattr(theme().tokens, token)), round(rect.width() * ratio))
    painter.drawPixmap(rect, pixmap, QRectF(pixmap.rect()))


class IconLabel(QWidget):
    """An icon that stands beside words; it says nothing to a screen reader."""

    def __init__(
        self, name: str, token: str = "text2", size: int = 16, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._name, self._token, self._size = name, token, size
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def set_icon(self, name: str, token: str) -> None:
        if (name, token) != (self._name, self._token):
            self._name, self._token = name, token
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        side = theme().px(self._size)
        return QSize(side, side)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        side = theme().px(self._size)
        corner = QPoint((self.width() - side) // 2, (self.height() - side) // 2)
        painter = QPainter(self)
        draw_icon(painter, QRectF(QRect(corner, QSize(side, side))), self._name, self._token)
        painter.end()


@lru_cache(maxsize=256)
def _svg(name: str) -> str:
    file = resource("icons", f"{name}.svg")
    if not file.is_file():
        raise KeyError(f"There is no icon named {name}.")
    return file.read_text("utf-8")


@lru_cache(maxsize=1024)
def _pixmap(name: str, colour: str, side: int) -> QPixmap:
    pixmap = QPixmap(max(1, side), max(1, side))
    pixmap.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(_svg(name).replace("currentColor", colour).encode()))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter)
    painter.end()
    return pixmap
