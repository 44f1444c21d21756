"""The lab: choosing an experiment, counting its checks, reading one run, keeping one's own."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QLineEdit

from qwqdesk.analysis.checks import Check
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_files import load_experiments, save_experiment
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.ui.lab.experiment_list import ExperimentListView
from qwqdesk.ui.lab.experiment_view import ExperimentView
from qwqdesk.ui.lab.result_table import ResultTable
from qwqdesk.ui.lab.save_box import SaveExperimentBox
from tests.ui.fakes import Driver, opened


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


def _own(folder: Path, checks: list[Check]) -> Experiment:
    lanes = [LaneSetup("A"), LaneSetup("B", user={"top_k": 3})]
    made = Experiment.of("Mine", "Count to three.", lanes, checks)
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


async def test_one_run_opens_as_a_comparison(qapp: QApplication, tmp_path: Path) -> None:
    _own(tmp_path, [Check("finished")])
    async with opened(tmp_path) as d:
        chosen, _, _ = _lab(d)
        chosen.setCurrentIndex(chosen.model().index(chosen.model().rowCount() - 1, 0))
        d.click("runExperimentButton")
        await d.until(lambda: d.engine.staged)
        chains = [lane.chain for lane in d.engine.runs[-1].lanes]
        assert [chain.integer("top_k") for chain in chains] == [40, 3]
        assert {chain.integer("seed") for chain in chains} == {1}
        d.engine.staged[-1].finish()
        await d.idle()
        assert d.titles() == ["Count to three."]


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
