"""A lane's settings as text for other programs, and in words what those cannot express."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from qwqdesk.analysis.numbers import counted
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.formats.export_args import to_llama_args
from qwqdesk.sampling.formats.exporting import EXPORT_FORMATS, export_recipe
from qwqdesk.sampling.param import Value
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.sampling.samplers import PARAMS

_TITLES: Final = {
    "llama-args": "llama-cli flags",
    "llama-server": "llama-server JSON",
    "modelfile": "Ollama Modelfile",
    "python": "Python",
}
_SHORT: Final = {
    "changed": "llama-cli flags, without the defaults",
    "order": "Order (--samplers)",
    "json": "Recipe (JSON)",
}
_WORDS: Final = {"samplers": "the order of the chain", "grammar": "the grammar"}
_LONGEST_VALUE: Final = 40

COPY_FORMATS: Final[tuple[tuple[str, str], ...]] = (
    *((name, title) for name, title in _TITLES.items() if name in EXPORT_FORMATS),
    *_SHORT.items(),
)
"""Names and titles of what a lane's settings can be copied as, in the order of the menu."""


@dataclass(frozen=True)
class CopiedLane:
    """The text, the format's title, and in words what is not in the text."""

    title: str
    text: str
    lost: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What is lost, as one sentence; empty when nothing is."""
        if not self.lost:
            return ""
        words = ", ".join(self.lost[:-1])
        whole = f"{words} and {self.lost[-1]}" if words else self.lost[-1]
        return f"Not in the text: {whole}."


def copy_lane(setup: LaneSetup, form: str) -> CopiedLane:
    """The settings in one of `COPY_FORMATS`.

    Raises:
        UserError: for a value outside its range, or an unknown format.
    """
    chain = setup.resolved().chain
    if form == "order":
        return CopiedLane(_SHORT[form], chain.order_text)
    if form == "changed":
        text = to_llama_args(chain, flags_only_nondefault=True)
        lost = export_recipe(_recipe(setup, chain), "llama-args").lost
        return CopiedLane(_SHORT[form], text, _lost(setup, chain, lost))
    found = export_recipe(_recipe(setup, chain), form)
    title = dict(COPY_FORMATS)[found.format]
    return CopiedLane(title, found.text, _lost(setup, chain, found.lost))


def _recipe(setup: LaneSetup, chain: SamplerChain) -> Recipe:
    title = setup.recipe.title if setup.recipe is not None else "Recipe"
    return Recipe.of(chain, title, name="recipe", constraints=setup.limits)


def _lost(setup: LaneSetup, chain: SamplerChain, names: tuple[str, ...]) -> tuple[str, ...]:
    return (*(_named(name, chain) for name in dict.fromkeys(names)), *_beyond_a_chain(setup))


def _named(name: str, chain: SamplerChain) -> str:
    if name in PARAMS:
        return f"{name} {_shown(chain[name])}".strip()
    return _WORDS.get(name, f"the {name.replace('_', ' ')}")


def _shown(value: Value) -> str:
    if isinstance(value, tuple):
        return "" if value else "(none)"
    text = str(value).lower() if isinstance(value, bool) else f"{value:g}"
    return text if len(text) <= _LONGEST_VALUE else ""


def _beyond_a_chain(setup: LaneSetup) -> Iterator[str]:
    """What belongs to a lane and to no chain."""
    if setup.answer is not None:
        yield "the chain of the answer"
    if setup.reasoning_budget is not None and setup.reasoning_budget >= 0:
        yield f"the reasoning budget of {counted(setup.reasoning_budget, 'token')}"
