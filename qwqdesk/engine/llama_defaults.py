"""Is this the llama.cpp that our structures describe?

llama.cpp's parameter structures change between releases, and ctypes cannot see it: a library of
another release would read our values in the wrong fields. Its own defaults give it away, since
every field has a known one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from qwqdesk.errors import UserError

Default = int | float | bool | None

# llama_model_default_params() and llama_context_default_params() of llama.cpp 0c1e57098; None is a
# null pointer.
MODEL_DEFAULTS: Final[Mapping[str, Default]] = MappingProxyType(
    {
        "devices": None,
        "tensor_buft_overrides": None,
        "n_gpu_layers": -1,
        "split_mode": 1,
        "load_mode": -1,
        "lazy_mode": 1,
        "main_gpu": 0,
        "tensor_split": None,
        "progress_callback": None,
        "progress_callback_user_data": None,
        "kv_overrides": None,
        "vocab_only": False,
        "check_tensors": False,
        "use_extra_bufts": True,
        "no_host": False,
        "no_alloc": False,
        "load_mtp": False,
    }
)
CONTEXT_DEFAULTS: Final[Mapping[str, Default]] = MappingProxyType(
    {
        "n_ctx": 512,
        "n_batch": 2048,
        "n_ubatch": 512,
        "n_seq_max": 1,
        "n_rs_seq": 0,
        "n_outputs_max": 0,
        "n_outputs_max_per_seq": 1,
        "n_threads": 4,
        "n_threads_batch": 4,
        "ctx_type": 0,
        "rope_scaling_type": -1,
        "pooling_type": -1,
        "attention_type": -1,
        "flash_attn_type": -1,
        "rope_freq_base": 0.0,
        "rope_freq_scale": 0.0,
        "yarn_ext_factor": -1.0,
        "yarn_attn_factor": -1.0,
        "yarn_beta_fast": -1.0,
        "yarn_beta_slow": -1.0,
        "yarn_orig_ctx": 0,
        "defrag_thold": -1.0,
        "cb_eval": None,
        "cb_eval_user_data": None,
        "type_k": 1,
        "type_v": 1,
        "abort_callback": None,
        "abort_callback_data": None,
        "embeddings": False,
        "offload_kqv": True,
        "no_perf": True,
        "op_offload": True,
        "swa_full": True,
        "kv_unified": False,
        "samplers": None,
        "n_samplers": 0,
        "ctx_other": None,
    }
)


def require_known_defaults(api: Any, version: str) -> None:
    """Refuse a library whose parameters are not the known ones, before anything is loaded with it.

    Raises:
        UserError: code "engine".
    """
    for function, known in (
        ("llama_model_default_params", MODEL_DEFAULTS),
        ("llama_context_default_params", CONTEXT_DEFAULTS),
    ):
        make = getattr(api, function, None)
        wrong = _difference(make(), known) if make is not None else f"{function} is missing"
        if wrong:
            raise UserError(
                f"The installed llama-cpp-python {version} does not match this program: {wrong}.",
                "Install the matching version with: uv sync --reinstall-package llama-cpp-python",
                code="engine",
            )


def _difference(params: Any, known: Mapping[str, Default]) -> str:
    """The first field that is not as known, in words; empty when all are."""
    names = [field[0] for field in params._fields_]
    for name in (*known, *names):
        if name not in names:
            return f"its parameters have no {name}"
        if name not in known:
            return f"its parameters have an unknown {name}"
        value = getattr(params, name)
        expected = known[name]
        if bool(value) if expected is None else value != expected:
            wanted = "empty" if expected is None else expected
            return f"the default of {name} is {value}, not {wanted}"
    return ""
