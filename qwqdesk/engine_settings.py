"""What can be asked of the engine; ENGINE_SETTINGS is the table that flags and dialog come from."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from qwqdesk.errors import UserError
from qwqdesk.sampling.param import INT32_MAX, Param, shown

OverrideValue = int | float | bool | str
SettingKind = Literal["int", "float", "bool", "choice", "override", "text"]

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
_MOST_TEXT: Final = 8192
_INT64_MAX: Final = 2**63 - 1


@dataclass(frozen=True)
class EngineSetting:
    """One field of `EngineSettings`: llama.cpp's flags, range or choices, and meaning.

    `flags` are the spellings that take a value; the first one is written on export. For kind
    "bool", `on_flags` and `off_flags` switch it. Minimum and maximum are inclusive. A "text" is in
    llama.cpp's own form; `example` shows it, `canonical` checks it and gives it back as it is kept.
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
    example: str = ""
    canonical: Callable[[str], str] = str

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
        if self.kind == "text":
            return self._checked_text(value)
        names = [choice or "the model's own" for choice in self.choices]
        allowed = ", ".join(names) if self.choices else "true and false"
        what = f"{self.field} cannot be {shown(value)}: allowed are {allowed}."
        raise UserError(what, f"Give {self.field} an allowed value.", code="value")

    def _checked_text(self, value: object) -> str:
        if isinstance(value, str) and "\0" not in value and len(value) <= _MOST_TEXT:
            try:
                return self.canonical(value)
            except ValueError as error:
                what = f"{self.field} cannot be {shown(value)}: {error}."
                todo = f"Write for example {self.flags[0]} {self.example}."
                raise UserError(what, todo, code="value") from None
        what = f"{self.field} cannot be {shown(value)}: allowed is a text."
        raise UserError(what, f"Write for example {self.flags[0]} {self.example}.", code="value")


@dataclass(frozen=True)
class LoraAdapter:
    """A LoRA adapter's GGUF file and how strongly it counts."""

    path: str
    scale: float = 1.0


def tensor_overrides(text: str) -> tuple[tuple[str, str], ...]:
    """Patterns of tensor names with the buffer types they go to, from llama.cpp's -ot.

    Raises:
        ValueError: in words.
    """
    found = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        pattern, equals, buffer_type = entry.partition("=")
        if not (pattern and equals and buffer_type):
            raise ValueError(f"{entry!r} is not PATTERN=BUFFER")
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a pattern ({error})") from None
        found.append((pattern, buffer_type))
    return tuple(found)


def expert_patterns(settings: EngineSettings) -> tuple[str, ...]:
    """Patterns of the tensors that -cmoe and -ncmoe keep on the CPU (common.h of llama.cpp)."""
    experts = r"\.ffn_(up|down|gate|gate_up)_(ch|)exps"
    every = (experts,) if settings.cpu_moe else ()
    return every + tuple(rf"blk\.{layer}{experts}" for layer in range(settings.n_cpu_moe))


def device_names(text: str) -> tuple[str, ...]:
    """The devices of -dev; () is llama.cpp's own choice, ("none",) is no device."""
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def split_parts(text: str) -> tuple[float, ...]:
    """The proportions of -ts, one for each GPU.

    Raises:
        ValueError: in words.
    """
    words = list(filter(None, (word.strip() for word in re.split(r"[,/]", text))))
    if not all(re.fullmatch(r"[0-9]{0,9}\.?[0-9]{0,9}", word) and word != "." for word in words):
        raise ValueError("it is not a list of numbers that are 0 or more")
    parts = tuple(float(word) for word in words)
    if parts and not any(parts):
        raise ValueError("no device gets a part")
    return parts


def lora_adapters(text: str) -> tuple[LoraAdapter, ...]:
    """The adapters of --lora: FILE or FILE:SCALE, with commas between, quoted as in CSV.

    Raises:
        ValueError: in words.
    """
    try:
        entries = [item.strip() for row in csv.reader([text]) for item in row]
    except csv.Error:
        raise ValueError("it is not a list of files") from None
    return tuple(_lora(entry) for entry in entries if entry)


def _lora(entry: str) -> LoraAdapter:
    path, colon, scale = entry.rpartition(":")
    if not colon or not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", scale):
        return LoraAdapter(entry)  # the colon belongs to the path, as in C:\adapter.gguf
    if not path or not math.isfinite(float(scale)):
        raise ValueError(f"{entry!r} is not FILE:SCALE")
    return LoraAdapter(path, float(scale))


def _kept_overrides(text: str) -> str:
    return ",".join(f"{pattern}={buffer_type}" for pattern, buffer_type in tensor_overrides(text))


def _kept_devices(text: str) -> str:
    return ",".join(device_names(text))


def _kept_parts(text: str) -> str:
    return ",".join(f"{part:g}" for part in split_parts(text))


