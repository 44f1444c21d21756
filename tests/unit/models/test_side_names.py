"""Names on the hub: models named after adapters and matrices, and files that are these."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwqdesk.models.hub_files import RepoFile, quantizations, side_files
from qwqdesk.models.library import Library, Places
from qwqdesk.models.library_facts import FactsMemory
from qwqdesk.models.side_names import is_side_file
from tests.unit.models.gguf_writer import GgufFile, small_model

MODELS = [
    "QwQ-32B-Q4_K_M-imatrix.gguf",
    "QwQ-32B-Imatrix-Q4_K_M.gguf",
    "Mistral-7B-imatrix-IQ3_XXS.gguf",
    "L3-8B-Stheno-v3.2-Q6_K-imat.gguf",
    "Fimbulvetr-11B-v2-IQ4_XS-imatrix-00001-of-00002.gguf",
    "WizardLM-2-8x22B-imatrix-Q8_0.gguf",
    "Llama-3-LoRA-8B-Q4_K_M.gguf",
    "codellama-7b-lora-merged-f16.gguf",
    "Mistral-LoRA-Merged.gguf",
    "alpaca-lora-65B.Q4_K_M.gguf",
    "alpaca-lora-65b.Q8_0.gguf",
    "gpt4-alpaca-lora-30b.Q5_0.gguf",
    "Qwen2-Adapter-Tuned-7B-Q5_K_S.gguf",
    "qlora-guanaco-7b-Q4_K_M.gguf",
    "chinese-alpaca-2-lora-7b.IQ2_M.gguf",
    "Qwen2-VL-7B-with-mmproj-Q8_0.gguf",
    "Gemma-3-12B-mmproj-merged-Q4_K_M.gguf",
    "llava-v1.6-mmproj-tuned-Q5_K_M.gguf",
    "Qwen3.6-27B-MTP-Q4_K_M.gguf",
    "Qwen3.6-27B-MTP-BF16-00001-of-00002.gguf",
    "GLM-4.5-Air-MTP-UD-Q4_K_XL.gguf",
    "DeepSeek-R1-DRAFT-0.6B-v3.0-Q4_0.gguf",
    "Qwen2.5-Coder-0.5B-draft-Q8_0.gguf",
    "Code-Assistant-7B-Q4_K_M.gguf",
    "Vocabulary-Tutor-3B-Q4_K_M.gguf",
    "controlnet-writer-7b-Q4_K_M.gguf",
    "FloraGPT-7B-F16.gguf",
    "explorer-13b.gguf",
    "Eagle2-9B-Q4_K_M.gguf",
    "model.gguf",
    "BF16.gguf",
    "DeepSeek-R1-IQ4_XS_R4.gguf",
]

OTHERS = [
    "imatrix.gguf",
    "imatrix_unsloth.gguf",
    "QwQ-32B-imatrix.gguf",
    "QwQ-32B.imatrix.gguf",
    "imatrix-Qwen3-235B-A22B-BF16.gguf",
    "imatrix-Qwen3-235B-A22B-Q8_0.gguf",
    "Qwen3-0.6B-BF16.imatrix.gguf",
    "mmproj.gguf",
    "mmproj-F16.gguf",
    "mmproj-model-f16.gguf",
    "mmproj-google_gemma-3-4b-it-bf16.gguf",
    "mmproj-Qwen2.5-VL-3B-Instruct-Q8_0.gguf",
    "mmproj-Q4_K_M.gguf",
    "Qwen2.5-Omni-3B-mmproj-f16.gguf",
    "llava-v1.6-mistral-7b.mmproj-Q8_0.gguf",
    "gemma-3-4b-it-mmproj.gguf",
    "Qwen2-VL-F16-mmproj.gguf",
    "lora-adapter.gguf",
    "Qwen2.5-7B-lora-adapter.gguf",
    "Qwen2.5-7B-lora-adapter-q8_0.gguf",
    "Llama-3-8B-Instruct-abliterated-F16-LoRA.gguf",
    "LoRA-Qwen2.5-7B-Instruct-abliterated-v3-f16.gguf",
    "tinyllama-lora-f16.gguf",
    "my_lora.gguf",
    "adapter.gguf",
    "adapter_model.gguf",
    "ggml-adapter-model.gguf",
    "mtp-Qwen3.6-27B-Q8_0.gguf",
    "Qwen3.6-27B-MTP.gguf",
    "mtp-head-Q4_K_M.gguf",
    "Qwen3-8B-eagle3-Q8_0.gguf",
    "EAGLE3-LLaMA3.1-8B-f16.gguf",
    "Qwen3-4B-DFlash-F16.gguf",
    "gemma-4-E2B-it-assistant-Q8_0.gguf",
    "ggml-vocab-qwen2.gguf",
    "Mistral-7B-control-vector.gguf",
]


@pytest.mark.parametrize("name", MODELS)
def test_models_named_after_other_things_are_offered(name: str) -> None:
    file = RepoFile(name.replace("-00001-of-00002", ""), 10, None)
    assert not is_side_file(name)
    assert len(quantizations([file])) == 1
    assert side_files([file]) == ()


@pytest.mark.parametrize("name", OTHERS)
def test_what_belongs_to_a_model_is_none(name: str) -> None:
    for path in (name, name.upper(), f"folder/{name}"):
        file = RepoFile(path, 10, None)
        assert is_side_file(path)
        assert quantizations([file]) == ()
        assert side_files([file]) == (file,)


def adapter() -> GgufFile:
    file = GgufFile().string("general.type", "adapter").string("general.architecture", "qwen2")
    return file.tensor("blk.0.attn_q.weight.lora_a", (256, 8), "F32")


def test_on_this_disk_the_header_decides_and_not_the_name(tmp_path: Path) -> None:
    models = tmp_path / "models"
    good = small_model().write(models / "imported" / "mmproj-F16.gguf")
    adapter().write(models / "imported" / "Qwen3-8B-Q4_K_M.gguf")
    usual = small_model().write(models / "imported" / "QwQ-32B-Imatrix-Q4_K_M.gguf")
    memory = tmp_path / "facts.json"
    library = Library(Places(tmp_path / "none", models), FactsMemory(memory))
    shown, more = library.glance()
    assert more, "a file was left out by its name alone"
    assert good not in [model.path for model in shown]
    assert sorted(model.path for model in library.scan()) == sorted([good, usual])
    # After a restart it is known without reading.
    again = Library(Places(tmp_path / "none", models), FactsMemory(memory))
    shown, more = again.glance()
    assert (sorted(model.path for model in shown), more) == (sorted([good, usual]), False)
    assert again.find("QwQ-32B-Imatrix-Q4_K_M") == usual


def test_a_repository_is_found_beside_its_projector(tmp_path: Path) -> None:
    models = tmp_path / "models"
    folder = models / "ggml-org" / "gemma-3-4b-it-GGUF"
    model = small_model().write(folder / "gemma-3-4b-it-Q4_K_M.gguf")
    clip = GgufFile().string("general.architecture", "clip").tensor("v.x", (32,), "F16")
    clip.write(folder / "gemma-3-4b-it-vision-F16.gguf")
    library = Library(Places(tmp_path / "none", models))
    assert library.find("hf.co/ggml-org/gemma-3-4b-it-GGUF") == model
    assert [each.path for each in library.scan()] == [model]
