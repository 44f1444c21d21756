"""The window stands on the screen with its frame, at the first start and where it was left."""

from __future__ import annotations

import base64

import pytest
from PySide6.QtCore import QMargins, QRect, QSize, QTimer
from PySide6.QtWidgets import QApplication

from qwqdesk.ui import program
from qwqdesk.ui.screen_place import fitted, screen_of
from qwqdesk.ui.window import MINIMUM, Window

FRAME = QMargins(1, 20, 1, 5)
SCREEN = QRect(0, 0, 1280, 800)


@pytest.mark.parametrize(
    ("wanted", "available", "right"),
    [
        # It is left alone where it fits, to the pixel.
        (QRect(100, 60, 1000, 700), QRect(0, 0, 1920, 1080), QRect(100, 60, 1000, 700)),
        (QRect(1, 20, 1278, 775), SCREEN, QRect(1, 20, 1278, 775)),
        # Too large: smaller, and its frame is on the screen, too.
        (QRect(0, 0, 1280, 800), SCREEN, QRect(1, 20, 1278, 775)),
        (QRect(0, 0, 3000, 700), SCREEN, QRect(1, 20, 1278, 700)),
        # A panel at the top and a dock at the left are no place for it.
        (QRect(0, 0, 1000, 650), QRect(64, 32, 1216, 768), QRect(65, 52, 1000, 650)),
        # Off every side, by a little and wholly.
        (QRect(-400, 100, 1000, 650), SCREEN, QRect(1, 100, 1000, 650)),
        (QRect(5000, 100, 1000, 650), SCREEN, QRect(279, 100, 1000, 650)),
        (QRect(100, -900, 1000, 650), SCREEN, QRect(100, 20, 1000, 650)),
        (QRect(100, 700, 1000, 650), SCREEN, QRect(100, 145, 1000, 650)),
        # A second screen has its own corner, left of the first one or above it.
        (QRect(-50, 90, 1000, 650), QRect(-1280, 0, 1280, 800), QRect(-1001, 90, 1000, 650)),
        (QRect(100, -300, 1000, 650), QRect(0, -800, 1280, 800), QRect(100, -655, 1000, 650)),
        # No room for the minimum: the corner with the sidebar and the window's title stays.
        (QRect(300, 300, 1280, 800), QRect(0, 0, 800, 480), QRect(1, 20, 960, 600)),
    ],
)
def test_a_place_is_changed_as_little_as_puts_it_on_the_screen(
    wanted: QRect, available: QRect, right: QRect
) -> None:
    assert fitted(wanted, MINIMUM, available, FRAME) == right
    assert fitted(right, MINIMUM, available, FRAME) == right


def test_a_window_belongs_to_the_screen_that_shows_most_of_it() -> None:
    first, second = QRect(0, 0, 1280, 800), QRect(1280, 0, 1920, 1080)
    assert screen_of(QRect(300, 0, 1000, 700), [first, second]) == first
    assert screen_of(QRect(1000, 0, 1000, 700), [first, second]) == second
    assert screen_of(QRect(9000, 9000, 1000, 700), [first, second]) == first


@pytest.mark.parametrize("saved", ["", "no base64!", base64.b64encode(b"no geometry").decode()])
def test_the_first_window_is_no_larger_than_the_screen(qapp: QApplication, saved: str) -> None:
    available = qapp.primaryScreen().availableGeometry()
    window = Window(saved)
    assert window.height() < available.height(), "there is room for a title bar"
    assert window.width() == max(MINIMUM.width(), min(1280, available.width() - 16))
    assert available.contains(window.geometry().topLeft())
    window.deleteLater()


def test_a_place_that_no_screen_shows_any_more_is_brought_back(qapp: QApplication) -> None:
    left = Window()
    left.setGeometry(40_000, 30_000, 2_000, 1_500)
    found = Window(left.geometry_text)
    available = qapp.primaryScreen().availableGeometry()
    assert available.contains(found.geometry().topLeft())
    assert found.height() < available.height()
    for window in (left, found):
        window.deleteLater()


def test_a_place_on_the_screen_is_found_again(qapp: QApplication) -> None:
    left = Window()
    left.setGeometry(0, 60, 960, 650)
    found = Window(left.geometry_text)
    assert (found.y(), found.size()) == (60, QSize(960, 650))
    for window in (left, found):
        window.deleteLater()


class LateWindow(Window):
    """One that the window manager maps a moment after it was asked to."""

    def show(self) -> None:
        QTimer.singleShot(50, super().show)


def test_the_grounds_are_painted_before_anything_else_is_done(qapp: QApplication) -> None:
    window = LateWindow()
    painted: list[bool] = []
    window.painted.connect(lambda: painted.append(True))
    program.show_first(qapp, window)
    assert painted == [True]
    window.hide()
    window.deleteLater()


def test_a_window_that_nobody_shows_is_not_waited_for(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_PAINT_MS", 20)
    window = Window()
    monkeypatch.setattr(window, "show", lambda: None)
    program.show_first(qapp, window)
    assert not window.isVisible()
    window.deleteLater()
