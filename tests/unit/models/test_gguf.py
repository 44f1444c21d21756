"""The header reader: right about good files, in words about bad ones, never anything else."""

from __future__ import annotations

import os
import random
import struct
import time
import tracemalloc
from pathlib import Path

import pytest

from qwqdesk.errors import UserError
from qwqdesk.models.gguf import GgufArray, PartialHeader, Split, read_header, read_partly
from qwqdesk.models.gguf_arrays import read_first, read_numbers, read_strings
from qwqdesk.models.shape import kv_bytes_per_token, model_shape
from tests.unit.models.gguf_writer import (
    ARRAY,
    F32,
    F64,
    I32,
    STRING,
    U32,
    U64,
    GgufFile,
    small_model,
)


def _error(data: bytes) -> UserError:
    with pytest.raises(UserError) as caught:
        read_header(data)
    return caught.value


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [2, 3])
def test_a_header_is_read_in_both_versions_and_byte_orders(order: str, version: int) -> None:
    header = read_header(small_model(order=order, version=version).build())
    assert (header.version, header.big_endian) == (version, order == ">")
    assert header.metadata["general.name"] == "Tiny 딸기"
    assert header.metadata["general.sampling.temp"] == 0.5
    tokens = header.metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, GgufArray)
    assert (tokens.item_type, tokens.count) == ("string", 32)
    assert [tensor.name for tensor in header.tensors][:2] == [
        "token_embd.weight",
        "output_norm.weight",
    ]
    assert header.tensors[0].shape == (256, 32)
    assert header.tensors[0].type_name == "Q4_K"
    assert header.data_offset % 32 == 0
    assert header.data_end <= header.file_size


def test_a_path_is_read_and_array_items_on_demand(tmp_path: Path) -> None:
    path = small_model().write(tmp_path / "tiny.gguf")
    header = read_header(path)
    assert read_strings(path, header, "tokenizer.ggml.tokens", 3) == ["a", "bc", ""]
    assert read_strings(path, header, "general.name", 3) == []


def test_the_shape_says_what_memory_estimates_need() -> None:
    shape = model_shape(read_header(small_model().build()))
    assert (shape.block_count, shape.head_count, shape.head_count_kv) == (2, 4, (2, 2))
    assert (shape.key_length, shape.value_length, shape.vocabulary_size) == (64, 64, 32)
    assert shape.layer_bytes == (256 * 144 + 512 * 210,) * 2
    assert shape.tied_output
    assert kv_bytes_per_token(shape) == 2 * 2 * (64 + 64) * 2
    assert kv_bytes_per_token(shape, "q8_0", "q8_0") == 2 * 2 * (128 // 32 * 34)
    with pytest.raises(UserError, match="cache-type-k is 'q3'"):
        kv_bytes_per_token(shape, "q3")


def test_the_cache_of_qwq_32b_is_256_kib_a_token() -> None:
    file = GgufFile().string("general.architecture", "qwen2")
    for key, value in (
        ("block_count", 64),
        ("embedding_length", 5120),
        ("attention.head_count", 40),
        ("attention.head_count_kv", 8),
    ):
        file.scalar(f"qwen2.{key}", U32, value)
    assert kv_bytes_per_token(model_shape(read_header(file.build()))) == 256 * 1024


def test_heads_may_differ_by_layer() -> None:
    file = GgufFile().string("general.architecture", "m").scalar("m.block_count", U32, 3)
    file.numbers("m.attention.head_count_kv", I32, [4, 0, 2])
    file.scalar("m.attention.key_length", U32, 128).scalar("m.attention.value_length", U32, 128)
    shape = model_shape(read_header(file.build()))
    assert shape.head_count_kv == (4, 0, 2)
    assert kv_bytes_per_token(shape) == 6 * 256 * 2


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "not_gguf", "empty"),
        (b"GG", "not_gguf", "not a GGUF file"),
        (b"<!DOCTYPE html><html>", "not_gguf", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "not_gguf", "Git LFS"),
        (b"PK\x03\x04....", "not_gguf", "ZIP"),
        (b"tjgg\x03\0\0\0", "not_gguf", "old GGML"),
        (struct.pack("<Q", 60) + b'{"__metadata__":', "not_gguf", "safetensors"),
        (b"GGUF", "corrupt", "ends early"),
        (b"GGUF\x01\0\0\0", "not_gguf", "version 1, which is older"),
        (b"GGUF\x09\0\0\0" + bytes(16), "not_gguf", "version 9, which is newer"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 16, "corrupt", "declares"),
        (b"GGUF\x03\0\0\0" + struct.pack("<QQ", 0, 60_000), "corrupt", "declares 60000 metadata"),
    ],
)
def test_what_is_no_model_is_said_in_words(data: bytes, code: str, words: str) -> None:
    error = _error(data)
    assert error.code == code
    assert words in str(error)


