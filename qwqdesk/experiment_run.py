"""Running an experiment again and again at other seeds, unattended: model by model, trial by trial.

Every finished trial is in the result at once, so that it can be saved; a run that was stopped or
killed goes on with the trials that are missing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from qwqdesk.engine.events import Event
from qwqdesk.errors import UserError
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_result import ExperimentResult, Trial, checked
from qwqdesk.model_turns import LanePlace, ModelTurns, TurnEvent, TurnFailed
from qwqdesk.run_plan import RunBegan
from qwqdesk.run_record import RunRecord
from qwqdesk.session import Session

MAX_REPEATS = 1000


@dataclass(frozen=True)
class TrialsBegan:
    """The lanes `lanes` (their labels) run at this seed; `done` of `total` trials are over."""

    seed: int
    lanes: tuple[str, ...]
    done: int
    total: int


@dataclass(frozen=True)
class TrialEnded:
    """A lane's reply is judged; `text` is the whole of it, `answer` its answer."""

    trial: Trial
    text: str
    answer: str


ExperimentEvent = TrialsBegan | TrialEnded | TurnEvent


class ExperimentRun:
    """One run of an experiment over several seeds.

    Args:
        session: what runs the lanes; give the places options without `keep`, since a hundred
            trials are no conversations.
        places: where each of the experiment's lanes runs, in their order.
        result: with the trials of an earlier run, which are not run again.
    """

    def __init__(
        self,
        session: Session,
        experiment: Experiment,
        places: Sequence[LanePlace],
        seeds: Sequence[int],
        result: ExperimentResult | None = None,
    ) -> None:
        self.result = result or ExperimentResult(experiment)
        self._session = session
        self._experiment = experiment
        self._places = tuple(places)
        self._seeds = tuple(seeds)
        self._turns: ModelTurns | None = None
        self._stopped = False

    def stop(self) -> None:
        """Stop now; the trials that are over stay."""
        self._stopped = True
        if self._turns is not None:
            self._turns.stop()

    async def run(self) -> AsyncGenerator[list[ExperimentEvent], None]:
        """Run the trials that are missing.

        Raises:
            UserError: when a lane cannot run at all; what was done before stays in the result.
        """
        for lanes in ModelTurns(self._session, self._places).groups():
            for seed in self._seeds:
                labels = {n: self._places[n].setup.label for n in lanes}
                missing = [n for n in lanes if not self.result.has(labels[n], seed)]
                if self._stopped:
                    return
                if missing:
                    async with aclosing(self._at_seed(seed, missing)) as batches:
                        async for batch in batches:
                            yield batch

    async def _at_seed(
        self, seed: int, lanes: Sequence[int]
    ) -> AsyncGenerator[list[ExperimentEvent], None]:
        setups = self._experiment.setups(seed)
        places = [replace(self._places[n], setup=setups[n]) for n in lanes]
        labels = tuple(place.setup.label for place in places)
        total = len(self._places) * len(self._seeds)
        yield [TrialsBegan(seed, labels, len(self.result.trials), total)]
        self._turns = turns = ModelTurns(self._session, places)
        record: RunRecord | None = None
        async with aclosing(turns.send(self._experiment.prompt)) as batches:
            async for batch in batches:
                for event in batch:
                    if isinstance(event, RunBegan):
                        record = RunRecord([len(prompt.tokens) for prompt in event.prompts])
                    elif isinstance(event, Event) and record is not None:
                        record.add(event)
                    elif isinstance(event, TurnFailed):
                        raise event.error
                yield list(batch)
        if record is not None and not self._stopped:
            yield list(self._judged(seed, labels, record))

    def _judged(self, seed: int, labels: Sequence[str], record: RunRecord) -> list[TrialEnded]:
        found: list[TrialEnded] = []
        for label, lane in zip(labels, record.lanes, strict=True):
            if lane.finish_reason == "cancelled":
                continue
            trial = self.result.add(label, seed, checked(lane))
            found.append(TrialEnded(trial, lane.text, lane.answer))
        return found


def check_repeats(repeats: int) -> int:
    """The number itself.

    Raises:
        UserError: code "repeats", for a number that cannot be run.
    """
    if not 1 <= repeats <= MAX_REPEATS:
        raise UserError(
            f"{repeats:,} repeats cannot be run.",
            f"Choose a number from 1 to {MAX_REPEATS:,}.",
            code="repeats",
        )
    return repeats
