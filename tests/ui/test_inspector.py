"""The inspector window: what it shows of good, damaged and hostile files, and that it closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from qwqdesk.resources import resource
from qwqdesk.ui.inspector.window import TABS, InspectorWindow, open_inspector
from qwqdesk.ui.theme import theme
from tests.ui.fakes import Driver, opened
from tests.unit.models.gguf_writer import F32, small_model

DEMO = resource("models", "qwqdesk-demo-F16.gguf")


class Look:
    """An open inspector."""

    def __init__(self, driver: Driver, window: InspectorWindow) -> None:
        self.driver, self.window = driver, window

    def tab(self, name: str) -> None:
        self.window.tabs.setCurrentIndex(TABS.index(name))

    def words(self) -> str:
        """All labels that are shown."""
        labels = self.window.findChildren(QLabel)
        return " | ".join(each.text() for each in labels if each.isVisible())

    def text(self, name: str) -> str:
        return self.field(name).toPlainText()

    def field(self, name: str) -> QPlainTextEdit:
        found = self.window.findChild(QPlainTextEdit, name)
        assert found is not None
        return found

    def table(self, name: str) -> list[list[str]]:
        view = self.view(name)
        model = view.model()
        rows, columns = range(model.rowCount()), range(model.columnCount())
        return [[str(model.index(row, column).data()) for column in columns] for row in rows]

    def column(self, name: str, number: int) -> list[str]:
        return [row[number] for row in self.table(name)]

    def view(self, name: str) -> QAbstractItemView:
        found = self.window.findChild(QAbstractItemView, name)
        assert found is not None
        return found

    async def filter(self, name: str, text: str, rows: int) -> list[list[str]]:
        field = self.window.findChild(QLineEdit, f"{name}Filter")
        assert field is not None
        field.setText(text)
        await self.driver.until(lambda: len(self.table(f"{name}Table")) == rows)
        return self.table(f"{name}Table")


@asynccontextmanager
async def inspecting(tmp_path: Path, path: Path) -> AsyncIterator[Look]:
    async with opened(tmp_path / "data") as driver:
        window = open_inspector(driver.window.desk, path, driver.frame)
        ready = asyncio.Event()
        window.ready.connect(ready.set)
        await ready.wait()
        try:
            yield Look(driver, window)
        finally:
            window.close()


async def test_the_overview_says_what_the_file_is(tmp_path: Path) -> None:
    path = small_model().write(tmp_path / "tiny-UD-Q4_K_XL.gguf")
    async with inspecting(tmp_path, path) as look:
        words = look.words()
        for part in ("Tiny 딸기", "qwen2", "UD-Q4_K_XL", "4,096 tokens", "32 tokens", "top_k"):
            assert part in words, part
        assert look.window.windowTitle().startswith("Tiny 딸기")
        assert not look.window.isModal()


async def test_metadata_is_filtered_and_arrays_are_read_on_demand(tmp_path: Path) -> None:
    path = (
        small_model().strings("own.words", [f"w{n}" for n in range(900)]).write(tmp_path / "m.gguf")
    )
    async with inspecting(tmp_path, path) as look:
        look.tab("Metadata")
        rows = await look.filter("metadata", "OWN words", 1)
        assert rows == [["own.words", "string[]", "900 items"]]
        look.view("metadataTable").setCurrentIndex(look.view("metadataTable").model().index(0, 0))
        await look.driver.until(lambda: "499  w499" in look.text("metadataValue"))
        assert "and 400 more of string" in look.text("metadataValue")
        QTest.keySequence(look.view("metadataTable"), "Ctrl+C")
        assert QGuiApplication.clipboard().text() == "own.words\tstring[]\t900 items"


async def test_tensors_are_sorted_by_size_and_filtered(tmp_path: Path) -> None:
    async with inspecting(tmp_path, small_model().write(tmp_path / "m.gguf")) as look:
        look.tab("Tensors")
        assert look.table("tensorsTable")[0][0] == "token_embd.weight"
        view = look.view("tensorsTable")
        view.sortByColumn(4, Qt.SortOrder.DescendingOrder)  # type: ignore[attr-defined]
        assert look.table("tensorsTable")[0][2] == "512 × 256"
        rows = await look.filter("tensors", "q6_k", 2)
        assert {row[1] for row in rows} == {"Q6_K"}


async def test_the_chat_template_is_shown_and_copied(tmp_path: Path) -> None:
    async with inspecting(tmp_path, DEMO) as look:
        look.tab("Chat template")
        assert "<|im_start|>" in look.text("templateText")
        look.driver.click("copyTemplateButton", look.window)
        assert QGuiApplication.clipboard().text() == look.text("templateText")


async def test_a_text_is_cut_by_the_models_own_tokenizer(tmp_path: Path) -> None:
    async with inspecting(tmp_path, DEMO) as look:
        look.tab("Tokenizer")
        text = "a <think>\n한<|im_end|>"
        look.field("tokenizerInput").setPlainText(text)
        await look.driver.until(lambda: "eos" in look.column("tokensTable", 4))
        assert "think" in look.column("tokensTable", 4)
        spelled = "".join(look.column("tokensTable", 3)).replace(" ", "")
        assert bytes.fromhex(spelled).decode() == text
        assert "<|im_end|>" in look.words()
        box = look.window.findChild(QCheckBox, "tokenizerSpecial")
        assert box is not None
        box.click()
        await look.driver.until(lambda: "<|im_end|>" not in look.column("tokensTable", 2))


async def test_a_tokenizer_that_cannot_be_read_says_so_in_place(tmp_path: Path) -> None:
    async with inspecting(tmp_path, small_model().write(tmp_path / "m.gguf")) as look:
        look.tab("Tokenizer")
        await look.driver.until(lambda: "m.gguf lacks the key tokenizer.ggml.model" in look.words())
        assert "Try again" in [
            b.text()
            for b in look.window.findChildren(QWidget)
            if hasattr(b, "text") and b.isVisible()
        ]


async def test_the_vocabulary_is_searched(tmp_path: Path) -> None:
    async with inspecting(tmp_path, DEMO) as look:
        look.tab("Vocabulary")
        await look.driver.until(lambda: len(look.table("vocabularyTable")) == 1536)
        assert look.table("vocabularyTable")[2] == ["2", "<|im_end|>", "control", "eos"]
        rows = await look.filter("vocabulary", "im_end", 1)
        assert rows[0][2] == "control"


async def test_a_damaged_file_shows_its_error_and_what_could_be_read(tmp_path: Path) -> None:
    data = small_model().build()
    path = tmp_path / "cut.gguf"
    path.write_bytes(data[: data.index(b"tokenizer.ggml.tokens") + 40])
    async with inspecting(tmp_path, path) as look:
        assert "ends early" in look.words()
        assert "What could be read is shown." in look.words()
        assert "Tiny 딸기" in look.words()
        for name in TABS:
            look.tab(name)


@pytest.mark.parametrize("data", [b"", b"<!doctype html>", b"GGUF\x03\0\0\0" + b"\xff" * 16])
async def test_what_is_no_model_is_said_in_words(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "no.gguf"
    path.write_bytes(data)
    async with inspecting(tmp_path, path) as look:
        assert "no.gguf" in look.words()
        assert any(word in look.words() for word in ("not a GGUF file", "damaged", "truncated"))


async def test_hostile_texts_are_shown_as_signs(tmp_path: Path) -> None:
    file = small_model().string("general.license", "<b>x</b>\x1b[2J\u202e" + "y" * 100_000)
    file.scalar("<img src=x>", F32, float("nan"))
    async with inspecting(tmp_path, file.write(tmp_path / "h.gguf")) as look:
        assert "<b>x</b>·[2J·" in look.words()
        look.tab("Metadata")
        rows = await look.filter("metadata", "<img", 1)
        assert rows[0][2] == "nan"


async def test_several_are_open_at_once_and_close_with_the_program(tmp_path: Path) -> None:
    async with inspecting(tmp_path, DEMO) as look:
        other = open_inspector(look.driver.window.desk, DEMO, look.driver.frame)
        assert other.isVisible()
        assert look.window.isVisible()
        look.tab("Tokenizer")
        look.driver.frame.closed.emit()
        assert not other.isVisible()


async def test_escape_closes(tmp_path: Path) -> None:
    async with inspecting(tmp_path, DEMO) as look:
        look.window.activateWindow()
        await look.driver.until(look.window.isActiveWindow)
        QTest.keySequence(look.window, "Esc")
        await look.driver.until(lambda: not look.window.isVisible())


async def test_an_open_inspector_follows_the_text_size(tmp_path: Path) -> None:
    async with inspecting(tmp_path, DEMO) as look:
        look.tab("Metadata")
        before = look.view("metadataTable").fontMetrics().height()
        try:
            theme().set_percent(150)
            assert look.window.tabs.currentIndex() == TABS.index("Metadata")
            assert look.view("metadataTable").fontMetrics().height() > before
            assert look.window.tabs.isEnabled()
        finally:
            theme().set_percent(100)
