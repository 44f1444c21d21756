"""A history that takes nothing is said for as long as it does not, and its text is not lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QDialog, QPushButton

from qwqdesk.ui.base import MessageBand
from qwqdesk.ui.saving_notice import BAND
from tests.ui.fakes import Driver, opened

LONG = "four words of text " * 4000


@pytest.fixture(autouse=True)
def save_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qwqdesk.run_saving.SAVE_EVERY_S", 0.0)
    monkeypatch.setattr("qwqdesk.run_saving.MOST_BETWEEN_S", 0.0)


def _set_full(d: Driver, full: bool) -> None:
    [[pages]] = d.history._db.read("PRAGMA page_count")
    d.history._db.read(f"PRAGMA max_page_count = {pages + 2 if full else 1 << 30}")


def _band(d: Driver) -> MessageBand | None:
    shown = [band for band in d.window.findChildren(MessageBand, BAND) if band.isVisible()]
    return shown[0] if shown else None


async def test_a_full_disk_is_said_while_a_run_goes_on_and_no_longer(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Go")
        run.write(0, "A beginning. ")
        _set_full(d, True)
        run.write(0, LONG)
        await d.until(lambda: _band(d) is not None)
        band = _band(d)
        assert band is not None
        assert band.accessibleName().startswith("The disk is full")
        assert not band.findChildren(QPushButton)
        _set_full(d, False)
        run.write(0, "The end.")
        await d.until(lambda: _band(d) is None)
        run.finish()
        await d.idle()
        [message] = d.history.load(1).messages
        assert message.replies[0].text.endswith("The end.")


async def test_a_run_whose_end_is_not_saved_can_be_saved_again(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Go")
        _set_full(d, True)
        run.write(0, LONG)
        run.finish()
        await d.idle()
        await d.until(lambda: _band(d) is not None)
        band = _band(d)
        assert band is not None
        assert "Copy or export" in band.accessibleName()
        assert d.window.page.view.lanes[0].has_text
        band.findChildren(QPushButton)[0].click()
        await d.until(lambda: _band(d) not in (None, band))  # it is still full
        _set_full(d, False)
        again = _band(d)
        assert again is not None
        again.findChildren(QPushButton)[0].click()
        await d.until(lambda: _band(d) is None)
        [message] = d.history.load(1).messages
        assert [(r.text, r.finish_reason) for r in message.replies] == [(LONG, "stop")]


async def _unsaved(d: Driver) -> None:
    """A reply has ended and could not be saved."""
    run = await d.send("Go")
    _set_full(d, True)
    run.write(0, LONG)
    run.finish()
    await d.idle()
    await d.until(lambda: _band(d) is not None)


def _dialog(d: Driver) -> QDialog | None:
    shown = [w for w in d.window.findChildren(QDialog, "questionDialog") if w.isVisible()]
    return shown[0] if shown else None


async def _answer(d: Driver, words: str) -> None:
    await d.until(lambda: _dialog(d) is not None)
    dialog = _dialog(d)
    assert dialog is not None
    next(b for b in dialog.findChildren(QPushButton) if b.text() == words).click()
    await d.until(lambda: _dialog(d) is not dialog)


async def test_closing_with_an_unsaved_reply_asks(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        closed: list[bool] = []
        d.frame.closed.connect(lambda: closed.append(True))
        await _unsaved(d)
        assert not d.frame.close()
        await _answer(d, "Cancel")
        assert d.frame.isVisible()
        assert not closed
        await d.until(lambda: d.frame.close() or _dialog(d))
        await _answer(d, "Save again")  # the disk is still full: it asks again
        await d.until(lambda: _dialog(d) is not None)
        assert d.frame.isVisible()
        _set_full(d, False)
        await _answer(d, "Save again")
        await d.until(lambda: closed)
        assert not d.frame.isVisible()
        [message] = d.history.load(1).messages
        assert message.replies[0].text == LONG


async def test_closing_anyway_closes(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        await _unsaved(d)
        d.frame.close()
        await _answer(d, "Close anyway")
        await d.until(lambda: not d.frame.isVisible())


async def test_closing_while_a_lane_writes_stops_it_and_asks_only_where_it_is_not_saved(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Go")
        run.write(0, "a beginning")
        await d.until(lambda: d.answer(0))
        _set_full(d, True)
        run.write(0, LONG)
        d.frame.close()
        await _answer(d, "Cancel")
        assert d.frame.isVisible()
        _set_full(d, False)
        await d.until(lambda: d.frame.close() or _dialog(d))
        await _answer(d, "Save again")
        await d.until(lambda: not d.frame.isVisible())


async def test_closing_while_a_lane_writes_asks_nothing_where_it_is_saved(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        run = await d.send("Go")
        run.write(0, "a beginning")
        await d.until(lambda: d.answer(0))
        d.frame.close()
        await d.until(lambda: not d.frame.isVisible())
        assert _dialog(d) is None
        [message] = d.history.load(1).messages
        assert [(r.text, r.finish_reason) for r in message.replies] == [
            ("a beginning", "cancelled")
        ]
