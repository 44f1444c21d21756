"""How reasoning ended: the engine's notes, in the words of the window."""

from __future__ import annotations

import pytest

from qwqdesk.thought_end import end_of_detail, end_words


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        (None, ""),
        ("n_predict reached: 20 tokens", ""),
        ("the reasoning was closed on request", "closed by you"),
        (
            "the reasoning was closed at its budget of 2000 tokens; context full: 9 of 9 tokens",
            "closed at the budget of 2,000 tokens",
        ),
        ("the reasoning was closed at its budget of 1 tokens", "closed at the budget of 1 token"),
        (
            "looped from token 8: 'no ' x 40, so its reasoning was closed",
            "closed by the loop guard",
        ),
    ],
)
def test_the_note_of_a_stored_reply(detail: str | None, words: str) -> None:
    assert end_of_detail(detail) == words


def test_before_the_size_of_the_budget_is_known() -> None:
    assert end_words("budget") == "closed at the budget"
    assert end_words("asked") == "closed by you"
