"""Labels: one spelling whatever the file is called, and a line of meaning for each."""

from __future__ import annotations

import pytest

from qwqdesk.models import quants
from qwqdesk.models.expectations import expectation
from qwqdesk.models.gguf import read_header
from qwqdesk.models.tensor_types import TENSOR_TYPES, TensorType
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
        # Layouts and types of other programs are labels of their own.
        ("DeepSeek-R1-IQ4_XS_R4-00001-of-00008.gguf", "IQ4_XS_R4"),
        ("Llama-3.2-1B-Q4_0_R8.gguf", "Q4_0_R8"),
        ("Qwen3-235B-A22B-mix-IQ3_K-00001-of-00003.gguf", "IQ3_K"),
        ("GLM-4.5-Air-IQ5_KS.gguf", "IQ5_KS"),
        ("Kimi-K2-smol-IQ4_KSS.gguf", "IQ4_KSS"),
        ("DeepSeek-V3-0324-IQ2_K_R4.gguf", "IQ2_K_R4"),
        ("Qwen3-30B-A3B-smol-IQ1_KT.gguf", "IQ1_KT"),
        ("GLM-4.6-IQ2_KL.gguf", "IQ2_KL"),
        ("gemma-3-27b-q4_k_r4.gguf", "Q4_K_R4"),
        ("m-Q8_K_R8.gguf", "Q8_K_R8"),
        ("m-Q8_KV.gguf", "Q8_KV"),
        ("m-Q6_0.gguf", "Q6_0"),
        ("m-BF16_R16.gguf", "BF16_R16"),
        ("Llama-3.1-8B-Q4_0_4_8.gguf", "Q4_0_4_8"),
        ("phi-4.i1-IQ4_NL_4_4.gguf", "i1-IQ4_NL_4_4"),
        ("ggml-model-i2_s.gguf", "I2_S"),
        # Those of this llama.cpp stay what they are.
        ("Qwen3-14B-UD-IQ1_S.gguf", "UD-IQ1_S"),
        ("DeepSeek-R1-UD-TQ1_0.gguf", "UD-TQ1_0"),
        ("Qwen3-4B-UD-Q8_K_XL.gguf", "UD-Q8_K_XL"),
        ("gpt-oss-20b-MXFP4_MOE.gguf", "MXFP4_MOE"),
        ("Nemotron-3-NVFP4.gguf", "NVFP4"),
        ("Bonsai-8B-Q1_0.gguf", "Q1_0"),
        ("m-Q4_K_M_imatrix.gguf", "Q4_K_M"),
        ("m-Q4_K_M_v2.gguf", "Q4_K_M"),
        ("m-IQ4_XS-v2.gguf", "IQ4_XS"),
        ("m.i1-Q4_0.gguf", "i1-Q4_0"),
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


FOREIGN = ["IQ4_XS_R4", "IQ4_XS_R8", "Q4_0_R8", "Q4_K_R4", "IQ2_K", "IQ5_KS", "UD-IQ4_KSS", "Q6_0",
           "Q4_0_4_4", "i1-Q4_0_8_8", "IQ4_NL_4_4", "BF16_R16", "Q8_KV", "I2_S"]  # fmt: skip
OWN = ["IQ4_XS", "Q4_0", "Q4_K_M", "UD-Q8_K_XL", "i1-IQ2_M", "MXFP4", "MXFP4_MOE", "NVFP4", "TQ1_0",
       "UD-IQ1_S", "Q2_K_L", "BF16", "Q1_0", "unknown"]  # fmt: skip


def test_labels_that_this_llama_cpp_cannot_load_say_so() -> None:
    assert [label for label in (*FOREIGN, *OWN) if quants.is_foreign(label)] == FOREIGN
    for label in FOREIGN:
        assert "cannot be loaded here" in quants.foreign_words(label)
        assert quants.meaning(label) == quants.foreign_words(label)
        assert expectation(label) in ("For another program", "Older layout, no longer loaded")
        assert quants.bits_per_weight(label) is None
        assert quants.canonical(label.lower()) == label
    assert "removed" in quants.foreign_words("Q4_0_4_4")
    assert "ik_llama.cpp" in quants.foreign_words("IQ4_XS_R4")
    assert "bitnet.cpp" in quants.foreign_words("I2_S")
    assert not any(map(quants.foreign_words, OWN))


def test_a_file_of_foreign_tensors_keeps_the_label_of_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = small_model(file_type=338)
    monkeypatch.setitem(TENSOR_TYPES, 338, TensorType(338, "x", 1, 4))
    file.tensors = [(name, shape, 338) for name, shape, _ in file.tensors]
    raw = file.build()
    monkeypatch.undo()
    header = read_header(raw)
    assert quants.quantization_label(header, "m-IQ3_K_R4.gguf") == "IQ3_K_R4"
    assert quants.quantization_label(header, "m-IQ4_XS_R4.gguf") == "IQ4_XS_R4"
    assert quants.quantization_label(header, "m.gguf") == "IQ3_K_R4"
    assert quants.quantization_label(header, "m-Q4_K_M.gguf") == "IQ3_K_R4"
