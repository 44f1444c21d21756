"""The structures handed to llama.cpp lie in memory as its own headers say."""

from __future__ import annotations

import ctypes
import importlib.metadata
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qwqdesk.engine.llama_ggml import DeviceCapabilities, DeviceProperties
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine.llama_params import TensorBufferOverride

# Those that this program fills in or reads.
STRUCTURES = (
    "llama_model_params",
    "llama_context_params",
    "llama_model_kv_override",
    "llama_batch",
    "llama_token_data",
    "llama_token_data_array",
    "llama_logit_bias",
    "llama_sampler_chain_params",
    "llama_perf_context_data",
    "llama_model_tensor_buft_override",
    "ggml_backend_dev_caps",
    "ggml_backend_dev_props",
)
# Those that llama-cpp-python does not declare.
OURS: dict[str, Any] = {
    "llama_model_tensor_buft_override": TensorBufferOverride,
    "ggml_backend_dev_caps": DeviceCapabilities,
    "ggml_backend_dev_props": DeviceProperties,
}
# A union without a name in C is known there by its largest member.
NAMELESS = {"llama_model_kv_override.value": "val_str"}


def _headers() -> Path | None:
    """Where the wheel of the pinned llama-cpp-python put its headers."""
    for file in importlib.metadata.distribution("llama-cpp-python").files or ():
        if file.name == "llama.h":
            return Path(str(file.locate())).parent
    return None


def _structures() -> Iterator[tuple[str, Any]]:
    api = LlamaLibrary().api
    for name in STRUCTURES:
        yield name, OURS.get(name) or getattr(api, name)


def test_offsets_and_sizes_are_those_of_the_headers(tmp_path: Path) -> None:
    headers, compiler = _headers(), shutil.which("cc") or shutil.which("gcc")
    if headers is None or not headers.is_dir():
        pytest.skip("the headers of llama.cpp are not installed with llama-cpp-python")
    if compiler is None:
        pytest.skip("there is no C compiler")
    ours: dict[str, list[int]] = {}
    lines = ["#include <stddef.h>", "#include <stdio.h>", '#include "llama.h"', "int main(void) {"]
    lines.append('  printf("{");')
    for name, structure in _structures():
        ours[name] = [ctypes.sizeof(structure)]
        lines.append(f'  printf("\\"{name}\\": [%zu]", sizeof(struct_{name}));')
        for field in structure._fields_:
            key = f"{name}.{field[0]}"
            descriptor = getattr(structure, field[0])
            ours[key] = [descriptor.offset, descriptor.size]
            member = NAMELESS.get(key, field[0])
            lines.append(
                f'  printf(", \\"{key}\\": [%zu, %zu]", offsetof(struct_{name}, {member}),'
                f" sizeof(((struct_{name} *)0)->{member}));"
            )
        lines.append('  printf(", ");')
    lines.append('  printf("\\"end\\": []}\\n"); return 0; }')
    # Some are typedefs of nameless structures, some have a name and no typedef.
    tagged = ("llama_model_params", "llama_context_params", "llama_model_kv_override", *OURS)
    for name in STRUCTURES:
        kind = f"struct {name}" if name in tagged or "perf" in name else name
        lines.insert(3, f"typedef {kind} struct_{name};")
    source, program = tmp_path / "layout.c", tmp_path / "layout"
    source.write_text("\n".join(lines))
    subprocess.run([compiler, "-I", str(headers), str(source), "-o", str(program)], check=True)
    out = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    theirs = json.loads(out)
    del theirs["end"]
    assert ours == theirs
