"""Running an experiment's trials from the command line: one line for each, a table at the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from qwqdesk.cli import common
from qwqdesk.cli.interrupt import on_interrupt
from qwqdesk.cli.output import printable, to_stderr, write_out
from qwqdesk.errors import UserError
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_result import ExperimentResult, seeds
from qwqdesk.experiment_run import ExperimentRun, TrialEnded
from qwqdesk.model_turns import LanePlace
from qwqdesk.new_engine import new_engine
from qwqdesk.paths import DataDirs
from qwqdesk.run_plan import RunOptions
from qwqdesk.sampling.formats.llama_args import ParsedArgs
from qwqdesk.session import Session
from qwqdesk.whole_file import write_whole


@dataclass
class TrialsOutcome:
    """What came of it, also when it was interrupted."""

    result: ExperimentResult
    interrupted: bool = False


def run_trials(
    one: Experiment, args: ParsedArgs, repeats: int, dirs: DataDirs, *, quiet: bool
) -> TrialsOutcome:
    """Run every lane at every seed, and print what held how often.

    Raises:
        UserError: from loading or running.
    """
    out = Path(text) if (text := args.option("out")) is not None else None
    outcome = TrialsOutcome(ExperimentResult(one))
    if out is not None:
        _save(out, outcome.result)  # known before the lanes have run for an hour
    places = _places(one, args, dirs)
    outcome.result.note_models([place.model for place in places])
    names = dict.fromkeys(outcome.result.models.values())
    to_stderr(printable(f"note: runs on {' and '.join(names)}"))
    engine = new_engine(dirs)
    with contextlib.closing(engine):
        run = ExperimentRun(Session(engine), one, places, seeds(one, repeats), outcome.result)
        asyncio.run(_follow(run, outcome, out, quiet=quiet))
    if not quiet:
        write_out(printable(table(outcome.result)) + "\n")
    return outcome


def _places(one: Experiment, args: ParsedArgs, dirs: DataDirs) -> list[LanePlace]:
    """Where each lane runs: on its own model, else on the one that was named."""
    options = RunOptions(mode=one.mode, system_prompt=one.system_prompt, keep=False)
    models = common.library(dirs)
    named = models.find(args.model)
    return [
        LanePlace(lane, Path(lane.model) if lane.model else named, args.engine_settings, options)
        for lane in one.lanes
    ]


async def _follow(
    run: ExperimentRun, outcome: TrialsOutcome, out: Path | None, *, quiet: bool
) -> None:
    def interrupt() -> None:
        outcome.interrupted = True
        run.stop()

    with on_interrupt(interrupt):
        async with contextlib.aclosing(run.run()) as batches:
            async for batch in batches:
                ended = [event for event in batch if isinstance(event, TrialEnded)]
                for event in ended:
                    if not quiet:
                        to_stderr(printable(_line(event)))
                if ended and out is not None:
                    _save(out, run.result)


def _line(event: TrialEnded) -> str:
    words = ", ".join(verdict.words for verdict in event.trial.verdicts)
    mark = {True: "passed", False: "failed", None: "nothing applies"}[event.trial.passed]
    return f"lane {event.trial.lane}, seed {event.trial.seed}: {mark} ({words})"


def table(result: ExperimentResult) -> str:
    """Lanes as columns, checks as rows, how often each held."""
    labels = [lane.label for lane in result.experiment.lanes]
    rows = [["", *labels]]
    for number, check in enumerate(result.experiment.checks):
        rows.append([check.title, *(str(result.rate(label, number)) for label in labels)])
    rows.append(["All checks", *(str(result.rate(label)) for label in labels)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(labels) + 1)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
             for row in rows]  # fmt: skip
    return "\n".join(line.rstrip() for line in lines)


def _save(path: Path, result: ExperimentResult) -> None:
    text = json.dumps(result.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    try:
        write_whole(path, text + "\n")
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Choose another file for --out.",
            code="disk",
        ) from error
