"""What differs between two chains, as far as it has an effect: the chips of the lane heads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.param import Value, number_text
from qwqdesk.sampling.samplers import PARAMS, RUN_PARAMS, STEPS, sampler_of_param
from qwqdesk.sampling.step_rules import is_neutral

Kind = Literal["missing", "added", "order", "value"]

_RUN_NAMES: Final = frozenset(param.name for param in RUN_PARAMS)
_KEEPERS: Final = ("typ_p", "top_p", "min_p", "xtc")


@dataclass(frozen=True)
class Difference:
    """One difference of chain b from chain a.

    `text` is short enough for a chip. `step` is the sampler it belongs to ("" for order and the
    values of the run); `name` the parameter for kind "value". `a` and `b` say both sides.
    """

    kind: Kind
    text: str
    step: str = ""
    name: str = ""
    a: str = ""
    b: str = ""


def differences(a: SamplerChain, b: SamplerChain) -> tuple[Difference, ...]:
    """How b differs from a, most important first; what has no effect on both sides is left out.

    Order of importance: missing and added steps, the order, values of steps, values of the run.
    """
    acting_a, acting_b = _acting(a), _acting(b)
    if bool(a.integer("mirostat")) != bool(b.integer("mirostat")):
        steps: tuple[Difference, ...] = ()  # "mirostat 2" says it all
        done = {sampler.name for sampler in STEPS} - {"temperature"}
    else:
        steps = (*_missing(acting_a, b), *_added(acting_b, a))
        done = {step.step for step in steps}
    values = sorted(_values(a, b, done), key=lambda found: found.name in _RUN_NAMES)
    return (*steps, *_order(acting_a, acting_b), *values)


def _missing(acting: tuple[str, ...], other: SamplerChain) -> Iterator[Difference]:
    for name in acting:
        if name not in _listed(other):
            yield Difference("missing", f"{name} missing", name, "", "in chain", "not in chain")


def _added(acting: tuple[str, ...], other: SamplerChain) -> Iterator[Difference]:
    for name in acting:
        if name not in _listed(other):
            yield Difference("added", f"{name} added", name, "", "not in chain", "in chain")


def _listed(chain: SamplerChain) -> tuple[str, ...]:
    """The steps that llama.cpp builds; mirostat replaces them all."""
    return () if chain.integer("mirostat") else chain.samplers


def _acting(chain: SamplerChain) -> tuple[str, ...]:
    return tuple(name for name in _listed(chain) if not is_neutral(name, chain))


def _order(a: tuple[str, ...], b: tuple[str, ...]) -> Iterator[Difference]:
    """Only steps that act in both can be in another order."""
    common_a = [name for name in a if name in b]
    common_b = [name for name in b if name in a]
    if common_a != common_b:
        yield Difference("order", "order", a=";".join(a), b=";".join(b))


def _values(a: SamplerChain, b: SamplerChain, done: set[str]) -> Iterator[Difference]:
    for name in PARAMS:
        sampler = sampler_of_param(name)
        step = sampler.name if sampler is not None else ""
        if step in done or _same(name, a, b) or not (counts(name, a) or counts(name, b)):
            continue
        text = f"{name} {_shown(b[name], name)}"
        yield Difference("value", text, step, name, _shown(a[name], name), _shown(b[name], name))


def _same(name: str, a: SamplerChain, b: SamplerChain) -> bool:
    if name == "seed" and a.has_random_seed and b.has_random_seed:
        return True
    return a[name] == b[name]


def counts(name: str, chain: SamplerChain) -> bool:
    """Whether a value has an effect in this chain."""
    if name in _RUN_NAMES or name in ("logit_bias", "ignore_eos", "mirostat"):
        return name != "min_keep" or any(step in _acting(chain) for step in _KEEPERS)
    if name in ("mirostat_tau", "mirostat_eta"):
        return chain.integer("mirostat") != 0
    if name == "temperature" and chain.integer("mirostat"):
        return True
    if name == "dynatemp_exponent" and chain.number("dynatemp_range") <= 0.0:
        return False
    if name == "adaptive_decay" and chain.number("adaptive_target") < 0.0:
        return False
    sampler = sampler_of_param(name)
    return sampler is not None and sampler.name in _acting(chain)


def _shown(value: Value, name: str) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}" if value else "none"
    if name == "seed" and value in (-1, PARAMS["seed"].maximum):
        return "random"
    return number_text(value) if isinstance(value, (int, float)) else str(value)
