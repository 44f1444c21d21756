"""The model in the window: ways out of a load that failed, and what the picker offers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QMenu, QWidget

from qwqdesk.diagnostics import Crash
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.models.library import LibraryModel
from qwqdesk.settings import Settings
from qwqdesk.ui.conversation.composer_text import ComposerText
from qwqdesk.ui.model_picker import ModelPicker
from tests.fake_engine import ENGINE, MODEL
from tests.tiny_model import write_tiny_model
from tests.ui.fakes import Driver, opened

BIG = Settings(chat_template="chatml", reduce_motion=True, engine=EngineSettings(n_ctx=1_000_000))
TOO_BIG = UserError("The context did not fit.", "Choose a smaller context.", code="context")


async def _buttons(d: Driver, band: str) -> dict[str, QAbstractButton]:
    return {made.text(): made for made in (await d.shown(band)).findChildren(QAbstractButton)}


def _menu(picker: ModelPicker) -> list[str]:
    menu = picker.findChild(QMenu)
    assert menu is not None
    menu.aboutToShow.emit()
    return ["-" if act.isSeparator() else act.text() for act in menu.actions()]


async def test_settings_that_do_not_load_have_a_way_back(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, BIG) as d:
        asked: list[EngineSettings | None] = []

        def load(path: Path, settings: EngineSettings | None = None) -> None:
            asked.append(settings)
            d.window.loader.asked = settings or d.window.desk.settings.engine

        d.window.loader.load = load  # type: ignore[method-assign]
        d.window.models.load(Path("/models/x.gguf"))
        d.window.loader.failed.emit(Path("/models/x.gguf"), TOO_BIG)
        (await _buttons(d, "loadBand"))["Load with default settings"].click()
        assert asked == [None, EngineSettings()]
        loaded = d.window.desk.session.loaded
        d.window.loader.loaded.emit(loaded)
        said = (await d.shown("loadBand")).accessibleName()
        assert said.startswith("Loaded with default engine settings")
        assert d.window.desk.settings.engine == BIG.engine, "the user's own are kept"
        (await _buttons(d, "loadBand"))["Close"].click()
        d.window.loader.failed.emit(Path("/models/x.gguf"), TOO_BIG)
        assert "Load with default settings" not in await _buttons(d, "loadBand"), (
            "they have failed too"
        )


async def test_a_failed_load_can_be_closed_and_offers_only_what_may_help(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, BIG) as d:
        damaged = UserError("x.gguf is damaged.", "Download it again.", code="corrupt")
        d.window.loader.failed.emit(Path("/models/x.gguf"), damaged)
        buttons = await _buttons(d, "loadBand")
        assert "Load with default settings" not in buttons
        buttons["Close"].click()
        assert not [b for b in d.window.findChildren(QAbstractButton) if b.text() == "Try again"
                    and b.isVisible()]  # fmt: skip
        d.window.models.begin(Crash("/models/x.gguf", {}))
        assert "Load with default settings" in await _buttons(d, "crashBand")


async def test_a_model_from_a_file_stays_in_the_menu(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        picker = d.window.page.toolbar.model
        own = LibraryModel(Path("/library/own.gguf"), None, "Q8_0", 1, True, "qwen2", "library")
        found: Sequence[LibraryModel] = [own]
        picker.set_models(found)
        session = d.window.desk.session
        for name in ("one", "two&three"):
            assert session.loaded is not None
            model = replace(MODEL, path=f"/elsewhere/{name}.gguf")
            session.loaded = replace(session.loaded, model=model, engine=ENGINE)
            picker.show_loaded(session.loaded)
        lines = _menu(picker)
        assert lines[:3] == ["Opened from a file", "two&&three\tF16", "one\tF16"]
        assert "own\tQ8_0" in lines
        chosen: list[Path] = []
        picker.model_chosen.connect(chosen.append)
        menu = picker.findChild(QMenu)
        assert menu is not None
        menu.actions()[1].trigger()
        assert Path("/elsewhere/two&three.gguf") in chosen
        await d.until(lambda: not d.window.loader.busy)
        d.window.page.bands.take_away("loadBand")


async def test_the_engines_words_are_whole_or_not_there(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        picker = d.window.page.toolbar.model
        loaded = d.window.desk.session.loaded
        assert loaded is not None
        picker.show_loaded(loaded)
        shown = set()
        for width in (1400, 960, 760, 640):
            d.frame.resize(width, 700)
            await asyncio.sleep(0.1)
            words = picker.findChild(QLabel, "contextFacts")
            assert words is not None
            assert words.fontMetrics().horizontalAdvance(words.text()) <= words.width() + 1
            shown.add(words.text())
        assert "CPU, 1 threads · context 256" in shown
        assert shown <= {"CPU, 1 threads · context 256", "context 256", ""}


async def test_a_model_file_that_has_changed_is_loaded_again_with_one_click(
    qapp: QApplication, tmp_path: Path
) -> None:
    path = write_tiny_model(tmp_path / "tiny.gguf", "F16")
    async with opened(tmp_path) as d:
        d.window.models.load(path)
        await d.until(lambda: d.engine.loads and not d.window.loader.busy)
        os.truncate(path, path.stat().st_size + 1)
        composer = d.find("composerInput")
        assert isinstance(composer, ComposerText)
        composer.setFocus()
        QTest.keyClicks(composer, "What is 2 + 2?")
        QTest.keyClick(composer, Qt.Key.Key_Return)
        band = await d.shown("changedBand")
        assert "tiny.gguf has changed since it was loaded" in band.accessibleName()
        assert not d.engine.runs
        assert composer.text() == "What is 2 + 2?", "nothing was sent"
        (await _buttons(d, "changedBand"))["Load again"].click()
        await d.until(lambda: len(d.engine.loads) == 2 and not d.window.loader.busy)
        await d.until(lambda: not _seen(d, "changedBand"))
        composer.setFocus()
        QTest.keyClick(composer, Qt.Key.Key_Return)
        await d.until(lambda: d.engine.staged)
        d.engine.staged[0].finish()
        await d.idle()


def _seen(d: Driver, name: str) -> bool:
    return any(found.isVisible() for found in d.window.findChildren(QWidget, name))
