"""Exporting the shown comparison, and copying a lane's settings, from the window."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QListView, QMenu, QPushButton

from qwqdesk.settings import Settings
from qwqdesk.ui.base import MessageBand, Toast
from tests.ui.fakes import Driver, opened

OPEN = Settings(chat_template="chatml", reduce_motion=True, numbers_open=True)


async def compared(d: Driver) -> None:
    d.window.page.acts.add()
    run = await d.send("Write code.")
    run.write(0, thought="hm", tokens=3)
    run.write(0, "```python\nx = 1\n```\n", tokens=9)
    run.write(1, "```python\nprint(missing)\n```\n", tokens=9)
    run.finish()
    await d.idle()


async def choose(d: Driver, name: str, folder: Path | None) -> None:
    """Open the export menu, take an entry, and answer its file dialog with the offered name."""
    d.window.page.exports.folder = folder or d.window.page.exports.folder
    d.click("exportButton")
    menu = d.window.page.findChild(QMenu, "exportMenu")
    assert isinstance(menu, QMenu)
    next(act for act in menu.actions() if act.objectName() == name).trigger()
    menu.close()
    await d.until(lambda: dialog(d) is not None)
    found = dialog(d)
    assert found is not None
    if folder is None:
        found.reject()
        return
    if found.fileMode() is QFileDialog.FileMode.Directory:
        found.setDirectory(str(folder))
    found.done(QFileDialog.DialogCode.Accepted)


def dialog(d: Driver) -> QFileDialog | None:
    found = [each for each in d.window.page.findChildren(QFileDialog) if each.isVisible()]
    return found[0] if found else None


def bands(d: Driver) -> list[str]:
    found = d.window.page.findChildren(MessageBand)
    return [band.accessibleName() for band in found if band.isVisible()]


def toast(d: Driver) -> Toast | None:
    found = d.window.page.findChild(Toast)
    return found if isinstance(found, Toast) else None


@pytest.mark.parametrize("form", ["markdown", "html", "json"])
async def test_a_comparison_becomes_one_file(qapp: QApplication, tmp_path: Path, form: str) -> None:
    async with opened(tmp_path, OPEN) as d:
        await compared(d)
        await d.shown("exportButton")
        ending = {"markdown": "md", "html": "html", "json": "json"}[form]
        place = tmp_path / f"Write_code.{ending}"
        await choose(d, f"export_{form}", tmp_path)
        await d.until(place.exists)
        text = place.read_text("utf-8")
        assert "missing" in text
        assert "x = 1" in text
        if form == "json":
            assert [lane["label"] for lane in json.loads(text)["lanes"]] == ["A", "B"]
        await d.until(lambda: toast(d) is not None)
        said = toast(d)
        assert said is not None
        assert [b.text() for b in said.findChildren(QPushButton)] == ["Open folder"]
        said.close_now()


async def test_a_folder_has_every_format_and_the_texts(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path, OPEN) as d:
        await compared(d)
        await d.shown("exportButton")
        target = tmp_path / "out"
        target.mkdir()
        await choose(d, "export_folder", target)
        await d.until(lambda: toast(d) is not None)
        made = next(target.iterdir())
        names = sorted(file.name for file in made.iterdir())
        assert names == [
            "F16_A_Qwen_official.txt",
            "F16_B_Qwen_official.txt",
            "comparison.html",
            "comparison.md",
            "run.json",
        ]
        assert "print(missing)" in (made / "F16_B_Qwen_official.txt").read_text("utf-8")


async def test_what_cannot_be_written_is_said_and_nothing_is_left(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, OPEN) as d:
        await compared(d)
        await d.shown("exportButton")
        (tmp_path / "Write_code.md").mkdir()  # a folder stands where the file should go
        await choose(d, "export_markdown", tmp_path)
        await d.until(lambda: any("was not written" in words for words in bands(d)))
        assert not list(tmp_path.glob(".Write_code*"))


async def test_nothing_happens_when_no_place_is_chosen(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path, OPEN) as d:
        await compared(d)
        await d.shown("exportButton")
        await choose(d, "export_json", None)
        await d.until(lambda: dialog(d) is None)
        assert toast(d) is None


async def test_a_comparison_is_copied_as_markdown(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path, OPEN) as d:
        await compared(d)
        d.window.page.exports.copy()
        await d.until(lambda: toast(d) is not None)
        assert "## Numbers" in QGuiApplication.clipboard().text()


async def test_a_lane_says_what_another_program_cannot_express(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        lane = d.window.page.view.lanes[0]
        recipe = d.window.desk.recipe("unsloth")
        lane.model.set_recipe(recipe)
        d.click("laneMore", lane)
        menu = lane.findChild(QMenu, "laneMenu")
        assert isinstance(menu, QMenu)
        copies = menu.findChild(QMenu, "copySettings")
        assert isinstance(copies, QMenu)
        titles = [act.text() for act in copies.actions()]
        assert titles[:3] == ["llama-cli flags", "llama-server JSON", "Ollama Modelfile"]
        next(a for a in copies.actions() if a.objectName() == "copyAs_modelfile").trigger()
        menu.close()
        lane.body.show_text()
        band = await d.shown("noteBand")
        assert "PARAMETER temperature 0.6" in QGuiApplication.clipboard().text()
        assert band.accessibleName().startswith("Copied as Ollama Modelfile. Not in the text: ")
        assert "the order of the chain" in band.accessibleName()
        d.click("closeNote", lane)
        assert not band.isVisible()


async def test_a_run_that_goes_on_is_exported_as_it_is_shown(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, OPEN) as d:
        d.window.page.acts.add()
        run = await d.send("Write.")
        run.write(0, "All of it.", tokens=3)
        run.finish(0)
        run.write(1, "A part", tokens=2)
        await d.until(lambda: d.answer(1) == "A part")
        d.window.page.exports.copy()
        await d.until(lambda: toast(d) is not None)
        text = QGuiApplication.clipboard().text()
        assert "All of it." in text
        assert "- End: finished" in text
        assert "- End: stopped (it was still being written)" in text
        run.finish()
        await d.idle()


async def test_a_chat_is_exported_from_its_menu(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("First")
        run.write(0, "the first answer")
        run.finish()
        await d.idle()
        d.press("Ctrl+N")
        chats = d.find("conversationList")
        assert isinstance(chats, QListView)
        place = chats.visualRect(chats.model().index(1, 0)).center()
        chats.customContextMenuRequested.emit(place)
        menu = d.window.findChild(QMenu, "chatMenu")
        assert menu is not None
        assert [act.text() for act in menu.actions()] == ["Rename", "Export", "Delete chat"]
        copy = menu.findChild(QAction, "export_copy")
        assert copy is not None
        copy.trigger()
        menu.close()
        await d.until(lambda: "the first answer" in QGuiApplication.clipboard().text())
        assert d.answer(0) == "the first answer", "it is shown"
