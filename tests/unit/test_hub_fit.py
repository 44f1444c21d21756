"""What is suggested among a repository's quantizations, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qwqdesk.engine_settings import EngineSettings
from qwqdesk.hub_fit import bits_of, fits, suggestion
from qwqdesk.models import quants
from qwqdesk.models.expectations import expectation
from qwqdesk.models.fit import FreeMemory, scaled
from qwqdesk.models.hub_files import Quantization, RepoFile
from qwqdesk.models.shape import ModelShape
from qwqdesk.models.tensor_types import TENSOR_TYPES
from tests.unit.models.test_fit import GB, QWQ

SIZES = {"Q2_K": 12.3, "Q3_K_M": 15.9, "Q4_K_M": 19.9, "Q6_K": 26.9, "Q8_0": 34.8, "BF16": 65.5}
ROWS = tuple(
    Quantization(label, (RepoFile(f"QwQ-{label}.gguf", int(size * GB), None),))
    for label, size in SIZES.items()
)
PARAMETERS = dict.fromkeys(SIZES, QWQ.parameter_count)
SHAPES = {row.label: scaled(QWQ, row.size_bytes) for row in ROWS}
SHORT = EngineSettings(n_ctx=8192)


def chosen(cpu: float, gpu: float = 0, shapes: dict[str, ModelShape] = SHAPES) -> str | None:
    found = fits(shapes, FreeMemory(int(cpu * GB), int(gpu * GB)), SHORT)
    made = suggestion(ROWS, PARAMETERS, found)
    return made.why if made else None


@pytest.mark.parametrize(
    ("cpu", "gpu", "label"),
    [
        (64, 24, "Q4_K_M"),  # the largest that fits on the GPU
        (64, 80, "Q6_K"),  # larger ones fit too, without a visible gain
        (64, 0, "Q4_K_M"),  # in memory the speed goes with the size
        (64, 15, "Q4_K_M"),  # only Q2_K fits on the GPU: too weak
        (16, 0, "Q2_K"),  # nothing better fits
    ],
)
def test_the_suggestion_is_the_best_that_is_worth_its_size(
    cpu: float, gpu: float, label: str
) -> None:
    found = fits(SHAPES, FreeMemory(int(cpu * GB), int(gpu * GB)), SHORT)
    made = suggestion(ROWS, PARAMETERS, found)
    assert made is not None
    assert made.label == label


def test_the_reason_adds_up() -> None:
    why = chosen(64, 24)
    assert why is not None
    assert why.startswith("Q4_K_M is the largest that fits on the GPU: 19.9 + 2.1 cache + 0.")
    assert "of 65 layers on the GPU" in (chosen(64, 15) or "")
    assert (chosen(64, 80) or "").startswith(
        "Q6_K fits on the GPU (hard to tell from the original)"
    )


def test_what_does_not_fit_or_is_not_whole_is_not_suggested() -> None:
    assert chosen(8) is None
    assert chosen(64, 24, {}) is None
    broken = tuple(replace(row, missing=("x.gguf",)) for row in ROWS)
    assert suggestion(broken, PARAMETERS, fits(SHAPES, FreeMemory(64 * GB), SHORT)) is None


def test_bits_are_those_of_the_files() -> None:
    assert round(bits_of(ROWS[2], QWQ.parameter_count) or 0, 2) == 4.86
    assert bits_of(ROWS[2], 0) == 4.5
    assert bits_of(Quantization("odd", (RepoFile("odd.gguf", 5, None),)), 0) is None
    # Labels that are there twice are told apart; what they mean is the same.
    assert bits_of(replace(ROWS[2], label="Q4_K_M (QwQ-Q4_K_M)"), 0) == 4.5


def test_every_known_type_and_mix_is_explained_in_a_few_words() -> None:
    types = [kind.name for kind in TENSOR_TYPES.values() if kind.name[0] != "I" or "_" in kind.name]
    types.remove("F64")
    mixes = ["UD-Q4_K_XL", "UD-Q8_K_XL", "i1-IQ1_S", "Q6_K_L", "Q4_0_4_4", "UD-IQ2_XXS"]
    for label in [*types, *quants.FILE_TYPES.values(), *mixes]:
        assert 5 < len(expectation(label)) <= 40, label
    assert expectation("somebody's own") == ""
