"""llama.cpp's error lines in words: causes that no test machine can bring about, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwqdesk.engine.llama_errors import context_error, load_error, own_words
from qwqdesk.engine_settings import EngineSettings

_LOAD = "llama_model_load: error loading model: "
_END = "llama_model_load_from_file_impl: failed to load model"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (_LOAD + "unable to allocate CUDA0 buffer", "does not fit into the GPU's memory"),
        (_LOAD + "unable to allocate Vulkan0 buffer", "does not fit into the GPU's memory"),
        (_LOAD + "unable to allocate ROCm1 buffer", "does not fit into the GPU's memory"),
        (
            "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 9000.00 MiB on device 0: "
            "cudaMalloc failed: out of memory",
            "does not fit into the GPU's memory",
        ),
        (
            "ggml_vulkan: Device memory allocation of size 1 failed.\n"
            "ggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory",
            "does not fit into the GPU's memory",
        ),
        (_LOAD + "unable to allocate CPU buffer", "does not fit into memory"),
        (
            "ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 9",
            "does not fit into memory",
        ),
        (_LOAD + "std::bad_alloc", "does not fit into memory"),
        (_LOAD + "mmap failed: Cannot allocate memory", "does not fit into memory"),
        (
            _LOAD + "LLAMA_SPLIT_MODE_TENSOR not implemented for architecture 'mamba'",
            "its architecture mamba does not allow it",
        ),
        (
            "llama_prepare_model_devices: invalid value for main_gpu: 3 (available devices: 1)",
            "cannot be loaded on GPU 3: llama.cpp sees 1",
        ),
        (_LOAD + "corrupted model: 291 tensors expected but 200 found", "should hold 291"),
        (_LOAD + "invalid model: tensor 'a.weight' is duplicated", "the tensor a.weight twice"),
        (_LOAD + "read error: Input/output error", "cannot be read: Input/output error"),
        (_LOAD + "failed to open m.gguf: Permission denied", "cannot be read: Permission denied"),
        (_LOAD + "model has expert layers but no expert layers are used", "does not fit its"),
        (_LOAD + "tensor 'x' has invalid data", "is truncated or damaged"),
        (_LOAD + "gemma4: requires ctx_other to be set", "this is a draft head"),
    ],
)
def test_known_causes_have_their_own_words(line: str, words: str) -> None:
    error = load_error(Path("/m/m.gguf"), [*line.split("\n"), _END])
    assert words in error.what
    assert error.what.startswith("m.gguf ")
    assert error.what_to_do.endswith(".")
    assert error.code == "load"
    assert error.detail == f"{line}\n{_END}"


def test_the_first_reason_counts_and_lines_that_only_say_failed_do_not() -> None:
    lines = [
        "gguf_init_from_reader: failed to read tensor info",
        "gguf_init_from_reader: the moon is in the wrong phase.",
        _LOAD + "llama_model_loader: failed to load model from m.gguf",
        _END,
    ]
    error = load_error(Path("m.gguf"), lines)
    assert error.what == "m.gguf could not be loaded: the moon is in the wrong phase."
    assert own_words([]) == ""
    assert load_error(Path("m.gguf"), [_END]).what == "m.gguf could not be loaded."


def test_a_later_line_with_a_known_cause_goes_before_an_unknown_first_one() -> None:
    lines = ["some_backend: oh", _LOAD + "unknown model architecture: 'qwen9'", _END]
    assert "the architecture qwen9" in load_error(Path("m.gguf"), lines).what


def test_a_files_own_words_cannot_break_the_sentence() -> None:
    """Names of tensors and architectures are written by strangers."""
    for name in ("a\x1b[31m\nb", "{0} {9} {what}", "x" * 5000):
        what = load_error(Path("m.gguf"), [_LOAD + f"unknown model architecture: '{name}'"]).what
        assert what.isprintable()
        assert len(what) < 400


def test_a_context_that_does_not_fit_names_what_llama_cpp_said() -> None:
    lines = [
        "ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 99",
        "llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv "
        "cache",
    ]
    error = context_error(EngineSettings(n_ctx=4096), 4, lines)
    assert error.what == (
        "A context of 4096 tokens for 4 sequences failed (failed to allocate buffer of size 99)."
    )
    assert error.code == "context"
