"""The chain of a lane's answer while it is edited: it begins as the lane's, and says what differs.

Every change becomes one of the lane's setup, so that undo goes through both chains in order.
"""

from __future__ import annotations

from qwqdesk.answer_setup import AnswerSetup
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.resolve import Resolved
from qwqdesk.ui.conversation.chain_model import ChainEdits, ChainModel


class AnswerModel(ChainEdits):
    """Edits the answer's chain of a lane; the lane's own chain is what it is compared with."""

    def __init__(self, lane: ChainModel) -> None:
        super().__init__(lane)
        self._lane = lane
        lane.changed.connect(self.changed)

    @property
    def resolved(self) -> Resolved:
        """The answer's values; the lane's where it has no chain of its own."""
        whole = self._lane.resolved
        return whole.answer or whole

    @property
    def reference(self) -> SamplerChain:
        """The chain of the reasoning."""
        return self._lane.chain

    @property
    def exists(self) -> bool:
        """Whether the lane has two chains."""
        return self._lane.setup.answer is not None

    @property
    def same(self) -> bool:
        """Whether both chains are equal."""
        return self.chain == self._lane.chain

    def add(self) -> None:
        """Give the answer a chain of its own, equal to the lane's."""
        if not self.exists:
            self._lane.change(answer=AnswerSetup())
            self.told.emit("The answer has a chain of its own now")

    def drop(self) -> None:
        """Back to one chain for all."""
        self._lane.change(answer=None)
        self.told.emit("One chain for reasoning and answer")

    def reset(self) -> None:
        """Take back all that differs from the chain of the reasoning."""
        self._lane.change(answer=AnswerSetup())
        self.told.emit("The answer's chain is the same as that of the reasoning")

    def undo(self) -> None:
        self._lane.undo()

    def redo(self) -> None:
        self._lane.redo()

    def _put(self, chain: SamplerChain, merge: str = "") -> None:
        answer = AnswerSetup.between(self._lane.chain, chain)
        self._lane.change(f"answer {merge}" if merge else "", answer=answer)
