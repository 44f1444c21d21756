"""A chain: which sampler steps run, in which order, and every value of the sampling settings.

A `SamplerChain` is always whole and always valid: whoever holds one need not check it again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from qwqdesk.errors import UserError
from qwqdesk.sampling.param import Bias, Value, shown
from qwqdesk.sampling.samplers import (
    DEFAULT_ORDER,
    PARAMS,
    RANDOM_SEEDS,
    order_from_text,
    sampler_named,
)

LAST_N: Final = ("repeat_last_n", "dry_penalty_last_n")
CONTEXT_SIZE: Final = -1
"""What the values of `LAST_N` say when they mean the whole context."""


@dataclass(frozen=True)
class SamplerChain:
    """Ordered steps with all values of INTERFACE's `sampling` object.

    `values` has every name of `PARAMS`, in that order; treat it as read-only.

    Raises:
        UserError: for an unknown or repeated step, adaptive_p before another step, an unknown
            or missing name, or a value outside its range.
    """

    samplers: tuple[str, ...]
    values: Mapping[str, Value]

    def __post_init__(self) -> None:
        object.__setattr__(self, "samplers", checked_order(self.samplers))
        object.__setattr__(self, "values", _checked_values(self.values))

    def __hash__(self) -> int:
        return hash((self.samplers, tuple(self.values.values())))

    @classmethod
    def of(cls, samplers: Iterable[str] | None = None, **values: object) -> SamplerChain:
        """A chain from the values that differ from llama.cpp's defaults."""
        order = DEFAULT_ORDER if samplers is None else samplers
        return cls(tuple(order), _with_defaults(values))

    # ------------------------------------------------------------ reading

    def value(self, name: str) -> Value:
        """The value of a parameter.

        Raises:
            KeyError: when there is no parameter of that name.
        """
        return self.values[name]

    __getitem__ = value

    def number(self, name: str) -> float:
        """The value of a parameter that is a number."""
        found = self.values[name]
        assert isinstance(found, (int, float)), f"{name} is not a number"
        return float(found)

    def integer(self, name: str) -> int:
        """The value of a parameter that is a whole number."""
        found = self.values[name]
        assert isinstance(found, int), f"{name} is not a whole number"
        return int(found)

    def strings(self, name: str) -> tuple[str, ...]:
        """The value of a parameter that is a list of texts."""
        found = self.values[name]
        assert isinstance(found, tuple), f"{name} is not a list"
        return tuple(str(item) for item in found)

    @property
    def logit_bias(self) -> tuple[tuple[int, float], ...]:
        """Pairs of a token id and what is added to its logit (minus infinity bans it)."""
        return cast("tuple[Bias, ...]", self.values["logit_bias"])

    @property
    def order_text(self) -> str:
        """The steps as ``--samplers`` takes them: ``top_k;top_p;temperature``."""
        return ";".join(self.samplers)

    @property
    def has_random_seed(self) -> bool:
        """Whether the seed is still to be drawn (-1 and 4294967295 mean that)."""
        return self.integer("seed") in RANDOM_SEEDS

    # ------------------------------------------------------------ changed copies

    def with_values(self, **values: object) -> SamplerChain:
        """A chain with some values changed."""
        return SamplerChain(self.samplers, _with_defaults({**self.values, **values}))

    def with_samplers(self, samplers: Iterable[str]) -> SamplerChain:
        """A chain with the same values and other steps."""
        return SamplerChain(tuple(samplers), self.values)

    def with_step(self, name: str, index: int | None = None) -> SamplerChain:
        """A chain with one more step at this index; None is the last possible place."""
        step = sampler_named(name).name
        order = list(self.samplers)
        if index is None:
            index = len(order)
        if step != "adaptive_p" and "adaptive_p" in order:
            index = min(index, order.index("adaptive_p"))
        order.insert(len(order) if step == "adaptive_p" else max(0, index), step)
        return self.with_samplers(order)

    def without_step(self, name: str) -> SamplerChain:
        """A chain without this step; its values stay. Without the step already: unchanged."""
        step = sampler_named(name).name
        return self.with_samplers(s for s in self.samplers if s != step)

    def moved(self, name: str, index: int) -> SamplerChain:
        """A chain in which this step stands at `index` (as far as adaptive_p allows)."""
        return self.without_step(name).with_step(name, index)

    def with_seed(self, seed: int) -> SamplerChain:
        """A chain with this seed."""
        return self.with_values(seed=seed)

    def with_context(self, n_ctx: int) -> SamplerChain:
        """A chain whose last-n values are at most the context of `n_ctx` tokens.

        -1 becomes `n_ctx`: llama.cpp's C functions would take it for 0, which is off. A larger
        value means the same as `n_ctx`, but would make llama.cpp allocate memory for it.
        """
        limited = {name: self.integer(name) for name in LAST_N}
        for name, value in limited.items():
            limited[name] = n_ctx if value == CONTEXT_SIZE else min(value, n_ctx)
        return self.with_values(**limited)

    # ------------------------------------------------------------ JSON

    def to_json(self) -> dict[str, Any]:
        """INTERFACE's `sampling` object: strict JSON, minus infinity is written false."""
        out: dict[str, Any] = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.values.items()
        }
        out["logit_bias"] = [
            [token, False if bias == -math.inf else bias] for token, bias in self.logit_bias
        ]
        out["samplers"] = list(self.samplers)
        return out

    @classmethod
    def from_json(cls, data: object) -> SamplerChain:
        """The chain that `to_json` wrote; what is missing gets llama.cpp's default.

        Raises:
            UserError: for anything that is not such an object.
        """
        if not isinstance(data, Mapping):
            what = f"The sampling settings must be an object, not {shown(data)}."
            raise UserError(what, "Give an object with names and values.", code="value")
        values = {key: value for key, value in data.items() if key != "samplers"}
        order = order_from_json(data["samplers"]) if "samplers" in data else DEFAULT_ORDER
        return cls(order, _with_defaults(values))


