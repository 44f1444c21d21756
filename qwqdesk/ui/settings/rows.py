"""The settings page as a table: which settings there are, in words, with their choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qwqdesk.engine.template_builtin import BUILT_IN

Kind = Literal["choice", "switch", "template", "folders", "text", "engine", "places", "token",
               "endpoint", "speed", "models", "budget", "sentence"]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One setting. `field` is its name in `Settings`; `choices` are pairs of value and words."""

    field: str
    title: str
    meaning: str
    kind: Kind
    choices: tuple[tuple[str | int, str], ...] = ()


@dataclass(frozen=True)
class Section:
    """A titled group of settings."""

    title: str
    rows: tuple[Row, ...]


SECTIONS: tuple[Section, ...] = (
    Section(
        "Appearance",
        (
            Row(
                "theme", "Theme", "Light, dark, or as the system has it.", "choice",
                (("system", "System"), ("light", "Light"), ("dark", "Dark")),
            ),
            Row(
                "text_size", "Text size", "Of everything in the window.", "choice",
                ((85, "85 %"), (100, "100 %"), (115, "115 %"), (130, "130 %"), (150, "150 %")),
            ),
            Row("reduce_motion", "Reduce motion", "Sections open at once.", "switch"),
        ),
    ),
    Section(
        "Chats",
        (
            Row(
                "show_reasoning_open", "Show reasoning while it is written",
                "Otherwise the last three lines are shown.", "switch",
            ),
            Row(
                "keep_reasoning_in_history", "Send earlier reasoning again",
                "QwQ was trained to see earlier answers without their reasoning.", "switch",
            ),
            Row(
                "loop_guard", "Endless repetition",
                "Mark changes no token. Stop ends the lane. Close ends the reasoning.", "choice",
                (("off", "Ignore"), ("mark", "Mark"), ("stop", "Stop"), ("close", "Close")),
            ),
            Row(
                "reasoning_budget", "Reasoning budget",
                "Tokens of reasoning after which the answer must begin, in lanes that have no "
                "budget of their own.", "budget",
            ),
            Row(
                "reasoning_message", "Closing sentence",
                "Written at the end of reasoning that its budget or “Answer now” closes.",
                "sentence",
            ),
            Row(
                "chat_mode", "Mode of chats",
                "Exact: the same tokens whatever ran before. Fast: reuses what was read.",
                "choice", (("exact", "Exact"), ("fast", "Fast")),
            ),
            Row(
                "compare_mode", "Mode of comparisons",
                "In exact mode a lane writes the same alone or among others.",
                "choice", (("exact", "Exact"), ("fast", "Fast")),
            ),
            Row("system_prompt", "System prompt of new chats", "Empty: none.", "text"),
        ),
    ),
    Section(
        "Models",
        (
            Row(
                "chat_template", "Chat template",
                "How messages become a prompt, where no other one was chosen for a model. A model "
                "without one gets what fits its architecture.",
                "template",
                (("model", "The model's own"), *((made.name, made.title) for made in BUILT_IN)),
            ),
            Row(
                "use_model_sampling", "Use the model's sampling values",
                "Where a model recommends values, yours and the recipe's go before them.",
                "switch",
            ),
            Row("engine", "Engine", "Context, GPU layers, threads, caches.", "engine"),
            Row(
                "model_folders", "Model folders",
                "Folders that are looked through for GGUF files. Nothing is written there.",
                "folders",
            ),
            Row("", "Where files are", "History, settings, models and logs.", "places"),
        ),
    ),
    Section(
        "Downloads",
        (
            Row(
                "token_saved", "Hugging Face access token",
                "For models that ask for an account; it also raises the limit of requests. "
                "Stored in the system keyring, sent only to the hub.", "token",
            ),
            Row(
                "hub_endpoint", "Hub",
                "The address of a mirror. Empty: huggingface.co.", "endpoint",
            ),
            Row("speed_limit", "Speed limit", "For all downloads together.", "speed"),
            Row("", "Models folder", "Where downloads are kept.", "models"),
        ),
    ),
)  # fmt: skip
