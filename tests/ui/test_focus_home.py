"""After an act the next key is for the message, and never for a button beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QListView, QMenu, QWidget

from tests.ui.fakes import Driver, opened


def composer(d: Driver) -> QWidget:
    return d.find("composerInput")


def menu_of(d: Driver, button: str) -> QMenu:
    """The menu of a picker, filled, without opening it."""
    menu = d.find(button).findChild(QMenu) or d.window.findChild(QMenu, "recipeMenu")
    assert menu is not None
    menu.aboutToShow.emit()
    return menu


async def compared(d: Driver) -> None:
    """Two lanes that have answered."""
    d.press("Ctrl+T")
    run = await d.send("Go")
    run.write(0, "one")
    run.write(1, "two")
    run.finish()
    await d.idle()


def _add_lane(d: Driver) -> None:
    d.find("addLaneButton").setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(d.find("addLaneButton"), Qt.Key.Key_Space)


def _remove_lane(d: Driver) -> None:
    d.press("Ctrl+N")
    d.press("Ctrl+T")
    d.find("recipePicker", d.lane(1)).setFocus(Qt.FocusReason.TabFocusReason)
    d.press("Ctrl+W")


def _keep(d: Driver) -> None:
    d.find("keepButton", d.lane(1)).setFocus(Qt.FocusReason.TabFocusReason)
    d.click("keepButton", d.lane(1))


def _choose_recipe(d: Driver) -> None:
    picker = d.find("recipePicker", d.lane(1))
    picker.setFocus(Qt.FocusReason.TabFocusReason)
    menu = d.lane(1).findChild(QMenu, "recipeMenu")
    assert menu is not None
    menu.aboutToShow.emit()
    menu.actions()[0].trigger()


def _choose_model(d: Driver) -> None:
    picker = d.window.page.toolbar.model
    d.find("modelPicker").setFocus(Qt.FocusReason.TabFocusReason)
    d.window.loader.load = lambda path, settings=None: None  # type: ignore[method-assign]
    picker.model_chosen.emit(Path("/models/x.gguf"))


def _regenerate(d: Driver) -> None:
    button = d.find("regenerateButton", d.lane(0))
    button.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(button, Qt.Key.Key_Space)


def _new_chat(d: Driver) -> None:
    d.click("newConversationButton")


def _open_chat(d: Driver) -> None:
    chats = d.find("conversationList")
    assert isinstance(chats, QListView)
    d.press("Ctrl+N")
    chats.setFocus()
    chats.setCurrentIndex(chats.model().index(1, 0))
    QTest.keyClick(chats, Qt.Key.Key_Return)


@pytest.mark.parametrize(
    "act",
    [
        _add_lane,
        _remove_lane,
        _keep,
        _choose_recipe,
        _choose_model,
        _regenerate,
        _new_chat,
        _open_chat,
    ],
)
async def test_after_an_act_one_types_the_message(
    qapp: QApplication, tmp_path: Path, act: Callable[[Driver], None]
) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        act(d)
        await d.until(lambda: composer(d).hasFocus())
        QTest.keyClicks(composer(d), " so")
        assert d.window.page.composer.text() == " so"
        d.window.page.runs.stop()
        await d.idle()


async def test_a_clicked_button_gives_the_focus_back(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        for name in ("addLaneButton", "modePicker_exact"):
            composer(d).setFocus()
            QTest.mouseClick(d.find(name), Qt.MouseButton.LeftButton)
            await d.until(lambda: composer(d).hasFocus())
        seed = d.find("seedInput")
        seed.setFocus()
        QTest.mouseClick(d.find("modePicker_fast"), Qt.MouseButton.LeftButton)
        await d.until(seed.hasFocus)


async def test_who_presses_a_button_by_key_stays_there(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        exact = d.find("modePicker_fast")
        exact.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(exact, Qt.Key.Key_Space)
        await asyncio.sleep(0.05)
        assert exact.hasFocus()


async def test_an_act_leaves_those_alone_who_write_elsewhere(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        seed = d.find("seedInput")
        seed.setFocus()
        d.press("Ctrl+T")
        await asyncio.sleep(0.05)
        assert seed.hasFocus()


async def test_a_click_on_a_picker_takes_no_focus(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        for name in ("modelPicker", "recipePicker"):
            picker = d.find(name)
            assert not picker.focusPolicy() & Qt.FocusPolicy.ClickFocus
            assert picker.focusPolicy() & Qt.FocusPolicy.TabFocus


async def test_after_renaming_the_list_has_the_focus(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await compared(d)
        chats = d.find("conversationList")
        assert isinstance(chats, QListView)
        chats.setFocus()
        chats.edit(chats.currentIndex())
        editor = chats.findChild(QLineEdit, "conversationTitleEditor")
        assert editor is not None
        editor.setText("Another title")
        QTest.keyClick(editor, Qt.Key.Key_Return)
        await d.until(lambda: d.titles() == ["Another title"])
        await d.until(chats.hasFocus)


async def test_a_dialog_that_closes_leaves_the_composer(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        picker = d.find("recipePicker")
        picker.setFocus(Qt.FocusReason.TabFocusReason)
        d.window.page.view.lanes[0].head.paste_command()
        await d.until(lambda: QApplication.activeModalWidget() is not None)
        box = QApplication.activeModalWidget()
        assert box is not None
        await d.until(lambda: box.isActiveWindow() and QApplication.focusWidget() is not None)
        QTest.keyClick(box, Qt.Key.Key_Escape)
        await d.until(lambda: d.window.focusWidget() is composer(d))


async def test_the_palette_leaves_the_focus_where_it_was(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.window.open_palette()
        palette = d.window.findChild(QWidget, "commandPalette")
        assert palette is not None
        QTest.keyClick(palette, Qt.Key.Key_Escape)
        await d.until(lambda: composer(d).hasFocus())
        assert not [b for b in d.page.findChildren(QAbstractButton) if b.hasFocus()]
