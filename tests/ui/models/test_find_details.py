"""Details of what is still on the hub: its header by Range, and what is said when it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QPushButton

from qwqdesk.ui.inspector.window import HUB_TABS, InspectorWindow
from tests.hub.loopback_hub import LoopbackHub
from tests.ui.fakes import Driver, opened
from tests.ui.models.test_find import REPO, Finder, hub

__all__ = ["hub"]  # the fixture


@asynccontextmanager
async def details(driver: Driver, label: str) -> AsyncIterator[InspectorWindow]:
    """The inspector of a quantization, when the hub has answered."""
    finder = Finder(driver)
    driver.window.show_page("models")
    await driver.shown("repoSearch")
    table = await finder.open(f"{REPO}:{label}")
    assert table.current_label == label
    driver.click("repositoryDetailsButton")
    window = next(w for w in driver.frame.findChildren(InspectorWindow))
    done: list[bool] = []
    window.ready.connect(lambda: done.append(True))
    await driver.until(lambda: done)
    try:
        yield window
    finally:
        window.close()


def words(window: InspectorWindow) -> str:
    return " | ".join(each.text() for each in window.findChildren(QLabel) if each.isVisible())


async def test_the_header_of_all_parts_is_shown_before_any_download(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub
) -> None:
    async with opened(tmp_path) as d, details(d, "Q8_0") as window:
        shown = words(window)
        assert "Tiny 딸기" in shown
        assert f"{REPO} · T-Q8_0-00001-of-00002.gguf" in shown
        assert [window.tabs.tabText(n) for n in range(window.tabs.count())] == list(HUB_TABS)
        assert all(asked.range for asked in hub.asked("cdn"))
        window.tabs.setCurrentIndex(1)
        table = next(t for t in window.findChildren(QPlainTextEdit) if t.isVisible())
        assert table.accessibleName() == "Value of the chosen key"


async def test_a_refused_header_says_so_and_is_read_again_on_demand(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as d:
        hub.repos[REPO].gated = "manual"
        async with details(d, "Q4_K_M") as window:
            assert "needs a Hugging Face account" in words(window)
            hub.repos[REPO].gated = False
            again = next(b for b in window.findChildren(QPushButton) if b.text() == "Try again")
            again.click()
            await d.until(lambda: "Tiny 딸기" in words(window))
            assert "needs a Hugging Face account" not in words(window)


async def test_a_refused_token_is_left_out_on_demand(
    qapp: QApplication, tmp_path: Path, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrongwrong")
    async with opened(tmp_path) as d:
        finder = Finder(d)
        d.window.show_page("models")
        await d.shown("repoSearch")
        finder.paste(REPO)
        await d.until(lambda: finder.pane.shown.state.stage == "failed")
        buttons = finder.pane.findChildren(QPushButton)
        without = next(b for b in buttons if b.text() == "Try without it")
        without.click()
        await d.until(lambda: finder.pane.shown.state.headers is not None)
        assert [asked.token for asked in hub.log][-1] is False
