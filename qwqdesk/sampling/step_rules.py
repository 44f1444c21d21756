"""When a step has no effect, and one plain sentence about what it does with its values.

The rules are those of src/llama-sampler.cpp, which names a step without effect with a leading
``?``. Numbers are compared in single precision, as llama.cpp holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from qwqdesk.sampling.chain import CONTEXT_SIZE, SamplerChain
from qwqdesk.sampling.param import as_float32

Rule = Callable[[SamplerChain], tuple[bool, str]]


def step_rule(name: str, chain: SamplerChain) -> tuple[bool, str]:
    """Whether the step is neutral with the chain's values, and why or what it does."""
    return _RULES[name](chain)


def is_neutral(name: str, chain: SamplerChain) -> bool:
    """Whether the step, if it is in the chain, changes nothing."""
    return _RULES[name](chain)[0]


def _f(chain: SamplerChain, name: str) -> float:
    return as_float32(chain.number(name))


def _last(n: int) -> str:
    return "the whole context" if n == CONTEXT_SIZE else f"the last {n:,} tokens"


def _penalties(chain: SamplerChain) -> tuple[bool, str]:
    last_n = chain.integer("repeat_last_n")
    if last_n == 0:
        return True, "Last n 0 looks at no token."
    repeat = _f(chain, "repeat_penalty")
    presence, frequency = _f(chain, "presence_penalty"), _f(chain, "frequency_penalty")
    if repeat == 1.0 and presence == 0.0 and frequency == 0.0:
        return True, "Repeat 1.0, presence 0 and frequency 0 change nothing."
    parts = [
        f"repeat {chain['repeat_penalty']}" if repeat != 1.0 else "",
        f"presence {chain['presence_penalty']}" if presence else "",
        f"frequency {chain['frequency_penalty']}" if frequency else "",
    ]
    said = ", ".join(part for part in parts if part)
    return False, f"Penalises tokens of {_last(last_n)}: {said}."


def _dry(chain: SamplerChain) -> tuple[bool, str]:
    if _f(chain, "dry_multiplier") == 0.0:
        return True, "Multiplier 0 penalises nothing."
    if _f(chain, "dry_base") < 1.0:
        return True, "A base below 1 turns it off."
    if chain.integer("dry_penalty_last_n") == 0:
        return True, "Last n 0 looks at no token."
    where = _last(chain.integer("dry_penalty_last_n"))
    return False, (
        f"Lowers tokens that would repeat more than {chain['dry_allowed_length']} tokens of "
        f"{where}, multiplier {chain['dry_multiplier']}."
    )


def _top_n_sigma(chain: SamplerChain) -> tuple[bool, str]:
    if _f(chain, "top_n_sigma") <= 0.0:
        return True, f"{chain['top_n_sigma']} keeps every token."
    return False, f"Keeps logits within {chain['top_n_sigma']} standard deviations of the best."


def _top_k(chain: SamplerChain) -> tuple[bool, str]:
    k = chain.integer("top_k")
    if k <= 0:
        return True, f"{k} keeps every token."
    if k == 1:
        return False, "Keeps only the most likely token."
    return False, f"Keeps the {k:,} most likely tokens."


def _typ_p(chain: SamplerChain) -> tuple[bool, str]:
    if _f(chain, "typical_p") >= 1.0:
        return True, f"{chain['typical_p']} keeps every token."
    return (
        False,
        f"Keeps tokens of typical surprise, up to {_percent(chain, 'typical_p')} together.",
    )


def _top_p(chain: SamplerChain) -> tuple[bool, str]:
    if _f(chain, "top_p") >= 1.0:
        return True, f"{chain['top_p']} keeps every token."
    return False, f"Keeps the likeliest, up to {_percent(chain, 'top_p')} together."


def _min_p(chain: SamplerChain) -> tuple[bool, str]:
    if _f(chain, "min_p") <= 0.0:
        return True, f"{chain['min_p']} keeps every token."
    return False, f"Drops tokens less likely than {_percent(chain, 'min_p')} of the best."


def _xtc(chain: SamplerChain) -> tuple[bool, str]:
    if _f(chain, "xtc_probability") <= 0.0:
        return True, "Probability 0 never removes the top tokens."
    if _f(chain, "xtc_threshold") > 0.5:
        return True, "Two tokens cannot both be above 0.5, so nothing is removed."
    often = _percent(chain, "xtc_probability")
    return False, (
        f"In {often} of the draws removes all but the last token of at least "
        f"{_percent(chain, 'xtc_threshold')}."
    )


def _temperature(chain: SamplerChain) -> tuple[bool, str]:
    number, spread = _f(chain, "temperature"), _f(chain, "dynatemp_range")
    if number == 1.0 and spread <= 0.0:
        return True, "1.0 changes nothing."
    if spread > 0.0:
        low = max(0.0, chain.number("temperature") - chain.number("dynatemp_range"))
        high = chain.number("temperature") + chain.number("dynatemp_range")
        return False, f"Between {low:.4g} and {high:.4g}, by the entropy of the candidates."
    if number <= 0.0:
        return False, "0 leaves only the most likely token."
    how = "sharpens: likely tokens become likelier" if number < 1.0 else "flattens the distribution"
    return False, f"{chain['temperature']} {how}."


def _adaptive_p(chain: SamplerChain) -> tuple[bool, str]:
    """llama.cpp never calls it neutral: with a negative target it still draws its own way."""
    target = chain["adaptive_target"]
    if _f(chain, "adaptive_target") < 0.0:
        return False, f"Target {target} is off: it samples one of the remaining tokens."
    return False, f"Draws tokens whose probability stays near {target}."


def _percent(chain: SamplerChain, name: str) -> str:
    return f"{100 * chain.number(name):.4g} %"


_RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "penalties": _penalties,
        "dry": _dry,
        "top_n_sigma": _top_n_sigma,
        "top_k": _top_k,
        "typ_p": _typ_p,
        "top_p": _top_p,
        "min_p": _min_p,
        "xtc": _xtc,
        "temperature": _temperature,
        "adaptive_p": _adaptive_p,
    }
)
