"""Buttons, labels, badges, rings: what a user and a screen reader rely on."""

from __future__ import annotations

import importlib
import pkgutil
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from qwqdesk import ui
from qwqdesk.ui.base import (
    Badge,
    Chip,
    Dialog,
    ElideLabel,
    FocusRings,
    HairSplitter,
    IconButton,
    MessageBand,
    PickerButton,
    Pill,
    SearchField,
    Segment,
    TextArea,
    Toast,
    button,
    fold,
    label,
    more_width,
)
from qwqdesk.ui.base.focus import FocusRing
from qwqdesk.ui.theme import Theme


def test_an_icon_button_says_what_it_does(qtbot: QtBot) -> None:
    made = IconButton("copy", "Copy answer", shortcut="Ctrl+C", name="copyButton")
    qtbot.addWidget(made)
    assert made.accessibleName() == "Copy answer"
    assert made.toolTip() == "Copy answer  Ctrl+C"
    made.show()
    assert (made.width(), made.height()) == (28, 28)


def test_heights_follow_the_look(qtbot: QtBot) -> None:
    large, small = button("Send", kind="primary"), button("Try again", small=True)
    for made in (large, small):
        qtbot.addWidget(made)
        made.show()
    assert (large.height(), small.height()) == (32, 28)


def test_arrows_move_the_choice_of_a_segment(qtbot: QtBot) -> None:
    segment = Segment([("exact", "Exact"), ("fast", "Fast")], name="modePicker")
    qtbot.addWidget(segment)
    segment.show()
    chosen: list[str] = []
    segment.chosen.connect(chosen.append)
    first = segment.findChild(QWidget, "modePicker_exact")
    assert first is not None
    QTest.keyClick(first, Qt.Key.Key_Right)
    assert chosen == ["fast"]
    segment.set_value("exact")
    assert chosen == ["fast"], "only the user's choice is emitted"
    assert segment.value() == "exact"


def test_an_elided_label_has_its_whole_text_in_the_tool_tip(qtbot: QtBot) -> None:
    made = ElideLabel("A sentence that is much too long for this place")
    qtbot.addWidget(made)
    made.resize(60, 20)
    made.show()
    assert made.toolTip() == made.text()
    made.resize(600, 20)
    assert made.toolTip() == ""


def test_a_badge_shrinks_to_its_icon(qtbot: QtBot) -> None:
    badge = Badge("neutral", "check", "Finished")
    qtbot.addWidget(badge)
    wide = badge.sizeHint().width()
    badge.set_shrunk(True)
    assert badge.sizeHint().width() < wide / 2
    assert badge.toolTip() == "Finished"
    assert badge.accessibleName() == "Finished"


def test_a_chip_tells_a_screen_reader_that_it_differs(qtbot: QtBot) -> None:
    chip = Chip("diff", "dry", "0.5 (A: 0.8)")
    qtbot.addWidget(chip)
    assert chip.accessibleName() == "differs: dry 0.5 (A: 0.8)"


def test_the_ring_is_there_for_keys_and_not_for_the_mouse(qtbot: QtBot, theme: Theme) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    row = QHBoxLayout(window)
    first, second = QPushButton("One"), QPushButton("Two")
    row.addWidget(first)
    row.addWidget(second)
    app = theme.parent()
    rings = FocusRings(app)  # type: ignore[arg-type]
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    first.setFocus()
    QTest.keyClick(first, Qt.Key.Key_Tab)
    assert second.hasFocus()

    def at_second() -> bool:
        ring = window.findChild(FocusRing, "focusRing")
        place = second.geometry().adjusted(-3, -3, 3, 3)
        return ring is not None and ring.geometry() == place

    qtbot.waitUntil(at_second)
    second.setFixedWidth(200)
    window.adjustSize()
    qtbot.waitUntil(at_second)
    rings.deleteLater()


def test_a_field_of_lines_has_the_ring_however_it_got_the_focus(qtbot: QtBot, theme: Theme) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    column = QHBoxLayout(window)
    area = TextArea(2, 4)
    area.setProperty("field", "box")
    column.addWidget(QPushButton("One"))
    column.addWidget(area)
    rings = FocusRings(theme.parent())  # type: ignore[arg-type]
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.mouseClick(area.viewport(), Qt.MouseButton.LeftButton)

    def around() -> bool:
        ring = window.findChild(FocusRing, "focusRing")
        return ring is not None and ring.geometry() == area.geometry().adjusted(-3, -3, 3, 3)

    qtbot.waitUntil(around)
    rings.deleteLater()


def test_a_dialog_is_no_larger_than_the_screen(qtbot: QtBot) -> None:
    dialog = Dialog()
    qtbot.addWidget(dialog)
    available = dialog.screen().availableGeometry()
    dialog.resize(available.size() * 2)
    dialog.open()
    assert available.contains(dialog.frameGeometry())
    dialog.reject()
    dialog.resize(300, 200)
    dialog.open()
    assert (dialog.width(), dialog.height()) == (300, 200)
    dialog.reject()


