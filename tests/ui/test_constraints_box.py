"""Constraints of a lane in its editor: a box on demand, errors with their line, undo."""

from __future__ import annotations

import math

import pytest
from PySide6.QtWidgets import QAbstractButton, QLabel, QPlainTextEdit
from pytestqt.qtbot import QtBot

from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.constraints import NO_CONSTRAINTS, Constraints, TextBias
from qwqdesk.ui.base import Segment
from qwqdesk.ui.conversation.chain_foot import ChainFoot, PasteBox
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.conversation.constraints_box import ConstraintsBox


@pytest.fixture
def foot(qtbot: QtBot) -> ChainFoot:
    made = ChainFoot(ChainModel(LaneSetup("A")), narrow=False)
    qtbot.addWidget(made)
    made.show()
    return made


def opened(foot: ChainFoot) -> ConstraintsBox:
    button = foot.findChild(QAbstractButton, "editConstraints")
    assert button is not None
    button.click()
    box = foot.findChild(ConstraintsBox)
    assert box is not None
    return box


def write(box: ConstraintsBox | PasteBox, name: str, text: str) -> None:
    field = box.findChild(QPlainTextEdit, name)
    assert field is not None
    assert field.accessibleName()
    field.setPlainText(text)


def says(box: ConstraintsBox) -> str:
    found = box.findChild(QLabel, "constraintsSay")
    assert found is not None
    return found.text()


def use(box: ConstraintsBox) -> QAbstractButton:
    found = box.findChild(QAbstractButton, "useConstraints")
    assert found is not None
    return found


def test_what_is_written_holds_for_the_lane_and_can_be_undone(foot: ChainFoot) -> None:
    model = foot._model
    box = opened(foot)
    write(box, "formText", 'root ::= "a"')
    write(box, "bannedStrings", "delve\n\ntapestry")
    write(box, "textBiases", "word=-5\nother=false")
    use(box).click()
    assert model.setup.limits == Constraints(
        grammar='root ::= "a"',
        banned_strings=("delve", "tapestry"),
        text_biases=(TextBias("word", -5.0), TextBias("other", -math.inf)),
    )
    assert model.setup.edited
    model.undo()
    assert model.setup.limits == NO_CONSTRAINTS


def test_an_error_has_its_line_and_cannot_be_used(foot: ChainFoot) -> None:
    box = opened(foot)
    write(box, "formText", 'root ::= "a"\nb ::= (')
    assert "line 2, column 7" in says(box)
    assert not use(box).isEnabled()
    kind = box.findChild(Segment, "formKind")
    assert kind is not None
    kind.set_value("json_schema")
    write(box, "formText", '{\n"type": "objekt"}')
    assert "line 2" in says(box)
    write(box, "formText", '{"type": "number", "multipleOf": 2}')
    assert "has no effect" in says(box)
    assert use(box).isEnabled()
    box.reject()


def test_a_pasted_line_brings_its_grammar(foot: ChainFoot, qtbot: QtBot) -> None:
    foot.paste()
    box = foot.findChild(PasteBox)
    assert box is not None
    write(box, "commandText", "llama-cli --temp 0.5 --grammar 'root ::= \"x\"' -jf a.json")
    said = box.findChild(QLabel, "commandSays")
    apply = box.findChild(QAbstractButton, "useCommand")
    assert said is not None
    assert apply is not None
    assert "-jf" in said.text()
    apply.click()
    assert foot._model.setup.limits == Constraints(grammar='root ::= "x"')
