"""Messages leave when their reason is gone, and never show in another chat."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QAbstractButton, QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.ui.bands import Bands
from qwqdesk.ui.base import MessageBand
from tests.ui.fakes import Driver, opened


def _said(d: Driver) -> list[str]:
    """The messages that are seen on the conversation page."""
    found = d.page.findChildren(MessageBand)
    return [band.accessibleName() for band in found if band.isVisible()]


def _press(d: Driver, words: str) -> None:
    found = [b for b in d.page.findChildren(QAbstractButton) if b.text() == words and b.isVisible()]
    assert len(found) == 1, words
    found[0].click()


def _asked(d: Driver) -> list[Path]:
    """Which files are to be loaded from now on; nothing is."""
    asked: list[Path] = []

    def load(path: Path, settings: EngineSettings | None = None) -> None:
        asked.append(path)

    d.window.loader.load = load  # type: ignore[method-assign]
    return asked


def test_a_message_has_an_owner_and_a_condition(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    bands, column = Bands(), QVBoxLayout(page)
    column.addLayout(bands)
    page.show()
    mine, other, so = QWidget(page), QWidget(page), [True]
    bands.show_chat(mine)
    bands.tell("Of this chat.", chat=mine)
    bands.tell("Of another.", chat=other)
    bands.tell("Of the program.")
    bands.tell("For now.", holds=lambda: so[0])

    def seen() -> list[str]:
        found = page.findChildren(MessageBand)
        return [band.accessibleName() for band in found if band.isVisible()]

    assert seen() == ["Of this chat.", "Of the program.", "For now."]
    so[0] = False
    bands.show_chat(other)
    assert seen() == ["Of another.", "Of the program."]
    bands.show_chat(mine)
    assert seen() == ["Of this chat.", "Of the program."]


async def test_another_chat_is_being_answered_only_while_it_is(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        first = await d.send("one")
        await d.until(lambda: d.window.page.view.conversation_id is not None)
        d.press("Ctrl+N")
        d.window.page.composer.set_text("two")
        d.window.page.composer.input.submitted.emit()
        await d.until(lambda: any("A chat is being answered" in words for words in _said(d)))
        first.write(0, "done")
        first.finish()
        await d.until(lambda: d.window.page.runs.view is None)
        assert not _said(d)
        assert d.window.page.composer.text() == "two"


async def test_a_note_of_the_composer_stays_in_its_chat(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.page.composer.attach_file(tmp_path / "missing.txt")
        assert _said(d)
        d.press("Ctrl+N")
        assert not _said(d)
        d.window.page.composer.attach_file(tmp_path / "missing.txt")
        d.window.page.composer.set_text("another text")
        assert not _said(d), "it was about a text that is another now"


async def test_a_model_chosen_while_answering_is_loaded_afterwards(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        asked = _asked(d)
        stream = await d.send("one")
        d.window.models.load(Path("/models/other.gguf"))
        assert _said(d) == [
            "other is loaded when the answer is finished. What runs now uses the present model."
        ]
        assert not asked
        stream.finish()
        await d.until(lambda: asked == [Path("/models/other.gguf")])
        assert not _said(d)


async def test_stop_and_load_does_not_wait(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        asked = _asked(d)
        await d.send("one")
        d.window.models.load(Path("/models/other.gguf"))
        _press(d, "Do not load")
        assert not _said(d)
        d.window.models.load(Path("/models/other.gguf"))
        _press(d, "Stop and load")
        await d.until(lambda: asked == [Path("/models/other.gguf")])
        assert d.window.page.runs.view is None
        assert not _said(d)


async def test_the_fairness_panel_is_about_the_chat_it_was_opened_in(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.press("Ctrl+T")
        stream = await d.send("one")
        stream.finish()
        await d.idle()
        d.window.page.fairness.open()
        assert d.window.page.fairness.panel.isVisible()
        d.press("Ctrl+N")
        await d.until(lambda: not d.window.page.fairness.panel.isVisible())
        assert not d.window.page.toolbar.badge.isVisible()


async def test_fairness_says_that_something_runs_only_while_it_does(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.press("Ctrl+T")
        stream = await d.send("one")
        d.window.page.fairness.check()
        panel = d.window.page.fairness.panel
        assert panel.content.sentence == "A chat is being answered."
        stream.finish()
        await d.until(lambda: panel.content.sentence != "A run is under way.")


async def test_what_is_said_about_a_chat_goes_with_it(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.page.exports.troubled.emit(UserError("It was not written.", "Make room."))
        d.window.show_trouble(UserError("The settings could not be saved.", "Make room."))
        assert len(_said(d)) == 2
        d.press("Ctrl+N")
        assert _said(d) == ["The settings could not be saved. Make room."]