def test_a_truncated_file_says_how_much_is_there(tmp_path: Path) -> None:
    data = small_model().build()
    error = _error(data[:-70_000])
    assert error.code == "corrupt"
    assert "This file ends early (" in str(error)
    assert " of " in str(error)
    assert "inside its header" in str(_error(data[:300]))
    huge = GgufFile().tensor("big", (1 << 35,), "F16")
    huge.tensors, declared = [], huge.tensors
    info = huge.text(declared[0][0]) + struct.pack("<IQIQ", 1, 1 << 35, 1, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + info
    path = tmp_path / "big.gguf"
    with path.open("wb") as out:
        out.write(head)
        out.truncate(24_000_000_000)
    with pytest.raises(UserError, match=r"ends early \(24\.00 of 68\.72 GB\)"):
        read_header(path)


def test_impossible_headers_are_refused() -> None:
    def head(keys: int, tensors: int) -> bytes:
        return b"GGUF" + struct.pack("<IQQ", 3, tensors, keys)

    write = GgufFile()
    cases = {
        "appears twice": small_model().scalar("general.file_type", U32, 1).build(),
        "unknown type 77": GgufFile().raw("k", 77, b"").build(),
        "unknown item type 55": GgufFile().raw("k", ARRAY, struct.pack("<IQ", 55, 1)).build(),
        "power of two": GgufFile().scalar("general.alignment", U32, 33).build(),
        "nested too deeply": GgufFile().raw("k", ARRAY, struct.pack("<IQ", ARRAY, 1) * 9).build(),
        "longer than": GgufFile().raw("k", STRING, struct.pack("<Q", 1 << 40)).build(),
        "9 dimensions": head(0, 1) + write.text("t") + struct.pack("<I", 9) + bytes(99),
        "impossible shape": head(0, 1)
        + write.text("t")
        + struct.pack("<IQQQQ", 4, 1 << 40, 1 << 40, 0, 0)
        + bytes(99),
        "do not fit Q4_K": head(0, 1) + write.text("t") + struct.pack("<IQIQ", 1, 7, 12, 0),
    }
    for words, data in cases.items():
        error = _error(data)
        assert (error.code, words in str(error)) == ("corrupt", True), (words, str(error))


def test_a_declared_size_allocates_nothing() -> None:
    arrays = [
        GgufFile().raw("k", ARRAY, struct.pack("<IQ", kind, count)).build()
        for kind in (0, U64, F64, STRING, ARRAY)
        for count in (1 << 24, 1 << 40, (1 << 64) - 1)
    ]
    tracemalloc.start()
    for data in arrays:
        assert _error(data + bytes(64)).code == "corrupt"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_unknown_tensor_types_and_odd_texts_are_no_error() -> None:
    file = small_model().string("odd", b"\xff\xfe").string("nul", "a\0b")
    file.tensors[1] = ("output_norm.weight", (256,), 0)
    data = file.build().replace(
        struct.pack("<IQI", 1, 256, 0), struct.pack("<IQI", 1, 256, 4242), 1
    )
    header = read_header(data)
    assert header.metadata["odd"] == "\ufffd\ufffd"
    assert header.tensors[1].type_name == "type 4242"
    assert header.tensors[1].size_bytes is None


def test_a_shard_knows_its_number() -> None:
    file = small_model().scalar("split.no", 2, 1).scalar("split.count", 2, 3)
    assert read_header(file.build()).split == Split(1, 3)
    assert read_header(small_model().build()).split is None


def test_folders_pipes_and_missing_files_are_said_in_words(tmp_path: Path) -> None:
    cases = [(tmp_path, "not_gguf"), (tmp_path / "no.gguf", "not_found")]
    cases.append((Path("/" + "x" * 5000), "unreadable"))
    cases.append((Path("a\0b"), "unreadable"))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.gguf")
        cases.append((tmp_path / "pipe.gguf", "not_gguf"))
    for path, code in cases:
        with pytest.raises(UserError) as caught:
            read_header(path)
        assert caught.value.code == code


def test_a_damaged_file_shows_what_could_be_read(tmp_path: Path) -> None:
    data = small_model().build()
    path = tmp_path / "cut.gguf"
    path.write_bytes(data[: data.index(b"tokenizer.ggml.tokens")])
    found = read_partly(path)
    assert found.error is not None
    assert found.header is not None
    assert found.header.metadata["general.name"] == "Tiny 딸기"
    assert found.header.tensors == ()
    path.write_bytes(b"nothing")
    assert read_partly(path).header is None
    whole = small_model().write(tmp_path / "whole.gguf")
    assert read_partly(whole) == PartialHeader(read_header(whole))
    assert read_partly(tmp_path / "gone").error is not None


def test_items_of_arrays_are_read_on_demand(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(300_000)]
    file = GgufFile(order=">").strings("words", words).strings("none", [])
    file.numbers("many", F32, [0.5] * 5000).numbers("few", I32, [1, -2])
    path = file.write(tmp_path / "arrays.gguf")
    header = read_header(path)
    assert read_strings(path, header, "words") == words
    assert read_strings(path, header, "none") == read_strings(path, header, "few") == []
    assert read_numbers(path, header, "many") == [0.5] * 5000
    assert read_first(path, header, "few", 9) == ["1", "-2"]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="changed"):
        read_strings(path, header, "words")


def test_a_vocabulary_of_152_000_is_skipped_quickly(tmp_path: Path) -> None:
    rng = random.Random(1)
    words = ["x" * rng.randrange(1, 12) for _ in range(152_000)]
    file = small_model()
    file.strings("tokenizer.ggml.tokens.big", words)
    file.strings("tokenizer.ggml.merges", words)
    path = file.write(tmp_path / "vocabulary.gguf")
    assert any(_seconds(path) < 0.1 for _ in range(10))  # measured: 35 ms on an idle core


def _seconds(path: Path) -> float:
    """Processor time: other programs on the machine are no matter of ours."""
    start = time.process_time()
    read_header(path)
    return time.process_time() - start
