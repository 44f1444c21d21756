"""Lanes on different models: one model after the other, the same message to all of them.

The lanes of one model run together; then the next model is loaded. A model that cannot be loaded
costs its own lanes only: a comparison that runs for an hour unattended goes on with the rest, and
why they did not run is kept with the message. What is written is saved as in every run, so that
after a crash the missing lanes can be answered with `answer`. A lane can be left out until its turn
has begun to run.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from qwqdesk.conversation import LaneFailure
from qwqdesk.engine.events import Loaded, LoadProgress
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.lane_failure import failure_of
from qwqdesk.lane_setup import LaneSetup, asked_lanes
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

    The events that follow count lanes within the turn. It comes once more, with the same number,
    when lanes were left out while their model was loaded.
    """

    number: int
    turns: int
    model: Path | None
    lanes: tuple[int, ...]


@dataclass(frozen=True)
class TurnFailed:
    """The turn ended early: its lanes that had not finished did not run to their end.

    `failure` is what the message keeps of it; None where the lanes had begun, and have replies.
    """

    lanes: tuple[int, ...]
    error: UserError
    failure: LaneFailure | None = None


@dataclass(frozen=True)
class SameThought:
    """Only the answers are drawn again, behind the reasoning of a reply; `reasoning` replaces it.

    Each lane is asked `times` times.
    """

    reply_id: int
    reasoning: str | None = None
    times: int = 1


@dataclass(frozen=True)
class _Asked:
    """What all turns of a message share."""

    text: str
    seed: int
    conversation_id: int | None
    thought: SameThought | None


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
        self._left_out: set[int] = set()
        self._numbers: dict[int, range] = {}  # of the lanes that run, in the session's run
        self._saved: MessageSaved | None = None
        self._failed: dict[int, LaneFailure] = {}  # until it is known where the message is kept

    def stop(self) -> None:
        """Stop the lanes that write, and do not begin another turn."""
        self._stopped = True
        self._session.stop()

    def leave_out(self, number: int) -> None:
        """Do not ask this lane (a number of all lanes); where its run has begun, it is stopped."""
        self._left_out.add(number)
        for running in self._numbers.get(number, ()):
            self._session.stop(running)

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
        if conversation_id is not None and message_id is not None:
            self._saved = MessageSaved(conversation_id, message_id)
        asked = _Asked(text, self._seed(), conversation_id, thought)
        ran = False
        last: UserError | None = None
        for number, group in enumerate(groups, 1):
            lanes = self._wanted(group)
            if self._stopped or not lanes:
                continue
            turn = TurnBegan(number, len(groups), self._places[lanes[0]].model, lanes)
            yield [turn]
            began = False
            try:
                async with aclosing(self._turn(asked, turn)) as batches:
                    async for batch in batches:
                        began = began or any(isinstance(event, RunBegan) for event in batch)
                        yield batch
            except UserError as error:
                last = error
                failure = None if began else self._keep_failure(turn, error)
                if began or ran or any(self._wanted(later) for later in groups[number:]):
                    yield [TurnFailed(lanes, error, failure)]
            ran = ran or began
        if last is not None and not ran:
            raise last

    def _seed(self) -> int:
        """One for all lanes: the given one, or a new one."""
        given = {place.options.seed for place in self._places} - {None}
        seed = given.pop() if len(given) == 1 else None
        return draw_seed() if seed is None else seed

    async def _turn(self, asked: _Asked, turn: TurnBegan) -> AsyncGenerator[list[TurnEvent], None]:
        place = self._places[turn.lanes[0]]
        async with aclosing(self._load(place)) as loading:
            async for progress in loading:
                if self._stopped or not self._wanted(turn.lanes):  # leaving here aborts the load
                    return
                yield [progress]
        lanes = self._wanted(turn.lanes)
        if self._stopped or not lanes:
            return
        if lanes != turn.lanes:
            yield [replace(turn, lanes=lanes)]
        times = asked.thought.times if asked.thought is not None else 1
        self._numbers = {
            lane: range(index * times, (index + 1) * times) for index, lane in enumerate(lanes)
        }
        try:
            async with aclosing(self._run(asked, lanes)) as batches:
                async for batch in batches:
                    for event in batch:
                        if isinstance(event, MessageSaved):
                            self._keep_lanes(event)
                    yield list(batch)
        finally:
            self._numbers = {}

    def _run(self, asked: _Asked, lanes: Sequence[int]) -> AsyncGenerator[list[SessionEvent], None]:
        setups = [self._setup(number) for number in lanes]
        options = replace(self._places[lanes[0]].options, seed=asked.seed)
        thought, saved = asked.thought, self._saved
        if saved is None:
            return self._session.send(
                asked.text, setups, options, conversation_id=asked.conversation_id
            )
        if thought is None:
            return self._session.answer(saved.conversation_id, saved.message_id, setups, options)
        return self._session.answer_again(
            saved.conversation_id,
            thought.reply_id,
            setups,
            options,
            reasoning=thought.reasoning,
            times=thought.times,
        )

    def _wanted(self, lanes: Sequence[int]) -> tuple[int, ...]:
        """Those of the lanes that are still to be asked."""
        return tuple(number for number in lanes if number not in self._left_out)

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
        """All lanes belong to the conversation, also those whose turn never comes."""
        self._saved = saved
        if self._session.history is not None:
            wanted = self._wanted(range(len(self._places)))
            setups = [self._places[number].setup for number in wanted]
            self._session.history.set_lanes(
                saved.conversation_id, asked_lanes(setups, saved.message_id)
            )
        self._save_failures()

    def _keep_failure(self, turn: TurnBegan, error: UserError) -> LaneFailure:
        """Note why the lanes of a turn did not run."""
        failure = failure_of(error, turn.model)
        self._failed.update(dict.fromkeys(turn.lanes, failure))
        self._save_failures()
        return failure

    def _save_failures(self) -> None:
        """Note them with the message, as soon as it is kept.

        Where that cannot be written the run goes on: who reads it sees lanes without a reply.
        """
        history, saved = self._session.history, self._saved
        if history is None or saved is None or not self._failed:
            return
        failures = {
            self._places[number].setup.label: failure
            for number, failure in self._failed.items()
            if number not in self._left_out
        }
        self._failed.clear()
        with suppress(UserError):
            history.set_failures(saved.message_id, failures)
