"""Labels: one spelling whatever the file is called, and a line of meaning for each."""

from __future__ import annotations

import pytest

from qwqdesk.models import quants
from qwqdesk.models.gguf import read_header
from qwqdesk.models.tensor_types import TENSOR_TYPES
from tests.unit.models.gguf_writer import small_model


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("QwQ-32B-Q4_K_M.gguf", "Q4_K_M"),
        ("qwq-32b-q4_k_m.gguf", "Q4_K_M"),
        ("QwQ-32B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("qwq.i1-IQ2_XXS.gguf", "i1-IQ2_XXS"),
        ("model-fp16.gguf", "F16"),
        ("BF16/QwQ-32B-BF16-00001-of-00002.gguf", "BF16"),
        ("Q8_0/model-00001-of-00003.gguf", "Q8_0"),
        ("model.IQ3_M.gguf", "IQ3_M"),
        ("m-IQ4_NL.gguf", "IQ4_NL"),
        ("m_TQ1_0.gguf", "TQ1_0"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("m-Q4_0_4_4.gguf", "Q4_0_4_4"),
        ("m-f16-Q5_K_S.gguf", "Q5_K_S"),
        ("Q4_K_M/plain.gguf", "Q4_K_M"),
        ("m-Q6_K_L.gguf", "Q6_K_L"),
        ("m-Q2_K.gguf", "Q2_K"),
        ("plain.gguf", None),
        ("IQ4.gguf", None),
        ("f16bird.gguf", None),
        ("", None),
    ],
)
def test_a_label_is_found_in_a_name(name: str, label: str | None) -> None:
    assert quants.label_of_name(name) == label


def test_labels_typed_in_any_case_become_canonical() -> None:
    assert quants.canonical(" ud-q4_k_xl ") == "UD-Q4_K_XL"
    assert quants.canonical("fp16") == "F16"
    assert quants.canonical("Custom") == "Custom"


def test_the_header_wins_over_a_name_that_cannot_be_true() -> None:
    q4 = read_header(small_model(file_type=15).build())
    f16 = read_header(small_model(file_type=1).build())
    assert quants.quantization_label(q4, "x-UD-Q4_K_XL.gguf") == "UD-Q4_K_XL"
    assert quants.quantization_label(q4, "x-Q4_K_S.gguf") == "Q4_K_S"
    assert quants.quantization_label(q4, "x-Q8_0.gguf") == "Q4_K_M"
    assert quants.quantization_label(f16, "x-Q8_0.gguf") == "F16"
    assert quants.quantization_label(f16, "x.gguf") == "F16"


def test_without_a_file_type_the_largest_tensors_decide() -> None:
    unknown = read_header(small_model(file_type=999).build())
    assert quants.quantization_label(unknown, "x.gguf") == "Q6_K"
    assert quants.label_of_header(read_header(small_model(file_type=1024 + 7).build())) == "Q8_0"


def test_every_known_type_and_mix_has_a_meaning_and_bits() -> None:
    types = [kind.name for kind in TENSOR_TYPES.values() if kind.name[0] != "I" or "_" in kind.name]
    types.remove("F64")
    for label in [*types, *quants.FILE_TYPES.values(), "UD-Q4_K_XL", "UD-Q8_K_XL", "i1-IQ1_S"]:
        assert quants.meaning(label), label
        assert (quants.bits_per_weight(label) or 0) > 1, label
    assert quants.bits_per_weight("Q4_K_M") == 4.5
    assert quants.bits_per_weight("nonsense") is None
    assert "Unsloth" in quants.meaning("UD-Q2_K_XL")
