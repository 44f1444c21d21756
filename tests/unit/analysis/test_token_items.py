"""Lanes on models with other vocabularies are compared by the text of their tokens."""

from __future__ import annotations

import pytest

from qwqdesk.analysis.parting import Parting, parting
from qwqdesk.analysis.token_items import WrittenTokens, comparable, same_vocabulary

A = WrittenTokens([1, 2, 3], "The cat sat", [3, 7, 11], "gpt2/qwen2")


def test_ids_count_within_one_vocabulary() -> None:
    same = WrittenTokens([1, 9, 3], "The cat sat", [3, 7, 11], "gpt2/qwen2")
    assert parting(A, same).token == 1


def test_texts_count_between_vocabularies() -> None:
    other = WrittenTokens([70, 80, 90], "The cat ran", [3, 7, 11], "gpt2/llama-bpe")
    assert parting(A, other) == Parting("differ", 8, by_text=True, a=2, b=2)
    equal = WrittenTokens([70, 80], "The cat sat", [3, 11], "gpt2/llama-bpe")
    assert parting(A, equal) == Parting("same", 11, by_text=True)


def test_ids_count_where_no_vocabulary_is_known() -> None:
    assert parting(A, WrittenTokens([1, 2, 4])).token == 2


def test_texts_count_also_where_the_places_of_tokens_are_not_known() -> None:
    other = WrittenTokens([1, 2, 3, 4], "The cat ran", [], "gpt2/llama-bpe")
    found = parting(A, other)
    assert (found.kind, found.by_text, found.token) == ("differ", True, None)
    assert comparable(A, other) is None


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("gpt2/qwen2", "gpt2/qwen2", True),
        ("gpt2/qwen2", "gpt2/llama-bpe", False),
        ("gpt2/qwen2", "", True),
        ("llama/default#1f", "llama/default#2e", False),  # two 32,000-token vocabularies
        ("llama/default#1f", "llama/default", True),  # an older run does not say its checksum
    ],
)
def test_which_vocabularies_are_the_same(a: str, b: str, same: bool) -> None:
    assert same_vocabulary(a, b) is same
    assert same_vocabulary(b, a) is same


def test_text_that_is_held_back_is_no_difference_yet() -> None:
    growing = WrittenTokens([7, 8, 9], "The cat", [3, 7, 7], "gpt2/llama-bpe", growing=True)
    assert growing.texts == ("The",)
    ended = WrittenTokens([7, 8, 9], "The cat", [3, 7, 7], "gpt2/llama-bpe")
    assert ended.texts == ("The", " cat", "")
