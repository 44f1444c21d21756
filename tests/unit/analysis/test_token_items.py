"""Lanes on models with other vocabularies are compared by the text of their tokens."""

from __future__ import annotations

from qwqdesk.analysis.divergence import first_difference
from qwqdesk.analysis.token_items import WrittenTokens, comparable

A = WrittenTokens([1, 2, 3], "The cat sat", [3, 7, 11], "gpt2/qwen2")


def _parts(other: WrittenTokens) -> int | None:
    return first_difference(*comparable(A, other))


def test_ids_count_within_one_vocabulary() -> None:
    same = WrittenTokens([1, 9, 3], "The cat sat", [3, 7, 11], "gpt2/qwen2")
    assert _parts(same) == 1


def test_texts_count_between_vocabularies() -> None:
    other = WrittenTokens([70, 80, 90], "The cat ran", [3, 7, 11], "gpt2/llama-bpe")
    assert _parts(other) == 2


def test_ids_count_where_a_vocabulary_or_the_places_are_not_known() -> None:
    assert _parts(WrittenTokens([1, 2, 4])) == 2
    assert _parts(WrittenTokens([1, 2, 4], "The cat sat", [], "gpt2/llama-bpe")) == 2


def test_text_that_is_held_back_is_no_difference_yet() -> None:
    growing = WrittenTokens([7, 8, 9], "The cat", [3, 7, 7], "gpt2/llama-bpe", growing=True)
    assert growing.texts == ("The",)
    ended = WrittenTokens([7, 8, 9], "The cat", [3, 7, 7], "gpt2/llama-bpe")
    assert ended.texts == ("The", " cat", "")
