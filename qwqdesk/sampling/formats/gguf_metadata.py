"""The `general.sampling.*` values of a GGUF file's metadata as a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.formats.foreign import Imported, LeftOut
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.sampling.resolve import parse_model_sampling

_PREFIX: Final = "general.sampling."


def read_gguf_metadata(metadata: Mapping[str, Any], title: str) -> Imported:
    """The recipe in a model's metadata; values without a place or not allowed are listed.

    Args:
        metadata: scalars by their whole key. Numbers may be text, as llama.cpp gives them.
        title: of the recipe, for example the model's name.

    Raises:
        UserError: when the metadata has no sampling value that can be used.
    """
    values: dict[str, Any] = {}
    left_out: list[LeftOut] = []
    for key, value in metadata.items():
        if isinstance(key, str) and key.startswith(_PREFIX):
            found = parse_model_sampling({key: value}).values
            values.update(found)
            if not found:
                left_out.append(LeftOut(key))
    if not values:
        what = "The model recommends no sampling values."
        raise UserError(what, "Choose a recipe instead.", code="no_model_sampling")
    order = values.pop("samplers", None)
    recipe = Recipe.of(SamplerChain.of(order, **values), title, source="The model's metadata")
    return Imported(recipe, tuple(left_out))
