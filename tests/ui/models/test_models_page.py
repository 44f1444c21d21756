"""The models page's shell: tabs, what is free, and that opening it asks nothing of any hub."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.ui.fakes import opened


async def test_tabs_switch_by_keyboard(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.show_page("models")
        await d.shown("repoSearch")
        tabs = d.find("modelsTabs")
        tabs.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(tabs, Qt.Key.Key_Right)
        assert d.find("libraryTable").isVisible()
        QTest.keyClick(tabs, Qt.Key.Key_Left)
        assert d.find("repoSearch").isVisible()


async def test_the_bar_says_what_is_free(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.show_page("models")
        room = await d.shown("freeRoom")
        assert "free on disk" in room.accessibleName()
        assert "GB memory" in room.accessibleName()
