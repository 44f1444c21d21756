"""Any sequence of acts leaves the chain editor and the head showing the model's chain."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtWidgets import QApplication

from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.recipes import BUILTIN_RECIPES
from qwqdesk.sampling.samplers import PARAMS, STEPS
from qwqdesk.ui.base import ValueField
from qwqdesk.ui.conversation.chain_editor import ChainEditor
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.conversation.chain_row import StepRow
from qwqdesk.ui.conversation.chips import ChipLine
from qwqdesk.ui.conversation.lane_head import LaneHead

Act = Callable[[ChainModel], None]

_steps = st.sampled_from([step.name for step in STEPS])
_numbers = [param for param in PARAMS.values() if param.kind in ("int", "float")]


def _value(act: tuple[int, float]) -> Act:
    param = _numbers[act[0]]
    low = -2.0 if param.minimum is None else param.minimum
    high = 200.0 if param.maximum is None else min(param.maximum, 200.0)
    number = low + act[1] * (high - low)
    value = round(number) if param.kind == "int" else max(low, number)
    return lambda model: model.set_values({param.name: param.check(value)})


def _add(name: str) -> Act:
    return lambda m: None if name in m.chain.samplers else m.add_step(name, 1)


def _remove(name: str) -> Act:
    return lambda m: m.remove_step(name) if name in m.chain.samplers else None


def _move(act: tuple[str, int]) -> Act:
    return lambda m: m.move_step(*act) if act[0] in m.chain.samplers else None


_acts = st.one_of(
    st.tuples(st.integers(0, len(_numbers) - 1), st.floats(0, 1)).map(_value),
    _steps.map(_add),
    _steps.map(_remove),
    st.tuples(_steps, st.integers(-2, 12)).map(_move),
    st.sampled_from([ChainModel.undo, ChainModel.redo, ChainModel.reset]),
    st.sampled_from(BUILTIN_RECIPES).map(lambda recipe: lambda m: m.set_recipe(recipe)),
    st.sampled_from(BUILTIN_RECIPES).map(lambda recipe: lambda m: m.set_reference(recipe.chain)),
)


@pytest.fixture(scope="module")
def parts(qapp: QApplication) -> tuple[ChainModel, ChainEditor, LaneHead]:
    model = ChainModel(LaneSetup("B", BUILTIN_RECIPES[1]))
    editor, head = ChainEditor(model), LaneHead(model, "B")
    editor.resize(500, 700)
    head.resize(500, 80)
    return model, editor, head


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(_acts, min_size=1, max_size=8))
def test_editor_and_head_follow_the_model(
    parts: tuple[ChainModel, ChainEditor, LaneHead], acts: list[Act]
) -> None:
    model, editor, head = parts
    for act in acts:
        act(model)
    _check_rows(editor, model.chain)
    _check_values(editor, model.chain)
    assert head.findChild(ChipLine, "laneChips") is not None
    QApplication.processEvents()


def _check_rows(editor: ChainEditor, chain: SamplerChain) -> None:
    rows = {row.sampler.name for row in editor.findChildren(StepRow) if row.objectName()}
    assert set(chain.samplers) <= rows
    draws = {"mirostat", "dist", "adaptive_p"} & rows
    if chain.integer("mirostat"):
        assert "mirostat" in draws
    elif "adaptive_p" not in chain.samplers:
        assert "dist" in draws


def _check_values(editor: ChainEditor, chain: SamplerChain) -> None:
    for param in _numbers:
        for field in editor.findChildren(ValueField, f"field_{param.name}"):
            assert field.problem == ""
            if param.name != "seed":
                assert field.value() == pytest.approx(chain.number(param.name), abs=1e-9)
