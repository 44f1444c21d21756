"""The chat templates that come with the program, and which of them fits a model without one.

Names and formats are llama.cpp's (src/llama-chat.cpp); a test compares each with what llama.cpp
itself makes of the same messages. Nothing here needs jinja2.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from qwqdesk.reasoning_tags import KNOWN_TAGS
from qwqdesk.resources import resource


@dataclass(frozen=True)
class BuiltInTemplate:
    """`tags` are those that it writes, what ends a reply first.

    `architectures` are the `general.architecture` of the models that it is for.
    """

    name: str
    title: str
    tags: tuple[str, ...]
    architectures: tuple[str, ...] = ()


_CHATML_TAGS: Final = ("<|im_end|>", "<|im_start|>")

# Where several fit an architecture, the first one counts whose tags the vocabulary has: those with
# rare tags come first.
BUILT_IN: Final[tuple[BuiltInTemplate, ...]] = (
    BuiltInTemplate("qwq", "QwQ", _CHATML_TAGS),
    BuiltInTemplate("qwq-no-think", "QwQ without <think>", _CHATML_TAGS),
    BuiltInTemplate(
        "gemma",
        "Gemma",
        ("<end_of_turn>", "<start_of_turn>"),
        ("gemma", "gemma2", "gemma3", "gemma3n"),
    ),
    BuiltInTemplate(
        "llama3",
        "Llama 3",
        ("<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"),
        ("llama",),
    ),
    BuiltInTemplate("phi3", "Phi 3", ("<|end|>", "<|user|>", "<|assistant|>"), ("phi3", "phimoe")),
    BuiltInTemplate(
        "phi4", "Phi 4", ("<|im_end|>", "<|im_start|>", "<|im_sep|>"), ("phi3", "phimoe")
    ),
    BuiltInTemplate(
        "chatml",
        "ChatML",
        _CHATML_TAGS,
        ("qwen", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "internlm2", "llama"),
    ),
    BuiltInTemplate(
        "mistral-v7-tekken",
        "Mistral, version 7",
        ("</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]"),
        ("llama", "mistral3"),
    ),
    BuiltInTemplate(
        "mistral-v3", "Mistral, version 3", ("</s>", "[INST]", "[/INST]"), ("llama", "mistral3")
    ),
    BuiltInTemplate(
        "command-r",
        "Command R",
        (
            "<|END_OF_TURN_TOKEN|>",
            "<|START_OF_TURN_TOKEN|>",
            "<|USER_TOKEN|>",
            "<|CHATBOT_TOKEN|>",
        ),
        ("command-r", "cohere2"),
    ),
    BuiltInTemplate(
        "exaone3",
        "EXAONE 3",
        ("[|endofturn|]", "[|user|]", "[|assistant|]"),
        ("exaone", "exaone4"),
    ),
    BuiltInTemplate(
        "granite",
        "Granite",
        ("<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"),
        ("granite", "granitemoe", "granitehybrid"),
    ),
    BuiltInTemplate(
        "chatglm4",
        "GLM 4",
        ("<|user|>", "<|assistant|>", "[gMASK]", "<sop>"),
        ("chatglm", "glm4", "glm4moe"),
    ),
    BuiltInTemplate(
        "deepseek3",
        "DeepSeek V3",
        ("<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"),
        ("deepseek2",),
    ),
    BuiltInTemplate(
        "zephyr", "Zephyr", ("<|endoftext|>", "<|user|>", "<|assistant|>"), ("stablelm",)
    ),
    BuiltInTemplate("llama2-sys", "Llama 2", ("</s>",), ("llama",)),
)
BY_NAME: Final[Mapping[str, BuiltInTemplate]] = {made.name: made for made in BUILT_IN}
FALLBACK: Final = BY_NAME["chatml"]
"""What llama.cpp takes where it knows nothing."""

# A reasoning model's own templates are chosen, never guessed; "</s>" alone says nothing.
_GUESSED: Final = tuple(made for made in BUILT_IN if made.architectures)
_TELLING: Final = tuple(made for made in _GUESSED if len(made.tags) > 1)


@cache
def built_in_source(name: str) -> str:
    """The Jinja source of a built-in template."""
    return resource("templates", f"{name}.jinja").read_text(encoding="utf-8")


def guessable_tags() -> tuple[str, ...]:
    """Every tag that `guessed` asks about."""
    return tuple(dict.fromkeys(tag for made in _GUESSED for tag in made.tags))


def guessed(architecture: str, tokens: Collection[str]) -> BuiltInTemplate | None:
    """The template for a model that has none; None where nothing speaks for any.

    Of those for its architecture, the first one whose tags are all tokens of its vocabulary; where
    none fits, any other whose tags are; else the first one for its architecture.

    Args:
        tokens: those of `guessable_tags` that are tokens of the model's vocabulary.
    """
    for_it = [made for made in _GUESSED if architecture in made.architectures]
    fitting = [made for made in (*for_it, *_TELLING) if tokens_cover(made, tokens)]
    return next(iter([*fitting, *for_it]), None)


def tokens_cover(made: BuiltInTemplate, tokens: Collection[str]) -> bool:
    """Whether all tags of a template are among these tokens."""
    return all(tag in tokens for tag in made.tags)


_TRAINED = re.compile(
    r"(?<![a-z])(it|instruct|chat|assistant|sft|dpo|orpo|rlhf|hermes|vicuna|alpaca|zephyr|tulu)"
    r"(?![a-z])"
)


def named_for_chats(*names: str) -> bool:
    """Whether one of a model's names says that it was trained to answer, as "gemma-3-1b-it"."""
    return any(_TRAINED.search(name.lower()) for name in names)


# ---------------------------------------------------------------- the tags that a template writes

QUESTION: Final = "qwqdeskquestion"
REPLY: Final = "qwqdeskreply"
FOLLOW_UP: Final = "qwqdeskfollowup"
"""The texts of the short chat that a template is tried with: user, assistant, user."""

_TAG = re.compile(
    r"<\|[^\s<>|]{1,60}\|>|<｜[^\s<>]{1,60}｜>|</?[A-Za-z_][\w:.-]{0,60}>"
    r"|\[\|[a-z_]{2,40}\|\]|\[/?[A-Z_]{3,40}\]"
)
_REASONING = frozenset(text for tags in KNOWN_TAGS for text in (tags.open, tags.close))


def tags_in(text: str) -> tuple[str, ...]:
    """What looks like a tag, each once, in the order of the text; those of reasoning are not."""
    return tuple(dict.fromkeys(tag for tag in _TAG.findall(text) if tag not in _REASONING))


def behind_a_reply(tried: str) -> tuple[str, ...]:
    """What stands between a reply and the next message, as texts by which a reply's end is known.

    Its tags; without any, its first line that is not empty, with a line end before it.

    Args:
        tried: the short chat as the template writes it.
    """
    _, _, behind = tried.partition(REPLY)
    between, found, _ = behind.partition(FOLLOW_UP)
    if not found:
        return ()
    if tags := tags_in(between):
        return tags
    lines = [line.strip() for line in between.splitlines() if line.strip()]
    return (f"\n{lines[0]}",) if lines and "\n" in between else ()


def writes_messages(tried: str) -> bool:
    """Whether the short chat as the template writes it has what was asked."""
    return FOLLOW_UP in tried or QUESTION in tried
