"""What has room in the window, at the sizes and text sizes that people have."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QApplication

from tests.ui.fakes import opened


async def test_the_chain_of_a_single_lane_has_room_for_its_meanings(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.frame.resize(1280, 800)
        d.window.page.acts.toggle_editors()
        editor = await d.shown("chainEditor")
        await d.until(lambda: editor.width() >= 500)
        assert editor.width() <= 600
        await d.until(lambda: editor.property("density") == "snug")
