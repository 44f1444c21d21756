"""The lab: choosing an experiment, counting its checks, reading one run, keeping one's own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QLabel,
    QLineEdit,
    QMenu,
    QWidget,
)

from qwqdesk.analysis.checks import Check, Checked
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_files import (
    export_experiment,
    is_experiment_file,
    load_experiments,
    save_experiment,
)
from qwqdesk.experiment_result import ExperimentResult
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.recipes import BUILTIN_RECIPES
from qwqdesk.ui.base import PickerButton
from qwqdesk.ui.lab.experiment_list import ExperimentListView
from qwqdesk.ui.lab.experiment_view import ExperimentView
from qwqdesk.ui.lab.folded_text import beginning
from qwqdesk.ui.lab.result_table import ResultTable
from qwqdesk.ui.lab.save_box import SaveExperimentBox
from qwqdesk.ui.model_picker import file_title
from tests.ui.fakes import Driver, child, opened


def _lab(d: Driver) -> tuple[ExperimentListView, ExperimentView, ResultTable]:
    d.window.show_page("lab")
    found = d.find("experimentList"), d.find("experimentView"), d.find("resultTable")
    chosen, view, table = found
    assert isinstance(chosen, ExperimentListView)
    assert isinstance(view, ExperimentView)
    assert isinstance(table, ResultTable)
    return chosen, view, table


def _texts(table: ResultTable, row: int) -> list[str]:
    model = table.model()
    return [str(model.index(row, column).data()) for column in range(model.columnCount())]


def _runs_after(d: Driver, count: int) -> bool:
    return len(d.engine.staged) > count


def _own(folder: Path, checks: list[Check], seed: int = 1) -> Experiment:
    lanes = [LaneSetup("A"), LaneSetup("B", user={"top_k": 3})]
    made = replace(Experiment.of("Mine", "Count to three.", lanes, checks), seed=seed)
    save_experiment(folder / "experiments", made)
    return made


async def test_the_first_experiment_is_shown_with_lanes_and_checks(
    qapp: QApplication, tmp_path: Path
) -> None:
    async with opened(tmp_path) as d:
        _, _, table = _lab(d)
        assert d.find("experimentTitle").text() == "Flappy Bird: order and penalty"  # type: ignore[attr-defined]
        model = table.model()
        assert (model.rowCount(), model.columnCount()) == (6, 5)
        assert _texts(table, 3)[:2] == ["The Python parses", "\N{EN DASH}"]
        spoken = model.index(3, 1).data(Qt.ItemDataRole.AccessibleTextRole)
        assert spoken.startswith("Lane A")


async def test_trials_are_counted_kept_and_shown_again(qapp: QApplication, tmp_path: Path) -> None:
    _own(tmp_path, [Check("finished"), Check("contains", {"texts": "three"})])
    async with opened(tmp_path) as d:
        chosen, view, table = _lab(d)
        chosen.setCurrentIndex(chosen.model().index(chosen.model().rowCount() - 1, 0))
        view.repeat_wanted.emit(2)
        for seed in range(2):
            await d.until(partial(_runs_after, d, seed))
            run = d.engine.staged[-1]
            run.write(0, "one two three")
            run.write(1, "one two")
            run.finish()
        await d.until(lambda: _texts(table, 1)[1].startswith("2 of 2"))
        assert _texts(table, 1)[2].startswith("0 of 2")
        assert "the best" in table.model().index(1, 1).data(Qt.ItemDataRole.AccessibleTextRole)
        assert not d.titles()  # a hundred trials are no chats
        table.setCurrentIndex(table.model().index(1, 2))
        assert "seed 1: not found; seed 2: not found" in d.find("resultDetail").text()  # type: ignore[attr-defined]
        await d.shown("repeatExperimentButton")
        chosen.setCurrentIndex(chosen.model().index(1, 0))
        chosen.setCurrentIndex(chosen.model().index(chosen.model().rowCount() - 1, 0))
        assert _texts(table, 1)[1].startswith("2 of 2")
        d.click("forgetResultButton")
        assert _texts(table, 1)[1] == "\N{EN DASH}"
        undo = next(b for b in d.find("toast").findChildren(QAbstractButton))
        undo.click()
        assert _texts(table, 1)[1].startswith("2 of 2"), "the trials are there again"


async def test_trials_outlive_their_page(qapp: QApplication, tmp_path: Path) -> None:
    _own(tmp_path, [Check("finished")])
    async with opened(tmp_path) as d:
        chosen, view, _ = _lab(d)
        chosen.setCurrentIndex(chosen.model().index(chosen.model().rowCount() - 1, 0))
        view.repeat_wanted.emit(2)
        await d.until(partial(_runs_after, d, 0))
        d.window.desk.change(text_size=110)  # pages are made anew
        await d.until(lambda: d.find("experimentView") is not view)
        for seed in range(2):
            await d.until(partial(_runs_after, d, seed))
            d.engine.staged[-1].finish()
        chosen, _, table = _lab(d)
        chosen.setCurrentIndex(chosen.model().index(chosen.model().rowCount() - 1, 0))
        await d.until(lambda: _texts(table, 0)[1].startswith("2 of 2"))


async def test_the_window_ends_in_the_middle_of_trials(qapp: QApplication, tmp_path: Path) -> None:
    _own(tmp_path, [Check("finished")])
    async with opened(tmp_path) as d:
        chosen, view, _ = _lab(d)
        chosen.setCurrentIndex(chosen.model().index(chosen.model().rowCount() - 1, 0))
        view.repeat_wanted.emit(50)
        await d.until(partial(_runs_after, d, 0))
        await d.window.end()
        assert not d.window.desk.session.running
        await asyncio.sleep(0)
        assert len(d.engine.staged) == 1


async def test_one_run_opens_as_a_comparison(qapp: QApplication, tmp_path: Path) -> None:
    largest = 2**32 - 2  # more than Qt's own numbers hold
    _own(tmp_path, [Check("finished")], largest)
    async with opened(tmp_path) as d:
        chosen, _, _ = _lab(d)
        chosen.setCurrentIndex(chosen.model().index(chosen.model().rowCount() - 1, 0))
        d.click("runExperimentButton")
        await d.until(lambda: d.engine.staged)
        chains = [lane.chain for lane in d.engine.runs[-1].lanes]
        assert [chain.integer("top_k") for chain in chains] == [40, 3]
        assert {chain.integer("seed") for chain in chains} == {largest}
        d.engine.staged[-1].finish()
        await d.idle()
        assert d.titles() == ["Count to three."]
        await d.until(d.window.page.numbers.panel.isVisible)
        d.window.page.numbers.open()
        table = d.window.page.numbers.panel.table.model()
        await d.until(lambda: table.index(0, 0).data() == "Checks")
        assert table.index(0, 1).data() == "passed"


async def test_a_comparison_is_kept_as_an_experiment(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.click("addLaneButton")
        run = await d.send("What is 2 + 2?")
        run.finish()
        await d.idle()
        d.window.save_experiment()
        box = d.window.findChild(SaveExperimentBox)
        assert box is not None
        name, number = (box.findChild(QLineEdit, n) for n in ("experimentName", "checkNumber"))
        parses = box.findChild(QCheckBox, "check_python-parses")
        assert name is not None
        assert number is not None
        assert parses is not None
        name.setText("")
        d.click("saveButton", box)
        assert box.isVisible()
        name.setText("Sums")
        number.setText("4")
        parses.setChecked(True)
        d.click("saveButton", box)
        saved = load_experiments(tmp_path / "experiments", d.window.desk.recipes).named("sums")
        assert saved.prompt == "What is 2 + 2?"
        assert len(saved.lanes) == 2
        assert [check.name for check in saved.checks] == [
            "finished", "reasoning-closed", "no-loop", "python-parses", "number",
        ]  # fmt: skip


async def test_a_small_page_shows_all_of_it(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.frame.resize(960, 600)
        _, view, table = _lab(d)
        for percent in (100, 150):
            d.window.desk.change(text_size=percent)
            await asyncio.sleep(0.1)
            _, view, table = _lab(d)
            await asyncio.sleep(0.1)
            content = view.widget()
            assert content is not None
            assert content.width() <= view.viewport().width(), "nothing is cut at the right"
            for name in ("runExperimentButton", "repeatExperimentButton", "repeatsField"):
                part = d.find(name)
                right = part.mapTo(content, part.rect().topRight()).x()
                assert right <= view.viewport().width()
            columns = [table.columnWidth(n) for n in range(table.model().columnCount())]
            assert sum(columns) <= table.viewport().width() + 2


async def test_a_long_prompt_is_folded(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        chosen, _, _ = _lab(d)
        words = d.find("experimentPrompt")
        assert isinstance(words, QLabel)
        assert words.text().startswith("Write a Flappy Bird game")
        assert "Esc quits" not in words.text()
        d.click("experimentPromptAll")
        assert "Esc quits" in words.text()
        d.click("experimentPromptAll")
        assert "Esc quits" not in words.text()
        chosen.setCurrentIndex(chosen.model().index(2, 0))
        assert words.text().endswith("strawberry?")


@pytest.mark.parametrize("text", ["", "one", "a\n" * 4, "word " * 90])
def test_a_text_that_is_hardly_longer_is_not_folded(text: str) -> None:
    assert beginning(text) == text
    assert len(beginning(text + "\nmore\n" + "word " * 200)) < 500


async def test_progress_is_told_with_a_share(qapp: QApplication, tmp_path: Path) -> None:
    _own(tmp_path, [Check("finished")])
    async with opened(tmp_path) as d:
        chosen, view, _ = _lab(d)
        chosen.setCurrentIndex(chosen.model().index(chosen.model().rowCount() - 1, 0))
        meaning = d.find("countsMeaning")
        assert isinstance(meaning, QLabel)
        assert meaning.text().startswith("No results yet.")
        view.repeat_wanted.emit(2)
        await d.until(partial(_runs_after, d, 0))
        assert not d.find("runExperimentButton").isEnabled()
        d.engine.staged[-1].finish()
        line = await d.shown("trialsLine")
        await d.until(lambda: line.accessibleName().startswith("50%, Seed 2 · 2 of 4 trials"))
        await d.until(partial(_runs_after, d, 1))
        d.engine.staged[-1].finish()
        await d.until(lambda: not line.isVisible())
        assert "95 % interval" in meaning.text()


async def test_without_checks_nothing_is_counted(qapp: QApplication, tmp_path: Path) -> None:
    _own(tmp_path, [])
    async with opened(tmp_path) as d:
        chosen, _, table = _lab(d)
        chosen.setCurrentIndex(chosen.model().index(chosen.model().rowCount() - 1, 0))
        assert not table.isVisible()
        assert not [b for b in d.window.findChildren(QWidget, "repeatExperimentButton")
                    if b.isVisible()]  # fmt: skip
        meaning = d.find("countsMeaning")
        assert isinstance(meaning, QLabel)
        assert meaning.text().startswith("This experiment has no checks.")


async def test_without_a_model_one_can_be_chosen(qapp: QApplication, tmp_path: Path) -> None:
    async with opened(tmp_path) as d:
        d.window.desk.session.loaded = None
        _lab(d)
        d.window.desk.model_changed.emit()
        assert not d.find("runExperimentButton").isEnabled()
        asked: list[bool] = []
        d.window.models.open_menu = lambda: asked.append(True)  # type: ignore[method-assign]
        d.click("labChooseModel")
        assert d.window.stack.currentWidget() is d.page
        assert asked


async def test_a_dropped_experiment_is_kept_beside_ones_own(
    qapp: QApplication, tmp_path: Path
) -> None:
    own = _own(tmp_path, [Check("finished")])
    other = tmp_path / "elsewhere" / "mine.json"
    other.parent.mkdir()
    export_experiment(other, replace(own, prompt="Another prompt."))
    (tmp_path / "plain.json").write_text("{}")
    assert not is_experiment_file(tmp_path / "plain.json")
    async with opened(tmp_path) as d:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(other))])
        d.window.dropEvent(
            QDropEvent(
                QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                Qt.KeyboardModifier.NoModifier,
            )
        )  # fmt: skip
        title = await d.shown("experimentTitle")
        assert isinstance(title, QLabel)
        await d.until(lambda: title.text() == "Mine (2)")
        known = load_experiments(tmp_path / "experiments", d.window.desk.recipes)
        assert known.named("mine").prompt == "Count to three.", "one's own is not replaced"
        assert known.named("mine-2").prompt == "Another prompt."


def _failing(d: Driver, tmp_path: Path, seeds: int) -> tuple[ExperimentView, ResultTable]:
    """An experiment of one's own whose lane A failed at so many seeds."""
    chosen, view, table = _lab(d)
    chosen.setCurrentIndex(chosen.model().index(chosen.model().rowCount() - 1, 0))
    one = load_experiments(tmp_path / "experiments", BUILTIN_RECIPES).named("mine")
    result = ExperimentResult(one)
    for seed in range(1, seeds + 1):
        result.add("A", seed, Checked(f"{seed + 3}", (1,), "stop"))
        result.add("B", seed, Checked("3", (1,), "stop", closed=True))
    view.show_result(result)
    return view, table


