"""Random chains for the comparison with llama.cpp's own programs."""

from __future__ import annotations

import random
from typing import Any

from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.samplers import DEFAULT_ORDER


def random_chain(rng: random.Random, *, n_predict: int) -> SamplerChain:
    """Any order, any subset, values that do something; every tenth is mirostat or adaptive_p."""
    order = [name for name in DEFAULT_ORDER if rng.random() < 0.7]
    rng.shuffle(order)
    if rng.random() < 0.1:
        order.append("adaptive_p")
    values: dict[str, Any] = {
        "temperature": round(rng.uniform(0.2, 1.6), 3),
        "dynatemp_range": rng.choice([0.0, 0.0, round(rng.uniform(0.1, 0.5), 3)]),
        "top_k": rng.choice([0, 5, 20, 40, 100]),
        "top_p": round(rng.uniform(0.6, 1.0), 3),
        "min_p": rng.choice([0.0, 0.05, 0.1, 0.02]),
        # typ_p behind masked candidates computes NaN in llama.cpp: left out with top_n_sigma.
        "typical_p": rng.choice([1.0, round(rng.uniform(0.5, 0.99), 3)]),
        "xtc_probability": rng.choice([0.0, 0.5, 0.9]),
        "xtc_threshold": rng.choice([0.05, 0.1, 0.2]),
        "repeat_last_n": rng.choice([0, 16, 64, 256]),
        "repeat_penalty": rng.choice([1.0, 1.1, 1.3, 1.5]),
        "presence_penalty": rng.choice([0.0, 0.2, 0.5]),
        "frequency_penalty": rng.choice([0.0, 0.1, 0.4]),
        "dry_multiplier": rng.choice([0.0, 0.5, 0.8]),
        "dry_base": rng.choice([1.5, 1.75, 2.0]),
        "dry_allowed_length": rng.choice([1, 2, 4]),
        "dry_penalty_last_n": rng.choice([0, 64, 512]),
        "adaptive_target": rng.choice([0.3, 0.6]),
        "adaptive_decay": rng.choice([0.5, 0.9]),
        "min_keep": rng.choice([0, 0, 1, 3]),
        "mirostat": rng.choice([0] * 18 + [1, 2]),
        "mirostat_tau": 4.0,
        "seed": rng.randrange(1, 2**31),
        "n_predict": n_predict,
    }
    if values["typical_p"] == 1.0:
        values["top_n_sigma"] = rng.choice([-1.0, 1.0, 2.0])
    return SamplerChain.of(order, **values)
