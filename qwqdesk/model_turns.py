"""Lanes on different models: one model after the other, the same message to all of them.

The lanes of one model run together; then the next model is loaded. A model that cannot be loaded
costs its own lanes only: a comparison that runs for an hour unattended goes on with the rest. What
is written is saved as in every run, so that after a crash the missing lanes can be answered with
`answer`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from qwqdesk.engine.events import Loaded, LoadProgress
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.run_plan import MessageSaved, RunBegan, RunOptions, SessionEvent
from qwqdesk.sampling.resolve import draw_seed, parse_model_sampling
from qwqdesk.session import Session


@dataclass(frozen=True)
class LanePlace:
    """A lane with all that decides in which turn it runs; without `model` on what is loaded."""

    setup: LaneSetup
    model: Path | None
    settings: EngineSettings
    options: RunOptions

    @property
    def turn(self) -> tuple[Path | None, EngineSettings, RunOptions]:
        """Lanes run together when these are the same."""
        return self.model, self.settings, self.options


@dataclass(frozen=True)
class TurnBegan:
    """The lanes `lanes` (numbers of all lanes) are next; turns count from 1.

    The events that follow count lanes within the turn.
    """

    number: int
    turns: int
    model: Path | None
    lanes: tuple[int, ...]


@dataclass(frozen=True)
class TurnFailed:
    """The turn ended early: its lanes that had not finished did not run to their end."""

    lanes: tuple[int, ...]
    error: UserError


@dataclass(frozen=True)
class SameThought:
    """Only the answers are drawn again, behind the reasoning of a reply; `reasoning` replaces it.

    Each lane is asked `times` times.
    """

    reply_id: int
    reasoning: str | None = None
    times: int = 1


TurnEvent = TurnBegan | TurnFailed | LoadProgress | Loaded | SessionEvent


class ModelTurns:
    """One message to lanes on one or several models.

    Args:
        session: whose present model is used first where a lane runs on it.
        places: all lanes, from left to right.
    """

    def __init__(self, session: Session, places: Sequence[LanePlace]) -> None:
        self._session = session
        self._places = tuple(places)
        self._stopped = False

    def stop(self) -> None:
        """Stop the lanes that write, and do not begin another turn."""
        self._stopped = True
        self._session.stop()

    async def send(
        self, text: str, *, conversation_id: int | None = None
    ) -> AsyncGenerator[list[TurnEvent], None]:
        """Ask all lanes. Without `conversation_id` a new conversation begins.

        The message is saved once, by the first turn that comes so far; the others answer it.

        Raises:
            UserError: when nothing ran at all; later failures are `TurnFailed`.
        """
        async with aclosing(self._turns(text, conversation_id, None)) as batches:
            async for batch in batches:
                yield batch

    async def answer(
        self, conversation_id: int, message_id: int
    ) -> AsyncGenerator[list[TurnEvent], None]:
        """Answer a message that is saved already, in these lanes.

        Raises:
            UserError: as `send`.
        """
        async with aclosing(self._turns("", conversation_id, message_id)) as batches:
            async for batch in batches:
                yield batch

    async def answer_again(
        self, conversation_id: int, message_id: int, thought: SameThought
    ) -> AsyncGenerator[list[TurnEvent], None]:
        """Answer a message again behind a reply's reasoning, in these lanes.

        Raises:
            UserError: as `send`.
        """
        async with aclosing(self._turns("", conversation_id, message_id, thought)) as batches:
            async for batch in batches:
                yield batch

    # ------------------------------------------------------------ inside

    def groups(self) -> list[tuple[int, ...]]:
        """The numbers of the lanes of each turn; those of the loaded model come first."""
        turns = list(dict.fromkeys(place.turn for place in self._places))
        turns.sort(key=lambda turn: not self._is_loaded(turn[0], turn[1]))
        return [
            tuple(n for n, place in enumerate(self._places) if place.turn == turn) for turn in turns
        ]

    async def _turns(
        self,
        text: str,
        conversation_id: int | None,
        message_id: int | None,
        thought: SameThought | None = None,
    ) -> AsyncGenerator[list[TurnEvent], None]:
        groups = self.groups()
        given = {place.options.seed for place in self._places} - {None}
        seed = given.pop() if len(given) == 1 else None
        seed = draw_seed() if seed is None else seed
        ran = False
        for number, lanes in enumerate(groups, 1):
            if self._stopped:
                return
            place = self._places[lanes[0]]
            yield [TurnBegan(number, len(groups), place.model, lanes)]
            work = self._turn(text, lanes, seed, conversation_id, message_id, thought)
            try:
                async with aclosing(work) as batches:
                    async for batch in batches:
                        for event in batch:
                            if isinstance(event, MessageSaved):
                                self._keep_lanes(event)
                                conversation_id, message_id = (
                                    event.conversation_id,
                                    event.message_id,
                                )
                            ran = ran or isinstance(event, RunBegan)
                        yield batch
            except UserError as error:
                if number == len(groups) and not ran:
                    raise
                yield [TurnFailed(lanes, error)]

    async def _turn(
        self,
        text: str,
        lanes: Sequence[int],
        seed: int,
        conversation_id: int | None,
        message_id: int | None,
        thought: SameThought | None,
    ) -> AsyncGenerator[list[TurnEvent], None]:
        place = self._places[lanes[0]]
        async with aclosing(self._load(place)) as loading:
            async for event in loading:
                if self._stopped:  # leaving here aborts the load
                    return
                yield [event]
        if self._stopped:
            return
        setups = [self._setup(number) for number in lanes]
        options = replace(place.options, seed=seed)
        if conversation_id is not None and thought is not None:
            runs = self._session.answer_again(
                conversation_id,
                thought.reply_id,
                setups,
                options,
                reasoning=thought.reasoning,
                times=thought.times,
            )
        elif conversation_id is not None and message_id is not None:
            runs = self._session.answer(conversation_id, message_id, setups, options)
        else:
            runs = self._session.send(text, setups, options, conversation_id=conversation_id)
        async with aclosing(runs) as batches:
            async for batch in batches:
                yield list(batch)

    def _setup(self, number: int) -> LaneSetup:
        """The lane; where it takes the model's own values, they are those of the model it is on."""
        setup, loaded = self._places[number].setup, self._session.loaded
        if setup.model_values is None or loaded is None:
            return setup
        values = parse_model_sampling(loaded.model.metadata).values
        return replace(setup, model_values=values or None)

    async def _load(self, place: LanePlace) -> AsyncGenerator[LoadProgress | Loaded, None]:
        if place.model is not None and not self._is_loaded(place.model, place.settings):
            async with aclosing(self._session.load(place.model, place.settings)) as loading:
                async for event in loading:
                    yield event

    def _is_loaded(self, model: Path | None, settings: EngineSettings) -> bool:
        plan = self._session.plan
        loaded = self._session.loaded
        if model is None:
            return True
        return (
            loaded is not None
            and plan is not None
            and plan.asked == settings
            and Path(loaded.model.path) == model
        )

    def _keep_lanes(self, saved: MessageSaved) -> None:
        """All lanes belong to the conversation, also those whose turn never comes.

        `asked` tells them from lanes that a user adds later and that nobody has asked yet.
        """
        if self._session.history is not None:
            asked = {"asked": saved.message_id}
            setups = [{**place.setup.to_json(), **asked} for place in self._places]
            self._session.history.set_lanes(saved.conversation_id, setups)