async def test_any_seed_that_failed_can_be_opened(qapp: QApplication, tmp_path: Path) -> None:
    _own(tmp_path, [Check("number", {"number": 3})])
    async with opened(tmp_path) as d:
        view, table = _failing(d, tmp_path, 3)
        table.setCurrentIndex(table.model().index(0, 1))
        wanted: list[int] = []
        view.run_wanted.disconnect()
        view.run_wanted.connect(wanted.append)
        d.click("otherTrialsButton")
        menu = child(d.window, QMenu, "otherTrialsMenu")
        assert [act.text() for act in menu.actions()] == [
            "Seed 1: says 4", "Seed 2: says 5", "Seed 3: says 6",
        ]  # fmt: skip
        menu.actions()[2].trigger()
        assert wanted == [3]
        menu.close()


async def test_a_check_that_does_not_apply_says_so(qapp: QApplication, tmp_path: Path) -> None:
    _own(tmp_path, [Check("reasoning-closed"), Check("number", {"number": 3})])
    async with opened(tmp_path) as d:
        _, table = _failing(d, tmp_path, 2)
        cells = _texts(table, 0)
        assert cells[1] == "does not apply"
        assert cells[2].startswith("2 of 2")
        table.setCurrentIndex(table.model().index(0, 1))
        assert "does not apply" in child(d.window, QLabel, "resultDetail").text()


