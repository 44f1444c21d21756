"""What the inspector is told of a file, and the vocabulary as a list."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwqdesk.models.details import (
    file_facts,
    memory_rows,
    metadata_rows,
    model_facts,
    one_line,
    read_details,
    sampling_rows,
    templates,
    type_shares,
)
from qwqdesk.models.gguf import GgufHeader, read_header
from qwqdesk.models.token_list import read_tokens, spell, visible
from qwqdesk.resources import resource
from tests.unit.models.gguf_writer import F32, I32, U32, GgufFile, small_model

DEMO = resource("models", "qwqdesk-demo-F16.gguf")


@pytest.fixture
def header(tmp_path: Path) -> GgufHeader:
    return read_header(small_model().write(tmp_path / "m.gguf"))


def test_facts_are_those_of_the_file(tmp_path: Path) -> None:
    details = read_details(small_model().write(tmp_path / "tiny-Q4_K_M.gguf"))
    facts = dict(model_facts(details))
    assert facts["Heads"] == "4, 2 for keys and values, 64 long"
    assert facts["Trained context"] == "4,096 tokens"
    assert facts["Quantization"].startswith("Q4_K_M. 4 bits")
    assert dict(file_facts(details))["Tensors"] == "6"
    assert "Parts" not in dict(file_facts(details))


def test_all_parts_that_are_here_are_counted(tmp_path: Path) -> None:
    for number in (1, 3):
        path = small_model().write(tmp_path / f"b-Q8_0-0000{number}-of-00003.gguf")
    details = read_details(path)
    assert details.header is not None
    assert len(details.header.tensors) == 12
    assert details.size_bytes == 2 * path.stat().st_size
    assert dict(file_facts(details))["Parts"].startswith("2 of 3 are here; the model cannot")


def test_a_damaged_part_is_told(tmp_path: Path) -> None:
    path = small_model().write(tmp_path / "b-Q8_0-00001-of-00002.gguf")
    (tmp_path / "b-Q8_0-00002-of-00002.gguf").write_bytes(b"GGUF")
    details = read_details(path)
    assert details.error is not None
    assert details.header is not None


def test_sampling_and_types(header: GgufHeader) -> None:
    assert sampling_rows(header) == [("temp", "0.5"), ("top_k", "20")]
    shares = type_shares(header)
    assert [share.name for share in shares] == ["Q6_K", "Q4_K", "F32"]
    assert sum(share.share for share in shares) == pytest.approx(1)


def test_memory_is_estimated_up_to_the_trained_context(header: GgufHeader) -> None:
    rows = memory_rows(header)
    assert [row.n_ctx for row in rows] == [4096]
    assert rows[0].total == rows[0].weights + rows[0].cache + rows[0].buffers


def test_short_arrays_are_written_out_and_long_ones_counted() -> None:
    file = GgufFile().numbers("short", F32, [0.5, 1]).numbers("long", I32, [1] * 40)
    rows = {row.key: row for row in metadata_rows(read_header(file.build()))}
    assert (rows["short"].kind, rows["short"].text) == ("float32[]", "0.5, 1")
    assert rows["long"].text == "40 items"


def test_templates_by_name() -> None:
    file = (
        GgufFile()
        .string("tokenizer.chat_template", "a")
        .string("tokenizer.chat_template.tool_use", "b")
    )
    assert templates(read_header(file.build())) == {"default": "a", "tool_use": "b"}


def test_a_line_moves_no_cursor() -> None:
    assert one_line("a\nb\x1b[2J\u202e") == "a\u21b5b\u00b7[2J\u00b7"
    assert one_line("x" * 1000, 5) == "xxxxx\u2026"


def test_the_vocabulary_is_spelled_and_named() -> None:
    tokens = read_tokens(DEMO, read_header(DEMO))
    by_piece = {token.piece: token for token in tokens}
    assert by_piece["<|im_end|>"].name == "eos"
    assert by_piece["<think>"].name == "think"
    assert " the" in by_piece
    assert [token.id for token in tokens] == list(range(len(tokens)))


def test_spelling_by_kind_of_vocabulary() -> None:
    assert spell("\u0120hello", "gpt2") == " hello"
    assert spell("\u2581hello", "llama") == " hello"
    assert spell("한", "gpt2") == "한"  # not of the table: shown as it is
    assert visible(" a\n\x00") == "\u2423a\u21b5\\x00"


def test_fewer_kinds_than_tokens_is_no_error(tmp_path: Path) -> None:
    file = GgufFile().strings("tokenizer.ggml.tokens", ["a", "b"])
    file.numbers("tokenizer.ggml.token_type", I32, [3]).scalar(
        "tokenizer.ggml.eos_token_id", U32, 99
    )
    path = file.write(tmp_path / "v.gguf")
    assert [token.kind for token in read_tokens(path, read_header(path))] == ["control", ""]
