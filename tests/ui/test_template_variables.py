"""Template variables in the window: a button where the template reads any, a box, the history."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit

from qwqdesk.settings import Settings
from qwqdesk.template_variables import TemplateInput, TemplateVariables
from qwqdesk.ui.base import Segment
from qwqdesk.ui.conversation.template_box import TemplateBox
from tests.fake_engine import MODEL
from tests.ui.fakes import Driver, opened

PLAIN = Settings(reduce_motion=True)
THINKS = (
    "{% for m in messages %}{{ m.content }}{% endfor %}"
    "{% if enable_thinking is defined and enable_thinking is false %}[no]{% else %}[think]"
    "{% endif %}"
    "{% if effort is defined %}{{ effort }}{% if effort == 'high' %}!{% endif %}{% endif %}"
)


INPUTS = (
    TemplateInput("effort", "text", ("high",)),
    TemplateInput("enable_thinking", "switch"),
    TemplateInput("messages"),
)


def with_template(d: Driver) -> None:
    """The loaded model has this template, and what it reads is known already."""
    session = d.window.desk.session
    assert session.loaded is not None
    session.loaded = replace(session.loaded, model=replace(MODEL, chat_template=THINKS))
    d.window.page.set_template_inputs(INPUTS)


async def load(d: Driver, template: str) -> None:
    """Another chat template, whose variables are looked up as after loading."""
    session = d.window.desk.session
    assert session.loaded is not None
    session.loaded = replace(session.loaded, model=replace(MODEL, chat_template=template))
    d.window.desk.model_changed.emit()
    await d.until(lambda: d.window.page.composer.template.isVisibleTo(d.window))


def opened_box(d: Driver) -> TemplateBox:
    d.click("templateButton")
    [box] = [box for box in d.window.findChildren(TemplateBox) if box.isVisible()]
    return box


def switch(box: TemplateBox, value: str) -> None:
    found = box.findChild(Segment, "templateVariable_enable_thinking")
    assert found is not None
    assert found.accessibleName() == "Thinking"
    found.set_value(value)
    found.chosen.emit(value)


def use(box: TemplateBox) -> QAbstractButton:
    found = box.findChild(QAbstractButton, "useTemplateVariables")
    assert found is not None
    return found


def prompt(d: Driver) -> str:
    return bytes(d.engine.runs[-1].lanes[0].prompt_tokens).decode()


async def test_thinking_is_switched_off_for_the_chat(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path, PLAIN) as d:
        with_template(d)
        assert "Thinking: default" in d.find("templateButton").accessibleName()
        box = opened_box(d)
        switch(box, "off")
        use(box).click()
        assert "Thinking: off" in d.find("templateButton").accessibleName()
        (await d.send("Hi")).finish(0)
        await d.idle()
        assert prompt(d) == "Hi[no]"
        view = d.window.page.view
        assert view.conversation_id is not None
        kept = d.window.desk.history.load(view.conversation_id)
        assert kept.template_variables == {"enable_thinking": False}
        [reply] = kept.messages[0].replies
        assert reply.manifest["prompt"]["template_variables"] == {"enable_thinking": False}

        switch(box := opened_box(d), "")
        use(box).click()
        runs = len(d.engine.staged)
        d.window.page.acts.regenerate()
        await d.until(lambda: len(d.engine.staged) > runs)
        assert prompt(d) == "Hi[think]"
        assert d.window.desk.history.load(view.conversation_id).template_variables == {}


async def test_other_chats_have_their_own(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path, PLAIN) as d:
        with_template(d)
        switch(box := opened_box(d), "off")
        use(box).click()
        (await d.send("Hi")).finish(0)
        await d.idle()
        view = await d.reopen()
        assert view.variables.values == {"enable_thinking": False}
        assert "Thinking: off" in d.find("templateButton").accessibleName()
        d.window.page.open_new()
        assert "Thinking: default" in d.find("templateButton").accessibleName()


async def test_texts_and_wrong_values(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path, PLAIN) as d:
        with_template(d)
        box = opened_box(d)
        field = box.findChild(QLineEdit, "templateVariable_effort")
        assert field is not None
        assert field.placeholderText() == "high"
        field.setText("high")
        use(box).click()
        assert d.window.page.view.variables.values == {"effort": "high"}
        d.window.page.view.variables = TemplateVariables.of({"other": [1]})
        d.window.page.refresh()
        box = opened_box(d)
        other = box.findChild(QLineEdit, "templateVariable_other")
        assert other is not None
        assert any("never reads" in each.text() for each in box.findChildren(QLabel))
        other.setText("[1,")
        says = box.findChild(QLabel, "templateSays")
        assert says is not None
        assert "JSON" in says.text()
        assert not use(box).isEnabled()
        other.setText("")
        use(box).click()
        assert not d.window.page.view.variables


async def test_the_button_is_there_where_the_template_reads_variables(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path, PLAIN) as d:
        await load(d, THINKS)
        found = {each.name: each for each in d.window.page._template_inputs}
        assert found == {each.name: each for each in INPUTS}
        d.window.templates.choose(MODEL.path, "chatml")
        await d.until(lambda: not d.window.page.composer.template.isVisibleTo(d.window))
