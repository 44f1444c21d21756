"""What can be asked of the engine; ENGINE_SETTINGS is the table that flags and dialog come from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from qwqdesk.errors import UserError
from qwqdesk.sampling.param import INT32_MAX, Param, shown

OverrideValue = int | float | bool | str
SettingKind = Literal["int", "float", "bool", "choice", "override"]

ALL_LAYERS: Final = 999
AUTO_LAYERS: Final = -1
CACHE_TYPES: Final = (
    "f32",
    "f16",
    "bf16",
    "q8_0",
    "q4_0",
    "q4_1",
    "iq4_nl",
    "q5_0",
    "q5_1",
)
MAX_THREADS: Final = 512  # ggml's own limit (GGML_MAX_N_THREADS)
_MAX_TEXT_BYTES: Final = 127  # llama_model_kv_override holds 128 bytes with the final zero
_INT64_MAX: Final = 2**63 - 1


@dataclass(frozen=True)
class EngineSetting:
    """One field of `EngineSettings`: llama.cpp's flags, range or choices, and meaning.

    `flags` are the spellings that take a value; the first one is written on export. For kind
    "bool", `on_flags` and `off_flags` switch it. Minimum and maximum are inclusive.
    """

    field: str
    kind: SettingKind
    flags: tuple[str, ...]
    title: str
    meaning: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    on_flags: tuple[str, ...] = ()
    off_flags: tuple[str, ...] = ()

    @property
    def number(self) -> Param:
        """The same bounds as a `Param`, which checks and reads numbers."""
        kind: Literal["int", "float"] = "int" if self.kind == "int" else "float"
        return Param(
            self.field,
            kind,
            self.flags,
            0,
            self.title,
            self.meaning,
            minimum=self.minimum,
            maximum=self.maximum,
        )

    def check(self, value: object) -> object:
        """The value in its canonical type.

        Raises:
            UserError: naming the setting, the value and what is allowed.
        """
        if self.kind in ("int", "float"):
            return self.number.check(value)
        if self.kind == "bool" and isinstance(value, bool):
            return value
        if self.kind == "choice" and isinstance(value, str) and value in self.choices:
            return str(value)
        if self.kind == "override":
            return _checked_overrides(value)
        names = [choice or "the model's own" for choice in self.choices]
        allowed = ", ".join(names) if self.choices else "true and false"
        what = f"{self.field} cannot be {shown(value)}: allowed are {allowed}."
        raise UserError(what, f"Give {self.field} an allowed value.", code="value")


def _int(field: str, flags: str, title: str, low: int, high: int, meaning: str) -> EngineSetting:
    names = tuple(flags.split())
    return EngineSetting(field, "int", names, title, meaning, minimum=low, maximum=high)


def _float(field: str, flag: str, title: str, low: float, meaning: str) -> EngineSetting:
    return EngineSetting(field, "float", (flag,), title, meaning, minimum=low)


def _choice(
    field: str, flags: str, title: str, choices: tuple[str, ...], meaning: str
) -> EngineSetting:
    return EngineSetting(field, "choice", tuple(flags.split()), title, meaning, choices)


# fmt: off
ENGINE_SETTINGS: Final[tuple[EngineSetting, ...]] = (
    _int("n_ctx", "--ctx-size -c", "Context", 0, INT32_MAX,
         "Tokens of one lane, prompt and reply together; 0 is automatic."),
    _int("n_batch", "--batch-size -b", "Batch", 1, INT32_MAX,
         "Most tokens handed to the model in one call."),
    _int("n_ubatch", "--ubatch-size -ub", "Micro-batch", 1, INT32_MAX,
         "Most tokens computed together; it changes rounding and therefore the text."),
    _int("n_threads", "--threads -t", "Threads", 0, MAX_THREADS,
         "CPU threads while generating; 0 counts as llama.cpp does."),
    _int("n_threads_batch", "--threads-batch -tb", "Threads for prompts", 0, MAX_THREADS,
         "CPU threads while reading the prompt; 0 is the same as for generating."),
    _int("n_gpu_layers", "--n-gpu-layers -ngl --gpu-layers", "GPU layers", AUTO_LAYERS, INT32_MAX,
         "Layers on the GPU; -1 is automatic by free memory, 999 is all of them."),
    _choice("flash_attn", "--flash-attn -fa", "Flash attention", ("auto", "on", "off"),
            "A faster way to compute attention; it changes rounding."),
    _choice("type_k", "--cache-type-k -ctk", "Cache type of keys", CACHE_TYPES,
            "Smaller types save memory and lose precision."),
    _choice("type_v", "--cache-type-v -ctv", "Cache type of values", CACHE_TYPES,
            "Smaller types save memory, lose precision and need flash attention."),
    EngineSetting("use_mmap", "bool", (), "Map the file",
                  "Reads the model's pages when they are needed.",
                  on_flags=("--mmap",), off_flags=("--no-mmap",)),
    EngineSetting("use_mlock", "bool", (), "Keep in memory",
                  "Asks the system never to swap the model out.",
                  on_flags=("--mlock",), off_flags=("--no-mlock",)),
    _choice("rope_scaling", "--rope-scaling", "RoPE scaling", ("", "none", "linear", "yarn"),
            "How positions beyond the trained length are mapped; empty is the model's own."),
    _float("rope_freq_base", "--rope-freq-base", "RoPE base", 0.0,
           "Base frequency; 0 is the model's own."),
    _float("rope_freq_scale", "--rope-freq-scale", "RoPE scale", 0.0,
           "Context is stretched by 1 / scale; 0 is the model's own."),
    _int("yarn_orig_ctx", "--yarn-orig-ctx", "YaRN original context", 0, INT32_MAX,
         "Length the model was trained with; 0 is the model's own."),
    _float("yarn_ext_factor", "--yarn-ext-factor", "YaRN mix", -1.0,
           "Extrapolation mix; -1 is the model's own, 0 interpolates fully."),
    _float("yarn_attn_factor", "--yarn-attn-factor", "YaRN attention", -1.0,
           "Scale of the attention; -1 is the model's own."),
    _float("yarn_beta_fast", "--yarn-beta-fast", "YaRN beta fast", -1.0,
           "Low correction dimension; -1 is the model's own."),
    _float("yarn_beta_slow", "--yarn-beta-slow", "YaRN beta slow", -1.0,
           "High correction dimension; -1 is the model's own."),
    EngineSetting("override_kv", "override", ("--override-kv",), "Overrides",
                  "Metadata of the model that is replaced while loading."),
    _int("priority", "--prio", "Priority", -1, 3,
         "Of the program's threads: -1 low, 0 normal, 1 medium, 2 high, 3 realtime."),
)
# fmt: on

SETTINGS_BY_FIELD: Final[Mapping[str, EngineSetting]] = MappingProxyType(
    {setting.field: setting for setting in ENGINE_SETTINGS}
)


@dataclass(frozen=True)
class EngineSettings:
    """What the user asked for; what the context really has is reported by the engine.

    `n_ctx` is the context of one lane in tokens, 0 means automatic. `n_threads` 0 is llama.cpp's
    own count. `n_gpu_layers` -1 is automatic by free memory, `ALL_LAYERS` is all of them.

    Raises:
        UserError: for a value outside its range; the message names field, value and range.
    """

    n_ctx: int = 0
    n_batch: int = 2048
    n_ubatch: int = 512
    n_threads: int = 0
    n_threads_batch: int = 0
    n_gpu_layers: int = AUTO_LAYERS
    flash_attn: Literal["auto", "on", "off"] = "auto"
    type_k: str = "f16"
    type_v: str = "f16"
    use_mmap: bool = True
    use_mlock: bool = False
    rope_scaling: Literal["", "none", "linear", "yarn"] = ""
    rope_freq_base: float = 0.0
    rope_freq_scale: float = 0.0
    yarn_orig_ctx: int = 0
    yarn_ext_factor: float = -1.0
    yarn_attn_factor: float = -1.0
    yarn_beta_fast: float = -1.0
    yarn_beta_slow: float = -1.0
    override_kv: tuple[tuple[str, OverrideValue], ...] = ()
    priority: int = 0

    def __post_init__(self) -> None:
        for setting in ENGINE_SETTINGS:
            checked = setting.check(getattr(self, setting.field))
            object.__setattr__(self, setting.field, checked)

    def to_json(self) -> dict[str, Any]:
        """A strict JSON object with every field; overrides are [key, value] pairs."""
        out = asdict(self)
        out["override_kv"] = [list(pair) for pair in self.override_kv]
        return out

    @classmethod
    def from_json(cls, data: object) -> EngineSettings:
        """The settings that `to_json` wrote; missing fields get their defaults.

        Raises:
            UserError: for anything that is not such an object.
        """
        if not isinstance(data, Mapping):
            what = f"The engine settings must be an object, not {shown(data)}."
            raise UserError(what, "Give an object with names and values.", code="value")
        unknown = [name for name in data if name not in SETTINGS_BY_FIELD]
        if unknown:
            what = f"There is no engine setting named {shown(unknown[0])!r}."
            known = ", ".join(SETTINGS_BY_FIELD)
            raise UserError(what, f"The settings are: {known}.", code="value")
        return cls(**cast("dict[str, Any]", dict(data)))


def _checked_overrides(value: object) -> tuple[tuple[str, OverrideValue], ...]:
    if not isinstance(value, (list, tuple)):
        raise _override_error(value)
    return tuple(_checked_override(entry) for entry in value)


def _checked_override(entry: object) -> tuple[str, OverrideValue]:
    if not isinstance(entry, (list, tuple)) or len(entry) != 2:
        raise _override_error(entry)
    key, value = entry
    if not isinstance(key, str) or not key or not _fits(key):
        raise _override_error(key)
    if isinstance(value, bool) or (isinstance(value, float) and math.isfinite(value)):
        return key, value
    if isinstance(value, int) and -_INT64_MAX - 1 <= value <= _INT64_MAX:
        return key, value
    if isinstance(value, str) and _fits(value):
        return key, value
    raise _override_error(f"{key} = {value!r}")


def _fits(text: str) -> bool:
    try:
        return len(text.encode("utf-8")) <= _MAX_TEXT_BYTES and "\0" not in text
    except UnicodeEncodeError:
        return False


def _override_error(value: object) -> UserError:
    return UserError(
        f"override_kv cannot be {shown(value)}: allowed are pairs of a metadata key and a number, "
        f"true, false or a text, key and text of at most {_MAX_TEXT_BYTES} bytes.",
        "Write for example --override-kv qwen2.context_length=int:131072.",
        code="value",
    )
