"""The chain editor: what a user sees of a chain, and every way to change it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QScrollArea,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.recipes import BUILTIN_RECIPES, recipe_named
from qwqdesk.sampling.samplers import STEPS
from qwqdesk.ui.base import MessageBand, ValueField
from qwqdesk.ui.conversation.chain_editor import ChainEditor, density_for
from qwqdesk.ui.conversation.chain_marks import StateMark
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.conversation.chain_row import StepRow
from tests.ui.fakes import child

UNSLOTH = recipe_named("unsloth", BUILTIN_RECIPES)
ORDER = ("top_k", "top_p", "min_p", "temperature", "dry", "typ_p", "xtc")


@pytest.fixture
def model() -> ChainModel:
    return ChainModel(LaneSetup("B", UNSLOTH))


@pytest.fixture
def editor(qtbot: QtBot, model: ChainModel) -> Iterator[ChainEditor]:
    made = ChainEditor(model)
    qtbot.addWidget(made)
    made.resize(640, 900)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    yield made
    for menu in made.findChildren(QMenu):
        menu.close()


def row(editor: ChainEditor, name: str) -> StepRow:
    return child(editor, StepRow, f"step_{name}")


def state(editor: ChainEditor, name: str) -> str:
    mark = row(editor, name).findChild(StateMark)
    assert mark is not None
    return mark.accessibleName()


def shown_order(editor: ChainEditor) -> list[str]:
    rows = [r for r in editor.findChildren(StepRow) if r.isVisible()]
    rows.sort(key=lambda r: r.mapTo(editor, QPoint(0, 0)).y())
    return [r.sampler.name for r in rows]


# ---------------------------------------------------------------- what it shows


def test_every_step_is_shown_in_order_with_its_state(editor: ChainEditor) -> None:
    assert shown_order(editor) == [*ORDER, "dist", "penalties"]
    assert state(editor, "top_k") == "Active"
    assert state(editor, "typ_p") == "No effect"
    assert state(editor, "dist") == "Draws"
    assert state(editor, "penalties") == "Not in chain"
    assert child(editor, ValueField, "field_dry_multiplier").text() == "0.5"


def test_the_trap_of_the_guide_is_named_and_mended(editor: ChainEditor, model: ChainModel) -> None:
    band = child(editor, MessageBand, "warning_penalties-not-in-chain")
    assert "1.1" in band.accessibleName()
    buttons = [b.text() for b in band.findChildren(QAbstractButton)]
    assert buttons == ["Add penalties first", "Add after dry", "Set to 1.0"]
    child(band, QAbstractButton, "warning_penalties-not-in-chain_1").click()
    assert model.chain.samplers == ("top_k", "top_p", "min_p", "temperature", "dry", "penalties",
                                    "typ_p", "xtc")  # fmt: skip
    assert state(editor, "penalties") == "Active"
    assert not [b for b in editor.findChildren(MessageBand) if b.isVisible()]


def test_setting_the_value_back_ends_the_warning_too(
    editor: ChainEditor, model: ChainModel
) -> None:
    child(editor, QAbstractButton, "warning_penalties-not-in-chain_2").click()
    assert model.chain.number("repeat_penalty") == 1.0
    assert "penalties" not in shown_order(editor)


def test_what_differs_from_lane_a_has_a_bar(editor: ChainEditor, model: ChainModel) -> None:
    other = model.chain.with_values(dry_multiplier=0.8).moved("xtc", 0)
    model.set_reference(other)
    marked = {r.sampler.name for r in editor.findChildren(StepRow)
              if "differs" in r.accessibleName()}  # fmt: skip
    assert marked == {"dry"}, "xtc has no effect on either side, so its place is no difference"
    model.set_reference(other.with_values(xtc_probability=0.5))
    model.set_values({"xtc_probability": 0.5})
    marked = {r.sampler.name for r in editor.findChildren(StepRow)
              if "differs" in r.accessibleName()}  # fmt: skip
    assert marked == {"dry", "xtc"}


def test_mirostat_replaces_the_steps(editor: ChainEditor, model: ChainModel) -> None:
    model.set_values({"mirostat": 2})
    assert state(editor, "top_k") == "No effect"
    assert state(editor, "mirostat") == "Draws"
    assert row(editor, "top_k").accessibleDescription() == "Mirostat replaces this step."
    child(editor, QAbstractButton, "warning_mirostat-replaces-chain_0").click()
    assert state(editor, "top_k") == "Active"


# ---------------------------------------------------------------- values


def test_typing_a_value_changes_the_chain_and_its_source(
    editor: ChainEditor, model: ChainModel
) -> None:
    chains: list[SamplerChain] = []
    editor.chainChanged.connect(chains.append)
    field = child(editor, ValueField, "field_top_k")
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "20")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert [chain.integer("top_k") for chain in chains] == [20]
    assert field.property("source") == "user"
    assert model.setup.user == {"top_k": 20}
    assert child(editor, ValueField, "field_top_p").property("source") == "recipe"


def test_a_value_that_is_not_allowed_holds_the_lane_up(
    editor: ChainEditor, model: ChainModel
) -> None:
    problems: list[str] = []
    editor.problemChanged.connect(problems.append)
    field = child(editor, ValueField, "field_top_p")
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "1.4")
    assert editor.problem.startswith("Top-p 1.4: allowed are numbers from 0 to 1.")
    line = child(editor, QLabel, "problem_top_p")
    assert line.isVisible()
    assert line.text() == editor.problem
    assert model.chain.number("top_p") == 0.95, "the last allowed value stays in force"
    field.selectAll()
    QTest.keyClicks(field, "0.9")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert editor.problem == ""
    assert problems[-1] == ""
    assert model.chain.number("top_p") == 0.9


def test_breakers_are_typed_with_escapes(editor: ChainEditor, model: ChainModel) -> None:
    field = child(editor, QLineEdit, "field_dry_sequence_breakers")
    assert field.text() == '\\n  :  "  *'
    field.setText("\\n \\x20 ;")
    field.editingFinished.emit()
    assert model.chain.strings("dry_sequence_breakers") == ("\n", " ", ";")


@pytest.mark.parametrize("text", ["42", "x+1", "42+nan", "99999999999+1", "42+", "4.5-1", "42=1"])
def test_a_bias_that_cannot_be_read_is_refused_in_words(
    editor: ChainEditor, model: ChainModel, text: str
) -> None:
    child(editor, QToolButton, "moreSettingsButton").click()
    field = child(editor, QLineEdit, "field_logit_bias")
    assert field.placeholderText() == "42+1.5  7-inf"
    field.setText(text)
    field.editingFinished.emit()
    assert editor.problem == (
        f"{text} is not a bias. Write a token's number and what is added to its logit, for example "
        "42+1.5, or 42-inf to ban it."
    )
    assert field.toolTip() == editor.problem
    assert not model.chain.logit_bias
    model.set_values({"top_k": 7})
    assert field.text() == text, "it stays in sight while something else changes"
    assert editor.problem
    field.setText("42+1.5 7-inf")
    field.editingFinished.emit()
    assert editor.problem == ""
    assert "for example 42+1.5" in field.toolTip()
    assert model.chain.logit_bias == ((42, 1.5), (7, float("-inf")))


def test_the_rest_of_the_settings_can_be_reached(editor: ChainEditor, model: ChainModel) -> None:
    box = child(editor, QCheckBox, "field_ignore_eos")
    assert not box.isVisible()
    child(editor, QToolButton, "moreSettingsButton").click()
    box.click()
    child(editor, ValueField, "field_n_predict").setValue(512)
    assert model.chain.value("ignore_eos") is True
    assert model.chain.integer("n_predict") == 512
    child(editor, ValueField, "field_seed").setValue(7)
    assert model.chain.integer("seed") == 7


def test_every_setting_of_the_table_has_a_field_somewhere(
    editor: ChainEditor, model: ChainModel
) -> None:
    base = SamplerChain.of([step.name for step in STEPS], dynatemp_range=0.1)
    found: set[str] = set()
    for mirostat in (0, 2):
        model.set_chain(base.with_values(mirostat=mirostat))
        found |= {w.objectName() for w in editor.findChildren(QWidget)}
    assert not [name for name in base.values if f"field_{name}" not in found]


# ---------------------------------------------------------------- steps


def test_alt_and_arrows_move_a_step_and_say_so(
    editor: ChainEditor, model: ChainModel, qtbot: QtBot
) -> None:
    told: list[str] = []
    model.told.connect(told.append)
    grip = row(editor, "dry").grip
    grip.setFocus()
    QTest.keyClick(grip, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    QTest.keyClick(grip, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert model.chain.samplers[2] == "dry"
    assert told[-1] == "dry, now step 3 of 7"
    assert grip.hasFocus()
    qtbot.waitUntil(lambda: shown_order(editor)[2] == "dry")


def test_alt_and_arrows_work_inside_a_field(editor: ChainEditor, model: ChainModel) -> None:
    field = child(editor, ValueField, "field_top_k")
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert model.chain.samplers[:2] == ("top_p", "top_k")
    assert model.chain.integer("top_k") == 40


def test_delete_removes_a_step_and_undo_brings_it_back(
    editor: ChainEditor, model: ChainModel
) -> None:
    grip = row(editor, "min_p").grip
    grip.setFocus()
    QTest.keyClick(grip, Qt.Key.Key_Delete)
    assert "min_p" not in model.chain.samplers
    assert row(editor, "temperature").grip.hasFocus(), "the focus goes to the next row"
    assert state(editor, "min_p") == "Not in chain"
    model.undo()
    assert model.chain.samplers == ORDER
    model.redo()
    assert "min_p" not in model.chain.samplers


def test_delete_in_a_field_deletes_text(editor: ChainEditor, model: ChainModel) -> None:
    field = child(editor, ValueField, "field_top_k")
    field.setFocus()
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_Delete)
    assert model.chain.samplers == ORDER


def test_a_step_is_added_from_the_menu(editor: ChainEditor, model: ChainModel) -> None:
    QTest.keyClick(row(editor, "top_k").grip, Qt.Key.Key_Insert)
    menu = child(editor, QMenu, "addStepMenu")
    names = [act.objectName() for act in menu.actions()]
    assert names == ["add_penalties", "add_top_n_sigma", "add_adaptive_p"]
    menu.actions()[1].trigger()
    menu.close()
    assert model.chain.samplers[-1] == "top_n_sigma"


def test_adaptive_p_draws_in_place_of_dist(editor: ChainEditor, model: ChainModel) -> None:
    model.add_step("adaptive_p")
    assert "dist" not in shown_order(editor)
    assert state(editor, "adaptive_p") == "Draws"
    child(editor, QAbstractButton, "remove_adaptive_p").click()
    assert state(editor, "dist") == "Draws"


def test_dragging_the_grip_moves_the_step(
    editor: ChainEditor, model: ChainModel, qtbot: QtBot
) -> None:
    grip = row(editor, "xtc").grip
    target = row(editor, "top_p").grip
    start = grip.rect().center()
    above = grip.mapFromGlobal(target.mapToGlobal(QPoint(8, 2)))
    QTest.mousePress(grip, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(grip, start + QPoint(0, -6))
    QTest.mouseMove(grip, above)
    assert child(editor, QWidget, "dropLine").isVisible()
    QTest.mouseRelease(grip, Qt.MouseButton.LeftButton, pos=above)
    assert model.chain.samplers == ("top_k", "xtc", "top_p", "min_p", "temperature", "dry", "typ_p")
    qtbot.waitUntil(lambda: not editor.findChildren(QWidget, "dropLine"))


def test_escape_ends_a_drag_without_a_change(
    editor: ChainEditor, model: ChainModel, qtbot: QtBot
) -> None:
    grip = row(editor, "xtc").grip
    QTest.mousePress(grip, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    QTest.mouseMove(grip, QPoint(8, -120))
    QTest.keyClick(grip, Qt.Key.Key_Escape)
    QTest.mouseRelease(grip, Qt.MouseButton.LeftButton, pos=QPoint(8, -120))
    assert model.chain.samplers == ORDER
    qtbot.waitUntil(lambda: not editor.findChildren(QWidget, "dropLine"))


def test_changes_of_one_field_are_undone_together(editor: ChainEditor, model: ChainModel) -> None:
    field = child(editor, ValueField, "field_top_k")
    for value in (41, 42, 43):
        field.setValue(value)
    child(editor, ValueField, "field_min_p").setValue(0.2)
    model.undo()
    assert model.chain.integer("top_k") == 43
    model.undo()
    assert model.chain.integer("top_k") == 40
    assert field.text() == "40"
    model.undo()  # nothing is left to undo
    assert model.chain.integer("top_k") == 40


def test_ctrl_z_on_a_grip_undoes(editor: ChainEditor, model: ChainModel) -> None:
    model.remove_step("xtc")
    grip = row(editor, "top_k").grip
    grip.setFocus()
    QTest.keyClick(grip, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert model.chain.samplers == ORDER


# ---------------------------------------------------------------- the foot


def test_reset_takes_all_changes_back(editor: ChainEditor, model: ChainModel) -> None:
    reset = child(editor, QAbstractButton, "resetChain")
    assert not reset.isEnabled()
    model.set_values({"top_k": 5})
    model.remove_step("dry")
    assert reset.isEnabled()
    reset.click()
    assert model.chain == UNSLOTH.chain


def test_the_paste_box_names_the_flags_that_it_leaves_out(editor: ChainEditor) -> None:
    QGuiApplication.clipboard().setText("llama-cli --model a.gguf --threads 32 --temp 0.6")
    child(editor, QAbstractButton, "pasteCommand").click()
    box = child(editor, QWidget, "pasteBox")
    says = child(box, QLabel, "commandSays").text()
    assert "1 value set" in says
    assert "Not taken over: --model, --threads." in says
    box.close()


def test_the_paste_box_tells_the_classes_of_flags(editor: ChainEditor, model: ChainModel) -> None:
    QGuiApplication.clipboard().setText(
        "llama-server --port 1 --context-shift --samplers top_k;tfs_z;temp --temp -1 -dio"
        " --reasoning off"
    )
    child(editor, QAbstractButton, "pasteCommand").click()
    box = child(editor, QWidget, "pasteBox")
    assert child(box, QLabel, "commandSays").text().split("\n") == [
        "Order: top_k;temperature. 2 values set. Template: enable_thinking off.",
        "Cannot be taken: --context-shift (a full context ends the reply here; its beginning is "
        "never forgotten).",
        "Not needed here: --port.",
        "No longer in llama.cpp: -dio.",
        "--temp -1 counts as 0.0, as in llama.cpp.",
        "There is no sampler 'tfs_z': it was skipped, as llama.cpp does.",
    ]
    child(box, QAbstractButton, "useCommand").click()
    assert model.setup.variables is not None
    assert model.setup.variables.values == {"enable_thinking": False}
    assert model.chain.number("temperature") == 0


@pytest.mark.parametrize(
    "text",
    [
        '{"temperature": 0.25, "top_k": 7, "foo": 1}',
        "temperature: 0.25\ntop_k: 7\nfoo: 1\n",
        "[mine]\ntemp = 0.25\ntop-k = 7\nfoo = 1\n",
        "FROM x\nPARAMETER temperature 0.25\nPARAMETER top_k 7\nPARAMETER foo 1\n",
    ],
)
def test_settings_that_are_pasted_are_read_as_those_of_a_file(
    editor: ChainEditor, model: ChainModel, text: str
) -> None:
    child(editor, QAbstractButton, "pasteCommand").click()
    box = child(editor, QWidget, "pasteBox")
    child(box, QPlainTextEdit, "commandText").setPlainText(text)
    assert "foo" in child(box, QLabel, "commandSays").text()
    child(box, QAbstractButton, "useCommand").click()
    assert (model.chain.number("temperature"), model.chain.integer("top_k")) == (0.25, 7)


def test_of_several_pasted_sets_none_is_taken(editor: ChainEditor) -> None:
    child(editor, QAbstractButton, "pasteCommand").click()
    box = child(editor, QWidget, "pasteBox")
    text, says = child(box, QPlainTextEdit, "commandText"), child(box, QLabel, "commandSays")
    use = child(box, QAbstractButton, "useCommand")
    text.setPlainText("[calm]\ntemp = 0.2\n[wild]\ntemp = 1.5\n")
    assert says.text().endswith("2 sets of settings: calm, wild. Paste one of them alone.")
    assert not use.isEnabled()
    for broken in ('{"temperature": ', "[calm\ntemp = 1", "temperature: [", "{}", "[]"):
        text.setPlainText(broken)
        assert not use.isEnabled(), broken
        assert says.text(), broken
    box.close()


@pytest.mark.parametrize("text", ["llama-cli -m x.gguf -p hi", "hello world", "llama-cli --port 1"])
def test_a_paste_without_a_setting_says_so(editor: ChainEditor, text: str) -> None:
    QGuiApplication.clipboard().setText(f"{text} --log-disable")
    child(editor, QAbstractButton, "pasteCommand").click()
    box = child(editor, QWidget, "pasteBox")
    assert "No sampling setting was found." in child(box, QLabel, "commandSays").text()
    assert not child(box, QAbstractButton, "useCommand").isEnabled()
    box.close()


def test_a_pasted_command_brings_grammar_budget_and_guard(
    editor: ChainEditor, model: ChainModel
) -> None:
    line = "--grammar 'root ::= \"a\"' --reasoning-budget 40 --loop-guard stop --temp 0.6"
    QGuiApplication.clipboard().setText(line)
    child(editor, QAbstractButton, "pasteCommand").click()
    box = child(editor, QWidget, "pasteBox")
    assert "3 values set. Constraints too." in child(box, QLabel, "commandSays").text()
    child(box, QAbstractButton, "useCommand").click()
    assert (model.setup.reasoning_budget, model.setup.loop_guard) == (40, "stop")
    assert model.setup.limits.grammar == 'root ::= "a"'


def test_a_pasted_command_becomes_the_chain(editor: ChainEditor, model: ChainModel) -> None:
    QGuiApplication.clipboard().setText("nothing of use")
    child(editor, QAbstractButton, "pasteCommand").click()
    box = child(editor, QWidget, "pasteBox")
    text = child(box, QPlainTextEdit, "commandText")
    use = child(box, QAbstractButton, "useCommand")
    assert not use.isEnabled()
    text.setPlainText("llama-cli --temp 9 --samplers 'top_k")
    assert not use.isEnabled()
    assert "never closed" in child(box, QLabel, "commandSays").text()
    text.setPlainText("./llama-cli -m x.gguf --temp 0.3 --samplers 'top_k;temperature' -p hi")
    use.click()
    assert model.chain.samplers == ("top_k", "temperature")
    assert model.chain.number("temperature") == 0.3
    assert model.chain.number("repeat_penalty") == 1.0, "what is not named is the default"


def test_the_order_is_copied_by_a_click(editor: ChainEditor) -> None:
    QTest.mouseClick(child(editor, QWidget, "chainOrder"), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == ";".join(ORDER)


def test_copy_as_flags(editor: ChainEditor) -> None:
    child(editor, QAbstractButton, "copyAs").click()
    menu = next(m for m in editor.findChildren(QMenu) if m.isVisible())
    next(act for act in menu.actions() if act.objectName() == "copyAs_llama-args").trigger()
    menu.close()
    assert "--dry-multiplier 0.5" in QGuiApplication.clipboard().text()


# ---------------------------------------------------------------- room, keys, screen readers


@pytest.mark.parametrize(
    ("width", "density"),
    [
        (1200, "wide"),
        (760, "wide"),
        (700, "normal"),
        (601, "normal"),
        (580, "snug"),
        (520, "snug"),
        (506, "compact"),
        (400, "compact"),
        (371, "compact"),
        (363, "compact"),
        (307, "narrow"),
        (300, "narrow"),
    ],
)
def test_each_width_has_its_density_and_nothing_is_cut(
    editor: ChainEditor, width: int, density: str, qtbot: QtBot
) -> None:
    editor.resize(width, 900)
    qtbot.waitUntil(lambda: editor.property("density") == density)
    QApplication.processEvents()
    child(editor, QToolButton, "moreSettingsButton").click()
    qtbot.wait(150)
    area = child(editor, QScrollArea, "chainArea")
    assert area.horizontalScrollBar().maximum() == 0
    content = area.widget()
    assert content is not None
    for each in content.findChildren(QWidget):
        right = each.mapTo(content, each.rect().topRight()).x()
        shown = each.isVisible() and not each.objectName().startswith("qt_")
        assert not shown or right <= content.width(), f"{each} ends at {right} of {width}"
    reset = child(editor, QAbstractButton, "resetChain")
    assert reset.mapTo(editor, reset.rect().topRight()).x() <= width


def test_density_has_some_play() -> None:
    assert density_for(760) == "wide"
    assert density_for(753, "wide") == "wide"
    assert density_for(751, "wide") == "normal"
    assert density_for(753, "normal") == "normal"
    assert density_for(595, "normal") == "normal"
    assert density_for(299) == "narrow"


def test_a_change_of_density_keeps_values_and_the_open_section(
    editor: ChainEditor, model: ChainModel
) -> None:
    child(editor, QToolButton, "moreSettingsButton").click()
    model.set_values({"top_k": 3})
    editor.resize(310, 900)
    QApplication.processEvents()
    assert child(editor, ValueField, "field_top_k").text() == "3"
    assert child(editor, QToolButton, "moreSettingsButton").isChecked()


def test_tab_walks_through_a_row(editor: ChainEditor) -> None:
    first = row(editor, "temperature")
    first.grip.setFocus()
    names = []
    for _ in range(3):
        focus = QApplication.focusWidget()
        assert focus is not None
        QTest.keyClick(focus, Qt.Key.Key_Tab)
        now = QApplication.focusWidget()
        assert now is not None
        names.append(now.objectName())
    assert names == ["field_temperature", "field_dynatemp_range", "remove_temperature"]


def test_arrows_walk_over_the_grips(editor: ChainEditor) -> None:
    grip = row(editor, "top_k").grip
    grip.setFocus()
    QTest.keyClick(grip, Qt.Key.Key_Down)
    assert row(editor, "top_p").grip.hasFocus()


def test_everything_that_takes_focus_has_a_name(editor: ChainEditor) -> None:
    child(editor, QToolButton, "moreSettingsButton").click()
    for widget in editor.findChildren(QWidget):
        focusable = widget.focusPolicy() != Qt.FocusPolicy.NoFocus and widget.isVisible()
        if focusable and not widget.objectName().startswith("qt_"):
            interface = QAccessible.queryAccessibleInterface(widget)
            name = interface.text(QAccessible.Text.Name) if interface else widget.accessibleName()
            assert name or widget.accessibleName(), f"{widget} {widget.objectName()}"


def test_show_step_leads_to_its_field(editor: ChainEditor) -> None:
    editor.show_step("xtc")
    assert child(editor, ValueField, "field_xtc_probability").hasFocus()
    editor.show_step("seed")
    assert child(editor, ValueField, "field_seed").hasFocus()
    editor.show_step("")


@pytest.mark.parametrize("width", [300, 400, 480, 520, 640, 800])
@pytest.mark.parametrize("height", [220, 600, 900])
def test_constraints_are_named_and_adding_a_step_is_in_sight(
    editor: ChainEditor, qtbot: QtBot, width: int, height: int
) -> None:
    editor.resize(width, height)
    qtbot.waitUntil(lambda: editor.property("density") == density_for(width))
    constraints = child(editor, QAbstractButton, "editConstraints")
    assert constraints.text() == "Constraints"
    qtbot.waitUntil(lambda: constraints.width() >= constraints.sizeHint().width())
    add = child(editor, QAbstractButton, "addStep")
    inside = child(editor, QScrollArea, "chainArea").isAncestorOf(add)
    assert inside is (height < 420), "a low editor gives its height to the rows"
    seen = add.mapTo(editor, add.rect().bottomLeft()).y() < editor.height()
    assert inside or seen
    assert len(editor.findChildren(QAbstractButton, "addStep")) == 1


def test_insert_adds_a_step_wherever_its_button_is(editor: ChainEditor) -> None:
    for height in (300, 900):
        editor.resize(640, height)
        QTest.keyClick(editor, Qt.Key.Key_Insert)
        menu = editor.findChildren(QMenu, "addStepMenu")[-1]
        assert menu.isVisible()
        menu.close()
