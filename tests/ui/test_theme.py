"""The theme: contrast, one pass on change, text size, and nothing left to fill in."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from qwqdesk.resources import resource
from qwqdesk.ui.icons import icon
from qwqdesk.ui.theme import Theme, set_state
from qwqdesk.ui.theme import theme as current_theme
from qwqdesk.ui.theme_style import style_sheet
from qwqdesk.ui.theme_tokens import DARK, LIGHT, Tokens, contrast

TEXT, MARK = 4.5, 3.0
_GROUNDS = ["surface", "window", "sidebar", "sunken", "raised", "hover"]
PAIRS = [
    ("text", [*_GROUNDS, "accent_tint", "diff_a", "diff_b", "warn_tint", "bad_tint"], TEXT),
    ("text", ["heat1", "heat2", "heat3", "heat4", "bar", "bar_on"], TEXT),
    ("text2", [*_GROUNDS, "accent_tint", "warn_tint"], TEXT),
    ("text3", _GROUNDS, TEXT),
    ("on_accent", ["accent"], TEXT),
    ("accent_text", ["surface", "accent_tint", "window"], TEXT),
    ("good", ["good_tint", "surface"], TEXT),
    ("warn", ["warn_tint", "surface"], TEXT),
    ("bad", ["bad_tint", "surface"], TEXT),
    *[(f"lane_{letter}", [f"lane_{letter}_tint"], TEXT) for letter in "abcd"],
    ("control", ["surface", "raised", "window", "sunken"], MARK),
    ("focus", ["surface", "window", "sidebar", "raised"], MARK),
    ("accent", ["surface", "window"], MARK),
    *[(f"syn_{kind}", ["sunken"], TEXT) for kind in ("kw", "str", "num", "fn", "com")],
    ("diff_a_line", ["diff_a", "surface"], MARK),
    ("diff_b_line", ["diff_b", "surface"], MARK),
]


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_and_mark_has_enough_contrast(tokens: Tokens) -> None:
    colours = tokens.as_dict()
    for ink, grounds, needed in PAIRS:
        for ground in grounds:
            ratio = contrast(colours[ink], colours[ground])
            assert ratio >= needed, f"{ink} on {ground}: {ratio:.2f}"


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_dark_and_light_reach_palette_and_style_sheet(qapp: QApplication, theme: Theme) -> None:
    changes: list[bool] = []
    theme.changed.connect(lambda: changes.append(theme.dark))
    theme.set_choice("dark")
    assert changes == [True]
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(DARK.window)
    assert DARK.accent in qapp.styleSheet()
    assert LIGHT.accent not in qapp.styleSheet()
    theme.set_choice("dark")
    assert changes == [True], "the same choice again must not restyle everything"
    theme.set_choice("light")
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(LIGHT.window)


def test_text_size_scales_fonts_and_controls(qtbot: QtBot, theme: Theme) -> None:
    button, label = QPushButton("Send"), QLabel("Chain")
    label.setProperty("role", "small")
    for widget in (button, label):
        qtbot.addWidget(widget)
        widget.show()
    before = button.sizeHint().height(), QFontInfo(label.font()).pixelSize()
    theme.set_percent(150)
    assert theme.px(32) == 48
    assert (button.sizeHint().height(), QFontInfo(label.font()).pixelSize()) == (48, 18)
    assert before == (32, 12)
    theme.set_percent(999)
    assert theme.percent == 150


def test_the_style_sheet_has_no_open_fields(qapp: QApplication, theme: Theme) -> None:
    assert not re.search(r"\{[a-z_:-]+\}|\{\d", qapp.styleSheet())


def test_an_unknown_field_is_an_error() -> None:
    assert style_sheet("a { b: {32-2}px; c: {tone}; }", {"tone": "red"}, 1.5) == (
        "a { b: 46px; c: red; }"
    )
    with pytest.raises(KeyError):
        style_sheet("{nothing}", {}, 1.0)


def test_the_shipped_fonts_are_used(theme: Theme) -> None:
    mono = QFontInfo(theme.font("mono"))
    assert mono.family() == "JetBrains Mono"
    assert mono.fixedPitch()


def test_every_icon_draws_in_the_colour_of_the_theme(theme: Theme) -> None:
    for file in resource("icons").glob("*.svg"):
        image = icon(file.stem, "accent").pixmap(16, 16).toImage()
        inked = {
            image.pixelColor(x, y).name()
            for x in range(16)
            for y in range(16)
            if image.pixelColor(x, y).alpha() == 255
        }
        assert inked <= {LIGHT.accent.lower()}, file.stem
        assert not image.allGray(), file.stem


def test_a_missing_icon_is_named() -> None:
    with pytest.raises(KeyError, match="no icon named unicorn"):
        icon("unicorn")


def test_the_theme_is_found_on_the_application(theme: Theme) -> None:
    assert current_theme() is theme


def test_set_state_changes_the_look_of_one_widget(qtbot: QtBot, theme: Theme) -> None:
    label = QLabel("1 value without effect")
    qtbot.addWidget(label)
    label.show()
    set_state(label, "tone", "warn")
    assert label.palette().color(QPalette.ColorRole.WindowText) == QColor(LIGHT.warn)


def test_icons_are_sharp_on_dense_screens(theme: Theme) -> None:
    pixmap = icon("copy").pixmap(QSize(16, 16), 2.0)
    assert pixmap.size() == QSize(32, 32)
    assert pixmap.devicePixelRatio() == 2.0
    assert pixmap.deviceIndependentSize().toSize() == QSize(16, 16)
