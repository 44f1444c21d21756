"""The table of command line flags: sampling and engine flags from their tables, our own beside.

A flag says where its value goes (`dest` within `group`) and how its text is read (`reads`, a key
of `readers.READERS`). Flags of llama.cpp that are no setting here are in `llama_flags`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from qwqdesk.engine_settings import ENGINE_SETTINGS, EngineSetting
from qwqdesk.sampling.formats.llama_flags import LLAMA_FLAGS, LlamaFlag
from qwqdesk.sampling.param import Param
from qwqdesk.sampling.samplers import PARAMS

Group = Literal["sampling", "engine", "option", "elsewhere"]


@dataclass(frozen=True)
class Flag:
    """One flag with all its spellings.

    `arity` is the number of values it takes; with `optional` it takes one only if the next word
    is one of `choices`. `value` is what a flag without a value stands for. The group "elsewhere"
    are llama.cpp's flags that are no setting here; `llama` says what becomes of one.
    """

    names: tuple[str, ...]
    dest: str
    group: Group
    reads: str
    arity: int = 1
    value: object = None
    choices: tuple[str, ...] = ()
    optional: bool = False
    meaning: str = ""
    llama: LlamaFlag | None = None


def _param_flag(param: Param) -> Flag:
    reads = {"int": "number", "float": "number", "bool": "switch", "bias": "bias"}
    how = reads.get(param.kind, "breakers" if param.name == "dry_sequence_breakers" else "texts")
    arity = 0 if param.kind == "bool" else 1
    return Flag(param.flags, param.name, "sampling", how, arity, True, meaning=param.meaning)


_FLASH: Final = ("on", "off", "auto", "enabled", "disabled", "true", "false", "1", "0", "-1")


def _setting_flags(setting: EngineSetting) -> tuple[Flag, ...]:
    field, meaning = setting.field, setting.meaning
    if setting.kind == "bool":
        on = Flag(setting.on_flags, field, "engine", "switch", 0, True, meaning=meaning)
        return on, Flag(setting.off_flags, field, "engine", "switch", 0, False, meaning=meaning)
    special = {
        "n_gpu_layers": "layers",
        "n_threads": "threads",
        "n_threads_batch": "threads",
        "override_kv": "overrides",
    }
    if field == "flash_attn":
        flag = Flag(
            setting.flags, field, "engine", "flash", 1, "on", _FLASH, optional=True, meaning=meaning
        )
        return (flag,)
    if setting.kind == "text":
        listed = field in ("override_tensor", "lora")
        reads = "setting-list" if listed else "setting-words"
        return (Flag(setting.flags, field, "engine", reads, meaning=meaning),)
    plain = "setting-text" if setting.kind == "choice" else "setting-number"
    return (Flag(setting.flags, field, "engine", special.get(field, plain), meaning=meaning),)


def _text(names: str, dest: str, meaning: str, reads: str = "text") -> Flag:
    return Flag(tuple(names.split()), dest, "option", reads, meaning=meaning)


def _form(names: str, meaning: str) -> Flag:
    """A grammar or schema; the last one written counts, whichever it is."""
    spelt = tuple(names.split())
    kind = spelt[0].removeprefix("--")
    return Flag(spelt, "form", "option", "form", 1, kind, meaning=meaning)


def _switch(names: str, dest: str, meaning: str, value: bool = True) -> Flag:
    return Flag(tuple(names.split()), dest, "option", "switch", 0, value, meaning=meaning)


def _choice(names: str, dest: str, choices: str, meaning: str) -> Flag:
    words = tuple(choices.split())
    return Flag(tuple(names.split()), dest, "option", "choice", 1, None, words, meaning=meaning)


_EXTRA_FLAGS: Final = (
    Flag(("--samplers",), "samplers", "sampling", "order", meaning="The steps, in order."),
    Flag(
        ("--sampler-seq", "--sampling-seq"),
        "samplers",
        "sampling",
        "letters",
        meaning="The steps as letters, for example edskypmxt.",
    ),
    Flag(("--no-ignore-eos",), "ignore_eos", "sampling", "switch", 0, False),
    Flag(("--load-mode", "-lm"), "use_mmap", "engine", "load-mode", meaning="How to load."),
    Flag(("--lora-scaled",), "lora", "engine", "setting-list", meaning="The same as --lora."),
    Flag(
        ("--n-cpu-ffn", "-ncffn"),
        "override_tensor",
        "engine",
        "ffn-layers",
        meaning="Keeps the feed-forward weights of the first layers on the CPU.",
    ),
    Flag(("--rope-scale",), "rope_freq_scale", "engine", "rope-scale", meaning="1 / RoPE scale."),
)

OPTION_FLAGS: Final[tuple[Flag, ...]] = (
    _text("--prompt -p", "prompt", "The chat message, or with --raw the whole prompt.", "escaped"),
    _text("--file -f", "file", "Read the prompt from this file; - is standard input."),
    _text("--system-prompt -sys", "system", "The system message."),
    _text("--system-prompt-file -sysf", "system_file", "Read the system message from this file."),
    _text("--model -m", "model", "The model: a path, a name or hf.co/OWNER/NAME:LABEL."),
    _text("--hf-repo -hf -hfr", "model", "A model on Hugging Face, OWNER/NAME:LABEL.", "hf-repo"),
    _text("--hf-file -hff", "hf_file", "The file of that repository, in place of a label."),
    _text("--model-url -mu", "model", "The address of a model's file, which is here.", "model-url"),
    _text("--recipe", "recipe", "Start from this recipe."),
    _choice("--mode", "mode", "exact fast", "Exact repeats bit for bit, fast shares work."),
    _switch("--raw --no-conversation -no-cnv", "raw", "The prompt is used as it is."),
    _switch("--conversation -cnv", "raw", "The prompt is a chat message.", False),
    _switch("--save", "save", "Keep the run in the history."),
    _switch("--json", "json", "One JSON document on standard output."),
    _text("--lane", "lane", "One lane: [LABEL=][RECIPE] [FLAGS].", "list"),
    _text("--out", "out", "Write the answers into this folder."),
    _text("--data-dir", "data_dir", "Keep everything under this folder."),
    _switch("--use-model-sampling", "use_model", "Use the values the model's file recommends."),
    _choice("--loop-guard", "loop_guard", "off mark stop close", "What to do about repetition."),
    _text("--reasoning-budget", "reasoning_budget", "Most tokens of reasoning.", "budget"),
    _text("--reasoning-budget-message", "reasoning_budget_message", "Said when it is used up."),
    _text("--thought", "thought", "Reasoning to answer from: a text file or a run's JSON."),
    _text("--answer-chain", "answer_chain", "Sampling flags for the answer."),
    _form("--grammar", "A GBNF grammar for the answer."),
    _form("--grammar-file", "Read the grammar from this file."),
    _form("--json-schema -j", "A JSON schema for the answer."),
    _form("--json-schema-file -jf", "Read the JSON schema from this file."),
    _text("--banned-string", "banned_strings", "A text that the answer may not hold.", "list"),
    _switch("--ban-in-reasoning", "ban_in_reasoning", "Banned strings hold in the reasoning too."),
    _text("--logit-bias-text", "text_biases", "TEXT=BIAS, on the tokens of a text.", "list"),
    _text("--chat-template", "chat_template", "A template's name or text."),
    _text("--chat-template-file", "chat_template_file", "Read the template from this file."),
    _text(
        "--chat-template-kwargs",
        "variables",
        "Variables of the chat template, a JSON object.",
        "variables",
    ),
    _text("--reasoning -rea", "variables", "Thinking on, off or auto.", "thinking"),
    _text("--reasoning-effort", "variables", "How much thinking, by the template.", "effort"),
    _switch("--help -h --usage", "help", "Show the flags."),
    _switch("--version", "version", "Show the version."),
    _switch("--no-escape", "escape", "Backslashes stay as they are.", False),
    _switch("--escape -e", "escape", "Backslash escapes are processed."),
)


_ON_OFF: Final = ("on", "off", "auto", "always", "never")


def _elsewhere(row: LlamaFlag) -> Flag:
    return Flag(
        row.names, row.names[0], "elsewhere", row.fate, row.arity, "on", _ON_OFF,
        optional=row.optional, llama=row,
    )  # fmt: skip


def _spelt(flags: tuple[Flag, ...]) -> Mapping[str, Flag]:
    return MappingProxyType({name: flag for flag in flags for name in flag.names})


FLAGS: Final[Mapping[str, Flag]] = MappingProxyType(
    {
        **_spelt(tuple(_elsewhere(row) for row in LLAMA_FLAGS)),
        **_spelt(tuple(_param_flag(param) for param in PARAMS.values())),
        **_spelt(tuple(flag for s in ENGINE_SETTINGS for flag in _setting_flags(s))),
        **_spelt(_EXTRA_FLAGS),
        **_spelt(OPTION_FLAGS),
    }
)


def with_dashes(word: str) -> str:
    """llama.cpp reads ``_`` as ``-`` in the name of a long flag."""
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value


def find_flag(word: str) -> tuple[Flag, str | None] | None:
    """The flag a word names, and the value after ``=`` if it has one; None if it names none."""
    flag = FLAGS.get(with_dashes(word))
    if flag is not None:
        return flag, None
    name, equals, value = with_dashes(word).partition("=")
    flag = FLAGS.get(name) if equals else None
    return None if flag is None else (flag, value)
