"""Where windows go on the screens there are. It imports little: the first window needs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QMargins, QRect, QSize

# What a window manager draws around a window is known only once it stands. The widest usual one.
ROOM_FOR_A_FRAME: Final = QMargins(8, 40, 8, 8)


def fitted(wanted: QRect, minimum: QSize, available: QRect, frame: QMargins) -> QRect:
    """`wanted`, made smaller and moved as little as puts it and its frame into `available`.

    All are logical pixels, of the window without its frame. It never gets smaller than `minimum`:
    on a screen that is too small even for that, the upper left corner is what stays on it.
    """
    room = available.marginsRemoved(frame)
    size = wanted.size().boundedTo(room.size()).expandedTo(minimum)
    x = max(min(wanted.x(), room.x() + room.width() - size.width()), room.x())
    y = max(min(wanted.y(), room.y() + room.height() - size.height()), room.y())
    return QRect(x, y, size.width(), size.height())


def screen_of(place: QRect, screens: Sequence[QRect]) -> QRect:
    """That of `screens` which shows most of `place`; the first one where none shows any of it."""

    def shown(screen: QRect) -> int:
        part = screen.intersected(place)
        return part.width() * part.height()

    return max(screens, key=shown)
