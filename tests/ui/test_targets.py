"""Nothing that is pressed is under 24 px, and a row of the settings is switched by its words."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PySide6.QtCore import QMargins, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QCheckBox, QLabel, QLineEdit

from qwqdesk.ui.base import FocusRings
from qwqdesk.ui.base.focus import FocusRing
from qwqdesk.ui.conversation.chain_marks import Grip
from tests.ui.fakes import Driver, opened

LEAST = 24
_RING = QMargins(3, 3, 3, 3)


def _small(d: Driver) -> list[str]:
    found = [*d.window.findChildren(QAbstractButton), *d.window.findChildren(Grip)]
    return [
        f"{type(each).__name__} {each.objectName() or each.accessibleName()}: "
        f"{each.width()} x {each.height()}"
        for each in found
        if each.isVisible()
        and not isinstance(each.parentWidget(), QLineEdit)  # Qt's icon in a search field
        and min(each.width(), each.height()) < LEAST
    ]


async def test_no_target_is_under_24_px(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.frame.resize(1500, 900)
        d.press("Ctrl+T")
        d.window.page.view.lanes[1].model.set_recipe(d.window.desk.recipe("unsloth"))
        run = await d.send("Go")
        run.write(0, "one ```python\nx = (\n``` two", thought="hm")
        run.write(1, "three", thought="ha")
        run.finish()
        await d.idle()
        d.press("Ctrl+E")
        await asyncio.sleep(0.1)
        assert not _small(d), "\n".join(_small(d))
        for page in ("settings", "lab", "models"):
            d.window.show_page(page)
            await asyncio.sleep(0.1)
            assert not _small(d), "\n".join([page, *_small(d)])


async def test_the_words_of_a_settings_row_switch_it(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.show_page("settings")
        box = d.find("setting_show_reasoning_open")
        assert isinstance(box, QCheckBox)
        before = box.isChecked()
        words = next(
            one
            for one in d.find("settingsPage").findChildren(QLabel)
            if one.text() == "Show reasoning while it is written"
        )
        QTest.mouseClick(words, Qt.MouseButton.LeftButton)
        assert box.isChecked() is not before
        assert d.window.desk.settings.show_reasoning_open is not before


async def test_the_seed_shows_its_focus(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        rings = FocusRings(qapp)
        d.find("seedInput").setFocus()
        frame = d.find("seedField")

        def around() -> bool:
            ring = d.frame.findChild(FocusRing, "focusRing")
            return ring is not None and ring.size() == frame.size().grownBy(_RING)

        await d.until(around)
        rings.deleteLater()
