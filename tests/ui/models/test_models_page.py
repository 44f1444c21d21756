"""The models page's shell: tabs, what is free, and that opening it asks nothing of any hub."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from qwqdesk.ui.models.find_list import RepoList
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


async def test_words_typed_after_opening_the_page_are_searched(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.window.show_page("models")
        assert d.window.focusWidget() is await d.shown("repoSearch")
        d.find("modelsPage").show_tab(1)  # type: ignore[attr-defined]
        d.window.show_page("conversation")
        d.window.show_page("models")
        assert d.window.focusWidget() is d.find("libraryTable")


async def test_the_ring_of_a_row_is_for_the_keyboard(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    async with opened(tmp_path) as d:
        d.window.show_page("models")
        await d.shown("repoSearch")
        found = d.find("repoList")
        assert isinstance(found, RepoList)
        place = found.visualRect(found.model().index(1, 0)).center()
        QTest.mouseClick(found.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert found.hasFocus()
        assert not found.ring.shown
        QTest.keyClick(found, Qt.Key.Key_Down)
        assert found.ring.shown
