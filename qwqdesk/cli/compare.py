"""`qwqdesk compare`: one prompt, several chains."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from qwqdesk.cli import common
from qwqdesk.cli.ask import exit_status
from qwqdesk.cli.columns import Columns
from qwqdesk.cli.display import Display, OneAfterAnother, Silent
from qwqdesk.cli.lane_words import lane_setup
from qwqdesk.cli.lanes_job import LaneJob, run_lanes
from qwqdesk.cli.output import is_terminal, print_json, printable, to_stderr
from qwqdesk.conversation import LANE_LABELS
from qwqdesk.errors import UserError
from qwqdesk.exports.files import comparison_files
from qwqdesk.paths import DataDirs
from qwqdesk.run_json import run_json
from qwqdesk.run_plan import RunOptions
from qwqdesk.sampling.formats.lane import parse_lane
from qwqdesk.sampling.formats.llama_args import ParsedArgs, UsageError
from qwqdesk.sampling.samplers import RANDOM_SEED
from qwqdesk.whole_file import write_whole

HELP = (
    "usage: qwqdesk compare [MODEL] (-p TEXT | -f FILE) --lane LANE --lane LANE ... [FLAGS] "
    "[--mode exact|fast] [--raw] [--save] [--json] [--out DIR]\n"
    "LANE: [LABEL=][RECIPE] [FLAGS], for example "
    '--lane "fixed=unsloth --repeat-penalty 1.2"'
)
MAX_LANES = 4
_OF_A_LANE = ("chat_template", "chat_template_file", "thought")


def run(argv: Sequence[str], dirs: DataDirs) -> int:
    """Run the command; returns the exit status."""
    args = common.parse(argv)
    if args.switch("help"):
        return common.show_help(HELP)
    lanes = lane_jobs(args, dirs)
    prompt = common.read_prompt(args)
    as_json = args.switch("json")
    if (out := args.option("out")) is not None:
        if not out.strip():
            raise UsageError("--out names no folder.", "Write --out DIR.")
        make_folder(Path(out))  # known before the lanes have run for an hour
    outcome = run_lanes(
        lanes,
        prompt,
        _display(len(lanes), as_json=as_json),
        dirs,
        save=args.switch("save"),
        checksums=as_json or out is not None,
    )
    status = exit_status(outcome)
    if as_json or out is not None:
        document = run_json(outcome.runs, outcome.lanes)
        if out is not None:
            write_folder(Path(out), document)
        if as_json:
            print_json(document)
    return status


def lane_jobs(args: ParsedArgs, dirs: DataDirs) -> list[LaneJob]:
    """The lanes as written; FLAGS outside of a lane apply to every lane first.

    Raises:
        UsageError: without lanes, with too many, or with two of one label.
    """
    if not args.lanes:
        raise UsageError("There is no lane.", 'Write --lane "RECIPE FLAGS" once for each lane.')
    if len(args.lanes) > MAX_LANES:
        raise UsageError(
            f"There are {len(args.lanes)} lanes, at most {MAX_LANES} can run.",
            "Omit some of them.",
        )
    recipes, models = common.recipes(dirs), common.library(dirs)
    shared = common.run_options(args, mode="exact")
    jobs: list[LaneJob] = []
    for number, text in enumerate(args.lanes):
        lane = parse_lane(text, args)
        label = lane.label or LANE_LABELS[number]
        for note in lane.args.notes:
            if note not in args.notes:
                to_stderr(printable(f"note: lane {label}: {note}"))
        name = lane.recipe or args.recipe
        setup = lane_setup(label, name, lane.args, recipes, where=f"Lane {label}: ")
        if "seed" not in setup.user:  # the recipe's would be one lane's own
            setup = setup.with_seed(RANDOM_SEED)
        path = models.find(lane.args.model or args.model)
        jobs.append(
            LaneJob(
                setup,
                path,
                lane.args.engine_settings,
                _options(lane.args, args, shared),
                lane.args.use_model_sampling,
            )
        )
    labels = [job.setup.label for job in jobs]
    if len(set(labels)) != len(labels):
        raise UsageError("Two lanes have the same label.", "Give each lane its own LABEL=.")
    return jobs


def _options(own: ParsedArgs, outside: ParsedArgs, shared: RunOptions) -> RunOptions:
    """Mode, prompt, system message are the comparison's; template and thought may be a lane's.

    What a lane does not name itself is not read again: a pipe can be read only once.
    """
    if all(own.option(name) == outside.option(name) for name in _OF_A_LANE):
        return shared
    lane = common.run_options(own, mode=shared.mode)
    return replace(shared, template=lane.template, thought=lane.thought)


def write_folder(folder: Path, document: dict[str, Any]) -> None:
    """The files of `comparison_files`: the document, pages to read, and each lane's text.

    Raises:
        UserError: code "disk", when the folder cannot be written.
    """
    make_folder(folder)
    try:
        for name, text in comparison_files(document).items():
            write_whole(folder / name, text)
    except OSError as error:
        raise _not_written(folder, error) from None


def make_folder(folder: Path) -> None:
    """Create the folder of `--out`.

    Raises:
        UserError: code "disk", when it cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(folder, error) from None


def _not_written(folder: Path, error: OSError) -> UserError:
    return UserError(
        f"{folder} cannot be written: {error.strerror or error}.",
        "Choose another folder for --out.",
        code="disk",
    )


def _display(lanes: int, *, as_json: bool) -> Display:
    if as_json:
        return Silent()
    wide = is_terminal(sys.stdout) and Columns.fits(lanes)
    return Columns() if wide else OneAfterAnother()