def _kept_loras(text: str) -> str:
    """A scale of 1 is left away."""
    return ",".join(lora_text(adapter) for adapter in lora_adapters(text))


def lora_text(adapter: LoraAdapter) -> str:
    """FILE or FILE:SCALE, quoted where a list needs it."""
    entry = adapter.path if adapter.scale == 1 else f"{adapter.path}:{adapter.scale:g}"
    # A file whose name itself ends like a scale needs one.
    text = entry if entry != adapter.path or _lora(entry) == adapter else f"{entry}:1"
    return '"' + text.replace('"', '""') + '"' if re.search(r'[,"\n\r]', text) else text


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
    _choice("type_k", "--cache-type-k -ctk", "K cache type", CACHE_TYPES,
            "Smaller types save memory and lose precision."),
    _choice("type_v", "--cache-type-v -ctv", "V cache type", CACHE_TYPES,
            "Smaller types save memory, lose precision and need flash attention."),
    EngineSetting("swa_full", "bool", (), "Full sliding-window cache",
                  "Keeps every token in the cache of layers that look at a window only; it takes "
                  "more memory and changes rounding in texts longer than the window.",
                  on_flags=("--swa-full",), off_flags=("--no-swa-full",)),
    EngineSetting("use_mmap", "bool", (), "Memory-map (mmap)",
                  "Reads the model's pages when they are needed.",
                  on_flags=("--mmap",), off_flags=("--no-mmap",)),
    EngineSetting("use_mlock", "bool", (), "Lock in RAM (mlock)",
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
    EngineSetting("devices", "text", ("--device", "-dev"), "Devices",
                  "The devices to use, with commas between; none is the processor alone, empty is "
                  "llama.cpp's choice.",
                  example="CUDA0,CUDA1", canonical=_kept_devices),
    _choice("split_mode", "--split-mode -sm", "Split mode", ("layer", "none", "row", "tensor"),
            "How a model is divided over several GPUs; none uses the main GPU alone."),
    EngineSetting("tensor_split", "text", ("--tensor-split", "-ts"), "Parts of the GPUs",
                  "How much of the model each GPU gets; empty is by free memory.",
                  example="3,1", canonical=_kept_parts),
    _int("main_gpu", "--main-gpu -mg", "Main GPU", 0, 1024,
         "The GPU's number for the whole model (split mode none) or for results (row)."),
    EngineSetting("kv_offload", "bool", (), "Cache on the GPU",
                  "Keeps the KV cache of layers on the GPU there, too.",
                  on_flags=("--kv-offload", "-kvo"), off_flags=("--no-kv-offload", "-nkvo")),
    EngineSetting("cpu_moe", "bool", (), "Experts on the CPU",
                  "Keeps the weights of all experts (MoE) in the machine's memory.",
                  on_flags=("--cpu-moe", "-cmoe"), off_flags=("--no-cpu-moe",)),
    _int("n_cpu_moe", "--n-cpu-moe -ncmoe", "Layers with experts on the CPU", 0, 10_000,
         "Keeps the experts of the first layers in the machine's memory."),
    EngineSetting("override_tensor", "text", ("--override-tensor", "-ot"), "Tensors elsewhere",
                  "Where tensors go whose names fit a pattern: PATTERN=BUFFER, commas between.",
                  example="exps=CPU", canonical=_kept_overrides),
    EngineSetting("lora", "text", ("--lora",), "LoRA adapters",
                  "Adapters that change the model: FILE or FILE:SCALE, with commas between.",
                  example="adapter.gguf:0.5", canonical=_kept_loras),
    _int("priority", "--prio", "Priority", -1, 3,
         "Of the program's threads: -1 low, 0 normal, 1 medium, 2 high, 3 realtime."),
)
# fmt: on

PLACEMENT: Final = (
    "devices",
    "split_mode",
    "tensor_split",
    "main_gpu",
    "kv_offload",
    "cpu_moe",
    "n_cpu_moe",
    "override_tensor",
)

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
    swa_full: bool = False
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
    devices: str = ""
    split_mode: Literal["layer", "none", "row", "tensor"] = "layer"
    tensor_split: str = ""
    main_gpu: int = 0
    kv_offload: bool = True
    cpu_moe: bool = False
    n_cpu_moe: int = 0
    override_tensor: str = ""
    lora: str = ""
    priority: int = 0

    def __post_init__(self) -> None:
        for setting in ENGINE_SETTINGS:
            checked = setting.check(getattr(self, setting.field))
            object.__setattr__(self, setting.field, checked)

    @property
    def places_weights(self) -> bool:
        """Whether anything but the number of layers says where weights and cache lie."""
        return replace(EngineSettings(), **{name: getattr(self, name) for name in PLACEMENT}) != (
            EngineSettings()
        )

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
