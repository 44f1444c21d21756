"""Value fields: stepping, what is allowed, what stays in force."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from qwqdesk.ui.base import ValueField, format_value


@pytest.fixture
def field(qtbot: QtBot) -> ValueField:
    made = ValueField("Top-p", 0, 1, 0.05, name="field_top_p")
    qtbot.addWidget(made)
    made.show_value(0.5, "recipe")
    made.show()
    made.setFocus()
    return made


def test_it_shows_what_was_set_without_emitting(field: ValueField) -> None:
    assert field.text() == "0.5"
    assert field.property("source") == "recipe"
    assert "from the recipe" in field.accessibleDescription()


def test_up_and_down_step_and_shift_steps_ten(field: ValueField, qtbot: QtBot) -> None:
    edits: list[float] = []
    field.edited.connect(edits.append)
    QTest.keyClick(field, Qt.Key.Key_Up)
    QTest.keyClick(field, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(field, Qt.Key.Key_Down)
    assert edits == [0.55, 1.0, 0.95]


def test_a_value_that_is_not_allowed_stays_visible_but_not_in_force(field: ValueField) -> None:
    edits: list[float] = []
    field.edited.connect(edits.append)
    field.selectAll()
    QTest.keyClicks(field, "1.4")
    assert field.problem == "Top-p 1.4: allowed are 0 to 1. 0.5 stays in force."
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.text() == "1.4"
    assert field.property("wrong") is True
    assert field.in_force == 0.5
    assert edits == []
    field.selectAll()
    QTest.keyClicks(field, "0,9")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert edits == [0.9], "a comma is a decimal point too"
    assert field.problem == ""


def test_letters_cannot_be_typed(field: ValueField) -> None:
    field.selectAll()
    QTest.keyClicks(field, "nan")
    assert field.in_force == 0.5


@pytest.mark.parametrize("text", ["1e999", "-1e999", "1e308"])
def test_numbers_out_of_every_range_are_named(field: ValueField, text: str) -> None:
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert "stays in force" in field.problem


def test_setting_a_value_by_script_counts(field: ValueField) -> None:
    edits: list[float] = []
    field.edited.connect(edits.append)
    field.setValue(0.75)
    assert edits == [0.75]


def test_large_whole_numbers_keep_every_digit(qtbot: QtBot) -> None:
    seed = ValueField("Seed", -1, 4294967295, 1, whole=True)
    qtbot.addWidget(seed)
    seed.show_value(4294967294)
    assert seed.text() == "4294967294"


@pytest.mark.parametrize(
    ("value", "whole", "text"),
    [(1.0, False, "1.0"), (0.0, False, "0"), (0.1, False, "0.1"), (40, True, "40"),
     (1e-05, False, "1e-05"), (-1.0, False, "-1.0")],
)  # fmt: skip
def test_numbers_are_written_in_their_shortest_form(value: float, whole: bool, text: str) -> None:
    assert format_value(value, whole) == text


def test_a_wrong_value_stays_until_it_is_mended_or_given_up(field: ValueField) -> None:
    field.setValue(1.4)
    field.show_value(0.5, "recipe")
    assert field.text() == "1.4", "something else changed, not this value"
    assert field.problem
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "0.5"
    assert field.problem == ""
    field.setValue(1.4)
    field.show_value(0.7, "recipe")
    assert field.text() == "0.7"
    assert field.problem == ""
