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


async def test_f6_goes_through_the_parts_of_the_page(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.show_page("models")
        field = await d.shown("repoSearch")
        d.window.moves.step_region(1)
        visited = []
        for _ in range(3):
            d.window.moves.step_region(1)
            focused = d.window.focusWidget()
            assert focused is not None
            visited.append(focused)
        assert field in visited
        assert any(d.window.sidebar.isAncestorOf(each) for each in visited)


async def test_escape_in_a_field_leaves_it_and_keeps_the_page(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.window.show_page("models")
        field = await d.shown("repoSearch")
        field.setFocus()
        d.window.moves.escape()
        assert d.find("modelsPage").isVisible()
        assert not field.hasFocus()


async def test_in_a_narrow_window_the_sidebar_makes_room_for_models(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.frame.resize(960, 600)
        await d.until(lambda: d.window.width() == 960)
        rails = []
        for name in ("conversation", "models", "conversation"):
            d.window.show_page(name)
            rails.append(d.window.sidebar.rail)
        assert rails == [False, True, False]
