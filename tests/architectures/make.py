"""Writes tiny models of many architectures with random weights, the same bytes every time.

    python -m tests.architectures.make FOLDER [NAME...]

Names, keys and shapes are those of llama.cpp 0c1e57098 (src/models/*.cpp). A model's text is noise,
its arithmetic is that of its kind: norms are 1 and weights are spread so that the logits are
neither flat nor one token's alone.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from tests.tiny_model import TEMPLATE, byte_letters
from tests.unit.models.gguf_writer import BOOL, F32, I32, U32, GgufFile

Shape = tuple[int, ...]
Value = int | float | bool | Sequence[int] | Sequence[bool] | Sequence[float]
Memory = Literal["plain", "windowed", "recurrent", "hybrid"]

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>")
_VOWELS, _CONSONANTS = "aeiou", "bcdfghjklmnpqrstvwxyz"
WIDTH, FEED_FORWARD, HEADS, HEADS_KV, HEAD = 64, 96, 2, 1, 32
CONTEXT, WINDOW = 4096, 64
Q, KV = HEADS * HEAD, HEADS_KV * HEAD
EXPERTS = 4


def vocabulary() -> tuple[list[str], list[str]]:
    """Tokens as GPT-2 writes them, and the merges: printable characters, syllables, specials.

    There are no tokens of other bytes, so that what is generated is always text.
    """
    letters = byte_letters()
    plain = [letters[byte] for byte in (10, *range(32, 127))]
    pairs = [(a, b) for a in _CONSONANTS for b in _VOWELS]
    pairs += [(b, a) for a, b in pairs]
    tokens = [*plain, *(a + b for a, b in pairs)]
    tokens += [f"~{n}~" for n in range(320 - len(tokens) - len(SPECIAL))]
    return [*tokens, *SPECIAL], [f"{a} {b}" for a, b in pairs]


@dataclass(frozen=True)
class Architecture:
    """A model: `keys` behind the architecture's name, shapes of tensors, and exceptions.

    `blocks` are the shapes of each layer's tensors; a row's length comes first, as GGUF has it.
    `values` gives tensors whose name ends so one value in place of random ones.
    """

    name: str
    memory: Memory
    keys: Mapping[str, Value]
    blocks: Sequence[Mapping[str, Shape]]
    outer: Mapping[str, Shape] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)

    def write(self, path: Path) -> Path:
        """Write the file."""
        file = GgufFile()
        # llama.cpp looks for tokens that Phi's vocabulary has where the name is Phi's.
        file.string("general.architecture", self.name).string("general.name", "random weights")
        file.scalar("general.file_type", U32, 0)
        for key, value in {**_common(len(self.blocks)), **self.keys}.items():
            _add(file, f"{self.name}.{key}", value)
        _add_vocabulary(file)
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        shapes = {"token_embd.weight": (WIDTH, 320), "output_norm.weight": (WIDTH,), **self.outer}
        for number, block in enumerate(self.blocks):
            shapes |= {f"blk.{number}.{name}": shape for name, shape in block.items()}
        data = b""
        for name, shape in shapes.items():
            file.tensor(name, shape, "F32")
            values = self._values(rng, name, shape).astype("<f4").tobytes()
            data += values + bytes(-len(values) % file.alignment)
        empty = file.build()
        path.write_bytes(empty[: len(empty) - len(data)] + data)
        return path

    def _values(self, rng: np.random.Generator, name: str, shape: Shape) -> np.ndarray:
        ending = next((each for each in self.values if name.endswith(each)), None)
        if ending is not None:
            return np.full(shape[::-1], self.values[ending])
        if "norm" in name or name.endswith("_ln.weight"):
            return np.full(shape[::-1], 0.0 if name.endswith("bias") else 1.0)
        spread = 0.25 if name.startswith(("token_embd", "output")) else 0.15
        return rng.standard_normal(shape[::-1]) * spread


def _common(blocks: int) -> dict[str, Value]:
    return {
        "context_length": CONTEXT,
        "embedding_length": WIDTH,
        "block_count": blocks,
        "feed_forward_length": FEED_FORWARD,
        "attention.head_count": HEADS,
        "attention.head_count_kv": HEADS_KV,
        "attention.key_length": HEAD,
        "attention.value_length": HEAD,
        "attention.layer_norm_rms_epsilon": 1e-5,
        "rope.dimension_count": HEAD,
        "rope.freq_base": 10000.0,
    }


def _add(file: GgufFile, key: str, value: Value) -> None:
    if isinstance(value, bool):
        file.scalar(key, BOOL, value)
    elif isinstance(value, int):
        file.scalar(key, U32, value)
    elif isinstance(value, float):
        file.scalar(key, F32, value)
    else:
        kinds = {bool: BOOL, int: U32, float: F32}
        file.numbers(key, kinds[type(value[0])], value)


def _add_vocabulary(file: GgufFile) -> None:
    tokens, merges = vocabulary()
    file.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", "qwen2")
    file.strings("tokenizer.ggml.tokens", tokens)
    types = [1] * (len(tokens) - len(SPECIAL)) + [3] * 3 + [4] * 2
    file.numbers("tokenizer.ggml.token_type", I32, types)
    file.strings("tokenizer.ggml.merges", merges)
    file.scalar("tokenizer.ggml.eos_token_id", U32, tokens.index("<|im_end|>"))
    file.scalar("tokenizer.ggml.add_bos_token", BOOL, False)
    file.string("tokenizer.chat_template", TEMPLATE)


# ---------------------------------------------------------------- parts of layers


def attention(*, bias: bool = False, norms: bool = False) -> dict[str, Shape]:
    """Queries, keys and values apart."""
    found: dict[str, Shape] = {
        "attn_norm.weight": (WIDTH,),
        "attn_q.weight": (WIDTH, Q),
        "attn_k.weight": (WIDTH, KV),
        "attn_v.weight": (WIDTH, KV),
        "attn_output.weight": (Q, WIDTH),
    }
    if bias:
        found |= {"attn_q.bias": (Q,), "attn_k.bias": (KV,), "attn_v.bias": (KV,)}
    if norms:
        found |= {"attn_q_norm.weight": (HEAD,), "attn_k_norm.weight": (HEAD,)}
    return found


def dense(norm: str = "ffn_norm.weight") -> dict[str, Shape]:
    """A gated feed-forward network."""
    return {
        norm: (WIDTH,),
        "ffn_gate.weight": (WIDTH, FEED_FORWARD),
        "ffn_up.weight": (WIDTH, FEED_FORWARD),
        "ffn_down.weight": (FEED_FORWARD, WIDTH),
    }


def experts(norm: str = "ffn_norm.weight") -> dict[str, Shape]:
    """Experts of which some compute each token."""
    return {
        norm: (WIDTH,),
        "ffn_gate_inp.weight": (WIDTH, EXPERTS),
        "ffn_gate_exps.weight": (WIDTH, FEED_FORWARD, EXPERTS),
        "ffn_up_exps.weight": (WIDTH, FEED_FORWARD, EXPERTS),
        "ffn_down_exps.weight": (FEED_FORWARD, WIDTH, EXPERTS),
    }


def shared_expert() -> dict[str, Shape]:
    """One that computes every token."""
    return {
        "ffn_gate_shexp.weight": (WIDTH, FEED_FORWARD),
        "ffn_up_shexp.weight": (WIDTH, FEED_FORWARD),
        "ffn_down_shexp.weight": (FEED_FORWARD, WIDTH),
    }


SOME_EXPERTS: dict[str, Value] = {
    "expert_count": EXPERTS,
    "expert_used_count": 2,
    "expert_feed_forward_length": FEED_FORWARD,
}
SEPARATE: dict[str, Shape] = {"output.weight": (WIDTH, 320)}
NORMED: dict[str, Shape] = {
    "token_embd_norm.weight": (WIDTH,),
    "token_embd_norm.bias": (WIDTH,),
    "output_norm.bias": (WIDTH,),
    **SEPARATE,
}
WINDOWED: dict[str, Value] = {
    "attention.sliding_window": WINDOW,
    "attention.sliding_window_pattern": [True, False],
}


# ---------------------------------------------------------------- the architectures


def _plain(
    name: str,
    block: Mapping[str, Shape],
    keys: Mapping[str, Value] | None = None,
    outer: Mapping[str, Shape] = SEPARATE,
    memory: Memory = "plain",
) -> Architecture:
    return Architecture(name, memory, keys or {}, [block] * 2, outer)


def _bloom() -> Architecture:
    norms = {"attn_norm.weight": (WIDTH,), "attn_norm.bias": (WIDTH,)}
    block: dict[str, Shape] = {
        **norms,
        "attn_qkv.weight": (WIDTH, 3 * WIDTH),
        "attn_qkv.bias": (3 * WIDTH,),
        "attn_output.weight": (WIDTH, WIDTH),
        "attn_output.bias": (WIDTH,),
        "ffn_norm.weight": (WIDTH,),
        "ffn_norm.bias": (WIDTH,),
        "ffn_up.weight": (WIDTH, FEED_FORWARD),
        "ffn_up.bias": (FEED_FORWARD,),
        "ffn_down.weight": (FEED_FORWARD, WIDTH),
        "ffn_down.bias": (WIDTH,),
    }
    outer = NORMED
    keys: dict[str, Value] = {
        "attention.layer_norm_epsilon": 1e-5,
        "attention.head_count": 2,
        "attention.head_count_kv": 2,
    }
    return Architecture("bloom", "plain", keys, [block] * 2, outer)


def _phi3() -> Architecture:
    """Two sets of RoPE factors, by the length of the context."""
    block = attention() | {"ffn_norm.weight": (WIDTH,)}
    block |= {
        "ffn_up.weight": (WIDTH, 2 * FEED_FORWARD),
        "ffn_down.weight": (FEED_FORWARD, WIDTH),
    }
    outer: dict[str, Shape] = {
        "rope_factors_long.weight": (HEAD // 2,),
        "rope_factors_short.weight": (HEAD // 2,),
        **SEPARATE,
    }
    keys: dict[str, Value] = {"rope.scaling.original_context_length": 2048}
    factors = {"rope_factors_long.weight": 4.0, "rope_factors_short.weight": 1.0}
    return Architecture("phi3", "plain", keys, [block] * 2, outer, factors)


def _gemma2() -> Architecture:
    """One tensor for input and output: wide layers, or a token would only say itself."""
    block = attention() | dense() | {"post_attention_norm.weight": (WIDTH,)}
    block |= {"post_ffw_norm.weight": (WIDTH,)}
    keys = {**WINDOWED, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}
    wide = {"post_attention_norm.weight": 6.0, "post_ffw_norm.weight": 6.0}
    return Architecture("gemma2", "windowed", keys, [block] * 2, {}, wide)


def _gemma3() -> Architecture:
    block = attention(norms=True) | dense() | {"post_attention_norm.weight": (WIDTH,)}
    block |= {"post_ffw_norm.weight": (WIDTH,)}
    return _plain("gemma3", block, WINDOWED, memory="windowed")


def _gpt_oss() -> Architecture:
    block = attention(bias=True) | experts("post_attention_norm.weight")
    block |= {
        "attn_output.bias": (WIDTH,),
        "attn_sinks.weight": (HEADS,),
        "ffn_gate_inp.bias": (EXPERTS,),
        "ffn_gate_exps.bias": (FEED_FORWARD, EXPERTS),
        "ffn_up_exps.bias": (FEED_FORWARD, EXPERTS),
        "ffn_down_exps.bias": (WIDTH, EXPERTS),
    }
    return _plain("gpt-oss", block, {**WINDOWED, **SOME_EXPERTS}, memory="windowed")


def _deepseek2() -> Architecture:
    """Multi-head latent attention: one row a token from which keys and values are made."""
    latent, rope, key, value, queries = 32, 16, 32, 32, 48
    rows = key - rope
    block: dict[str, Shape] = {
        "attn_norm.weight": (WIDTH,),
        "attn_q_a_norm.weight": (queries,),
        "attn_kv_a_norm.weight": (latent,),
        "attn_q_a.weight": (WIDTH, queries),
        "attn_q_b.weight": (queries, HEADS * key),
        "attn_kv_a_mqa.weight": (WIDTH, latent + rope),
        "attn_k_b.weight": (rows, latent, HEADS),
        "attn_v_b.weight": (latent, value, HEADS),
        "attn_output.weight": (HEADS * value, WIDTH),
    }
    keys: dict[str, Value] = {
        **SOME_EXPERTS,
        "leading_dense_block_count": 1,
        "expert_shared_count": 1,
        "expert_gating_func": 2,
        "expert_weights_scale": 1.0,
        "attention.head_count_kv": 1,
        "attention.q_lora_rank": queries,
        "attention.kv_lora_rank": latent,
        "attention.key_length": latent + rope,
        "attention.value_length": latent,
        "attention.key_length_mla": key,
        "attention.value_length_mla": value,
        "rope.dimension_count": rope,
    }
    second = block | experts() | shared_expert() | {"exp_probs_b.bias": (EXPERTS,)}
    return Architecture("deepseek2", "plain", keys, [block | dense(), second], SEPARATE)


def _deepseek4() -> Architecture:
    """Windows with compressed rows behind them, an indexer, and four residual streams."""
    queries, out, groups, streams, indexers, index = 32, 16, 2, 4, 64, 128
    mixed = streams * WIDTH
    mixes = 2 * streams + streams * streams
    head = 64
    block: dict[str, Shape] = {
        "attn_norm.weight": (WIDTH,),
        "attn_q_a_norm.weight": (queries,),
        "attn_q_a.weight": (WIDTH, queries),
        "attn_q_b.weight": (queries, HEADS * head),
        "attn_kv.weight": (WIDTH, head),
        "attn_kv_a_norm.weight": (head,),
        "attn_output_a.weight": (HEADS * head // groups, out, groups),
        "attn_output_b.weight": (out * groups, WIDTH),
        "attn_sinks.weight": (HEADS,),
        "hc_attn_fn.weight": (mixed, mixes),
        "hc_attn_base.weight": (mixes,),
        "hc_attn_scale.weight": (3,),
        "hc_ffn_fn.weight": (mixed, mixes),
        "hc_ffn_base.weight": (mixes,),
        "hc_ffn_scale.weight": (3,),
        "exp_probs_b.bias": (EXPERTS,),
        **experts(),
        **shared_expert(),
    }
    compressed: dict[str, Shape] = {
        "attn_compressor_kv.weight": (WIDTH, 2 * head),
        "attn_compressor_gate.weight": (WIDTH, 2 * head),
        "attn_compressor_ape.weight": (2 * head, 4),
        "attn_compressor_norm.weight": (head,),
        "indexer_compressor_kv.weight": (WIDTH, 2 * index),
        "indexer_compressor_gate.weight": (WIDTH, 2 * index),
        "indexer_compressor_ape.weight": (2 * index, 4),
        "indexer_compressor_norm.weight": (index,),
        "indexer.proj.weight": (WIDTH, indexers),
        "indexer.attn_q_b.weight": (queries, indexers * index),
    }
    far: dict[str, Shape] = {
        "attn_compressor_kv.weight": (WIDTH, head),
        "attn_compressor_gate.weight": (WIDTH, head),
        "attn_compressor_ape.weight": (head, 128),
        "attn_compressor_norm.weight": (head,),
    }
    outer: dict[str, Shape] = {
        "output_hc_fn.weight": (mixed, streams),
        "output_hc_base.weight": (streams,),
        "output_hc_scale.weight": (1,),
        **SEPARATE,
    }
    keys: dict[str, Value] = {
        **SOME_EXPERTS,
        "expert_shared_count": 1,
        "expert_weights_scale": 1.0,
        "expert_weights_norm": True,
        "expert_gating_func": 4,
        "swiglu_clamp_exp": [10.0] * 4,
        "swiglu_clamp_shexp": [10.0] * 4,
        "attention.head_count_kv": 1,
        "attention.key_length": head,
        "attention.value_length": head,
        "attention.q_lora_rank": queries,
        "attention.sliding_window": WINDOW,
        "attention.indexer.head_count": indexers,
        "attention.indexer.key_length": index,
        "attention.indexer.top_k": 131072,
        "attention.output_group_count": groups,
        "attention.output_lora_rank": out,
        "attention.compress_rope_freq_base": 160000.0,
        "attention.compress_ratios": [0, 0, 4, 128],
        "hyper_connection.count": streams,
        "hyper_connection.sinkhorn_iterations": 2,
        "hyper_connection.epsilon": 1e-6,
        "hash_layer_count": 0,
        "rope.dimension_count": 32,
    }
    blocks = [block, block, block | compressed, block | far]
    return Architecture("deepseek4", "windowed", keys, blocks, outer)


INNER, STATE, KERNEL, GROUPS, STEPS = 128, 16, 4, 2, 4


def _ssm_keys(**more: Value) -> dict[str, Value]:
    return {
        "ssm.inner_size": INNER,
        "ssm.conv_kernel": KERNEL,
        "ssm.state_size": STATE,
        "ssm.time_step_rank": STEPS,
        **{f"ssm.{name}": value for name, value in more.items()},
    }


def _mamba2_layer() -> dict[str, Shape]:
    convolved = INNER + 2 * GROUPS * STATE
    return {
        "attn_norm.weight": (WIDTH,),
        "ssm_in.weight": (WIDTH, 2 * INNER + 2 * GROUPS * STATE + STEPS),
        "ssm_conv1d.weight": (KERNEL, convolved),
        "ssm_conv1d.bias": (convolved,),
        "ssm_dt.bias": (STEPS,),
        "ssm_a": (1, STEPS),
        "ssm_d": (1, STEPS),
        "ssm_norm.weight": (INNER // GROUPS, GROUPS),
        "ssm_out.weight": (INNER, WIDTH),
    }


# A state that fades slowly, so that it remembers more than a window would.
FADING = {"ssm_a": -0.5, "ssm_dt.bias": -2.0}
NO_HEADS: dict[str, Value] = {"attention.head_count": 0, "attention.head_count_kv": 0}


def _mamba2() -> Architecture:
    keys = _ssm_keys(group_count=GROUPS)
    return Architecture("mamba2", "recurrent", keys, [_mamba2_layer()] * 2, SEPARATE, FADING)


def _jamba() -> Architecture:
    """Attention in one layer, a state in the other."""
    state: dict[str, Shape] = {
        "attn_norm.weight": (WIDTH,),
        "ssm_in.weight": (WIDTH, 2 * INNER),
        "ssm_conv1d.weight": (KERNEL, INNER),
        "ssm_conv1d.bias": (INNER,),
        "ssm_x.weight": (INNER, STEPS + 2 * STATE),
        "ssm_dt_norm.weight": (STEPS,),
        "ssm_b_norm.weight": (STATE,),
        "ssm_c_norm.weight": (STATE,),
        "ssm_dt.weight": (STEPS, INNER),
        "ssm_dt.bias": (INNER,),
        "ssm_a": (STATE, INNER),
        "ssm_d": (INNER,),
        "ssm_out.weight": (INNER, WIDTH),
    }
    keys = _ssm_keys() | {"attention.head_count_kv": [HEADS_KV, 0]}
    blocks = [attention() | dense(), state | dense()]
    return Architecture("jamba", "hybrid", keys, blocks, SEPARATE, FADING)


def _falcon_h1() -> Architecture:
    """Attention and a state in every layer."""
    block = _mamba2_layer() | attention() | dense("ffn_norm")
    keys = _ssm_keys(group_count=GROUPS)
    return Architecture("falcon-h1", "hybrid", keys, [block] * 2, SEPARATE, FADING)


def _qwen35() -> Architecture:
    """Gated delta networks, and attention with gates in every other layer."""
    heads, key, groups = 4, 32, 2
    inner = heads * key
    convolved = inner + 2 * groups * key
    state: dict[str, Shape] = {
        "attn_norm.weight": (WIDTH,),
        "attn_qkv.weight": (WIDTH, convolved),
        "attn_gate.weight": (WIDTH, inner),
        "ssm_conv1d.weight": (KERNEL, convolved),
        "ssm_dt.bias": (heads,),
        "ssm_a": (heads,),
        "ssm_alpha.weight": (WIDTH, heads),
        "ssm_beta.weight": (WIDTH, heads),
        "ssm_norm.weight": (key,),
        "ssm_out.weight": (inner, WIDTH),
    }
    gated = attention(norms=True) | {"attn_q.weight": (WIDTH, 2 * Q)}
    keys: dict[str, Value] = {
        "ssm.inner_size": inner,
        "ssm.conv_kernel": KERNEL,
        "ssm.state_size": key,
        "ssm.time_step_rank": heads,
        "ssm.group_count": groups,
        "full_attention_interval": 2,
        "rope.dimension_sections": [8, 8, 8, 8],
    }
    blocks = [layer | dense("post_attention_norm.weight") for layer in (state, gated)]
    return Architecture("qwen35", "hybrid", keys, blocks, SEPARATE, FADING)


def _rwkv6() -> Architecture:
    head, mix, decay = 32, 8, 8
    block: dict[str, Shape] = {
        "attn_norm.weight": (WIDTH,),
        "attn_norm.bias": (WIDTH,),
        "attn_norm_2.weight": (WIDTH,),
        "attn_norm_2.bias": (WIDTH,),
        "time_mix_w1.weight": (WIDTH, 5 * mix),
        "time_mix_w2.weight": (mix, WIDTH, 5),
        "time_mix_lerp_x.weight": (WIDTH, 1, 1),
        "time_mix_lerp_fused.weight": (WIDTH, 1, 1, 5),
        "time_mix_first.weight": (head, WIDTH // head),
        "time_mix_decay.weight": (WIDTH,),
        "time_mix_decay_w1.weight": (WIDTH, decay),
        "time_mix_decay_w2.weight": (decay, WIDTH),
        **{f"time_mix_{n}.weight": (WIDTH, WIDTH) for n in ("key", "value", "receptance", "gate")},
        "time_mix_ln.weight": (WIDTH,),
        "time_mix_ln.bias": (WIDTH,),
        "time_mix_output.weight": (WIDTH, WIDTH),
        "channel_mix_lerp_k.weight": (WIDTH, 1, 1),
        "channel_mix_lerp_r.weight": (WIDTH, 1, 1),
        "channel_mix_key.weight": (WIDTH, FEED_FORWARD),
        "channel_mix_value.weight": (FEED_FORWARD, WIDTH),
        "channel_mix_receptance.weight": (WIDTH, WIDTH),
    }
    outer = NORMED
    keys: dict[str, Value] = {
        **NO_HEADS,
        "attention.layer_norm_epsilon": 1e-5,
        "wkv.head_size": head,
        "time_mix_extra_dim": mix,
        "time_decay_extra_dim": decay,
        "token_shift_count": 2,
    }
    values = {"time_mix_decay.weight": -2.0, "time_mix_ln.bias": 0.0}
    return Architecture("rwkv6", "recurrent", keys, [block] * 2, outer, values)


_QWEN2MOE = experts() | shared_expert() | {"ffn_gate_inp_shexp.weight": (WIDTH,)}
_GRANITE: dict[str, Value] = {
    "logit_scale": 1.0,
    "residual_scale": 1.0,
    "embedding_scale": 1.0,
    "attention.scale": HEAD**-0.5,
}
ARCHITECTURES: Mapping[str, Callable[[], Architecture]] = {
    "llama": lambda: _plain("llama", attention() | dense()),
    "mistral3": lambda: _plain("mistral3", attention() | dense()),
    "qwen2": lambda: _plain("qwen2", attention(bias=True) | dense()),
    "qwen2moe": lambda: _plain(
        "qwen2moe",
        attention(bias=True) | _QWEN2MOE,
        {**SOME_EXPERTS, "expert_shared_feed_forward_length": FEED_FORWARD},
    ),
    "qwen3": lambda: _plain("qwen3", attention(norms=True) | dense()),
    "qwen3moe": lambda: _plain("qwen3moe", attention(norms=True) | experts(), SOME_EXPERTS),
    "phi3": _phi3,
    "bloom": _bloom,
    "gemma2": _gemma2,
    "gemma3": _gemma3,
    "gpt-oss": _gpt_oss,
    "granite": lambda: _plain("granite", attention() | dense(), _GRANITE),
    "deepseek2": _deepseek2,
    "deepseek4": _deepseek4,
    "mamba2": _mamba2,
    "rwkv6": _rwkv6,
    "jamba": _jamba,
    "falcon-h1": _falcon_h1,
    "qwen35": _qwen35,
}


def main() -> None:
    """Write the models that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names or ARCHITECTURES:
        path = ARCHITECTURES[name]().write(options.folder / f"tiny-{name}.gguf")
        print(f"{path.stat().st_size:9,} bytes  {path}")


if __name__ == "__main__":
    main()
