"""Finding models in the window, against a hub on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from qwqdesk.ui.models.find_list import ROW_ROLE, RepoList
from qwqdesk.ui.models.find_pane import RepositoryPane
from qwqdesk.ui.models.find_table import QuantizationTable
from qwqdesk.ui.models.find_table_model import ACT, BITS, FIT, LABEL, SIZE, WORDS
from tests.hub.loopback_hub import LoopbackHub
from tests.ui.fakes import Driver, opened
from tests.unit.models.gguf_writer import small_model

REPO = "tiny/T-GGUF"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with LoopbackHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        monkeypatch.setenv("HF_HOME", "/nowhere")
        model = small_model().build()
        hub.put(REPO, "T-Q4_K_M.gguf", model)
        hub.put(REPO, "T-Q8_0-00001-of-00002.gguf", model + b"1")
        hub.put(REPO, "T-Q8_0-00002-of-00002.gguf", model + b"22")
        hub.put(REPO, "T-F16-00001-of-00002.gguf", model * 9)
        hub.put(REPO, "mmproj-F16.gguf", model)
        hub.put(REPO, "README.md", b"# T", lfs=False)
        hub.put("tiny/Other-GGUF", "Other-Q6_K.gguf", model)
        hub.repos[REPO].downloads = 82_400
        yield hub
        from huggingface_hub import close_session

        close_session()


class Finder:
    """The Find tab of an open window."""

    def __init__(self, driver: Driver) -> None:
        self.d = driver

    @property
    def table(self) -> QuantizationTable:
        found = self.d.find("quantizationTable")
        assert isinstance(found, QuantizationTable)
        return found

    @property
    def results(self) -> RepoList:
        found = self.d.find("repoList")
        assert isinstance(found, RepoList)
        return found

    @property
    def pane(self) -> RepositoryPane:
        found = self.d.find("repositoryPane")
        assert isinstance(found, RepositoryPane)
        return found

    def repos(self) -> list[str]:
        model = self.d.window.findChildren(RepoList)[0].rows
        rows = [model.index(n, 0).data(ROW_ROLE) for n in range(model.rowCount())]
        return [row.repo for row in rows if row.repo]

    def type(self, text: str) -> None:
        field = self.d.find("repoSearch")
        field.setFocus()
        QTest.keyClicks(field, text)

    def paste(self, text: str) -> None:
        self.d.find("repoSearch").setText(text)  # type: ignore[attr-defined]

    async def open(self, name: str = REPO) -> QuantizationTable:
        """Paste a name, and wait until its fit is known."""
        self.paste(name)
        await self.d.shown("quantizationTable")
        await self.d.until(lambda: self.pane.shown.state.headers is not None)
        await self.d.until(lambda: "Computing" not in self.column(FIT))
        return self.table

    def column(self, column: int) -> list[str]:
        rows = self.table.rows
        return [str(rows.index(n, column).data() or "") for n in range(rows.rowCount())]

    def said(self, name: str) -> str:
        return self.d.find(name).accessibleName()


@asynccontextmanager
async def finding(folder: Path) -> AsyncIterator[Finder]:
    async with opened(folder) as d:
        d.window.show_page("models")
        await d.shown("repoSearch")
        yield Finder(d)


async def test_opening_the_page_asks_nothing(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    async with finding(tmp_path) as f:
        assert f.repos()[:1] == ["unsloth/QwQ-32B-GGUF"]
        f.results.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(f.results, Qt.Key.Key_Tab)
        await asyncio.sleep(0.5)
        assert not hub.log
        QTest.keyClick(f.results, Qt.Key.Key_Down)
        await f.d.until(lambda: hub.log)
        assert hub.log[0].path.startswith("/api/models/")


async def test_words_are_searched_while_one_types(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    async with finding(tmp_path) as f:
        f.type("tiny")
        await f.d.until(lambda: f.repos() == [REPO, "tiny/Other-GGUF"])
        assert len(hub.asked("api")) == 1
        first = f.results.rows.index(0, 0)
        assert first.data(Qt.ItemDataRole.AccessibleTextRole).startswith(
            f"{REPO}, 82,400 downloads, 3 likes, updated "
        )
        f.d.find("repoSearch").clear()  # type: ignore[attr-defined]
        assert f.repos()[:1] == ["unsloth/QwQ-32B-GGUF"]


async def test_another_order_asks_again(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    async with finding(tmp_path) as f:
        assert not f.d.window.findChildren(QWidget, "repoSort")[0].isVisible()
        f.type("tiny")
        await f.d.until(lambda: len(f.repos()) == 2)
        f.d.find("repoSort").menu().actions()[3].trigger()  # type: ignore[attr-defined]
        await f.d.until(lambda: len(hub.asked("api")) == 2)
        assert "sort=trendingScore" in hub.asked("api")[1].path
        assert f.said("repoSort") == "Order: Trending"


async def test_a_newer_search_ends_the_one_before(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    async with finding(tmp_path) as f:
        hub.fault("delay", on="api", seconds=30)
        f.type("tiny")
        await f.d.until(lambda: hub.asked("api"))
        f.type("/o")
        await f.d.until(lambda: f.repos() == ["tiny/Other-GGUF"], 5)


async def test_scrolling_brings_all_pages(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    for number in range(120):
        hub.put(f"bulk/m{number}", "m-Q8_0.gguf", b"GGUF")
    hub.page = 50
    async with finding(tmp_path) as f:
        f.type("bulk")
        await f.d.until(lambda: len(f.repos()) == 50)
        f.results.scrollToBottom()
        await f.d.until(lambda: len(f.repos()) == 100)
        hub.fault("status", on="api", times=-1, code=404)
        f.results.scrollToBottom()
        await f.d.shown("repoError")
        assert len(f.repos()) == 100
        hub.repair()
        f.d.click("repoErrorTry")
        await f.d.until(lambda: len(f.repos()) == 120)


async def test_an_error_has_try_again_in_its_place(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    async with finding(tmp_path) as f:
        hub.fault("html", on="api", times=-1)
        f.type("tiny")
        await f.d.shown("repoError")
        assert "log in" in f.said("repoError")
        f.paste(f"https://huggingface.co/{REPO}")
        await f.d.shown("repositoryError")
        hub.repair()
        f.d.click("repoErrorTry")
        await f.d.until(lambda: REPO in f.repos())
        f.d.click("repositoryErrorTry")
        await f.d.shown("quantizationTable")


async def test_nothing_found_leads_back_to_the_suggestions(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    async with finding(tmp_path) as f:
        f.type("nothing of this name")
        empty = await f.d.shown("repoNothing")
        empty.findChildren(QPushButton)[0].click()
        assert f.repos()[:1] == ["unsloth/QwQ-32B-GGUF"]
        assert f.results.isVisible()


async def test_offline_nothing_is_asked(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    async with finding(tmp_path) as f:
        await f.d.shown("repoError")
        assert "offline" in f.said("repoError")
        f.d.find("findOffline").findChildren(QPushButton)[0].click()
        assert f.d.find("libraryTable").isVisible()
        f.d.find("modelsTabs").setCurrentIndex(0)  # type: ignore[attr-defined]
        f.type("tiny\r")
        f.paste(REPO)
        await f.d.shown("repositoryError")
        assert not hub.log


@pytest.mark.parametrize("text", [f"hf.co/{REPO}:q4_k_m", f"{REPO}:*Q4_K_M*"])
async def test_a_pasted_name_selects_what_it_names(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub, text: str
) -> None:
    async with finding(tmp_path) as f:
        table = await f.open(text)
        assert table.current_label == "Q4_K_M"
        assert f.repos() == [REPO]
        assert [asked.path.partition("?")[0] for asked in hub.asked("api")] == [
            f"/api/models/{REPO}"
        ]


async def test_the_table_says_what_there_is(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    async with finding(tmp_path) as f:
        table = await f.open()
        assert f.column(LABEL) == ["Q4_K_M", "Q8_0", "F16"]
        assert f.column(WORDS) == [
            "Good for most work",
            "Practically the original, 2 files",
            "Part 2 of 2 is missing",
        ]
        assert f.column(FIT) == ["CPU only", "CPU only", ""]
        assert f.column(ACT) == ["Download", "Download", "Incomplete"]
        assert f.column(SIZE)[0].endswith("kB")
        assert all(f.column(BITS))
        spoken = table.rows.index(0, LABEL).data(Qt.ItemDataRole.AccessibleTextRole)
        assert spoken.startswith("Q4_K_M, suggested, ")
        assert "CPU only" in spoken
        assert table.current_label == "Q4_K_M"
        assert "Q4_K_M" in f.d.find("suggestionReason").text()  # type: ignore[attr-defined]
        badges = [f.d.find(f"repositoryBadge{n}").accessibleName() for n in (0, 2)]
        assert badges == ["qwen2", "context 4,096"]


async def test_other_fit_settings_need_no_request(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    async with finding(tmp_path) as f:
        await f.open()
        asked = len(hub.log)
        before = f.d.find("suggestionReason").text()  # type: ignore[attr-defined]
        menu = f.d.find("fitContext").menu()  # type: ignore[attr-defined]
        words = [action.text() for action in menu.actions()]
        assert words[-1] == "4,096"  # what the model was trained with
        menu.actions()[0].trigger()
        await f.d.until(lambda: f.d.find("suggestionReason").text() != before)  # type: ignore[attr-defined]
        assert len(hub.log) == asked


async def test_enter_downloads_and_the_row_says_how_far(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    async with finding(tmp_path) as f:
        table = await f.open()
        table.go_to("F16")
        QTest.keyClick(table, Qt.Key.Key_Return)
        assert not f.d.window.desk.downloads.rows
        f.d.window.desk.downloads.start()
        table.go_to("Q4_K_M")
        assert f.d.find("downloadButton").accessibleName() == "Download Q4_K_M"
        QTest.keyClick(table, Qt.Key.Key_Return)
        await f.d.until(lambda: f.column(ACT)[0] == "In library")
        assert (tmp_path / "models" / REPO / "T-Q4_K_M.gguf").is_file()
        assert [w for w in table.findChildren(QPushButton, "downloadButton") if w.isVisible()] == []
        f.d.window.desk.downloads.close()


async def test_a_gated_repository_is_explained(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    hub.repos[REPO].gated = "manual"
    async with finding(tmp_path) as f:
        await f.open()
        assert "account" in f.said("repositoryError")
        assert "Settings" in f.said("repositoryError")
        assert f.d.find("repositoryErrorModel").isEnabled()
        assert f.column(FIT)[0] == "Not known"
        again = next(b for b in f.pane.findChildren(QPushButton) if b.text() == "Try again")
        again.setFocus(Qt.FocusReason.MouseFocusReason)
        again.click()
        assert f.d.window.focusWidget() is f.table, "it does not jump to the sidebar"
        await f.d.until(lambda: f.pane.shown.state.headers is not None)
        f.d.click("repositoryErrorAccess")
        assert f.d.find("settingsPage").isVisible()


async def test_what_is_not_there_is_said(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    hub.add("tiny/empty-GGUF")
    async with finding(tmp_path) as f:
        f.paste("nobody/nothing")
        await f.d.shown("repositoryError")
        assert "not found, or private" in f.said("repositoryError")
        f.paste(f"hf.co/{REPO}:Q2_K")
        await f.d.shown("quantizationTable")
        assert "has no quantization Q2_K" in f.said("repositoryError")
        f.paste("tiny/empty-GGUF")
        await f.d.until(lambda: f.pane.shown.state.stage == "listed")
        assert not f.d.window.findChildren(QuantizationTable)[0].isVisible()


async def test_half_a_name_with_enter_is_searched_when_it_is_none(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    async with finding(tmp_path) as f:
        f.type("tiny/oth\r")
        await f.d.until(lambda: f.repos() == ["tiny/Other-GGUF"])


async def test_tab_goes_through_the_tab_and_on(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    async with finding(tmp_path) as f:
        await f.open()
        f.d.find("repoSearch").setFocus(Qt.FocusReason.TabFocusReason)
        names = []
        for _ in range(9):
            f.d.press("Tab")
            focused = f.d.window.focusWidget()
            names.append(focused.objectName() if focused else "")
        assert names[:8] == [
            "repoSort", "repoList", "modelPageButton", "repositoryDetailsButton", "fitContext",
            "fitCache", "quantizationTable", "downloadButton",
        ]  # fmt: skip
        assert names[8] not in names[:8]


async def test_the_button_of_a_row_is_real(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    async with finding(tmp_path) as f:
        table = await f.open()
        table.go_to("Q4_K_M")
        table.setFocus()
        made = f.d.find("downloadButton")
        made.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(made, Qt.Key.Key_Space)
        await f.d.until(lambda: f.column(ACT)[0] == "Waiting")
        assert f.d.window.focusWidget() is table  # the button is gone
        queue = f.d.window.desk.downloads.queue
        queue.pause(f"{REPO}:Q4_K_M")
        await f.d.until(lambda: f.column(ACT)[0] == "Paused, 0 %")
        assert f.d.find("downloadButton").accessibleName() == "Resume Q4_K_M"
        queue.cancel(f"{REPO}:Q4_K_M")
        await f.d.until(lambda: f.column(ACT)[0] == "Download")
        f.d.window.desk.downloads.close()


@pytest.mark.parametrize(("width", "shown"), [(1440, 6), (1280, 6), (960, 5)])
async def test_a_narrow_window_keeps_size_fit_and_act(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub, width: int, shown: int
) -> None:
    async with finding(tmp_path) as f:
        f.d.frame.resize(width, 700)
        table = await f.open()
        visible = [column for column in range(ACT + 1) if not table.isColumnHidden(column)]
        assert len(visible) == shown
        assert {LABEL, SIZE, FIT, ACT} <= set(visible)
        used = sum(table.columnWidth(column) for column in visible)
        assert used <= table.viewport().width()


async def test_a_type_of_another_program_says_so_before_its_download(
    tmp_path: Path, hub: LoopbackHub
) -> None:
    hub.put(REPO, "T-IQ4_XS_R4.gguf", small_model().build())
    async with finding(tmp_path) as f:
        await f.open()
        row = f.table.rows.row_of("IQ4_XS_R4")
        assert f.column(FIT)[row] == "Cannot be loaded"
        tip = f.table.rows.index(row, FIT).data(Qt.ItemDataRole.ToolTipRole)
        assert "ik_llama.cpp" in tip
        assert not f.table.rows.rows[row].suggested


async def test_a_renamed_repository_shows_what_is_here_by_either_name(
    tmp_path: Path, hub: LoopbackHub
) -> None:
    hub.renamed["old-owner/T-GGUF"] = REPO
    async with finding(tmp_path) as f:
        model = small_model().build()
        here = tmp_path / "models" / "old-owner" / "T-GGUF" / "T-Q4_K_M.gguf"
        here.parent.mkdir(parents=True)
        here.write_bytes(model)
        await f.open("old-owner/T-GGUF")
        assert f.pane.shown.state.repository is not None
        assert f.pane.shown.state.repository.repo == REPO
        assert f.pane.shown.state.here == {"Q4_K_M"}
