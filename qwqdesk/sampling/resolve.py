"""Where values meet: the user's, the recipe's, the model's own and llama.cpp's defaults.

Everything behind `resolve` takes its result and never looks at the sources again.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain, order_from_json, refuse_unknown
from qwqdesk.sampling.constraints import NO_CONSTRAINTS, Constraints
from qwqdesk.sampling.param import UINT32_MAX, Value, as_float32, shown
from qwqdesk.sampling.samplers import DEFAULT_ORDER, PARAMS, RANDOM_SEEDS

Source = Literal["user", "recipe", "model", "default"]

_PREFIX: Final = "general.sampling."

# llama.cpp's key names (src/llama-arch.cpp) and ours, where they differ.
_MODEL_NAMES: Final[Mapping[str, str]] = {
    "temp": "temperature",
    "penalty_last_n": "repeat_last_n",
    "penalty_repeat": "repeat_penalty",
    "typ_p": "typical_p",
    "penalty_freq": "frequency_penalty",
    "penalty_present": "presence_penalty",
}


class RecipeValues(Protocol):
    """What `resolve` needs of a recipe."""

    @property
    def samplers(self) -> tuple[str, ...]: ...

    @property
    def values(self) -> Mapping[str, Value]: ...


@dataclass(frozen=True)
class Resolved:
    """A whole chain, and for each name (and "samplers") where its value came from.

    `use_model`: whether the model's own values were allowed to count. `answer` is the chain of the
    lane's answer, where it has one of its own. `constraints` are what holds for its text.
    """

    chain: SamplerChain
    sources: Mapping[str, Source]
    use_model: bool = False
    answer: Resolved | None = None
    constraints: Constraints = NO_CONSTRAINTS

    def with_drawn_seed(self, seed: int | None = None) -> Resolved:
        """The same with seeds that are drawn where they were random (-1 or 4294967295).

        `seed`: the seed drawn for the whole run, so that all random lanes get the same one.
        """
        seed = draw_seed() if seed is None else seed
        answer = self.answer.with_drawn_seed(seed) if self.answer is not None else None
        chain = self.chain.with_seed(seed) if self.chain.has_random_seed else self.chain
        return replace(self, chain=chain, answer=answer)


@dataclass(frozen=True)
class ModelSampling:
    """What a model's metadata says about sampling; `problems` are sentences for the user."""

    values: Mapping[str, Any]
    problems: tuple[str, ...] = ()


def resolve(
    user: Mapping[str, Any],
    recipe: RecipeValues | None = None,
    model: Mapping[str, Any] | None = None,
) -> Resolved:
    """Meet the values: user over recipe over model over default, name by name.

    `user` and `model` hold any names of `PARAMS` and "samplers" (a list of names or a text with
    semicolons). `model` is given only when the user chose to use the model's values.

    Raises:
        UserError: for an unknown name or a value outside its range.
    """
    layers: list[tuple[Source, Mapping[str, Any]]] = [("user", user)]
    if recipe is not None:
        layers.append(("recipe", {**recipe.values, "samplers": recipe.samplers}))
    if model is not None:
        layers.append(("model", model))
    for _, layer in layers:
        refuse_unknown(name for name in layer if name != "samplers")
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for name in (*PARAMS, "samplers"):
        source, layer = next(((s, v) for s, v in layers if name in v), ("default", {}))
        sources[name] = source
        if name in layer:
            values[name] = layer[name]
    order = order_from_json(values.pop("samplers", DEFAULT_ORDER))
    chain = SamplerChain.of(order, **values)
    if chain.has_random_seed and sources["seed"] == "user":
        sources["seed"] = "default"  # nobody chose the number
    return Resolved(chain, sources, model is not None)


def draw_seed(rng: random.Random | None = None) -> int:
    """A 32-bit seed that is not one of those that mean "draw one"."""
    source = rng if rng is not None else random.SystemRandom()
    while True:
        seed = source.randrange(UINT32_MAX)
        if seed not in RANDOM_SEEDS:
            return seed


def parse_model_sampling(metadata: Mapping[str, str | int | float | bool]) -> ModelSampling:
    """The `general.sampling.*` values of a GGUF header, under our names.

    A value that is not allowed is reported and left out: a model file is untrusted input.
    Numbers may come as text, as `llama_model_meta_val_str` gives them.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for key, raw in metadata.items():
        if not isinstance(key, str) or not key.startswith(_PREFIX):
            continue
        short = key[len(_PREFIX) :]
        name = "samplers" if short == "sequence" else _MODEL_NAMES.get(short, short)
        try:
            values[name] = _model_value(name, raw)
        except UserError as error:
            problems.append(f"The model says {shown(key)} = {shown(raw)}: {error.what}")
    return ModelSampling(values, tuple(problems))


def _model_value(name: str, raw: object) -> object:
    if name == "samplers":
        return order_from_json(raw)
    if name == "seed":
        raise UserError("a seed belongs to the run.", "It is not applied.", code="value")
    param = PARAMS.get(name)
    if param is None or param.kind not in ("int", "float", "bool"):
        what = "this program has no such setting."
        raise UserError(what, "It is not applied.", code="value")
    if isinstance(raw, str) and param.kind == "bool":
        return param.check({"true": True, "false": False}.get(raw.strip().lower(), raw))
    if isinstance(raw, float):
        return param.check(_shortest(raw))
    return param.parse(raw) if isinstance(raw, str) else param.check(raw)


def _shortest(number: float) -> float:
    """GGUF stores single precision: 0.6000000238418579 in the file was meant as 0.6."""
    texts = (f"{number:.{digits}g}" for digits in range(6, 10))
    same = (float(text) for text in texts if as_float32(float(text)) == number)
    return next(same, number)
