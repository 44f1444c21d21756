"""The differences between two chains as words: "B: repeat penalty 1.1 before top-k; A: none".

`differences.py` decides what differs; here it becomes one line for each difference, for the strip
above the lanes and for exports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.differences import Difference, counts, differences
from qwqdesk.sampling.param import Param, number_text, shown
from qwqdesk.sampling.samplers import PARAMS, Sampler, sampler_named, sampler_of_param
from qwqdesk.sampling.step_rules import is_neutral

_NONE: Final = "none"
_ABBREVIATIONS: Final = ("DRY", "XTC")
_LENGTHS: Final[Mapping[int, str]] = {-1: "without limit", -2: "until the context is full"}


@dataclass(frozen=True)
class WordedDifference:
    """One difference: what holds in a, and what in b."""

    a: str
    b: str
    difference: Difference

    def line(self, a_label: str, b_label: str) -> str:
        """Both sides in one line, b first: it is the lane that differs."""
        return f"{b_label}: {self.b}; {a_label}: {self.a}"


def worded_differences(a: SamplerChain, b: SamplerChain) -> tuple[WordedDifference, ...]:
    """How b differs from a, most important first; a step is told whole, once."""
    found: list[WordedDifference] = []
    told: set[str] = set()
    for difference in differences(a, b):
        step = difference.step
        if step and step in told:
            continue
        if step and _acts(step, a) != _acts(step, b):
            told.add(step)
            sides = _step_words(step, a), _step_words(step, b)
        elif difference.kind == "order":
            sides = _order_words(a, b), _order_words(b, a)
        else:
            sides = _value_sides(difference, a, b)
        found.append(WordedDifference(*sides, difference))
    return tuple(found)


def difference_lines(lanes: Sequence[tuple[str, SamplerChain]]) -> tuple[str, ...]:
    """The strip: how each lane differs from the first, in words."""
    if not lanes:
        return ()
    (first, chain), *others = lanes
    return tuple(
        worded.line(first, label)
        for label, other in others
        for worded in worded_differences(chain, other)
    )


def acting_steps(chain: SamplerChain) -> tuple[str, ...]:
    """The steps that change something, in their order."""
    if chain.integer("mirostat"):
        return ()
    return tuple(name for name in chain.samplers if not is_neutral(name, chain))


def _acts(step: str, chain: SamplerChain) -> bool:
    return step in acting_steps(chain)


def _step_words(step: str, chain: SamplerChain) -> str:
    """A step with the values that make it act, and where it stands."""
    if not _acts(step, chain):
        return _NONE
    words = ", ".join(acting_values(sampler_named(step), chain)) or _title(step)
    place = _place(step, chain)
    return f"{words} {place}" if place else words


def acting_values(sampler: Sampler, chain: SamplerChain) -> Iterator[str]:
    """The values that are not off; of the others those that are not llama.cpp's defaults."""
    for param in sampler.params:
        value = chain[param.name]
        off = param.neutral is not None and value == param.neutral
        if off or (value == param.default and param is not sampler.params[0]):
            continue
        yield f"{param_title(param)} {shown_value(param, chain)}"


def _place(step: str, chain: SamplerChain) -> str:
    acting = acting_steps(chain)
    at = acting.index(step)
    if at + 1 < len(acting):
        return f"before {_title(acting[at + 1])}"
    return f"after {_title(acting[at - 1])}" if at else ""


def _order_words(chain: SamplerChain, other: SamplerChain) -> str:
    shared = [name for name in acting_steps(chain) if _acts(name, other)]
    return "order " + ", ".join(_title(name) for name in shared)


def _value_sides(difference: Difference, a: SamplerChain, b: SamplerChain) -> tuple[str, str]:
    param = PARAMS.get(difference.name)
    if param is None:  # a step that both list and that acts in neither or in both
        return difference.a, difference.b
    sides = _value_words(param, a), _value_words(param, b)
    if sides[0] != sides[1]:
        return sides
    title = param_title(param)
    raw = shown(a[param.name]), shown(b[param.name])
    if raw[0] == raw[1]:  # long lists that differ behind what is shown
        return f"{title} {raw[0]}", f"{title} {raw[1]} and others"
    return f"{title} {raw[0]}", f"{title} {raw[1]}"


def _value_words(param: Param, chain: SamplerChain) -> str:
    neutral = param.neutral is not None and chain[param.name] == param.neutral
    if neutral or not counts(param.name, chain):
        return _NONE if param.kind in ("bool", "strings", "bias") else f"{param_title(param)} off"
    return f"{param_title(param)} {shown_value(param, chain)}"


def shown_value(param: Param, chain: SamplerChain) -> str:
    """A value in words or figures."""
    value = chain[param.name]
    if isinstance(value, bool):
        return "on" if value else "off"
    if param.name == "seed" and chain.has_random_seed:
        return "random"
    if param.name == "n_predict" and value in _LENGTHS:
        return _LENGTHS[chain.integer("n_predict")]
    if param.kind == "strings":
        return shown(", ".join(repr(text) for text in chain.strings(param.name)))
    if param.kind == "bias":
        return shown(", ".join(f"{token} {bias:+g}" for token, bias in chain.logit_bias))
    return number_text(value) if isinstance(value, (int, float)) else str(value)


def _title(step: str) -> str:
    return _lowered(sampler_named(step).title)


def param_title(param: Param) -> str:
    """A sampler's main value has the sampler's name: "top-k 40", "DRY 0.5"."""
    sampler = sampler_of_param(param.name)
    if sampler is None:
        return _lowered(param.title)
    if param is sampler.params[0] and sampler.name != "penalties":
        return _title(sampler.name)
    words = param.name.replace("_", " ").split()
    return " ".join(word.upper() if word.upper() in _ABBREVIATIONS else word for word in words)


def _lowered(title: str) -> str:
    return title if title in _ABBREVIATIONS else title[:1].lower() + title[1:]