def test_the_ring_of_a_dialog_is_in_the_dialog(qtbot: QtBot, theme: Theme) -> None:
    """Also where the dialog's parent is in a view that scrolls, which clips nothing of it."""
    view = QScrollArea()
    qtbot.addWidget(view)
    lane = QWidget()
    view.setWidget(lane)
    dialog = Dialog(lane)
    field = QLineEdit()
    QHBoxLayout(dialog).addWidget(field)
    rings = FocusRings(theme.parent())  # type: ignore[arg-type]
    view.show()
    dialog.open()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    field.setFocus()
    qtbot.waitUntil(lambda: view.findChild(FocusRing, "focusRing") is not None)
    ring = view.findChild(FocusRing, "focusRing")
    assert ring is not None
    assert ring.parentWidget() is dialog
    assert ring.geometry() == field.geometry().adjusted(-3, -3, 3, 3)
    dialog.reject()
    rings.deleteLater()


def test_a_band_offers_the_next_step(qtbot: QtBot) -> None:
    band = MessageBand("warn", "It has no effect.", "Put it in.", below=True)
    qtbot.addWidget(band)
    pressed: list[str] = []
    made = band.add_action("Add penalties first", lambda: pressed.append("first"))
    QTest.mouseClick(made, Qt.MouseButton.LeftButton)
    assert pressed == ["first"]
    assert band.accessibleName() == "It has no effect. Put it in."


def test_one_toast_at_a_time(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(400, 300)
    window.show()
    undone: list[int] = []
    Toast(window, "Copied")
    toast = Toast(window, "Chat deleted", "Undo", lambda: undone.append(1))
    qtbot.waitUntil(lambda: len(window.findChildren(Toast)) == 1)
    act = toast.findChild(QPushButton)
    assert act is not None
    QTest.mouseClick(act, Qt.MouseButton.LeftButton)
    assert undone == [1]


def test_a_splitter_moves_with_the_arrow_keys(qtbot: QtBot) -> None:
    splitter = HairSplitter(Qt.Orientation.Vertical)
    qtbot.addWidget(splitter)
    splitter.addWidget(QWidget())
    splitter.addWidget(QWidget())
    splitter.resize(200, 400)
    splitter.show()
    before = splitter.sizes()[0]
    QTest.keyClick(splitter.handle(1), Qt.Key.Key_Down)
    assert splitter.sizes()[0] == before + 16


def test_the_search_field_can_be_emptied(qtbot: QtBot) -> None:
    field = SearchField("Search chats", name="conversationSearch")
    qtbot.addWidget(field)
    field.setText("bird")
    clear = field.actions()[-1]
    clear.trigger()
    assert field.text() == ""
    assert isinstance(field, QLineEdit)


def test_the_picker_elides_its_name_and_keeps_the_chevron(qtbot: QtBot) -> None:
    picker = PickerButton("A very long name of a recipe that somebody gave", name="recipePicker")
    qtbot.addWidget(picker)
    picker.resize(90, 28)
    image = QImage(picker.grab().toImage())
    right = [image.pixelColor(x, y) for x in range(66, 88) for y in range(28)]
    assert len({colour.name() for colour in right}) > 1


def test_fold_and_pill(qtbot: QtBot, theme: Theme) -> None:
    theme.set_reduce_motion(True)
    window = QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    section = label("Thinking")
    column.addWidget(section)
    window.resize(300, 200)
    window.show()
    fold(section, False)
    assert not section.isVisible()
    fold(section, True)
    assert section.isVisible()
    pill = Pill("New text below", window)
    pill.show_pill(True)
    assert window.rect().contains(pill.geometry())
    theme.set_reduce_motion(False)


def test_foreign_words_are_never_read_as_html(qtbot: QtBot) -> None:
    words = "<img src=file:///etc/passwd> & <b>more</b>"
    picker, badge = PickerButton(words), Badge("neutral", "", "x")
    qtbot.addWidget(picker)
    qtbot.addWidget(badge)
    badge.set_badge("warn", "", words, words)
    for widget in (picker, badge):
        assert "<img" not in widget.toolTip()
        assert "&lt;img" in widget.toolTip()
    assert badge.textFormat() is Qt.TextFormat.PlainText


def test_the_width_of_more_is_known_before_it_is_made(qtbot: QtBot) -> None:
    chip = Chip("more", "12 more")
    qtbot.addWidget(chip)
    assert chip.sizeHint().width() == more_width("12 more")


def test_every_dialog_of_ours_is_worked_with_enter() -> None:
    for module in pkgutil.walk_packages(ui.__path__, "qwqdesk.ui."):
        importlib.import_module(module.name)
    ours = {made.__name__ for made in QDialog.__subclasses__() if made.__module__[:8] == "qwqdesk."}
    assert ours == {"Dialog", "Palette"}, "the palette is a popup with a list and no buttons"


def test_enter_presses_the_button_that_has_the_focus(qtbot: QtBot) -> None:
    pressed: list[str] = []
    dialog = Dialog()
    qtbot.addWidget(dialog)
    row = QHBoxLayout(dialog)
    for name in ("Cancel", "Replace"):
        row.addWidget(button(name, name=name, clicked=partial(pressed.append, name)))
    dialog.open()
    for name in ("Replace", "Cancel"):
        made = dialog.findChild(QPushButton, name)
        assert made is not None
        made.setFocus()
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            QTest.keyClick(made, key)
    assert pressed == ["Replace"] * 2 + ["Cancel"] * 2
