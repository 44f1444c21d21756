"""Which built-in template a model without one gets, and where its replies end."""

from __future__ import annotations

import pytest

from qwqdesk.conversation import Message
from qwqdesk.engine.template import render_with_notes, template_source
from qwqdesk.engine.template_builtin import (
    BUILT_IN,
    BY_NAME,
    BuiltInTemplate,
    behind_a_reply,
    guessable_tags,
    guessed,
    named_for_chats,
    tags_in,
    writes_messages,
)


def name_of(architecture: str, *tokens: str) -> str | None:
    found = guessed(architecture, tokens)
    return found.name if found is not None else None


def tried(source: str) -> str:
    hello = [Message("user", "Hello")]
    text = render_with_notes(source, hello, bos_token="<s>", eos_token="</s>").tried
    assert text is not None
    return text


@pytest.mark.parametrize("made", BUILT_IN)
def test_the_table_names_the_tags_that_the_template_writes(made: BuiltInTemplate) -> None:
    text = tried(template_source(made.name, None))
    assert set(made.tags) - {"[SYSTEM_PROMPT]", "[gMASK]"} <= set(tags_in(text))
    assert behind_a_reply(text)[0] == made.tags[0]


@pytest.mark.parametrize(
    ("architecture", "tokens", "name"),
    [
        ("gemma3", BY_NAME["gemma"].tags, "gemma"),
        ("gemma2", (), "gemma"),  # the architecture alone
        ("llama", BY_NAME["llama3"].tags, "llama3"),
        ("llama", ("<s>", "</s>"), "llama2-sys"),
        ("llama", BY_NAME["chatml"].tags, "chatml"),  # as SmolLM2
        ("llama", BY_NAME["mistral-v3"].tags, "mistral-v3"),
        ("llama", BY_NAME["mistral-v7-tekken"].tags, "mistral-v7-tekken"),
        ("phi3", BY_NAME["phi3"].tags, "phi3"),
        ("phi3", BY_NAME["phi4"].tags, "phi4"),
        ("exaone", BY_NAME["exaone3"].tags, "exaone3"),
        ("qwen2", guessable_tags(), "chatml"),
        ("not-known", BY_NAME["granite"].tags, "granite"),  # the vocabulary alone
        ("not-known", ("</s>",), None),  # a tag that says nothing
        ("", (), None),
    ],
)
def test_a_template_is_guessed_by_architecture_and_vocabulary(
    architecture: str, tokens: tuple[str, ...], name: str | None
) -> None:
    assert name_of(architecture, *tokens) == name


LOOP = "{% for m in messages %}"


@pytest.mark.parametrize(
    ("source", "ends"),
    [
        (LOOP + "<<{{ m.role }}>>{{ m.content }}<end_of_turn>\n{% endfor %}", "<end_of_turn>"),
        (LOOP + "{{ m.content }}{{ eos_token }}{% endfor %}", "</s>"),
        (LOOP + "\n\n### {{ m.role }}:\n{{ m.content }}{% endfor %}", "\n### user:"),
        (LOOP + "{{ m.content }}<|end_of_turn|>GPT4 Correct {% endfor %}", "<|end_of_turn|>"),
        (LOOP + "{{ m.content }}</think><|im_end|>{% endfor %}", "<|im_end|>"),
        (LOOP + "{{ m.content }}{% endfor %}", None),
    ],
)
def test_what_ends_a_reply_is_read_in_the_template(source: str, ends: str | None) -> None:
    assert next(iter(behind_a_reply(tried(source))), None) == ends


def test_a_template_that_leaves_the_messages_out_is_known() -> None:
    assert not writes_messages(tried("5"))
    assert writes_messages(tried("{{ messages[-1].content }}"))


@pytest.mark.parametrize(
    ("name", "trained"),
    [
        ("Gemma 3 270m", False),
        ("gemma-3-270m-it-Q4_K_M", True),
        ("SmolLM2-135M-Instruct.Q4_1", True),
        ("Titan 7B", False),
        ("Llama 2 7b Chat Hf", True),
        ("Orbit", False),
    ],
)
def test_a_model_that_was_trained_for_chats_says_so(name: str, trained: bool) -> None:
    assert named_for_chats(name) is trained
