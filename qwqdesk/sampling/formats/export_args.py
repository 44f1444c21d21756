"""A chain as arguments that make llama-cli, llama-server and `qwqdesk ask` do the same."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from typing import Final, cast

from qwqdesk.engine_settings import (
    ALL_LAYERS,
    ENGINE_SETTINGS,
    EngineSettings,
    OverrideValue,
    lora_adapters,
    lora_text,
)
from qwqdesk.sampling.chain import CONTEXT_SIZE, LAST_N, SamplerChain
from qwqdesk.sampling.formats.escapes import with_escapes
from qwqdesk.sampling.param import Bias, Param, Value, number_text
from qwqdesk.sampling.samplers import PARAMS

# llama.cpp has no flag for it; it is written only when it is set, so that its programs accept
# the line otherwise.
_OURS_ALONE: Final = frozenset({"min_keep"})
_NOT_BEFORE_LOADING: Final = frozenset({"use_mmap", "use_mlock"})


def to_llama_args(
    chain: SamplerChain,
    *,
    flags_only_nondefault: bool = False,
    engine: EngineSettings | None = None,
) -> str:
    """The chain as one shell-quoted line; reading it back gives the same chain.

    States every value, since a model's own metadata would fill what is left out.
    `flags_only_nondefault` leaves out what equals llama.cpp's defaults (for short display).
    With an engine whose context is known, a last-n of -1 is written as that number, because
    llama.cpp's programs refuse -1.
    """
    if engine is not None and engine.n_ctx > 0:
        whole = [name for name in LAST_N if chain[name] == CONTEXT_SIZE]
        chain = chain.with_values(**dict.fromkeys(whole, engine.n_ctx))
    words = list(_chain_words(chain, flags_only_nondefault))
    if engine is not None:
        words += list(_engine_words(engine))
    return shlex.join(words)


def _chain_words(chain: SamplerChain, brief: bool) -> Iterator[str]:
    yield from ("--samplers", chain.order_text)
    for name, param in PARAMS.items():
        value = chain[name]
        if (brief or name in _OURS_ALONE) and value == param.default:
            continue
        yield from _param_words(param, value)


def _param_words(param: Param, value: Value) -> Iterator[str]:
    flag = param.flags[0]
    if param.kind == "bool":
        if value is True:
            yield flag
    elif param.kind == "bias":
        for token, bias in cast("tuple[Bias, ...]", value):
            yield from (flag, f"{token}{_signed(bias)}")
    elif param.kind == "strings":
        assert isinstance(value, tuple)
        if not value and param.name == "dry_sequence_breakers":
            yield from (flag, "none")
        for text in value:
            yield from (_stop_flag(param), _text(str(text)))
    else:
        assert isinstance(value, (int, float))
        yield from (flag, number_text(value))


def _stop_flag(param: Param) -> str:
    """llama.cpp's programs know --reverse-prompt, not --stop."""
    return "--reverse-prompt" if param.name == "stop" else param.flags[0]


def _text(text: str) -> str:
    """The word "none" would mean "no breakers"."""
    return "\\x6eone" if text == "none" else with_escapes(text)


def _signed(bias: float) -> str:
    if bias == -math.inf:
        return "-inf"
    return number_text(bias) if bias < 0 else f"+{number_text(bias)}"


def _engine_words(engine: EngineSettings) -> Iterator[str]:
    plain = EngineSettings()
    for setting in ENGINE_SETTINGS:
        value = getattr(engine, setting.field)
        if value == getattr(plain, setting.field) or setting.field in _NOT_BEFORE_LOADING:
            continue
        if setting.kind == "override":
            for key, entry in value:
                yield from ("--override-kv", _csv(f"{key}={_typed(entry)}"))
        elif setting.kind == "bool":
            yield (setting.on_flags if value else setting.off_flags)[0]
        elif setting.field == "lora":
            # Only --lora-scaled takes a scale in llama.cpp's programs.
            for adapter in lora_adapters(value):
                scaled = adapter.scale != 1
                yield from ("--lora-scaled" if scaled else "--lora", lora_text(adapter))
        elif setting.field == "n_gpu_layers" and value == ALL_LAYERS:
            yield from (setting.flags[0], "all")
        else:
            yield from (setting.flags[0], repr(value) if setting.kind == "float" else str(value))
    if engine.use_mmap != plain.use_mmap or engine.use_mlock != plain.use_mlock:
        names = {(True, True): "mmap+mlock", (True, False): "mmap", (False, True): "mlock"}
        yield from ("--load-mode", names.get((engine.use_mmap, engine.use_mlock), "none"))


def _typed(value: OverrideValue) -> str:
    if isinstance(value, bool):
        return f"bool:{str(value).lower()}"
    kinds = {int: "int", float: "float", str: "str"}
    return f"{kinds[type(value)]}:{value if isinstance(value, str) else number_text(value)}"


def _csv(text: str) -> str:
    """llama.cpp reads a list with commas; one with a comma or quote inside is quoted."""
    if "," not in text and '"' not in text and "\n" not in text and "\r" not in text:
        return text
    return '"' + text.replace('"', '""') + '"'