def order_from_json(data: object) -> tuple[str, ...]:
    """The steps from a JSON list of names or a text with semicolons.

    Raises:
        UserError: for anything else.
    """
    if isinstance(data, str):
        return checked_order(order_from_text(data))
    if not isinstance(data, (list, tuple)) or not all(isinstance(s, str) for s in data):
        what = f"samplers must be a list of sampler names, not {shown(data)}."
        raise UserError(what, 'Write for example ["top_k", "temperature"].', code="value")
    return checked_order(data)


def checked_order(samplers: Iterable[str]) -> tuple[str, ...]:
    """The canonical names of these steps.

    Raises:
        UserError: for an unknown step, one that cannot be listed, a repeated one, or
            adaptive_p before another step.
    """
    order: list[str] = []
    for text in samplers:
        sampler = sampler_named(text)
        if not sampler.listed:
            raise _not_listed(sampler.name, sampler.placement)
        if sampler.name in order:
            what = (
                f"{sampler.name} is listed twice. Both would run with the same values, so that "
                "nobody could say which of the two has an effect."
            )
            raise UserError(what, "Name every step once.", code="repeated-step")
        order.append(sampler.name)
    if "adaptive_p" in order[:-1]:
        what = "adaptive_p must be the last step: it draws the token, so nothing can follow it."
        raise UserError(what, "Move adaptive_p to the end.", code="adaptive-p-not-last")
    return tuple(order)


def _not_listed(name: str, placement: str) -> UserError:
    where = "draws the token at the end" if placement == "selecting" else "runs before all steps"
    what = f"{name} is not a step of the chain: it {where} by itself."
    return UserError(what, f"Take {name} out of the list.", code="sampler")


def refuse_unknown(names: Iterable[object]) -> None:
    """Raise a `UserError` for the first name that is no sampling setting."""
    for name in names:
        if name not in PARAMS:
            what = f"There is no sampling setting named {shown(name)!r}."
            raise UserError(what, f"The settings are: {', '.join(PARAMS)}.", code="value")


def _with_defaults(values: Mapping[str, object]) -> dict[str, Value]:
    refuse_unknown(values)
    return {
        name: param.check(values[name]) if name in values else param.default
        for name, param in PARAMS.items()
    }


def _checked_values(values: Mapping[str, object]) -> dict[str, Value]:
    missing = [name for name in PARAMS if name not in values]
    if missing:
        what = f"The chain lacks {', '.join(missing)}."
        raise UserError(what, "State every value, or use the defaults.", code="value")
    return _with_defaults(values)
