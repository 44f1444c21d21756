"""`inspect`: INTERFACE's object, strict JSON whatever the file holds."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

from qwqdesk.models.inspect import inspect_json, inspect_text
from tests.unit.models.gguf_writer import F32, F64, GgufFile, small_model


def test_the_object_has_what_the_interface_promises(tmp_path: Path) -> None:
    path = small_model().write(tmp_path / "tiny-UD-Q4_K_XL.gguf")
    found = inspect_json(path)
    parameters = 256 * 32 + 256 + 2 * (256 * 256 + 512 * 256)
    expected = {
        "path": str(path),
        "architecture": "qwen2",
        "name": "Tiny 딸기",
        "quantization": "UD-Q4_K_XL",
        "file_size": path.stat().st_size,
        "tensor_count": 6,
        "parameter_count": parameters,
        "context_length": 4096,
        "block_count": 2,
        "head_count": 4,
        "head_count_kv": 2,
        "vocabulary_size": 32,
        "split": None,
        "chat_template": "{{ messages }}",
        "tensor_types": {"Q4_K": 3, "Q6_K": 2, "F32": 1},
    }
    assert {key: found[key] for key in expected} == expected
    assert found["sampling"] == {"temp": 0.5, "top_k": 20}
    assert found["metadata"]["tokenizer.ggml.tokens"] == {"type": "string", "count": 32}
    assert found["metadata"]["tokenizer.ggml.token_type"] == {"type": "int32", "count": 32}
    assert 5 < found["bits_per_weight"] < 7


def test_nan_and_infinity_become_null(tmp_path: Path) -> None:
    file = GgufFile().scalar("a", F32, math.nan).scalar("general.sampling.temp", F64, math.inf)
    file.numbers("general.sampling.list", F32, [math.nan])
    found = inspect_json(file.write(tmp_path / "odd.gguf"))
    assert found["metadata"]["a"] is None
    assert found["sampling"]["temp"] is None
    json.dumps(found, allow_nan=False)


def test_numbers_of_32_bits_are_written_as_they_were_meant(tmp_path: Path) -> None:
    file = GgufFile()
    values = {"a": 0.6, "b": 0.1, "c": 1e-6, "d": 3.4028234663852886e38, "e": -0.0, "f": 1e-45}
    for key, value in values.items():
        file.scalar(key, F32, value)
    found = inspect_json(file.write(tmp_path / "floats.gguf"))["metadata"]
    assert [found[key] for key in "abce"] == [0.6, 0.1, 1e-6, 0]
    for key, value in values.items():
        assert struct.pack("f", found[key]) == struct.pack("f", value)


def test_an_empty_header_is_inspected_too(tmp_path: Path) -> None:
    path = GgufFile().write(tmp_path / "empty.gguf")
    found = inspect_json(path)
    assert found["architecture"] is None
    assert found["bits_per_weight"] is None
    assert "unknown" in inspect_text(path)


def test_the_text_cannot_command_the_terminal(tmp_path: Path) -> None:
    path = small_model().string("general.author", "\x1b[2Jhi\x07").write(tmp_path / "t.gguf")
    text = inspect_text(path)
    assert "\\x1b[2Jhi\\x07" in text
    assert "32 x string" in text
    assert all(char.isprintable() or char == "\n" for char in text)


def test_a_shard_is_told(tmp_path: Path) -> None:
    file = small_model().scalar("split.no", 2, 0).scalar("split.count", 2, 2)
    path = file.write(tmp_path / "s-00001-of-00002.gguf")
    assert inspect_json(path)["split"] == {"no": 0, "count": 2}
    assert "1 of 2" in inspect_text(path)
