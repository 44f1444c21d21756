"""From a chain to what the rows of the editor show; no widgets here."""

from __future__ import annotations

from dataclasses import dataclass

from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.differences import differences
from qwqdesk.sampling.effective import ChainWarning, EffectiveChain, EffectiveStep, effective_chain
from qwqdesk.sampling.param import Param
from qwqdesk.sampling.resolve import Resolved
from qwqdesk.sampling.samplers import PARAMS, sampler_named
from qwqdesk.ui.conversation.chain_marks import State
from qwqdesk.ui.conversation.chain_row import RowView
from qwqdesk.ui.conversation.chain_text import moved_steps, settings_without_effect, shown_params

_REPLACED = "Mirostat replaces this step."


@dataclass(frozen=True)
class ChainView:
    """All rows by the names of their samplers, and the sentences around them."""

    steps: dict[str, RowView]
    draw_name: str
    draw: RowView
    absent: dict[str, RowView]
    warnings: tuple[ChainWarning, ...]
    active: int
    values_without_effect: int

    @property
    def summary(self) -> str:
        """How many steps act, in words."""
        quiet = len(self.steps) - self.active
        return f"{self.active} active" + (f", {quiet} without effect" if quiet else "")

    @property
    def short_summary(self) -> str:
        """The same where there is little room."""
        return f"{self.active} of {len(self.steps)} active"


def chain_view(resolved: Resolved, reference: SamplerChain | None) -> ChainView:
    """What the editor shows of these values, compared with `reference` (lane A's chain)."""
    chain = resolved.chain
    effective = effective_chain(chain, resolved.sources)
    changed = differing(reference, chain)
    draw = next(step for step in effective.steps if step.state == "selecting")
    steps = {
        name: _step(name, effective, resolved, changed)
        for name in chain.samplers
        if name != draw.sampler
    }
    absent = {
        step.sampler: _row(step, "absent", resolved, step.sampler in changed)
        for step in effective.steps
        if step.state == "absent" and step.sampler not in chain.samplers
    }
    return ChainView(
        steps,
        draw.sampler,
        _draw(draw, resolved, changed),
        absent,
        effective.warnings,
        sum(view.state == "active" for view in steps.values()),
        sum(len(settings_without_effect(name, chain)) for name in absent),
    )


def draw_params(name: str) -> tuple[Param, ...]:
    """The fields of the row that draws: its own, and the seed."""
    own = tuple(p for p in sampler_named(name).params if p.name != "mirostat")
    return (*own, PARAMS["seed"])


def row_params(name: str, chain: SamplerChain) -> tuple[Param, ...]:
    """The fields of a step's row."""
    return shown_params(sampler_named(name), chain)


def differing(reference: SamplerChain | None, chain: SamplerChain) -> frozenset[str]:
    """The samplers that differ from the reference; "seed" when the seed does."""
    if reference is None:
        return frozenset()
    found = differences(reference, chain)
    names = {difference.step or difference.name for difference in found}
    if any(difference.kind == "order" for difference in found):
        names |= moved_steps(reference.samplers, chain.samplers)
    return frozenset(names)


def _step(
    name: str, effective: EffectiveChain, resolved: Resolved, changed: frozenset[str]
) -> RowView:
    step = effective.step(name)
    order = resolved.chain.samplers
    place, count = order.index(name) + 1, len(order)
    if step is None:
        return RowView("neutral", _REPLACED, resolved.chain.values, resolved.sources, place, count)
    # Mirostat leaves listed steps out: in the list they are steps without effect.
    state: State = "neutral" if step.state == "absent" else step.state
    return _row(step, state, resolved, name in changed, place, count)


def _draw(step: EffectiveStep, resolved: Resolved, changed: frozenset[str]) -> RowView:
    listed = step.sampler in resolved.chain.samplers
    differs = step.sampler in changed or "seed" in changed
    why = step.why
    if step.sampler == "dist" and why.startswith("Samples one of the remaining tokens"):
        why = "Samples one of the remaining tokens. Always last."
    view = _row(step, "selecting", resolved, differs)
    return RowView(view.state, why, view.values, view.sources, differs=differs, removable=listed)


def _row(
    step: EffectiveStep,
    state: State,
    resolved: Resolved,
    differs: bool,
    number: int = 0,
    count: int = 0,
) -> RowView:
    return RowView(state, step.why, resolved.chain.values, resolved.sources, number, count, differs)
