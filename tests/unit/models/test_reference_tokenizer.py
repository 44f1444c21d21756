"""Comparing tokenizers, with a small package in the place of transformers."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwqdesk.errors import UserError
from qwqdesk.models.reference_tokenizer import (
    Difference,
    first_difference,
    is_installed,
    reference_tokens,
)
from tests.unit.models.gguf_writer import small_model

# Its tokens are the bytes of the text, behind the number of tokens in the file.
FAKE = """
__version__ = "5.99"
GGUF_TOKENIZER_MAPPING = {"tokenizer": {"ggml.tokens": "tokens", "ggml.pre": "pre"}}
class Backend:
    def __init__(self, count): self.count = count
    def encode(self, text, add_special_tokens):
        self.ids = [self.count, int(add_special_tokens), *text.encode()]
        return self
def convert_gguf_tokenizer(architecture, found):
    if "boom" in found.get("pre", ""): raise KeyError(architecture)
    print("noise that is no answer")
    return Backend(len(found["tokens"])), {}
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "transformers"
    (package / "integrations").mkdir(parents=True)
    for place in (package, package / "integrations"):
        (place / "__init__.py").write_text(FAKE if place == package else "")
    (package / "integrations" / "gguf.py").write_text(FAKE)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))


def test_ids_come_from_the_files_own_vocabulary(fake: None, tmp_path: Path) -> None:
    path = small_model().write(tmp_path / "m.gguf")
    assert is_installed()
    assert reference_tokens(path, "a한", add_special=True) == ("5.99", [32, 1, *"a한".encode()])


def test_what_transformers_cannot_do_is_said_in_words(fake: None, tmp_path: Path) -> None:
    path = small_model().string("tokenizer.ggml.pre", "boom").write(tmp_path / "m.gguf")
    with pytest.raises(UserError, match="KeyError"):
        reference_tokens(path, "a", add_special=False)
    with pytest.raises(UserError, match="no answer"):
        reference_tokens(path, "a", add_special=False, python="/no/python")


def test_the_first_difference_is_found() -> None:
    assert first_difference([1, 2], [1, 2]) is None
    assert first_difference([1, 2], [1, 3]) == Difference(1, 2, 3)
    assert first_difference([1], [1, 3]) == Difference(1, None, 3)
    assert first_difference([1, 2], [1]) == Difference(1, 2, None)
