"""What came of an experiment: a verdict for every check of every reply, and how often each held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from qwqdesk.analysis.checks import Checked, Verdict, passed_all
from qwqdesk.analysis.code_check import check_answer
from qwqdesk.analysis.loops import find_loop
from qwqdesk.analysis.numbers import reasoning_closed
from qwqdesk.analysis.rates import Rate
from qwqdesk.conversation import FinishReason, Loop
from qwqdesk.experiment import Experiment


class Written(Protocol):
    """A finished reply, wherever it is kept."""

    @property
    def text(self) -> str: ...
    @property
    def reasoning(self) -> str | None: ...
    @property
    def answer(self) -> str: ...
    @property
    def tokens(self) -> Sequence[int]: ...
    @property
    def finish_reason(self) -> FinishReason | None: ...
    @property
    def loop(self) -> Loop | None: ...


def checked(reply: Written) -> Checked:
    """What checks look at of a finished reply.

    A lane without a loop guard was not watched while it wrote, so loops are looked for here.
    """
    tokens = tuple(reply.tokens)
    return Checked(
        answer=reply.answer,
        tokens=tokens,
        finish_reason=reply.finish_reason,
        closed=reasoning_closed(reply.text, reply.reasoning, reply.answer),
        loop=reply.loop or find_loop(tokens),
        code=check_answer(reply.answer),
    )


def judge(experiment: Experiment, reply: Checked) -> tuple[Verdict, ...]:
    """One verdict for each check of the experiment, in their order."""
    return tuple(check.verdict(reply) for check in experiment.checks)


@dataclass(frozen=True)
class Trial:
    """One lane's reply at one seed, judged."""

    lane: str
    seed: int
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool | None:
        """Whether every check that applies held; None where none of the checks applies."""
        return passed_all(self.verdicts)


@dataclass
class ExperimentResult:
    """The trials of one experiment; `add` them as they end.

    `models` are the names of the files that the lanes ran on, by label, as far as they are known.
    """

    experiment: Experiment
    trials: list[Trial] = field(default_factory=list, init=False)
    models: dict[str, str] = field(default_factory=dict, init=False)
    _over: set[tuple[str, int]] = field(default_factory=set, init=False, repr=False)

    def add(self, lane: str, seed: int, reply: Checked) -> Trial:
        """Judge a reply and keep the verdicts."""
        trial = Trial(lane, seed, judge(self.experiment, reply))
        self._take(trial)
        return trial

    def note_models(self, files: Sequence[Path | None]) -> None:
        """Keep on which files the lanes run, in their order."""
        labels = (lane.label for lane in self.experiment.lanes)
        named = zip(labels, files, strict=True)
        self.models = {label: file.name for label, file in named if file is not None}

    def rate(self, lane: str, check: int | None = None) -> Rate:
        """How often a check (by its number) held in a lane; None: all of them together.

        Replies to which it does not apply are not counted.
        """
        own = [trial for trial in self.trials if trial.lane == lane]
        held = [trial.passed if check is None else trial.verdicts[check].passed for trial in own]
        known = [passed for passed in held if passed is not None]
        return Rate(sum(known), len(known), len(held) - len(known))

    def best_lane(self) -> str | None:
        """The lane with the highest share of trials that passed every check; None for a tie."""
        labels = [lane.label for lane in self.experiment.lanes]
        shares = {label: self.rate(label).share for label in labels}
        known = [share for share in shares.values() if share is not None]
        if len(known) < 2 or known.count(max(known)) != 1:
            return None
        return next(label for label, share in shares.items() if share == max(known))

    def to_json(self) -> dict[str, Any]:
        """The experiment's name, its checks, and for each lane the rates and the trials."""
        experiment = self.experiment
        return {
            "experiment": experiment.id,
            "title": experiment.title,
            "checks": [{**check.to_json(), "title": check.title} for check in experiment.checks],
            "lanes": [self._lane_json(lane.label) for lane in experiment.lanes],
            "best": self.best_lane(),
        }

    def take(self, data: object) -> None:
        """Take over the trials of a document that `to_json` wrote; what cannot be read is left.

        A trial counts only for a lane of this experiment, with a verdict for each check, once.
        """
        lanes = data.get("lanes") if isinstance(data, Mapping) else None
        labels = {lane.label for lane in self.experiment.lanes}
        for lane in lanes if isinstance(lanes, list) else []:
            label = lane.get("label") if isinstance(lane, Mapping) else None
            trials = lane.get("trials") if isinstance(lane, Mapping) else None
            for entry in trials if label in labels and isinstance(trials, list) else []:
                trial = _trial(str(label), entry, self._count)
                if trial is not None and not self.has(trial.lane, trial.seed):
                    self._take(trial)

    def has(self, lane: str, seed: int) -> bool:
        """Whether this trial is over."""
        return (lane, seed) in self._over

    def _take(self, trial: Trial) -> None:
        self.trials.append(trial)
        self._over.add((trial.lane, trial.seed))

    def _lane_json(self, label: str) -> Mapping[str, Any]:
        own = [trial for trial in self.trials if trial.lane == label]
        return {
            "label": label,
            **({"model": self.models[label]} if label in self.models else {}),
            "passed": _rate_json(self.rate(label)),
            "checks": [_rate_json(self.rate(label, n)) for n in range(self._count)],
            "trials": [_trial_json(trial) for trial in own],
        }

    @property
    def _count(self) -> int:
        return len(self.experiment.checks)


def _rate_json(rate: Rate) -> dict[str, Any]:
    low, high = rate.interval
    return {
        "passed": rate.passed,
        "of": rate.total,
        "does_not_apply": rate.without,
        "interval": [round(low, 4), round(high, 4)],
    }


def _trial_json(trial: Trial) -> dict[str, Any]:
    return {
        "seed": trial.seed,
        "passed": trial.passed,
        "verdicts": [_verdict_json(verdict) for verdict in trial.verdicts],
    }


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {"passed": verdict.passed, "words": verdict.words}


def _trial(lane: str, data: object, checks: int) -> Trial | None:
    if not isinstance(data, Mapping):
        return None
    seed, rows = data.get("seed"), data.get("verdicts")
    if isinstance(seed, bool) or not isinstance(seed, int) or not isinstance(rows, list):
        return None
    verdicts = tuple(
        Verdict(row["passed"], row["words"][:200])
        for row in rows
        if isinstance(row, Mapping)
        and isinstance(row.get("passed", ""), bool | None)
        and isinstance(row.get("words"), str)
    )
    return Trial(lane, seed, verdicts) if len(verdicts) == len(rows) == checks else None


def seeds(experiment: Experiment, repeats: int) -> Sequence[int]:
    """The seed of each repeat: the experiment's own, and those after it."""
    return [(experiment.seed + number) % (2**32 - 1) for number in range(repeats)]
