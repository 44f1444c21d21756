"""Files that llama.cpp refuses: why, in words, from the lines that it marks as errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qwqdesk.engine.llama import LlamaModel
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine.llama_vocabulary import LlamaVocabulary
from qwqdesk.errors import UserError
from qwqdesk.models.gguf import read_header
from qwqdesk.models.tensor_types import FOREIGN_TYPES, TENSOR_TYPES
from tests.native.conftest import SETTINGS
from tests.tiny_model import tiny_file
from tests.unit.models.gguf_writer import F32, I32, U32, GgufFile

Change = Callable[[GgufFile], object]


def load(path: Path) -> None:
    LlamaModel(
        LlamaLibrary(), path, SETTINGS, use_extra_bufts=False, progress=lambda _: True
    ).close()


def other_string(key: str, value: str) -> Change:
    return lambda file: file.without(key).string(key, value)


def other_tensor(name: str, shape: tuple[int, ...] | None) -> Change:
    """Another shape for a tensor, or none of this name."""

    def change(file: GgufFile) -> None:
        file.tensors = [
            (each, shape if each == name and shape else old, kind)
            for each, old, kind in file.tensors
            if each != name or shape
        ]

    return change


REFUSED: dict[str, tuple[Change, str, str]] = {
    "a tensor too many": (
        lambda file: file.tensor("blk.0.extra.weight", (64,), "F32"),
        "wrong number of tensors: 27 are in the file, and this llama.cpp uses 26",
        "current file",
    ),
    "a tensor too few": (
        other_tensor("blk.1.ffn_up.weight", None),
        "missing tensor blk.1.ffn_up.weight",
        "current file",
    ),
    "no embedding": (
        other_tensor("token_embd.weight", None),
        "missing tensor token_embd.weight",
        "current file",
    ),
    "another shape": (
        other_tensor("blk.0.attn_norm.weight", (32,)),
        "wrong shape: blk.0.attn_norm.weight is 32, 1, 1, 1, and llama.cpp expects 64",
        "current file",
    ),
    "a newer architecture": (
        other_string("general.architecture", "qwen9"),
        "the architecture qwen9, and this build does not know it yet",
        "Update QwQ Desk",
    ),
    "a newer pre-tokenizer": (
        other_string("tokenizer.ggml.pre", "superbpe9"),
        "the pre-tokenizer superbpe9, and this build does not know it yet",
        "Update QwQ Desk",
    ),
    "a newer tokenizer": (
        other_string("tokenizer.ggml.model", "wordy"),
        "the tokenizer wordy, and this build does not know it yet",
        "Update QwQ Desk",
    ),
    "no merges": (
        lambda file: file.without("tokenizer.ggml.merges"),
        "incomplete tokenizer",
        "current file",
    ),
    "no vocabulary": (
        lambda file: file.without("tokenizer.ggml.tokens"),
        "incomplete tokenizer",
        "current file",
    ),
    "too few scores": (
        lambda file: file.numbers("tokenizer.ggml.scores", F32, [1.0] * 10),
        "incomplete tokenizer",
        "current file",
    ),
    "numbers for merges": (
        lambda file: file.without("tokenizer.ggml.merges").numbers(
            "tokenizer.ggml.merges", I32, [1]
        ),
        "impossible value for tokenizer.ggml.merges",
        "current file",
    ),
    "no width": (
        lambda file: file.without("qwen2.embedding_length"),
        "lacks the key qwen2.embedding_length",
        "current file",
    ),
    "layers in words": (
        other_string("qwen2.block_count", "two"),
        "impossible value for qwen2.block_count",
        "current file",
    ),
    "a length for each of three layers": (
        lambda file: file.without("qwen2.feed_forward_length").numbers(
            "qwen2.feed_forward_length", U32, [1, 2, 3]
        ),
        "impossible value for qwen2.feed_forward_length",
        "current file",
    ),
    "a projector": (
        other_string("general.architecture", "clip"),
        "this is a projector",
        "Open the model itself",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_why_a_model_does_not_load_is_said_in_words(tmp_path: Path, name: str) -> None:
    change, why, what_to_do = REFUSED[name]
    file = tiny_file()
    change(file)
    path = file.write(tmp_path / "m.gguf")
    with pytest.raises(UserError) as caught:
        load(path)
    assert caught.value.what.startswith("m.gguf ")
    assert why in caught.value.what
    assert what_to_do in caught.value.what_to_do
    assert caught.value.code == "load"
    assert "error loading model" in caught.value.detail, "llama.cpp's own words stay"


@pytest.mark.parametrize(
    ("cut", "why"),
    [
        (lambda raw: raw[:-5000], "is truncated or damaged"),
        (lambda raw: raw[:200], "is truncated or damaged"),
        (lambda raw: raw[:2], "is truncated or damaged"),
        (lambda raw: raw[:4] + b"\1\0\0\0" + raw[8:], "a version of GGUF"),
        (lambda raw: raw[:4] + b"\7\0\0\0" + raw[8:], "a version of GGUF"),
        (lambda raw: b"<!doctype html>" + raw, "is not a GGUF file"),
    ],
)
def test_what_no_header_reader_saw_before_is_told_as_well(
    tmp_path: Path, cut: Callable[[bytes], bytes], why: str
) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(cut(tiny_file().build()))
    with pytest.raises(UserError, match=why):
        load(path)
    with pytest.raises(UserError, match="cannot be read: No such file"):
        load(tmp_path / "gone.gguf")


def test_a_warning_about_the_model_before_is_not_why_this_one_fails(tmp_path: Path) -> None:
    """The cause is a line that llama.cpp calls an error, and of this load alone."""
    good = tiny_file().without("tokenizer.ggml.pre").write(tmp_path / "good.gguf")
    load(good)
    bad = tiny_file()
    bad.without("tokenizer.ggml.pre").string("qwen2.unknown", "failed: invalid")
    bad.tensor("extra.weight", (8,), "F32")
    with pytest.raises(UserError, match="wrong number of tensors"):
        load(bad.write(tmp_path / "bad.gguf"))
    load(good)
    assert LlamaLibrary().errors() == ()


def test_the_inspectors_tokenizer_says_the_same(tmp_path: Path) -> None:
    file = tiny_file()
    other_string("tokenizer.ggml.pre", "superbpe9")(file)
    with pytest.raises(UserError, match="pre-tokenizer superbpe9, and this build does not know"):
        LlamaVocabulary(LlamaLibrary(), file.write(tmp_path / "m.gguf"))


def test_the_tables_of_tensor_types_are_those_of_this_build(tmp_path: Path) -> None:
    """Each type that the table calls foreign, and each that is in no table, llama.cpp refuses."""
    assert not FOREIGN_TYPES.keys() & TENSOR_TYPES.keys()
    raw = tiny_file().build()
    name = b"blk.0.attn_q.weight"
    at = raw.index(name) + len(name) + 4 + 16
    for number in (*FOREIGN_TYPES, 43, 60):
        path = tmp_path / f"{number}.gguf"
        path.write_bytes(raw[:at] + number.to_bytes(4, "little") + raw[at + 4 :])
        found = {tensor.name: tensor.type_name for tensor in read_header(path).tensors}
        assert found[name.decode()] == FOREIGN_TYPES.get(number, f"type {number}")
        with pytest.raises(UserError, match="cannot load them") as caught:
            load(path)
        assert "another quantization" in caught.value.what_to_do
