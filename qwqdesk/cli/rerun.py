"""`qwqdesk rerun`: run a saved run again, and say whether it gave the same tokens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from qwqdesk.cli import common
from qwqdesk.cli.interrupt import on_interrupt
from qwqdesk.cli.output import note_pipe, print_json, printable, to_stderr, write_out
from qwqdesk.cli.progress import Progress
from qwqdesk.engine.events import LoadProgress
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.model_hash import ModelHashes
from qwqdesk.models.library import LibraryModel
from qwqdesk.new_engine import new_engine
from qwqdesk.paths import DataDirs
from qwqdesk.processor_words import load_words
from qwqdesk.rerun import RerunResult, comparable_lanes, run_stored
from qwqdesk.sampling.formats.llama_args import ParsedArgs, UsageError, parse_args
from qwqdesk.session import Session
from qwqdesk.stored_model import find_model
from qwqdesk.stored_run import StoredLane, read_run

HELP = (
    "usage: qwqdesk rerun FILE [MODEL] [FLAGS] [--json]\n"
    "FILE is what compare --json prints, or run.json of compare --out. The run's own model and "
    "engine settings are used unless MODEL or engine flags say otherwise. Exit status 1: it gave "
    "other tokens."
)

_FROM_FILE = ("prompt", "file", "recipe", "mode")


@dataclass(frozen=True)
class _Turn:
    """Lanes of one model with one set of engine settings."""

    model: Path
    settings: EngineSettings
    lanes: tuple[StoredLane, ...]


def run(argv: Sequence[str], dirs: DataDirs) -> int:
    """Run the command; returns the exit status."""
    args = parse_args(argv)
    if args.switch("help"):
        return common.show_help(HELP, groups=("engine",))
    file = _file(args)
    note_pipe(file)
    stored = read_run(Path(file))
    able, left_out = comparable_lanes(stored.lanes)  # before their models are looked for
    turns = _turns(able, args, dirs)
    results, interrupted = _run(turns, dirs)
    results[0] = replace(results[0], notes=(*left_out, *results[0].notes))
    if args.switch("json"):
        print_json(result_json(results))
    else:
        write_out(printable(result_text(results)))
    if interrupted:
        return 130
    if all(result.reproduced for result in results):
        return 0
    to_stderr(printable(f"error: {_failure(results)}"))
    return 1


def _file(args: ParsedArgs) -> str:
    words = args.positional
    if not words:
        raise UsageError("There is no file.", "Write qwqdesk rerun FILE.")
    if len(words) + (args.option("model") is not None) > 2:
        raise UsageError(f"{words[-1]!r} is one word too many.", "Write FILE and one MODEL.")
    unused = [*args.sampling, *(name for name in _FROM_FILE if args.option(name) is not None)]
    if unused:
        raise UsageError(
            f"A rerun takes its {unused[0]} from the file.",
            "Give only FILE, MODEL and engine flags.",
        )
    return words[0]


def _turns(lanes: Sequence[StoredLane], args: ParsedArgs, dirs: DataDirs) -> list[_Turn]:
    """Lanes grouped by what has to be loaded for them, in their order.

    Raises:
        UserError: when a model is not here.
    """
    library = common.library(dirs)
    chosen = args.option("model") or (args.positional[1] if len(args.positional) > 1 else None)
    own = library.find(chosen) if chosen else None
    here = library.scan() if own is None else []
    groups: dict[tuple[Path, EngineSettings], list[StoredLane]] = {}
    for lane in lanes:
        path = own or _path(lane, here)
        groups.setdefault((path, _settings(lane, args)), []).append(lane)
    return [_Turn(path, settings, tuple(own)) for (path, settings), own in groups.items()]


def _path(lane: StoredLane, here: Sequence[LibraryModel]) -> Path:
    found = find_model(lane.model, here)
    if found.note:
        to_stderr(printable(f"note: {found.note}"))
    return found.path


def _settings(lane: StoredLane, args: ParsedArgs) -> EngineSettings:
    """The run's settings with the flags over them."""
    if lane.settings is None:
        to_stderr(printable(f"note: Lane {lane.label} does not say its engine settings."))
    return replace(lane.settings_to_rerun(EngineSettings()), **args.engine)


def _run(turns: Sequence[_Turn], dirs: DataDirs) -> tuple[list[RerunResult], bool]:
    with contextlib.ExitStack() as stack:
        engine = new_engine(dirs)
        stack.callback(engine.close)
        progress = Progress()
        stack.callback(progress.clear)
        job = _Job(Session(engine, hashes=ModelHashes(dirs.models)), progress)
        asyncio.run(job.run(turns))
    if not job.results:
        raise KeyboardInterrupt
    return job.results, job.interrupted


class _Job:
    def __init__(self, session: Session, progress: Progress) -> None:
        self.results: list[RerunResult] = []
        self.interrupted = False
        self._session = session
        self._progress = progress
        self._task: asyncio.Task[None] | None = None

    async def run(self, turns: Sequence[_Turn]) -> None:
        with on_interrupt(self._interrupt):
            self._task = asyncio.ensure_future(self._run(turns))
            try:
                await self._task
            except asyncio.CancelledError:
                if not self.interrupted:
                    raise

    def _interrupt(self) -> None:
        self.interrupted = True
        if self._session.running:
            self._session.stop()
        elif self._task is not None:
            self._task.cancel()

    async def _run(self, turns: Sequence[_Turn]) -> None:
        for turn in turns:
            if self.interrupted:
                return
            async with contextlib.aclosing(self._session.load(turn.model, turn.settings)) as events:
                async for event in events:
                    if isinstance(event, LoadProgress):
                        self._progress.show(load_words(event))
            await self._session.complete_hashes()
            total = sum(len(lane.tokens) for lane in turn.lanes)
            result = await run_stored(
                self._session,
                turn.lanes,
                progress=partial(self._show, total),
            )
            self.results.append(result)
        self._progress.clear()

    def _show(self, total: int, counts: Mapping[str, int]) -> None:
        done = sum(counts.values())
        self._progress.show(f"Running again: {done:,} of {total:,} tokens")


def result_json(results: Sequence[RerunResult]) -> dict[str, Any]:
    """The document of a rerun.

    `lanes`: `token` is the first differing index or null, `then` and `now` the texts there;
    `changed` and `notes` are sentences; `expected` says whether equal tokens were to be expected.
    """
    return {
        "format": "qwqdesk.rerun",
        "version": 1,
        "reproduced": all(result.reproduced for result in results),
        "expected": all(result.expected for result in results),
        "stopped": any(result.stopped for result in results),
        "mode": results[0].mode,
        "lanes": [lane.to_json() for result in results for lane in result.lanes],
        "changed": list(dict.fromkeys(s for result in results for s in result.changed)),
        "notes": list(dict.fromkeys(s for result in results for s in result.notes)),
    }


def result_text(results: Sequence[RerunResult]) -> str:
    """The result for people."""
    lines = [f"{lane.label}: {lane.words}" for result in results for lane in result.lanes]
    for result in results:
        lines += [f"note: {note}" for note in result.notes]
    if all(result.reproduced for result in results):
        lines.append("Reproduced: every token is the same.")
    changed = list(dict.fromkeys(s for result in results for s in result.changed))
    if changed:
        lines += ["Changed since the run:", *(f"  {sentence}" for sentence in changed)]
    return "\n".join(lines) + "\n"


def _failure(results: Sequence[RerunResult]) -> str:
    result = next(result for result in results if not result.reproduced)
    return f"{result.sentence} {result.reason}".strip()
