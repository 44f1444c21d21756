"""Environment variables that llama.cpp's programs read, as the words of a command line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from qwqdesk.sampling.formats.llama_flags import LLAMA_FLAGS

ASSIGNMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)

# The variable, its flag, and where there is one the flag that switches it off. Read in
# common/arg.cpp of llama.cpp 0c1e57098.
_SETTINGS: Final = """
LLAMA_ARG_THREADS --threads
LLAMA_ARG_CTX_SIZE --ctx-size
LLAMA_ARG_N_PREDICT --predict
LLAMA_ARG_BATCH --batch-size
LLAMA_ARG_UBATCH --ubatch-size
LLAMA_ARG_FLASH_ATTN --flash-attn
LLAMA_ARG_TEMPERATURE --temp
LLAMA_ARG_TOP_K --top-k
LLAMA_ARG_TOP_P --top-p
LLAMA_ARG_MIN_P --min-p
LLAMA_ARG_REPEAT_PENALTY --repeat-penalty
LLAMA_ARG_PRESENCE_PENALTY --presence-penalty
LLAMA_ARG_FREQUENCY_PENALTY --frequency-penalty
LLAMA_ARG_ROPE_SCALING_TYPE --rope-scaling
LLAMA_ARG_ROPE_SCALE --rope-scale
LLAMA_ARG_ROPE_FREQ_BASE --rope-freq-base
LLAMA_ARG_ROPE_FREQ_SCALE --rope-freq-scale
LLAMA_ARG_YARN_ORIG_CTX --yarn-orig-ctx
LLAMA_ARG_YARN_EXT_FACTOR --yarn-ext-factor
LLAMA_ARG_YARN_ATTN_FACTOR --yarn-attn-factor
LLAMA_ARG_YARN_BETA_SLOW --yarn-beta-slow
LLAMA_ARG_YARN_BETA_FAST --yarn-beta-fast
LLAMA_ARG_KV_OFFLOAD --kv-offload --no-kv-offload
LLAMA_ARG_CACHE_TYPE_K --cache-type-k
LLAMA_ARG_CACHE_TYPE_V --cache-type-v
LLAMA_ARG_LOAD_MODE --load-mode
LLAMA_ARG_DEVICE --device
LLAMA_ARG_OVERRIDE_TENSOR --override-tensor
LLAMA_ARG_CPU_MOE --cpu-moe
LLAMA_ARG_N_CPU_MOE --n-cpu-moe
LLAMA_ARG_N_CPU_FFN --n-cpu-ffn
LLAMA_ARG_N_GPU_LAYERS --n-gpu-layers
LLAMA_ARG_SPLIT_MODE --split-mode
LLAMA_ARG_TENSOR_SPLIT --tensor-split
LLAMA_ARG_MAIN_GPU --main-gpu
LLAMA_ARG_SWA_FULL --swa-full
LLAMA_ARG_MODEL --model
LLAMA_ARG_MODEL_URL --model-url
LLAMA_ARG_HF_REPO --hf-repo
LLAMA_ARG_HF_FILE --hf-file
LLAMA_ARG_THINK_BUDGET --reasoning-budget
LLAMA_ARG_THINK_BUDGET_MESSAGE --reasoning-budget-message
LLAMA_ARG_CHAT_TEMPLATE --chat-template
LLAMA_ARG_CHAT_TEMPLATE_FILE --chat-template-file
LLAMA_ARG_CHAT_TEMPLATE_KWARGS --chat-template-kwargs
LLAMA_ARG_REASONING --reasoning
LLAMA_ARG_REASONING_EFFORT --reasoning-effort
LLAMA_ARG_CONTEXT_SHIFT --context-shift --no-context-shift
LLAMA_ARG_JINJA --jinja --no-jinja
LLAMA_ARG_REPACK --repack --no-repack
"""
_SWITCHES: Final = frozenset({"--cpu-moe", "--swa-full"})
_ON: Final = frozenset({"on", "enabled", "true", "1"})
_OFF: Final = frozenset({"off", "disabled", "false", "0"})
_NO: Final = "LLAMA_ARG_NO_"


def _variables() -> Mapping[str, tuple[str, ...]]:
    found = {flag.env: flag.names[:1] for flag in LLAMA_FLAGS if flag.env}
    rows = [line.split() for line in _SETTINGS.split("\n") if line]
    return MappingProxyType({**found, **{name: tuple(flags) for name, *flags in rows}})


VARIABLES: Final[Mapping[str, tuple[str, ...]]] = _variables()
"""Each variable with its flag, and the flag that means the opposite where there is one."""

_WITHOUT_VALUE: Final = _SWITCHES | {
    flag.names[0] for flag in LLAMA_FLAGS if not flag.arity and not flag.optional
}


def words_of_variable(name: str, value: str) -> list[str] | None:
    """The words that say the same on a command line; None for a name that llama.cpp does not read.

    A switch that is off gives no words, or those of the opposite flag.
    """
    plain = "LLAMA_ARG_" + name.removeprefix(_NO) if name.startswith(_NO) else name
    if name not in VARIABLES and plain in VARIABLES and len(VARIABLES[plain]) == 2:
        return [VARIABLES[plain][1]]
    if name not in VARIABLES:
        return None
    flag, *opposite = VARIABLES[name]
    if not opposite and flag not in _WITHOUT_VALUE:
        return [flag, value]
    word = value.strip().lower()
    if word in _ON:
        return [flag]
    return opposite if word in _OFF else []


def unread_words(name: str) -> str:
    """What is said of a variable of llama.cpp's kind that llama.cpp does not read."""
    longer = sorted((known for known in VARIABLES if known.startswith(name)), key=len)
    near = longer[:1] or difflib.get_close_matches(name[:60], VARIABLES, n=1, cutoff=0.75)
    hint = f"; it reads {near[0]}" if near else ""
    return f"{name} is not taken: llama.cpp reads no variable of this name{hint}."
