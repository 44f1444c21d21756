"""The chain of one lane while it is edited: its setup, what it is compared with, and undo.

The head and the editor of a lane show the same `ChainModel`; every change goes through it, also one
of the answer's chain (`chain_answer.py`), which is edited by the same acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from qwqdesk.lane_rules import LaneRules
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.param import Value
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.sampling.resolve import Resolved

_MOST_UNDO = 200


class ChainEdits(QObject):
    """What the user does with a chain, whichever it is.

    `changed` comes after any change; `edited` only after one that the user made here, with the
    new chain; `told` carries a sentence for screen readers.
    """

    changed = Signal()
    edited = Signal(object)
    told = Signal(str)
    seed_named = Signal(object)  # a seed that came with other settings and was left out, or None
    copied = Signal(object)  # CopiedLane: the settings are on the clipboard

    @property
    def resolved(self) -> Resolved:
        """The values in force with their sources."""
        raise NotImplementedError

    @property
    def reference(self) -> SamplerChain | None:
        """The chain that it is compared with, if any."""
        raise NotImplementedError

    @property
    def chain(self) -> SamplerChain:
        return self.resolved.chain

    def set_values(self, values: Mapping[str, Value]) -> None:
        """Change values by name; repeated changes of one value are undone together."""
        name = next(iter(values)) if len(values) == 1 else ""
        self._put(self.chain.with_values(**values), name)

    def add_step(self, name: str, index: int | None = None) -> None:
        self._put(self.chain.with_step(name, index))
        self._tell_place(name, "added as")

    def remove_step(self, name: str) -> None:
        self._put(self.chain.without_step(name))
        self.told.emit(f"{name} removed from the chain")

    def move_step(self, name: str, index: int) -> None:
        """Move a step to the index that it shall have; out of range means first or last."""
        bounded = min(max(index, 0), len(self.chain.samplers) - 1)
        chain = self.chain.moved(name, bounded)
        if chain != self.chain:
            self._put(chain)
            self._tell_place(name, "now")

    def set_chain(self, chain: SamplerChain) -> None:
        """Replace steps and values at once: a pasted command, a mended warning."""
        self._put(chain)

    def undo(self) -> None:
        """Take the last change back."""
        raise NotImplementedError

    def redo(self) -> None:
        """Make it again."""
        raise NotImplementedError

    def _put(self, chain: SamplerChain, merge: str = "") -> None:
        """Take a chain; changes with the same `merge` are undone together."""
        raise NotImplementedError

    def _tell_place(self, name: str, word: str) -> None:
        order = self.chain.samplers
        self.told.emit(f"{name}, {word} step {order.index(name) + 1} of {len(order)}")


class ChainModel(ChainEdits):
    """One lane's settings with undo."""

    def __init__(self, setup: LaneSetup, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._setup = setup
        self._resolved = setup.resolved()
        self._reference: SamplerChain | None = None
        self._compared: LaneSetup | None = None
        self._usual = LaneRules()
        self._undo: list[LaneSetup] = []
        self._redo: list[LaneSetup] = []
        self._last_name = ""
        self._named_seed: int | None = None

    # ------------------------------------------------------------ reading

    @property
    def setup(self) -> LaneSetup:
        return self._setup

    @property
    def resolved(self) -> Resolved:
        """The values in force with their sources."""
        return self._resolved

    @property
    def reference(self) -> SamplerChain | None:
        """Lane A's chain, for every lane but A."""
        return self._reference

    @property
    def compared_with(self) -> LaneSetup | None:
        """Lane A's setup, for every lane but A."""
        return self._compared

    @property
    def usual(self) -> LaneRules:
        """The rules of lanes that have none of their own."""
        return self._usual

    @property
    def base(self) -> SamplerChain:
        """The chain without the user's changes."""
        return LaneSetup("", self._setup.recipe, {}, self._setup.model_values).resolved().chain

    # ------------------------------------------------------------ set from outside

    def set_setup(self, setup: LaneSetup) -> None:
        """Show another setup, without `edited`; what was there can be had back with undo."""
        if setup != self._setup:
            self._keep()
            self._take(setup)
            self._name_seed(None)

    def set_reference(self, reference: SamplerChain | None, setup: LaneSetup | None = None) -> None:
        """Compare with this chain and setup (lane A's), or with none."""
        if (reference, setup) != (self._reference, self._compared):
            self._reference, self._compared = reference, setup
            self.changed.emit()

    def set_usual(self, rules: LaneRules) -> None:
        """The settings for all lanes are these."""
        if rules != self._usual:
            self._usual = rules
            self.changed.emit()

    # ------------------------------------------------------------ the user's changes

    def change(self, merge: str = "", **fields: Any) -> None:  # noqa: ANN401 - LaneSetup's fields
        """Change fields of the setup by name; with `merge` as `_put`."""
        self._edit(replace(self._setup, **fields), merge)

    def set_recipe(self, recipe: Recipe | None) -> None:
        """Take another recipe, without the user's changes but the seed, which is the run's."""
        setup = self._setup.with_recipe(recipe)
        self._edit(setup.with_seed(self._seed))
        self.told.emit(f"Recipe {recipe.title if recipe else 'llama.cpp default'}")
        self._name_seed(setup.resolved().chain)

    def rename_recipe(self, recipe: Recipe) -> None:
        """The recipe has other words now; where it has other values, the lane keeps its own."""
        had = self._setup.recipe
        if had is None or had == recipe or (had.chain, had.constraints) != (
            recipe.chain, recipe.constraints
        ):  # fmt: skip
            return
        self._undo = [_renamed(setup, recipe) for setup in self._undo]
        self._redo = [_renamed(setup, recipe) for setup in self._redo]
        self._take(_renamed(self._setup, recipe))

    def take_settings(self, chain: SamplerChain, **fields: Any) -> None:  # noqa: ANN401 - as change
        """Take steps and values from elsewhere, and fields of the setup; the seed stays."""
        setup = replace(self._setup, **fields).with_chain(chain)
        self._edit(setup.with_seed(self._seed))
        self._name_seed(chain)

    def drop_variables(self) -> None:
        """Give the chat template what the chat gives it."""
        self._edit(replace(self._setup, variables=None))

    def set_run_seed(self, seed: int) -> None:
        """The seed of all lanes is this one; it is not the lane's own, so undo leaves it alone."""
        self._name_seed(None)
        if seed == self._seed:
            return
        self._undo = [setup.with_seed(seed) for setup in self._undo]
        self._redo = [setup.with_seed(seed) for setup in self._redo]
        self._take(self._setup.with_seed(seed))
        self.edited.emit(self.chain)

    def forget_named_seed(self) -> None:
        """A message went out without the seed that some settings named: it is not wanted."""
        self._name_seed(None)

    def set_model(self, path: str | None) -> None:
        """Run on this file; None is whatever is loaded."""
        if path != self._setup.model:
            self._keep()
            self._take(replace(self._setup, model=path))
            self.edited.emit(self.chain)

    def reset(self) -> None:
        """Take back all of the user's changes; the seed is not one of them."""
        self._edit(self._setup.with_recipe(self._setup.recipe).with_seed(self._seed))
        self.told.emit("All values are the recipe's again")

    def undo(self) -> None:
        if self._undo:
            self._redo.append(self._setup)
            self._step_to(self._undo.pop(), "Undone")

    def redo(self) -> None:
        if self._redo:
            self._undo.append(self._setup)
            self._step_to(self._redo.pop(), "Redone")

    # ------------------------------------------------------------ inside

    @property
    def _seed(self) -> int:
        return self.chain.integer("seed")

    def _name_seed(self, chain: SamplerChain | None) -> None:
        """Tell which seed the chain would have brought along; None takes that back."""
        other = chain is not None and not chain.has_random_seed
        seed = chain.integer("seed") if chain is not None and other else None
        named = None if seed == self._seed else seed
        if named != self._named_seed:
            self._named_seed = named
            self.seed_named.emit(named)

    def _put(self, chain: SamplerChain, merge: str = "") -> None:
        self._edit(self._setup.with_chain(chain), merge)

    def _edit(self, setup: LaneSetup, merge: str = "") -> None:
        same = replace(setup, user={}) == replace(self._setup, user={})
        if same and setup.resolved() == self._resolved:
            return
        if not merge or merge != self._last_name:
            self._keep()
        seed = self._seed
        self._take(setup)
        if self._seed != seed:  # the user has decided
            self._name_seed(None)
        self._last_name = merge
        self.edited.emit(self.chain)

    def _keep(self) -> None:
        self._undo = [*self._undo, self._setup][-_MOST_UNDO:]
        self._redo.clear()

    def _take(self, setup: LaneSetup) -> None:
        self._setup, self._resolved = setup, setup.resolved()
        self._last_name = ""
        if self._named_seed == self._seed:
            self._name_seed(None)
        self.changed.emit()

    def _step_to(self, setup: LaneSetup, word: str) -> None:
        self._take(setup)
        self._name_seed(None)
        self.edited.emit(self.chain)
        self.told.emit(word)


def _renamed(setup: LaneSetup, recipe: Recipe) -> LaneSetup:
    same = setup.recipe is not None and setup.recipe.id == recipe.id
    return replace(setup, recipe=recipe) if same else setup
