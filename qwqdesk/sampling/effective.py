"""The effective chain: what llama.cpp really runs for a chain, step by step, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.formats.export_args import to_llama_args
from qwqdesk.sampling.param import as_float32, number_text
from qwqdesk.sampling.samplers import PARAMS, STEPS, sampler_named
from qwqdesk.sampling.step_rules import is_neutral, step_rule

State = Literal["active", "neutral", "absent", "selecting"]

_KEEPS_SOME: Final = frozenset({"typ_p", "top_p", "min_p", "xtc"})
_MIROSTAT_TEMPERATURE: Final = "temp"


@dataclass(frozen=True)
class EffectiveStep:
    """One step as llama.cpp runs it.

    `position` is its index in llama.cpp's chain from 0 (logit bias and the draw included), None
    for an absent step. `values` are JSON values. "temp" is the plain temperature that llama.cpp
    puts before mirostat, whatever the order says.
    """

    sampler: str
    position: int | None
    state: State
    values: Mapping[str, Any]
    why: str

    def to_json(self) -> dict[str, Any]:
        """One entry of INTERFACE's `chain` list."""
        return {
            "sampler": self.sampler,
            "position": self.position,
            "state": self.state,
            "values": dict(self.values),
            "why": self.why,
        }


@dataclass(frozen=True)
class ChainWarning:
    """Something about a chain that is probably not meant; `code` is stable."""

    code: str
    text: str

    def to_json(self) -> dict[str, str]:
        """One entry of INTERFACE's `warnings` lists."""
        return {"code": self.code, "text": self.text}


@dataclass(frozen=True)
class EffectiveChain:
    """The steps in the order they run, then the absent ones; `warnings` most important first."""

    chain: SamplerChain
    steps: tuple[EffectiveStep, ...]
    warnings: tuple[ChainWarning, ...]

    def step(self, sampler: str) -> EffectiveStep | None:
        """What became of this sampler; None when it is neither listed nor set."""
        return next((step for step in self.steps if step.sampler == sampler), None)

    def to_json(self) -> dict[str, Any]:
        """What `explain --json` prints."""
        return {
            "chain": [step.to_json() for step in self.steps],
            "warnings": [warning.to_json() for warning in self.warnings],
            "samplers": self.chain.order_text,
            "llama_args": to_llama_args(self.chain),
        }


def effective_chain(
    chain: SamplerChain, sources: Mapping[str, str] | None = None
) -> EffectiveChain:
    """What llama.cpp runs for this chain.

    `sources` (of `Resolved`) say which values somebody set: a sampler left out of the order is
    absent when one of its values was set and would have an effect. Without sources, every value
    that differs from llama.cpp's default counts as set.
    """
    if chain.integer("mirostat"):
        ran, absent = _mirostat_steps(chain), _replaced_steps(chain)
        replaced = "Mirostat replaces the chain: only temperature and mirostat run."
        warnings = [ChainWarning("mirostat-replaces-chain", replaced)]
    else:
        ran, absent = _listed_steps(chain), _absent_steps(chain, sources)
        warnings = [_not_in_chain(chain, step.sampler) for step in absent]
    warnings += _masking_warnings(chain)
    return EffectiveChain(chain, (*_placed([*_first(chain), *ran]), *absent), tuple(warnings))


def native_name(step: EffectiveStep) -> str | None:
    """What `llama_sampler_name` says of the step, "?" for one without effect; None if absent."""
    if step.state == "absent":
        return None
    if step.sampler == _MIROSTAT_TEMPERATURE:
        name = "temp"
    elif step.sampler == "mirostat":
        name = "mirostat-v2" if step.values["mirostat"] == 2 else "mirostat"
    else:
        name = sampler_named(step.sampler).native
    return f"?{name}" if step.state == "neutral" else name


def _step(sampler: str, state: State, values: Mapping[str, Any], why: str) -> EffectiveStep:
    return EffectiveStep(sampler, None, state, values, why)


def _placed(steps: Iterable[EffectiveStep]) -> list[EffectiveStep]:
    return [
        EffectiveStep(step.sampler, index, step.state, step.values, step.why)
        for index, step in enumerate(steps)
    ]


def _values(chain: SamplerChain, sampler: str) -> dict[str, Any]:
    written = chain.to_json()
    names = [param.name for param in sampler_named(sampler).params]
    if sampler in _KEEPS_SOME and chain.integer("min_keep"):
        names.append("min_keep")
    return {name: written[name] for name in names}


def _first(chain: SamplerChain) -> list[EffectiveStep]:
    biases, endless = chain.logit_bias, chain["ignore_eos"] is True
    if not biases and not endless:
        return []
    many = f"{len(biases)} token{'s' if len(biases) != 1 else ''}"
    parts = [f"Changes the logits of {many}" if biases else "", "Bans every end token"]
    why = ". ".join(part for part in parts[: 2 if endless else 1] if part) + "."
    return [_step("logit_bias", "active", _values(chain, "logit_bias"), why)]


def _listed_steps(chain: SamplerChain) -> list[EffectiveStep]:
    steps = []
    for name in chain.samplers:
        neutral, why = step_rule(name, chain)
        if name == "adaptive_p":
            continue
        steps.append(_step(name, "neutral" if neutral else "active", _values(chain, name), why))
    return [*steps, _draw(chain)]


def _draw(chain: SamplerChain) -> EffectiveStep:
    seed = {"seed": chain["seed"]}
    if "adaptive_p" in chain.samplers:
        values = {**_values(chain, "adaptive_p"), **seed}
        return _step("adaptive_p", "selecting", values, step_rule("adaptive_p", chain)[1])
    return _step("dist", "selecting", seed, _draw_why(chain))


