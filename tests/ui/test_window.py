"""The window: pages, the list of conversations, models, settings, keyboard, closing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from qwqdesk.errors import UserError
from qwqdesk.settings import Settings, load_settings
from qwqdesk.store.history import History
from tests.ui.fakes import Driver, opened


def dialog(name: str) -> QDialog:
    found = [w for w in QApplication.topLevelWidgets() if w.objectName() == name and w.isVisible()]
    assert len(found) == 1
    assert isinstance(found[0], QDialog)
    return found[0]


async def chat(d: Driver, text: str) -> int:
    """A whole short chat; its id."""
    d.window.chats.new()
    run = await d.send(text)
    run.write(0, f"answer to {text}")
    run.finish()
    await d.idle()
    return d.window.page.view.conversation_id or 0


async def test_closing_while_lanes_write_keeps_the_text(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("Go on")
        run.write(0, "kept A")
        run.write(1, "kept B")
        await d.until(lambda: d.answer(1))
        began = time.monotonic()
        d.frame.close()
        await d.until(d.frame.isHidden)
    assert time.monotonic() - began < 3
    history = History(tmp_path / "history.sqlite3")
    replies = history.load(1).messages[0].replies
    assert [reply.answer for reply in replies] == ["kept A", "kept B"]
    assert [reply.finish_reason for reply in replies] == ["cancelled", "cancelled"]
    history.close()


async def test_history_comes_back_and_cut_replies_say_so(
    qapp: QApplication, tmp_path: Path
) -> None:
    history = History(tmp_path / "history.sqlite3")
    number = history.create_conversation("Cut short")
    message = history.add_user_message(number, None, "Tell me")
    for letter in "AB":
        reply = history.add_reply(message, letter)
        history.finish_reply(
            reply, text="half", reasoning=None, answer="half", tokens=[1],
            finish_reason="error", finish_detail="The program ended while this was written.",
        )  # fmt: skip
    history.set_lanes(number, [{"label": "A", "recipe": "qwen"}, {"label": "B", "recipe": None}])
    history.close()
    async with opened(tmp_path) as d:
        assert d.titles() == ["Cut short"]
        d.window.chats.open(number)
        for lane in (0, 1):
            assert d.answer(lane) == "half"
            assert "Interrupted" in d.find("errorBand", d.lane(lane)).accessibleName()


async def test_conversations_are_found_renamed_and_deleted(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        first = await chat(d, "Bananas are yellow")
        await chat(d, "Cherries are red")
        assert d.titles() == ["Cherries are red", "Bananas are yellow"]
        search = d.find("conversationSearch")
        assert isinstance(search, QLineEdit)
        search.setText("banana")
        await d.until(lambda: d.titles() == ["Bananas are yellow"])
        search.clear()
        await d.until(lambda: len(d.titles()) == 2)
        d.window.sidebar.renamed.emit(first, "Fruit")
        assert "Fruit" in d.titles()
        d.window.chats.open(first)
        d.window.sidebar.delete_wanted.emit(first)
        await d.until(lambda: d.titles() == ["Cherries are red"])
        toast = await d.shown("toast")
        undo = toast.findChild(QAbstractButton)
        assert isinstance(undo, QAbstractButton)
        assert undo.text() == "Undo"
        undo.click()
        await d.until(lambda: set(d.titles()) == {"Cherries are red", "Fruit"})
        assert d.window.page.view.conversation_id == first, "what was shown is shown again"
        d.window.sidebar.delete_wanted.emit(first)
        await d.until(lambda: d.titles() == ["Cherries are red"])
        assert d.history.restore(first), "until the end it is only hidden"
        d.history.put_away(first)
        (await d.shown("toast")).close_now()  # type: ignore[attr-defined]
        await d.window.end()
        assert not d.history.restore(first)


async def test_a_model_that_cannot_be_loaded_says_why_in_place(
    qapp: QApplication, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"no model at all")
    async with opened(tmp_path) as d:
        d.window.models.load(bad)
        await d.until(lambda: not d.window.loader.busy)
        band = await d.shown("loadBand")
        assert "bad.gguf" in band.accessibleName()
        picker = d.find("modelPicker")
        assert "loaded" in picker.accessibleName(), "the present model is still there"


async def test_without_a_model_the_composer_offers_one(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.desk.session.loaded = None
        d.window.desk.model_changed.emit()
        assert d.find("chooseModel").isEnabled()
        d.window.show_trouble(UserError("The engine could not be loaded.", "Install it again."))
        assert "Install it again" in (await d.shown("troubleBand")).accessibleName()


async def test_settings_are_shown_changed_and_kept(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.press("Ctrl+,")
        assert d.find("settingsPage")
        d.click("setting_theme_dark")
        d.click("setting_show_reasoning_open")
        d.click("setting_loop_guard_stop")
        await asyncio.sleep(0)
        d.window.desk.change(theme="light")
    kept = load_settings(tmp_path / "settings.json").settings
    assert (kept.show_reasoning_open, kept.loop_guard) == (True, "stop")


async def test_engine_settings_refuse_in_words_and_apply(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        d.window.desk.session.loaded = None
        d.window.engine_settings()
        shown = dialog("engineDialog")
        field = shown.findChild(QLineEdit, "engine_n_batch")
        apply = shown.findChild(QAbstractButton, "engineApply")
        assert isinstance(field, QLineEdit)
        assert isinstance(apply, QAbstractButton)
        field.setText("-5")
        apply.click()
        problem = shown.findChild(QWidget, "engineProblem")
        assert isinstance(problem, QWidget)
        assert problem.property("text") == "Batch must be a whole number from 1 to 2,147,483,647."
        assert field.property("wrong") is True
        assert field.accessibleDescription() == problem.property("text")
        field.setText("1024")
        context = shown.findChild(QLineEdit, "engine_n_ctx")
        assert isinstance(context, QLineEdit)
        context.setText("abc-5")
        apply.click()
        assert "Context must be a whole number from 0 to" in str(problem.property("text"))
        assert (field.property("wrong"), context.property("wrong")) == (False, True)
        context.setText("0")
        overrides = shown.findChild(QPlainTextEdit, "engine_override_kv")
        assert isinstance(overrides, QPlainTextEdit)
        overrides.setPlainText("qwen2.context_length=int:131072\n")
        apply.click()
        asked = d.window.desk.settings.engine
        assert asked.n_batch == 1024
        assert asked.override_kv == (("qwen2.context_length", 131072),)


async def test_the_sidebar_makes_room_for_lanes_until_the_user_decides(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        assert d.window.sidebar.width() == 240
        d.window.page.acts.add()
        d.window.page.acts.add()
        assert d.window.sidebar.width() == 52, "three lanes of 346 px would be too narrow"
        d.press("Ctrl+B")
        d.window.page.acts.add()
        assert d.window.sidebar.width() == 240, "the user's choice wins"


async def test_the_palette_runs_what_is_chosen(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.open_palette()
        palette = dialog("commandPalette")
        field = palette.findChild(QLineEdit, "paletteInput")
        assert isinstance(field, QLineEdit)
        field.setText("add la")
        palette.keyPressEvent(_enter())
        assert len(d.window.page.view.lanes) == 2


async def test_every_region_is_reached_with_f6(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.page.acts.add()
        seen: list[QWidget] = []
        for _ in range(len(d.window.moves.regions())):
            d.press("F6")
            focused = d.window.focusWidget()
            regions = d.window.moves.regions()
            seen += [r for r in regions if focused is not None and r.isAncestorOf(focused)]
        assert set(seen) == set(d.window.moves.regions())


async def test_every_control_has_a_name(qapp: QApplication, tmp_path: Path) -> None:
    kinds = (QAbstractButton, QLineEdit, QPlainTextEdit, QComboBox, QAbstractSpinBox,
             QAbstractItemView)  # fmt: skip
    async with opened(tmp_path) as d:
        d.window.page.acts.add()
        d.press("Ctrl+E")
        for page in ("models", "settings", "conversation"):
            d.window.show_page(page)
        nameless = [
            f"{type(w).__name__} {w.objectName()}"
            for w in d.window.findChildren(QWidget)
            if isinstance(w, kinds) and not w.accessibleName() and not _part_of_another(w)
        ]
        assert not nameless


async def test_nothing_flashes_up_as_a_window_of_its_own(
    qapp: QApplication, tmp_path: Path
) -> None:
    shown: list[str] = []

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
            if event.type() == QEvent.Type.Show and isinstance(watched, QWidget):
                name = f"{type(watched).__name__} {watched.objectName()}"
                shown.extend([name] if watched.isWindow() else [])
            return False

    watch = Watch()
    qapp.installEventFilter(watch)
    async with opened(tmp_path) as d:
        d.window.page.acts.add()
        d.press("Ctrl+E")
        run = await d.send("Go")
        run.write(0, "text\n\n```python\nx = 1\n```\n", thought="hm")
        run.finish()
        await d.idle()
        d.window.show_page("models")
        d.window.show_page("settings")
        d.window.chats.new()
    qapp.removeEventFilter(watch)
    assert shown == ["Window mainWindow"]


@pytest.mark.parametrize("percent", [85, 150])
async def test_other_text_sizes_open(qapp: QApplication, tmp_path: Path, percent: int) -> None:
    settings = Settings(chat_template="chatml", text_size=percent)
    async with opened(tmp_path, settings) as d:
        d.window.desk.change(text_size=100)
        d.window.desk.change(text_size=percent)
        run = await d.send("Go")
        run.write(0, "fine")
        run.finish()
        await d.idle()
        assert d.answer(0) == "fine"


def _part_of_another(widget: QWidget) -> bool:
    """Inner fields of spin boxes, buttons of fields, and Qt's own parts."""
    parent = widget.parentWidget()
    popup = parent is not None and isinstance(parent.parentWidget(), QComboBox)
    inner = isinstance(parent, QAbstractSpinBox | QComboBox | QLineEdit) or popup
    return inner or isinstance(widget, QHeaderView) or widget.objectName().startswith("qt_")


def _enter() -> QKeyEvent:
    return QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)


async def test_tab_goes_through_the_parts_in_order(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.page.acts.add()
        d.press("Ctrl+E")
        run = await d.send("Go")
        run.write(0, "```python\nx = 1\n```\n", thought="hm")
        run.finish()
        await d.idle()
        await asyncio.sleep(0.05)
        page = d.window.page
        parts = [page.toolbar, page.view.prompt, page.view.strip]
        parts += [*page.view.lanes, page.numbers.panel, page.composer]
        d.find("sidebarButton").setFocus()
        seen: list[int] = []
        for _ in range(300):
            focused = d.window.focusWidget()
            within = [i for i, p in enumerate(parts) if focused and p.isAncestorOf(focused)]
            if not within:
                break
            seen += within
            d.press("Tab")
            if focused is not None and focused.objectName() == "composerInput":
                break
        assert seen == sorted(seen)
        assert set(seen) == set(range(len(parts)))
