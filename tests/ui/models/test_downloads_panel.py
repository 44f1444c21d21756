"""The downloads in the real window, against the loopback hub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QTableView,
    QWidget,
)

from qwqdesk.models.download_status import State, Status
from qwqdesk.models.queue_item import QueueRow
from qwqdesk.settings import Settings, load_settings
from qwqdesk.ui.base import Toast, ValueField
from qwqdesk.ui.models.downloads_limit import MB
from qwqdesk.ui.models.downloads_model import NAME, WORDS
from qwqdesk.ui.models.downloads_panel import DownloadsPanel
from qwqdesk.ui.models.downloads_table import DownloadsTable
from tests.hub.hub_fixture import REPO, noise
from tests.hub.loopback_hub import TOKEN, LoopbackHub
from tests.ui.fakes import Driver, opened

SIZE = 1_500_000
W = TypeVar("W", bound=QWidget)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LoopbackHub]:
    """A hub with two quantizations, which the program takes for Hugging Face."""
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "http_proxy", "HTTP_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with LoopbackHub() as hub:
        hub.put(REPO, "T-Q4_K_M.gguf", noise(SIZE))
        hub.put(REPO, "T-Q8_0.gguf", noise(SIZE, 2))
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


@asynccontextmanager
async def window(folder: Path, settings: Settings | None = None) -> AsyncIterator[Driver]:
    """The window on the models page, with downloads that go on and end with it."""
    async with opened(folder, settings) as d:
        d.window.desk.downloads.start()
        d.window.show_page("models")
        try:
            yield d
        finally:
            await asyncio.to_thread(d.window.desk.downloads.close)


async def add(d: Driver, *labels: str) -> list[str]:
    """Queue quantizations as the table of a repository does."""
    downloads = d.window.desk.downloads
    found = await asyncio.to_thread(downloads.hub.listing, REPO)
    rows = {row.label: row for row in found.quantizations}
    return [downloads.add(found, rows[label]) for label in labels]


def part(inside: QWidget, kind: type[W], name: str) -> W:
    """A widget by its kind and name, shown or not."""
    found = inside.findChild(kind, name)
    assert found is not None, name
    return found


def table(d: Driver) -> DownloadsTable:
    found = d.find("downloadsTable")
    assert isinstance(found, DownloadsTable)
    return found


def words(d: Driver, row: int = 0) -> str:
    """What a row says, or nothing when it is not there."""
    found = part(d.window, QTableView, "downloadsTable")
    index = found.model().index(row, WORDS)
    return str(index.data() or "")


def names(d: Driver) -> list[str]:
    model = table(d).model()
    return [str(model.index(n, NAME).data()).split(",")[0] for n in range(model.rowCount())]


def acts(d: Driver, row: int = 0) -> QWidget:
    """The buttons of a row."""
    made = table(d).indexWidget(table(d).model().index(row, 3))
    assert made is not None
    return made


def press(d: Driver, name: str, row: int = 0) -> None:
    """Press a button of a row."""
    found = part(acts(d, row), QAbstractButton, name)
    assert found is not None
    assert found.isVisibleTo(acts(d, row))
    found.click()


async def test_a_download_pauses_goes_on_ends_and_leaves(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.rate = 1e6
    async with window(tmp_path) as d:
        d.window.watch._leaving.setInterval(100)
        scans: list[object] = []
        d.window.loader.models_found.connect(scans.append)
        await add(d, "Q4_K_M")
        await d.until(lambda: "of 1.5 MB" in words(d))
        press(d, "downloadToggle")
        await d.until(lambda: words(d).startswith("Paused at"))
        assert d.window.desk.downloads.rows[0].status.state == "paused"
        hub.rate = 0
        press(d, "downloadToggle")
        await d.until(lambda: words(d) == "In library")
        await d.until(lambda: not part(d.window, DownloadsPanel, "downloadsPanel").isVisible())
        await d.until(lambda: bool(scans))
    assert (tmp_path / "models" / REPO / "T-Q4_K_M.gguf").read_bytes() == noise(SIZE)


async def test_a_closed_window_goes_on_where_it_was(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.rate = 4e5
    async with window(tmp_path) as d:
        first, _ = await add(d, "Q4_K_M", "Q8_0")
        await d.until(lambda: d.window.desk.downloads.rows[0].status.done > 100_000)
        d.window.desk.downloads.queue.pause(first)
    asked = len(hub.log)
    async with window(tmp_path) as d:
        await d.until(lambda: len(d.window.desk.downloads.rows) == 2)
        assert words(d).startswith("Paused at")
        await d.until(lambda: d.window.desk.downloads.rows[1].status.state == "downloading")
    paths = {each.path.split("?")[0] for each in hub.log[asked:]}
    assert not any("Q4_K_M" in path for path in paths), "what was paused asks nobody"


async def test_a_failure_says_why_and_its_button_is_the_next_step(
    hub: LoopbackHub, tmp_path: Path
) -> None:
    async with window(tmp_path) as d:
        hub.fault("html", on="hub")
        await add(d, "Q4_K_M")
        await d.until(lambda: "log in" in words(d))
        assert "1 failed" in _summary(d)
        press(d, "downloadStep")
        await d.until(lambda: words(d) == "In library")


async def test_a_gated_model_leads_to_the_token_and_then_tries_again(
    hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with window(tmp_path) as d:
        hub.repos[REPO].gated = "manual"
        await add(d, "Q4_K_M")
        await d.until(lambda: "licence" in words(d))
        press(d, "downloadStep")
        page = await d.shown("settingsPage")
        field = part(page, QLineEdit, "tokenField")
        await d.until(lambda: field.hasFocus() and not field.visibleRegion().isEmpty())
        assert field.echoMode() == QLineEdit.EchoMode.Password
        field.setText(TOKEN)
        part(page, QPushButton, "saveToken").click()
        state = part(page, QLabel, "tokenState")
        await d.until(lambda: "until the program ends" in state.text())
        assert field.text() == ""
        d.window.show_page("models")
        press(d, "downloadStep")
        await d.until(lambda: words(d) == "In library")
        d.window.show_page("settings")
        part(page, QPushButton, "removeToken").click()
        await d.until(lambda: state.text() == "No token is set.")
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes(), file


def undo_is_over(d: Driver) -> None:
    """The ten seconds of Undo have passed."""
    toast = d.window.findChild(Toast)
    assert toast is not None
    toast.close_now()
    timer = d.window.watch.findChild(QTimer, "undoOffered")
    assert timer is not None
    timer.timeout.emit()


async def test_a_removed_download_goes_on_at_its_byte_or_leaves_nothing(
    hub: LoopbackHub, tmp_path: Path
) -> None:
    hub.rate = 6e4
    folder = tmp_path / "models" / REPO
    async with window(tmp_path) as d:
        downloads = d.window.desk.downloads
        await add(d, "Q4_K_M")
        await d.until(lambda: downloads.rows[0].status.done > 5000)
        press(d, "downloadCancel")
        await d.until(lambda: not downloads.rows)
        toast = d.window.findChild(Toast)
        assert toast is not None
        said = part(toast, QLabel, "").text()
        assert said.startswith("T-Q4_K_M removed.")
        assert said.endswith("kB arrived.")
        kept = (folder / "T-Q4_K_M.gguf.part").stat().st_size
        assert kept >= 5000, "what arrived is there as long as Undo is"
        part(toast, QPushButton, "").click()
        await d.until(lambda: downloads.rows and downloads.rows[0].status.done > kept)
        assert any(each.range for each in hub.asked("cdn")), "it did not begin anew"
        press(d, "downloadCancel")
        await d.until(lambda: not downloads.rows)
        undo_is_over(d)
        await d.until(lambda: not folder.exists())


async def test_cancel_stands_apart_from_pause(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.rate = 6e4
    async with window(tmp_path) as d:
        await add(d, "Q4_K_M")
        await d.until(lambda: d.window.desk.downloads.rows)
        await d.shown("downloadCancel")
        pause, cancel = d.find("downloadToggle").geometry(), d.find("downloadCancel").geometry()
        assert cancel.left() - pause.right() > 16


async def test_rows_are_reordered_by_keys_menu_and_mouse(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.rate = 2e5
    hub.put(REPO, "T-Q2_K.gguf", noise(SIZE, 3))
    async with window(tmp_path) as d:
        await add(d, "Q2_K", "Q4_K_M", "Q8_0")
        await d.shown("downloadsTable")
        await d.until(lambda: table(d).model().rowCount() == 3)
        rows = table(d)
        rows.setFocus()
        rows.setCurrentIndex(rows.model().index(0, 0))
        QTest.keyClick(rows, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
        await d.until(lambda: names(d) == ["T-Q4_K_M", "T-Q2_K", "T-Q8_0"])
        assert rows.currentIndex().row() == 1, "the focus goes along"
        menu = rows.menu(2)
        _entry(menu, "Move to the top")
        await d.until(lambda: names(d) == ["T-Q8_0", "T-Q4_K_M", "T-Q2_K"])
        rows.dropped.emit(f"{REPO}:Q8_0", 2)
        await d.until(lambda: names(d) == ["T-Q4_K_M", "T-Q2_K", "T-Q8_0"])
        QTest.keyClick(rows, Qt.Key.Key_Space)
        await d.until(lambda: any("Paused" in words(d, n) for n in range(3)))
        menu.deleteLater()


async def test_pause_all_and_resume_all(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.rate = 2e5
    hub.put(REPO, "T-Q2_K.gguf", noise(SIZE, 3))
    async with window(tmp_path) as d:
        await add(d, "Q2_K", "Q4_K_M", "Q8_0")
        await d.until(lambda: words(d, 2) == "Waiting, 2 ahead")
        await d.shown("pauseAll")
        d.click("pauseAll")
        await d.until(lambda: all(words(d, n).startswith("Paused") for n in range(3)))
        assert not [r for r in hub.asked("cdn") if "Q8_0" in r.path]
        button = d.find("pauseAll")
        assert isinstance(button, QPushButton)
        assert button.text() == "Resume all"
        hub.rate = 0
        d.click("pauseAll")
        await d.until(lambda: all(words(d, n) in ("In library", "") for n in range(3)))


async def test_the_speed_limit_is_chosen_and_kept(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.rate = 1e5
    async with window(tmp_path) as d:
        await add(d, "Q4_K_M")
        button = await d.shown("speedLimit")
        assert isinstance(button, QPushButton)
        menu = button.menu()
        menu.aboutToShow.emit()
        _entry(menu, "25 MB/s")
        assert button.text() == "At most 25 MB/s"
        menu.aboutToShow.emit()
        _entry(menu, "Other value…")
        await d.until(lambda: _dialog("speedDialog") is not None)
        asked = _dialog("speedDialog")
        assert asked is not None
        part(asked, ValueField, "speedField").setValue(2.5)
        part(asked, QPushButton, "verbButton").click()
        await d.until(lambda: _dialog("speedDialog") is None)
        assert button.text() == "At most 2.5 MB/s"
        assert d.window.desk.downloads._limit is not None
        assert d.window.desk.downloads._limit.bytes_per_second == 2.5 * MB
    saved = load_settings(tmp_path / "settings.json").settings
    assert saved.speed_limit == 2_500_000


async def test_it_folds_and_every_control_has_a_name(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.rate = 1e5
    async with window(tmp_path) as d:
        await add(d, "Q4_K_M", "Q8_0")
        await d.shown("downloadsTable")
        panel = d.find("downloadsPanel")
        for button in panel.findChildren(QAbstractButton):
            if button.isVisible():
                assert button.accessibleName(), button.objectName()
                assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert part(acts(d), QAbstractButton, "downloadToggle").accessibleName() == (
            "Pause T-Q4_K_M"
        )
        d.click("foldDownloads")
        assert not part(panel, QTableView, "downloadsTable").isVisible()
        d.click("foldDownloads")
        assert part(panel, QTableView, "downloadsTable").isVisible()


async def test_offline_nothing_is_asked(
    hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.rate = 2e5
    async with window(tmp_path) as d:
        await add(d, "Q4_K_M")
        await d.until(lambda: d.window.desk.downloads.rows[0].status.done > 10_000)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked = len(hub.log)
    async with window(tmp_path) as d:
        await d.until(lambda: words(d).startswith("Offline"))
        await asyncio.sleep(0.2)
    assert len(hub.log) == asked


async def test_a_row_is_painted_in_all_states(hub: LoopbackHub, tmp_path: Path) -> None:
    first: tuple[State, ...] = ("queued", "downloading", "stalled", "retrying", "waiting")
    states: tuple[State, ...] = (*first, "checking", "verifying", "done", "paused", "failed")
    async with window(tmp_path) as d:
        made = tuple(
            QueueRow(state, REPO, "Q4_K_M", Status(state, 5 * 10**8, 10**9, retry_in=3.0))
            for state in states
        )
        panel = part(d.window, DownloadsPanel, "downloadsPanel")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(d.window.desk.downloads), "rows", made)
            panel.refresh()
            await d.shown("downloadsTable")
            panel.grab()
            rows = table(d)
            rows.setFocus()
            rows.grab()
            rect = rows.visualRect(rows.model().index(0, 0))
            assert rows.rowAt(rect.center().y()) == 0
            assert rect.contains(rect.topLeft() + QPoint(1, 1))
            for number in range(len(states)):
                rows.menu(number).deleteLater()
            panel._numbers.stop()
        panel.refresh()


def _summary(d: Driver) -> str:
    panel = d.find("downloadsPanel")
    return " ".join(label.text() for label in panel.findChildren(QLabel))


def _entry(menu: QMenu, text: str) -> None:
    [found] = [entry for entry in menu.actions() if entry.text() == text]
    found.trigger()


def _dialog(name: str = "questionDialog") -> QDialog | None:
    shown = [w for w in QApplication.topLevelWidgets() if w.isVisible() and w.objectName() == name]
    return shown[0] if shown and isinstance(shown[0], QDialog) else None
