"""The tokenizer in a child process: the model's own tokens, and no crash of ours."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwqdesk.engine.vocabulary import Vocabulary
from qwqdesk.errors import UserError
from qwqdesk.resources import resource
from tests.unit.models.gguf_writer import GgufFile, small_model

DEMO = resource("models", "qwqdesk-demo-F16.gguf")


@pytest.fixture(scope="module")
def demo() -> Iterator[Vocabulary]:
    found = Vocabulary(DEMO)
    yield found
    found.close()


def test_facts_name_the_ids(demo: Vocabulary) -> None:
    facts = demo.facts()
    assert facts.kind == "BPE"
    assert facts.named["eos"].id in facts.ends
    assert facts.named["eos"].piece == b"<|im_end|>"
    assert facts.count > 1000


@pytest.mark.parametrize("text", ["Hi <think>two</think>", "한국어 🙂\n\n\t", "", "x" * 9000])
def test_pieces_are_the_text(demo: Vocabulary, text: str) -> None:
    tokens = demo.cut(text, add_special=False, parse_special=True)
    assert b"".join(token.piece for token in tokens).decode() == text


def test_special_tokens_are_one_or_many(demo: Vocabulary) -> None:
    one = demo.cut("<|im_end|>", add_special=False, parse_special=True)
    many = demo.cut("<|im_end|>", add_special=False, parse_special=False)
    assert [token.special for token in one] == [True]
    assert len(many) > 1
    assert not any(token.special for token in many)


@pytest.mark.parametrize("data", [b"", b"GGUF" + b"\xff" * 100, small_model().build(),
                                  GgufFile().build()])  # fmt: skip
def test_a_bad_file_is_refused_in_words(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(data)
    vocabulary = Vocabulary(path)
    with pytest.raises(UserError) as caught:
        vocabulary.cut("hi", add_special=True, parse_special=True)
    assert caught.value.code == "load"
    vocabulary.close()


def test_a_child_that_dies_is_an_error_and_starts_again() -> None:
    vocabulary = Vocabulary(DEMO)
    vocabulary.facts()
    process = vocabulary._process
    assert process is not None
    process.kill()
    process.wait()
    with pytest.raises(UserError, match="ended"):
        vocabulary.cut("hi", add_special=False, parse_special=False)
    assert vocabulary.cut("hi", add_special=False, parse_special=False)
    vocabulary.close()


def test_closing_ends_a_call_that_waits() -> None:
    vocabulary = Vocabulary(DEMO)
    failed: list[UserError] = []

    def ask() -> None:
        try:
            vocabulary.facts()
        except UserError as error:
            failed.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while vocabulary._process is None:
        pass
    vocabulary.close()
    thread.join(5)
    assert not thread.is_alive()
    assert failed
