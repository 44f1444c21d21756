"""Sampler chains for the measurements, built with llama.cpp's own samplers."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypedDict, Unpack

import llama_cpp

LLAMA_ORDER = "penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature"
UNSLOTH_ORDER = "top_k;top_p;min_p;temperature;dry;typ_p;xtc"
UNSLOTH_WITH_PENALTIES = "top_k;top_p;min_p;temperature;penalties;dry;typ_p;xtc"
# A pointer of llama.cpp, an integer to Python.
Pointer: TypeAlias = Any
BREAKERS = ("\n", ":", '"', "*")


class Changes(TypedDict, total=False):
    """What `Settings.but` changes."""

    order: str
    repeat_penalty: float
    repeat_last_n: int
    dry_multiplier: float
    min_p: float


@dataclass(frozen=True)
class Settings:
    """Values of a chain; the defaults are the guide's, without penalties."""

    order: str = LLAMA_ORDER
    temperature: float = 0.6
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.1
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    dry_multiplier: float = 0.0
    dry_last_n: int = 64

    def but(self, **changes: Unpack[Changes]) -> Settings:
        """The same with changes."""
        return replace(self, **changes)


def _step(name: str, settings: Settings, vocabulary: Pointer, size: int) -> Pointer:
    if name == "penalties":
        return llama_cpp.llama_sampler_init_penalties(
            size, settings.repeat_last_n, settings.repeat_penalty, 0.0, 0.0
        )
    if name == "dry":
        words = (ctypes.c_char_p * len(BREAKERS))(*(b.encode() for b in BREAKERS))
        return llama_cpp.llama_sampler_init_dry(
            vocabulary, settings.dry_multiplier, 1.75, 2, settings.dry_last_n, words, len(words)
        )
    simple = {
        "top_n_sigma": lambda: llama_cpp.llama_sampler_init_top_n_sigma(-1.0),
        "top_k": lambda: llama_cpp.llama_sampler_init_top_k(settings.top_k),
        "typ_p": lambda: llama_cpp.llama_sampler_init_typical(1.0, 0),
        "top_p": lambda: llama_cpp.llama_sampler_init_top_p(settings.top_p, 0),
        "min_p": lambda: llama_cpp.llama_sampler_init_min_p(settings.min_p, 0),
        "xtc": lambda: llama_cpp.llama_sampler_init_xtc(0.0, 0.1, 0, 0),
        "temperature": lambda: llama_cpp.llama_sampler_init_temp_ext(
            settings.temperature, 0.0, 1.0
        ),
    }
    return simple[name]()


def build(settings: Settings, seed: int, vocabulary: Pointer, size: int) -> Pointer:
    """A chain that ends with the seeded choice."""
    chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
    for name in settings.order.split(";"):
        step = _step(name, settings, vocabulary, size)
        llama_cpp.llama_sampler_chain_add(chain, step)
    llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_dist(seed))
    return chain