async def test_the_lab_says_and_chooses_its_model(qapp: QApplication, tmp_path: Path) -> None:
    _own(tmp_path, [Check("finished")])
    other = tmp_path / "Other-Q8_0.gguf"
    other.write_bytes(b"GGUF")
    async with opened(tmp_path) as d:
        chosen, view, _ = _lab(d)
        picker = child(d.window, PickerButton, "labModel")
        loaded = d.window.desk.session.loaded
        assert loaded is not None
        assert file_title(Path(loaded.model.path)) in picker.accessibleName()
        chosen.setCurrentIndex(chosen.model().index(chosen.model().rowCount() - 1, 0))
        d.window.trials.choose_model(other)
        assert file_title(other) in picker.accessibleName()
        one = load_experiments(tmp_path / "experiments", BUILTIN_RECIPES).named("mine")
        assert d.window.trials.models(one) == (other, other)
        view.model_menu.aboutToShow.emit()
        view.model_menu.actions()[0].trigger()
        assert d.window.trials.models(one) == (Path(loaded.model.path),) * 2


async def test_enter_saves_the_experiment(qapp: QApplication) -> None:
    parent = QWidget()
    box = SaveExperimentBox("Count to three", [LaneSetup("A")], "", parent)
    made: list[Experiment] = []
    box.made.connect(made.append)
    child(box, QLineEdit, "experimentName").returnPressed.emit()
    assert [one.title for one in made] == ["Count to three"]
    parent.deleteLater()
