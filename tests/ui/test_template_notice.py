"""A model without a usable chat template: what stands at the chat, and what can be done there."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu

from qwqdesk.engine.template_builtin import guessable_tags
from qwqdesk.settings import Settings
from qwqdesk.template_variables import TemplateInput
from tests.fake_engine import MODEL
from tests.ui.fakes import Driver, opened

PLAIN = Settings(reduce_motion=True)
GEMMA = replace(MODEL, architecture="gemma3", name="Gemma 3 270m", chat_template=None)


def load(d: Driver, **changes: object) -> None:
    session = d.window.desk.session
    assert session.loaded is not None
    session.loaded = replace(session.loaded, model=replace(GEMMA, **changes))  # type: ignore[arg-type]
    d.window.desk.model_changed.emit()


async def said(d: Driver) -> str:
    """What the band about the template says, as soon as there is one."""
    return (await d.shown("templateBand")).accessibleName()


async def buttons(d: Driver) -> dict[str, QAbstractButton]:
    band = await d.shown("templateBand")
    return {made.text(): made for made in band.findChildren(QAbstractButton)}


def bands(d: Driver) -> int:
    found = d.window.findChildren(QAbstractButton, "chooseTemplate")
    return sum(made.isVisibleTo(d.window) for made in found)


async def test_a_missing_template_is_said_at_the_chat(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path, PLAIN) as d:
        load(d)
        band = await d.shown("templateBand")
        assert band.property("ground") == "warn"
        assert band.accessibleName() == (
            "This file has no chat template. Gemma's format is used, chosen by the architecture "
            "gemma3. Its tags are tokens of this vocabulary. If this is a base model, it "
            "continues a text rather than answering."
        )
        await d.send("Hi")
        assert bytes(d.engine.runs[-1].lanes[0].prompt_tokens).decode() == (
            "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n"
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"chat_template": "  "}, "The chat template of this file is empty."),
        ({"template_is_text": False}, "The chat template of this file is not text."),
        ({"chat_template": "{{ messages"}, "The chat template failed in line 1:"),
        ({"chat_template": "5"}, "The chat template of this file leaves the messages out."),
        ({"architecture": "mamba9"}, "ChatML's format is used, as in llama.cpp: none is known"),
    ],
)
async def test_every_template_that_cannot_be_used_is_said(
    qapp: QApplication, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    async with opened(tmp_path, PLAIN) as d:
        d.engine.not_tokens = frozenset(guessable_tags())
        load(d, **changes)
        assert words in await said(d)


async def test_a_base_model_continues_the_text_and_only_this_one(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, PLAIN) as d:
        load(d)
        (await buttons(d))["Continue text"].click()
        assert d.window.desk.settings.model_templates == {MODEL.path: "raw"}
        band = await d.shown("templateBand")
        assert band.property("ground") == "window"
        assert "continues each message as it is" in band.accessibleName()
        await d.send("Once upon")
        assert bytes(d.engine.runs[-1].lanes[0].prompt_tokens) == b"Once upon"
        d.engine.staged[-1].finish()
        await d.idle()
        load(d, path="/models/other.gguf", chat_template=None)
        assert (await d.shown("templateBand")).property("ground") == "warn"


async def test_another_template_is_chosen_from_the_band_and_taken_back(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, PLAIN) as d:
        load(d)
        for title, kept in (("Llama 3", {MODEL.path: "llama3"}), ("Automatic", {})):
            d.window.templates.open_menu()
            menu = d.window.findChildren(QMenu, "templateMenu")[-1]
            act = next(act for act in menu.actions() if act.text().startswith(title))
            assert not act.isChecked()
            act.trigger()
            menu.close()
            assert d.window.desk.settings.model_templates == kept
        await d.shown("templateBand")


async def test_a_closed_notice_stays_closed_for_this_model(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, PLAIN) as d:
        load(d)
        (await buttons(d))["Close"].click()
        await d.until(lambda: bands(d) == 0)
        load(d, path="/models/other.gguf")
        await d.shown("templateBand")
        load(d)
        await d.until(lambda: bands(d) == 0)


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
async def test_after_a_choice_of_template_one_types_the_message(
    qapp: QApplication, tmp_path: Path, by: str
) -> None:
    async with opened(tmp_path, PLAIN) as d:
        load(d)
        go_on = (await buttons(d))["Continue text"]
        go_on.setFocus(Qt.FocusReason.TabFocusReason)
        if by == "mouse":
            QTest.mouseClick(go_on, Qt.MouseButton.LeftButton)
        else:
            QTest.keyClick(go_on, Qt.Key.Key_Space)
        await d.until(lambda: d.find("composerInput").hasFocus())
        choose = (await buttons(d))["Choose template"]
        choose.setFocus(Qt.FocusReason.TabFocusReason)
        choose.click()
        menu = d.window.findChild(QMenu, "templateMenu")
        assert menu is not None
        menu.actions()[0].trigger()
        menu.close()
        await d.until(lambda: d.find("composerInput").hasFocus())


MONDAYS = (
    "{% for m in messages %}{% if m.content == 'Today?' %}{{ raise_exception('not today') }}"
    "{% endif %}{{ m.content }}{% endfor %}"
)


async def test_a_message_that_the_template_refuses_offers_another_template(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, PLAIN) as d:
        load(d, chat_template=MONDAYS)
        composer = d.find("composerInput")
        composer.setFocus()
        QTest.keyClicks(composer, "Today?")
        QTest.keyClick(composer, Qt.Key.Key_Return)
        band = await d.shown("templateRefusedBand")
        assert "not today" in band.accessibleName()
        names = [made.text() for made in band.findChildren(QAbstractButton)]
        assert "Choose template" in names
        d.window.templates.choose(GEMMA.path, "chatml")
        composer.setFocus()
        QTest.keySequence(composer, "Ctrl+A")
        await d.send("Tomorrow?")
        assert "Tomorrow?" in bytes(d.engine.runs[-1].lanes[0].prompt_tokens).decode()


GOOD = "{% for m in messages %}{{ m.content }}{% endfor %}"


async def test_a_template_file_that_was_edited_is_looked_at_again(
    qapp: QApplication, tmp_path: Path
) -> None:
    file = tmp_path / "own.jinja"
    file.write_text("{{ messages", "utf-8")
    async with opened(tmp_path, replace(PLAIN, chat_template=str(file))) as d:
        load(d)
        assert "line 1" in await said(d)
        file.write_text(GOOD + "{{ tone }}", "utf-8")
        found: list[tuple[TemplateInput, ...]] = []
        d.window.templates.inputs_found.connect(found.append)
        qapp.applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
        await d.until(lambda: bool(found and found[-1]))
        assert "tone" in [one.name for one in found[-1]]
        assert bands(d) == 0
        looked = len(found)
        qapp.applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
        assert len(found) == looked, "nothing is asked where nothing has changed"


async def test_a_model_file_that_was_replaced_is_looked_at_again(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, PLAIN) as d:
        load(d)
        (await buttons(d))["Close"].click()
        load(d, chat_template=GOOD)
        await d.until(lambda: bands(d) == 0)
        load(d, chat_template="{{ messages")
        assert "line 1" in await said(d)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
async def test_a_pipe_in_the_settings_is_said_and_not_waited_for(
    qapp: QApplication, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    async with opened(tmp_path, replace(PLAIN, chat_template=str(tmp_path / "pipe"))) as d:
        load(d)
        assert "cannot be read" in await said(d)
