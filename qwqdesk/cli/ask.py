"""`qwqdesk ask`: one prompt, one chain."""

from __future__ import annotations

from collections.abc import Sequence

from qwqdesk.cli import common
from qwqdesk.cli.display import OneLane, Silent
from qwqdesk.cli.lane_words import lane_setup
from qwqdesk.cli.lanes_job import LaneJob, Outcome, run_lanes
from qwqdesk.cli.output import print_json, printable, to_stderr
from qwqdesk.paths import DataDirs
from qwqdesk.run_json import FinishedRun, run_json
from qwqdesk.sampling.formats.llama_args import UsageError

HELP = (
    "usage: qwqdesk ask [MODEL] (-p TEXT | -f FILE) [--recipe NAME] [FLAGS] "
    "[--mode exact|fast] [--raw] [--save] [--json]"
)


def run(argv: Sequence[str], dirs: DataDirs) -> int:
    """Run the command; returns the exit status."""
    args = common.parse(argv)
    if args.switch("help"):
        return common.show_help(HELP)
    if args.lanes or args.option("out") is not None:
        what = "ask runs one chain and writes no files."
        raise UsageError(what, "Write compare instead of ask to use --lane or --out.")
    prompt = common.read_prompt(args)
    lane = LaneJob(
        lane_setup("A", args.recipe, args, common.recipes(dirs)),
        common.library(dirs).find(args.model),
        args.engine_settings,
        common.run_options(args, mode="exact"),
        args.use_model_sampling,
    )
    as_json = args.switch("json")
    outcome = run_lanes(
        [lane],
        prompt,
        Silent() if as_json else OneLane(),
        dirs,
        save=args.switch("save"),
        checksums=as_json,
    )
    status = exit_status(outcome)
    if as_json:
        print_json(run_json(outcome.runs, outcome.order))
    return status


def exit_status(outcome: Outcome) -> int:
    """130 when it was interrupted, 1 when a lane failed (said on standard error), else 0.

    Raises:
        KeyboardInterrupt: interrupted before there was anything to print.
    """
    if not outcome.runs:
        raise KeyboardInterrupt
    if outcome.interrupted:
        return 130
    lanes = [(run.began.lanes[i].label, run.record.lanes[i]) for run, i in _lanes(outcome)]
    failed = [(label, lane) for label, lane in lanes if lane.finish_reason == "error"]
    for label, lane in failed:
        why = (lane.finish_detail or "no reason").rstrip(".")
        to_stderr(printable(f"error: Lane {label} failed: {why}."))
    return 1 if failed or outcome.failed else 0


def _lanes(outcome: Outcome) -> list[tuple[FinishedRun, int]]:
    return [(outcome.runs[run], lane) for run, lane in outcome.order]
