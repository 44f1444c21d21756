"""The library tab: what a person sees and does there, with real files in a folder of the test."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QMenu, QPushButton, QWidget

from qwqdesk.models.hub_names import HubName
from qwqdesk.models.library_acts import verify
from qwqdesk.models.verify import FileDigest
from qwqdesk.settings import Settings
from qwqdesk.ui.models.library_list import LibraryTable
from qwqdesk.ui.models.library_rows import act_rect, menu_rect
from qwqdesk.ui.models.library_table import Column
from qwqdesk.ui.models.library_view import LibraryView
from tests.ui.fakes import Driver, opened
from tests.unit.models.gguf_writer import small_model


class Shelf:
    """The open library tab."""

    def __init__(self, driver: Driver, view: LibraryView) -> None:
        self.driver, self.view = driver, view
        self.table: LibraryTable = view.table

    def names(self) -> list[str]:
        return [self.cell(row, Column.NAME) for row in range(self.table.model().rowCount())]

    def cell(self, row: int, column: int, role: int = Qt.ItemDataRole.DisplayRole) -> str:
        return str(self.table.model().index(row, column).data(role))

    def select(self, name: str) -> int:
        row = self.names().index(name)
        self.table.select(row)
        self.table.setFocus()
        return row

    def key(self, name: str, key: Qt.Key) -> None:
        self.select(name)
        QTest.keyClick(self.table, key)

    def click(self, row: int, place: Callable[..., object]) -> None:
        cell = self.table.visualRect(self.table.model().index(row, Column.ACTS))
        data = self.table.model().index(row, 0).data(Qt.ItemDataRole.UserRole)
        rect = place(cell, data) if place is act_rect else place(cell)
        QTest.mouseClick(
            self.table.viewport(),
            Qt.MouseButton.LeftButton,
            pos=rect.center(),  # type: ignore[attr-defined]
        )

    def button(self, words: str) -> QPushButton:
        shown = [b for b in self.view.findChildren(QPushButton) if b.isVisible()]
        return next(button for button in shown if button.text() == words)

    async def says(self, words: str) -> None:
        """Wait until a message has these words."""
        await self.driver.until(lambda: words in self.said())

    def said(self) -> str:
        """All words of messages."""
        names = ("libraryBand", "libraryImport", "toast")
        found = [w for name in names for w in self.view.findChildren(QWidget, name)]
        labels = [each for w in found if w.isVisible() for each in w.findChildren(QLabel)]
        return " ".join(each.text() for each in labels)


@asynccontextmanager
async def shelf(folder: Path, **settings: object) -> AsyncIterator[Shelf]:
    values = {"chat_template": "chatml", "reduce_motion": True} | settings
    async with opened(folder / "data", Settings(**values)) as driver:  # type: ignore[arg-type]
        driver.window.show_page("models")
        page = driver.find("modelsPage")
        page.show_tab(1)  # type: ignore[attr-defined]
        await driver.until(lambda: page.findChild(LibraryView) is not None)
        view = page.findChild(LibraryView)
        assert view is not None
        found = Shelf(driver, view)
        await driver.until(lambda: found.table.model().rowCount() and idle(driver))
        yield found


def idle(driver: Driver) -> bool:
    task = driver.window.loader._scan_task
    return task is not None and task.done()


def put(tmp_path: Path, name: str, file_type: int = 15, place: str = "data/models") -> Path:
    file = small_model(file_type=file_type).string("general.note", name)
    return file.write(tmp_path / place / name)


async def test_rows_say_what_is_known_and_enter_loads(tmp_path: Path) -> None:
    put(tmp_path, "me/R-GGUF/R-Q4_K_M.gguf")
    async with shelf(tmp_path) as lib:
        row = lib.select("R-Q4_K_M")
        spoken = int(Qt.ItemDataRole.AccessibleTextRole)
        assert lib.cell(row, Column.LABEL) == "Q4_K_M"
        assert lib.cell(row, Column.CHECK, spoken) == "Checksum: Not checked"
        assert lib.cell(row, Column.SOURCE, spoken) == "From: Library, me/R-GGUF"
        assert lib.cell(row, Column.USED) == "Not yet"
        loads: list[Path] = []
        lib.driver.window.models.load = loads.append  # type: ignore[method-assign, assignment]
        lib.key("R-Q4_K_M", Qt.Key.Key_Return)
        assert [path.name for path in loads] == ["R-Q4_K_M.gguf"]


async def test_a_click_on_load_loads_and_the_dots_open_the_menu(tmp_path: Path) -> None:
    put(tmp_path, "me/R-GGUF/R-Q4_K_M.gguf")
    async with shelf(tmp_path) as lib:
        loads: list[Path] = []
        lib.driver.window.models.load = loads.append  # type: ignore[method-assign, assignment]
        row = lib.select("R-Q4_K_M")
        lib.click(row, menu_rect)
        menu = lib.view.findChild(QMenu, "libraryMenu")
        assert menu is not None
        names = [action.objectName().removeprefix("library_") for action in menu.actions()]
        assert [n for n in names if n] == [
            "load", "verify", "details", "folder", "copy", "repo", "delete"
        ]  # fmt: skip
        next(a for a in menu.actions() if a.objectName() == "library_copy").trigger()
        assert QGuiApplication.clipboard().text().endswith("R-Q4_K_M.gguf")
        menu.close()
        lib.click(row, act_rect)
        assert [path.name for path in loads] == ["R-Q4_K_M.gguf"]


async def test_filter_and_order(tmp_path: Path) -> None:
    put(tmp_path, "me/R-GGUF/R-Q4_K_M.gguf")
    put(tmp_path, "you/S-GGUF/S-Q8_0.gguf", 7)
    async with shelf(tmp_path) as lib:
        assert lib.names() == ["qwqdesk-demo-F16", "qwqdesk-demo-Q8_0", "R-Q4_K_M", "S-Q8_0"]
        lib.select("S-Q8_0")
        lib.table.sortByColumn(Column.SIZE, Qt.SortOrder.DescendingOrder)
        assert lib.names()[0] == "qwqdesk-demo-F16"
        current = lib.table.current_row()
        assert current is not None
        assert current.model.path.name == "S-Q8_0.gguf"
        lib.view.head.field.setText("you q8")
        assert lib.names() == ["S-Q8_0"]
        lib.view.head.field.setText("nothing like it")
        assert not lib.table.isVisible()
        lib.button("Show all").click()
        assert len(lib.names()) == 4


async def test_a_model_without_a_part_cannot_be_loaded(tmp_path: Path) -> None:
    for number in (1, 2, 4, 5):
        put(tmp_path, f"me/B-GGUF/B-BF16-0000{number}-of-00005.gguf")
    async with shelf(tmp_path) as lib:
        row = lib.select("B-BF16")
        assert lib.cell(row, Column.CHECK) == "Part 3 of 5 is missing"
        assert lib.cell(row, Column.ACTS) == "Download part"
        wanted: list[str | None] = []
        lib.view._download = lambda model: wanted.append(model.repo)  # type: ignore[method-assign]
        lib.key("B-BF16", Qt.Key.Key_Return)
        assert wanted == ["me/B-GGUF"]


async def test_what_lies_here_twice_is_said_and_can_be_filtered(tmp_path: Path) -> None:
    first = put(tmp_path, "a-Q4_K_M.gguf")
    second = tmp_path / "data" / "models" / "b-Q4_K_M.gguf"
    second.write_bytes(first.read_bytes())
    for path in (first, second):
        verify(path, tmp_path / "data" / "models", lambda *_: None)
    async with shelf(tmp_path) as lib:
        row = lib.select("a-Q4_K_M")
        spoken = lib.cell(row, Column.NAME, int(Qt.ItemDataRole.AccessibleTextRole))
        assert spoken == "a-Q4_K_M, Same file as models/b-Q4_K_M.gguf"
        lib.view.head.copies.click()
        assert lib.names() == ["a-Q4_K_M", "b-Q4_K_M"]


async def test_delete_asks_and_goes_to_the_trash_whole(tmp_path: Path) -> None:
    paths = [put(tmp_path, f"me/B-GGUF/B-BF16-0000{n}-of-00002.gguf") for n in (1, 2)]
    size = sum(path.stat().st_size for path in paths)
    async with shelf(tmp_path) as lib:
        trash: list[Path] = []

        def discard(path: Path) -> None:
            path.rename(tmp_path / path.name)
            trash.append(path)

        lib.view.removal._discard = discard
        lib.key("B-BF16", Qt.Key.Key_Delete)
        dialog = await lib.driver.shown("questionDialog")
        words = " ".join(label.text() for label in dialog.findChildren(QLabel))
        assert "All 2 parts go to the trash" in words
        assert f"{size / 1000:.0f} kB" in words
        assert lib.driver.find("verbButton", dialog).text() == "Move to trash"  # type: ignore[attr-defined]
        lib.driver.click("verbButton", dialog)
        await lib.driver.until(lambda: "B-BF16" not in lib.names())
        assert trash == paths
        assert "in the trash" in lib.said()


async def test_without_a_trash_nothing_is_lost_and_deleting_for_good_is_offered(
    tmp_path: Path,
) -> None:
    path = put(tmp_path, "me/R-GGUF/R-Q4_K_M.gguf")
    async with shelf(tmp_path) as lib:

        def refuse(path: Path) -> None:
            raise OSError("no trash")

        lib.view.removal._discard = refuse
        lib.key("R-Q4_K_M", Qt.Key.Key_Delete)
        await lib.driver.shown("questionDialog")
        lib.driver.click("verbButton")
        await lib.says("could not be moved")
        assert path.exists()
        lib.button("Delete for good…").click()
        await lib.driver.shown("questionDialog")
        lib.driver.click("verbButton")
        await lib.driver.until(lambda: not path.exists())


async def test_other_places_and_the_loaded_model_are_never_deleted(tmp_path: Path) -> None:
    mine = put(tmp_path, "mine-Q4_K_M.gguf", place="folder")
    put(tmp_path, "thing/x/thing-Q8_0.gguf", 7, "home/.lmstudio/models")
    loaded = put(tmp_path, "me/R-GGUF/R-Q4_K_M.gguf")
    async with shelf(tmp_path, model_folders=(str(tmp_path / "folder"),)) as lib:
        lib.key("mine-Q4_K_M", Qt.Key.Key_Delete)
        await lib.says("read-only")
        lib.key("thing-Q8_0", Qt.Key.Key_Delete)
        await lib.says("belongs to LM Studio")
        lib.key("qwqdesk-demo-F16", Qt.Key.Key_Delete)
        await lib.says("part of the program")
        lib.view.is_loaded = lambda model: True  # type: ignore[method-assign]
        lib.key("R-Q4_K_M", Qt.Key.Key_Delete)
        await lib.says("Unload it first")
        assert mine.exists()
        assert loaded.exists()


async def test_verify_now_notes_the_checksum(tmp_path: Path) -> None:
    path = put(tmp_path, "imported/own-Q4_K_M.gguf")
    async with shelf(tmp_path) as lib:
        row = lib.select("own-Q4_K_M")
        assert lib.cell(row, Column.SOURCE) == "Imported"
        lib.view._act("verify", lib.table.model().index(row, 0).data(Qt.ItemDataRole.UserRole))
        await lib.driver.until(lambda: lib.cell(row, Column.CHECK) == "Checksum noted")
        path.write_bytes(path.read_bytes() + b"x")
        lib.view.rescan()
        await lib.driver.until(lambda: lib.cell(row, Column.CHECK) == "Changed since checked")


async def test_a_check_shows_how_far_it_is_and_stops_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, "imported/own-Q4_K_M.gguf")
    size, going = path.stat().st_size, threading.Event()

    def slow(path: Path, progress: Callable[[int], None], git: bool) -> FileDigest:
        while not going.wait(0.005):
            progress(size // 2)
        return FileDigest("", None)

    monkeypatch.setattr("qwqdesk.models.library_acts.digest_file", slow)
    async with shelf(tmp_path) as lib:
        row = lib.select("own-Q4_K_M")
        lib.view._act("verify", lib.table.model().index(row, 0).data(Qt.ItemDataRole.UserRole))
        await lib.driver.until(lambda: lib.cell(row, Column.CHECK) == "Checking 50 %")
        assert lib.cell(row, Column.ACTS) == "Cancel"
        lib.key("own-Q4_K_M", Qt.Key.Key_Escape)
        await lib.driver.until(lambda: lib.cell(row, Column.CHECK) == "Not checked")


async def test_nothing_but_the_demo_model_says_where_to_find_one(tmp_path: Path) -> None:
    async with shelf(tmp_path) as lib:
        await lib.driver.shown("libraryEmpty")
        wanted: list[bool] = []
        lib.view.find_wanted.connect(lambda: wanted.append(True))
        lib.button("Find a model").click()
        assert wanted
        assert len(lib.names()) == 2


async def test_folders_come_and_go(tmp_path: Path) -> None:
    put(tmp_path, "mine-Q4_K_M.gguf", place="folder")
    async with shelf(tmp_path) as lib:
        lib.view.adding.keep_folder(str(tmp_path / "folder"))
        await lib.driver.until(lambda: "mine-Q4_K_M" in lib.names())
        lib.view.head.folder_dropped.emit(str(tmp_path / "folder"))
        await lib.driver.until(lambda: "mine-Q4_K_M" not in lib.names())
        lib.button("Undo").click()
        await lib.driver.until(lambda: "mine-Q4_K_M" in lib.names())


async def test_a_file_is_taken_in_and_another_is_refused_in_words(tmp_path: Path) -> None:
    async with shelf(tmp_path) as lib:
        await lib.view.adding.take(put(tmp_path, "new-Q4_K_M.gguf", place="elsewhere"))
        await lib.driver.until(lambda: "new-Q4_K_M" in lib.names())
        (tmp_path / "no.gguf").write_text("<!doctype html>")
        await lib.view.adding.take(tmp_path / "no.gguf")
        await lib.says("web page")


async def test_the_menu_key_opens_the_menu_of_the_current_row(tmp_path: Path) -> None:
    async with shelf(tmp_path) as lib:
        row = lib.select("qwqdesk-demo-Q8_0")
        places: list[tuple[object, QPoint]] = []
        lib.table.menu_wanted.connect(lambda row, place: places.append((row, place)))
        lib.table._acted(row, "menu")
        menus = lib.view.findChildren(QMenu, "libraryMenu")
        assert "library_delete" not in [a.objectName() for m in menus for a in m.actions()]
        assert places
        for menu in menus:
            menu.close()


async def test_missing_parts_are_queued_where_the_repository_has_them(tmp_path: Path) -> None:
    put(tmp_path, "me/B-GGUF/B-BF16-00001-of-00002.gguf")
    async with shelf(tmp_path) as lib:
        wanted = SimpleNamespace(files=[SimpleNamespace(path="BF16/B-BF16-00001-of-00002.gguf")])
        other = SimpleNamespace(files=[SimpleNamespace(path="B-Q8_0.gguf")])
        repository = SimpleNamespace(quantizations=[other, wanted])
        queued: list[object] = []
        lib.driver.window.desk.downloads = SimpleNamespace(  # type: ignore[assignment]
            hub=SimpleNamespace(repository=lambda repo, stop: repository),
            add=lambda repo, row: queued.append(row),
            close=lambda: None,
        )
        lib.key("B-BF16", Qt.Key.Key_Return)
        await lib.says("are being downloaded")
        assert queued == [wanted]
        repository.quantizations = [other]
        lib.key("B-BF16", Qt.Key.Key_Return)
        await lib.says("no longer has B-BF16-00001-of-00002.gguf")


async def test_a_repository_opens_under_find(tmp_path: Path) -> None:
    put(tmp_path, "me/R-GGUF/R-Q4_K_M.gguf")
    async with shelf(tmp_path) as lib:
        page = lib.driver.find("modelsPage")
        opened_names: list[HubName] = []
        page.finder.pane.open = opened_names.append  # type: ignore[attr-defined]
        row = lib.select("R-Q4_K_M")
        lib.view._act("repo", lib.table.model().index(row, 0).data(Qt.ItemDataRole.UserRole))
        assert opened_names == [HubName("me/R-GGUF", "Q4_K_M")]
        assert not lib.view.isVisible()


async def test_the_order_can_be_changed_without_a_mouse(tmp_path: Path) -> None:
    put(tmp_path, "me/R-GGUF/R-Q4_K_M.gguf")
    async with shelf(tmp_path) as lib:
        row = lib.table.current_row()
        lib.view._act("order_2", row)  # type: ignore[arg-type]
        assert lib.names()[0] == "R-Q4_K_M"
        lib.view._act("order_2", row)  # type: ignore[arg-type]
        assert lib.names()[-1] == "R-Q4_K_M"
        lib.table.setFocus()
        QTest.keySequence(lib.table, "Ctrl+F")
        assert lib.view.head.field.hasFocus()
        QTest.keyClicks(lib.view.head.field, "r-q4")
        QTest.keyClick(lib.view.head.field, Qt.Key.Key_Return)
        assert lib.table.hasFocus()
        assert lib.names() == ["R-Q4_K_M"]


async def test_the_page_may_go_while_a_file_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, "new-Q4_K_M.gguf", place="elsewhere")
    ended = threading.Event()

    def slow(path: Path, models: Path, progress: Callable[[int], None]) -> tuple[Path, ...]:
        try:
            while True:
                progress(1000)
                time.sleep(0.005)
        finally:
            ended.set()

    monkeypatch.setattr("qwqdesk.ui.models.library_adding.take_in", slow)
    async with shelf(tmp_path) as lib:
        lib.view._tasks.start(lib.view.adding.take(path))
        await lib.says("Copying new-Q4_K_M.gguf")
        lib.driver.window.desk.change(text_size=110)  # pages are made anew
        await lib.driver.until(ended.is_set)
        await asyncio.sleep(0.05)
        assert lib.driver.find("modelsPage").isVisible()
