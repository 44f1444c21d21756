"""The model in the window: ways out of a load that failed, and what the picker offers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QMenu,
    QWidget,
)
from pytestqt.qtbot import QtBot

from qwqdesk.diagnostics import Crash
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.models.library import LibraryModel
from qwqdesk.models.library_uses import note_use
from qwqdesk.models.quants import label_of_name
from qwqdesk.settings import Settings
from qwqdesk.ui.conversation.composer_text import ComposerText
from qwqdesk.ui.model_picker import ModelPicker, model_name
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
        assert "own\tQ8_0 · 1 B" in lines
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
        assert "CPU, 1 thread · context 256" in shown
        assert shown <= {"CPU, 1 thread · context 256", "context 256", ""}


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


def _library(*names: str) -> list[LibraryModel]:
    """Models of these paths, 5 GB each."""
    return [
        LibraryModel(
            Path("/library") / name,
            None,
            label_of_name(name) or "",
            5 * 10**9,
            True,
            "qwen2",
            "library",
        )
        for name in names
    ]


@pytest.mark.parametrize(
    ("file", "label", "name"),
    [
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1", "SmolLM2-135M-Instruct"),
        ("gemma-3-270m-q4_k_m.gguf", "Q4_K_M", "gemma-3-270m"),
        ("QwQ-32B-Q8_0-00001-of-00003.gguf", "Q8_0", "QwQ-32B"),
        ("qwqdesk-demo-F16.gguf", "F16", "QwQ Desk demo"),
        ("qwqdesk-demo-Q8_0.gguf", "Q8_0", "QwQ Desk demo"),
        ("model.gguf", "Q4_0", "model"),
        ("Q4_0.gguf", "Q4_0", "Q4_0"),
        ("odd.gguf", "", "odd"),
    ],
)
def test_a_model_is_called_by_its_file(file: str, label: str, name: str) -> None:
    assert model_name(Path("/models") / file, label) == name


def test_rows_that_read_the_same_say_their_folders(qtbot: QtBot) -> None:
    picker = ModelPicker()
    qtbot.addWidget(picker)
    picker.set_models(_library("a/QwQ-Q4_0.gguf", "b/QwQ-Q4_0.gguf", "b/QwQ-Q8_0.gguf"))
    rows = [line for line in _menu(picker) if line.startswith("QwQ")]
    assert rows == [
        "QwQ in a\tQ4_0 · 5.0 GB",
        "QwQ in b\tQ4_0 · 5.0 GB",
        "QwQ\tQ8_0 · 5.0 GB",
    ]


def test_what_cannot_be_loaded_is_marked(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    picker = ModelPicker()
    qtbot.addWidget(picker)
    broken, changed, huge = _library("broken.gguf", "changed.gguf", "huge.gguf")
    monkeypatch.setattr("qwqdesk.ui.model_picker.whole_memory", lambda: 16 * 10**9)
    picker.set_models(
        [
            replace(broken, readable=False),
            replace(changed, check="damaged"),
            replace(huge, size_bytes=40 * 10**9),
        ]
    )
    lines = _menu(picker)
    assert "broken\t5.0 GB · Cannot be read" in lines
    assert "changed\t5.0 GB · Damaged" in lines
    assert "huge\t40.0 GB · More than the memory" in lines
    menu = picker.findChild(QMenu)
    assert menu is not None
    able = {act.text().partition("\t")[0]: act.isEnabled() for act in menu.actions()}
    assert (able["broken"], able["huge"]) == (False, True)


def test_many_models_are_searched(qtbot: QtBot) -> None:
    picker = ModelPicker()
    qtbot.addWidget(picker)
    names = [f"{family}-{size}B-Q4_0.gguf" for family in ("qwen", "gemma") for size in range(1, 6)]
    picker.set_models(_library(*names))
    _menu(picker)
    menu, field = picker.findChild(QMenu), picker.findChild(QLineEdit, "modelSearch")
    assert menu is not None
    assert field is not None
    field.setText("GEMMA 3")
    shown = [act.text() for act in menu.actions() if act.isVisible() and act.isCheckable()]
    assert shown == ["gemma-3B\tQ4_0 · 5.0 GB"]
    chosen: list[Path] = []
    picker.model_chosen.connect(chosen.append)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert chosen == [Path("/library/gemma-3B-Q4_0.gguf")]


async def test_files_of_earlier_runs_stay_in_the_menu(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        kept, gone = tmp_path / "kept-Q4_0.gguf", tmp_path / "gone.gguf"
        kept.write_bytes(b"GGUF")
        note_use(d.window.desk.dirs.models, gone, 1.0)
        note_use(d.window.desk.dirs.models, kept, 2.0)
        d.window.loader.rescan()
        picker = d.window.page.toolbar.model
        await d.until(lambda: "kept\tQ4_0" in _menu(picker))
        assert not [line for line in _menu(picker) if line.startswith("gone")]
