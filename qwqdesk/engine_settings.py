"""What can be asked of the engine; ENGINE_SETTINGS is the table that flags and dialog come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OverrideValue = int | float | bool | str


@dataclass(frozen=True)
class EngineSettings:
    """What the user asked for; what the context really has is reported by the engine.

    `n_ctx` is the context of one lane in tokens, 0 means automatic. `n_threads` 0 is llama.cpp's
    own count. `n_gpu_layers` -1 is automatic by free memory, `ALL_LAYERS` is all of them.
    """

    n_ctx: int = 0
    n_batch: int = 2048
    n_ubatch: int = 512
    n_threads: int = 0
    n_gpu_layers: int = -1
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


ALL_LAYERS = 999