def _draw_why(chain: SamplerChain) -> str:
    cold = as_float32(chain.number("temperature")) <= 0.0
    if "temperature" in chain.samplers and cold and chain.number("dynatemp_range") <= 0.0:
        return "Temperature 0 leaves one token, so the seed has no effect."
    if "top_k" in chain.samplers and chain.integer("top_k") == 1:
        return "Top-k 1 leaves one token, so the seed has no effect."
    if chain.has_random_seed:
        return "Samples one of the remaining tokens, with a seed that is drawn for the run."
    return f"Samples one of the remaining tokens, with seed {chain['seed']}."


def _mirostat_steps(chain: SamplerChain) -> list[EffectiveStep]:
    temperature = chain["temperature"]
    neutral = as_float32(chain.number("temperature")) == 1.0
    why = f"{temperature} before mirostat; the dynamic range does not count."
    names = ("mirostat", "mirostat_tau", "mirostat_eta", "seed")
    draw = (
        f"Holds the surprise near {chain['mirostat_tau']}, correcting by {chain['mirostat_eta']}."
    )
    return [
        _step(
            _MIROSTAT_TEMPERATURE,
            "neutral" if neutral else "active",
            {"temperature": temperature},
            "1.0 changes nothing." if neutral else why,
        ),
        _step("mirostat", "selecting", {name: chain[name] for name in names}, draw),
    ]


def _replaced_steps(chain: SamplerChain) -> list[EffectiveStep]:
    why = "Mirostat replaces this step."
    own = "Mirostat replaces this step and applies the plain temperature itself."
    return [
        _step(name, "absent", _values(chain, name), own if name == "temperature" else why)
        for name in chain.samplers
    ]


def _absent_steps(chain: SamplerChain, sources: Mapping[str, str] | None) -> list[EffectiveStep]:
    missing = [s.name for s in STEPS if s.name not in chain.samplers]
    return [
        _step(name, "absent", _values(chain, name), _absent_why(chain, name, sources))
        for name in missing
        if _was_set(chain, name, sources) and _would_act(chain, name)
    ]


def _would_act(chain: SamplerChain, name: str) -> bool:
    if name == "adaptive_p":
        return chain.number("adaptive_target") >= 0.0
    return not is_neutral(name, chain)


def _effective_params(chain: SamplerChain, name: str) -> list[str]:
    """The parameters of a sampler whose values are what gives it an effect."""
    params = sampler_named(name).params
    loud = [p.name for p in params if p.neutral is not None and chain[p.name] != p.neutral]
    return [p for p in loud if p not in ("repeat_last_n", "dry_penalty_last_n")] or loud


def _was_set(chain: SamplerChain, name: str, sources: Mapping[str, str] | None) -> bool:
    names = _effective_params(chain, name)
    if sources is None:
        return any(chain[param] != PARAMS[param].default for param in names)
    return any(sources.get(param, "default") != "default" for param in names)


def _absent_why(chain: SamplerChain, name: str, sources: Mapping[str, str] | None) -> str:
    who = {"user": "by you", "recipe": "by the recipe", "model": "by the model"}
    found = [sources.get(param, "") for param in _effective_params(chain, name)] if sources else []
    setter = next((who[source] for source in found if source in who), "")
    return f"Set{' ' + setter if setter else ''}, but the order does not name it."


def _not_in_chain(chain: SamplerChain, name: str) -> ChainWarning:
    values = [
        f"{param} {number_text(chain.number(param))}" for param in _effective_params(chain, name)
    ]
    many = len(values) > 1
    said = " and ".join(values)
    text = (
        f"{said} {'are' if many else 'is'} set, but {name} is not in the chain: "
        f"{'they have' if many else 'it has'} no effect."
    )
    return ChainWarning(f"{name}-not-in-chain", text)


def _masking_warnings(chain: SamplerChain) -> list[ChainWarning]:
    """FACTS: typ_p over masked candidates computes 0 * log 0 and keeps an arbitrary set."""
    if chain.integer("mirostat") or "typ_p" not in chain.samplers or is_neutral("typ_p", chain):
        return []
    before = chain.samplers[: chain.samplers.index("typ_p")]
    masks = [
        "top_n_sigma" if "top_n_sigma" in before and not is_neutral("top_n_sigma", chain) else "",
        "temperature 0" if "temperature" in before and _is_cold(chain) else "",
        "ignore_eos" if chain["ignore_eos"] is True else "",
        "a banned token" if any(bias == -float("inf") for _, bias in chain.logit_bias) else "",
    ]
    said = " and ".join(mask for mask in masks if mask)
    if not said:
        return []
    text = (
        f"typ_p stands after {said}, which leaves masked tokens: llama.cpp then keeps an "
        "arbitrary set of them."
    )
    return [ChainWarning("typ_p-after-masking", text)]


def _is_cold(chain: SamplerChain) -> bool:
    return as_float32(chain.number("temperature")) <= 0.0 and chain.number("dynatemp_range") <= 0.0


def vocabulary_warnings(chain: SamplerChain, n_vocab: int) -> tuple[ChainWarning, ...]:
    """What a chain names that a model with `n_vocab` tokens does not have."""
    outside = [token for token, _ in chain.logit_bias if not 0 <= token < n_vocab]
    if not outside:
        return ()
    said = ", ".join(map(str, outside[:5])) + (" and more" if len(outside) > 5 else "")
    text = (
        f"logit_bias names {said}: the model's tokens are 0 to {n_vocab - 1:,}, so it has no "
        "effect there."
    )
    return (ChainWarning("logit_bias-outside-vocabulary", text),)
