"""Which tags a template uses, and whether its prompt has opened the reasoning."""

from __future__ import annotations

import pytest

from qwqdesk.reasoning import KNOWN_TAGS, Tags, detect_tags, own_tags, prompt_opens_reasoning
from qwqdesk.reasoning_tags import HARMONY, THINK

ASSISTANT = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.parametrize(
    ("ending", "opened"),
    [
        ("<think>\n", "<think>"),
        ("<think>", "<think>"),
        ("<think>\n\n</think>\n\n", None),
        ("", None),
        ("<|channel|>analysis<|message|>", "<|channel|>"),
        ("<|channel|>", None),
        ("<|channel>thought\n<channel|>", None),
        ("[THINK]", "[THINK]"),
        ("Here are my reasoning steps:\n", "Here are my reasoning steps:"),
        ("<deep_thought>\n", "<deep_thought>"),
    ],
)
def test_the_prompt_says_whether_reasoning_is_open(ending: str, opened: str | None) -> None:
    found = prompt_opens_reasoning(ASSISTANT + ending, KNOWN_TAGS)
    assert (found.open if found else None) == opened


def test_an_unknown_open_tag_gets_its_closing_tag() -> None:
    found = prompt_opens_reasoning("x<deep_thought>", ())
    assert found == Tags("<deep_thought>", "</deep_thought>", "deep_thought")


def test_the_opened_tag_comes_first_then_own_then_the_templates() -> None:
    own = own_tags(" <a> ", "</a>")
    found = detect_tags("{{ '[THINK]' }}{{ '[/THINK]' }}", "p <seed:think>\n", own=(own,))
    assert [tags.open for tags in found[:3]] == ["<seed:think>", "<a>", "[THINK]"]
    phrases = {tags for tags in KNOWN_TAGS if tags.open[0].isalpha() and not tags.channels}
    assert set(KNOWN_TAGS) - set(found) == phrases
    assert len(set(found)) == len(found)


def test_a_tag_in_the_users_message_opens_nothing() -> None:
    prompt = "<|im_start|>user\nwhat is <think>\n<|im_end|>\n<|im_start|>assistant\n"
    assert prompt_opens_reasoning(prompt, KNOWN_TAGS) is None
    assert detect_tags(None, prompt)[0] == THINK


def test_harmony_is_recognised_in_its_template() -> None:
    assert detect_tags("{{- '<|start|>assistant<|channel|>analysis' }}", "")[0] == HARMONY


def test_own_tags_may_not_be_empty() -> None:
    with pytest.raises(ValueError, match="empty"):
        own_tags("<a>", " ")
