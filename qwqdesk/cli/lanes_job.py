"""Running lanes from the command line: load each model once, stream, stop on Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qwqdesk.cli.display import Display
from qwqdesk.cli.interrupt import on_interrupt
from qwqdesk.cli.output import printable, to_stderr
from qwqdesk.engine.events import BiasesFound, Event, Loaded, LoadProgress
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.lane_failure import failure_of
from qwqdesk.lane_setup import LaneSetup, asked_lanes
from qwqdesk.model_hash import ModelHashes
from qwqdesk.models.library_uses import note_use
from qwqdesk.new_engine import new_engine
from qwqdesk.paths import DataDirs
from qwqdesk.processor_words import fewer_help, shared_words, thread_warnings
from qwqdesk.run_json import FinishedRun, UnrunLane
from qwqdesk.run_plan import MessageSaved, RunBegan, RunOptions
from qwqdesk.run_record import RunRecord
from qwqdesk.sampling.effective import effective_chain, vocabulary_warnings
from qwqdesk.sampling.resolve import draw_seed, parse_model_sampling
from qwqdesk.session import Session
from qwqdesk.store.history import History

_LARGE = 2 << 30  # bytes: reading them takes seconds


@dataclass(frozen=True)
class LaneJob:
    """One lane, the model it runs on with which settings, and how its prompt is made."""

    setup: LaneSetup
    model: Path
    settings: EngineSettings
    options: RunOptions
    use_model_sampling: bool = False

    @property
    def group(self) -> tuple[Path, EngineSettings, RunOptions]:
        """Lanes run together when these are the same."""
        return self.model, self.settings, self.options


@dataclass
class Outcome:
    """What came of a job: also when it was interrupted.

    `places` says for each lane that ran, by its number, in which run it was and where there; in
    `unrun` are those that never began. `failed`: lanes of one model did not run, while those of
    others did, or what lanes wrote could not be saved; it was said on standard error.
    """

    runs: list[FinishedRun] = field(default_factory=list)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    unrun: dict[int, UnrunLane] = field(default_factory=dict)
    interrupted: bool = False
    failed: bool = False

    @property
    def order(self) -> list[tuple[int, int]]:
        """The places of the lanes that ran, in the order of the lanes."""
        return [self.places[lane] for lane in sorted(self.places)]

    @property
    def lanes(self) -> list[tuple[int, int] | UnrunLane]:
        """All lanes in their order, for `run_json`."""
        every: dict[int, tuple[int, int] | UnrunLane] = {**self.unrun, **self.places}
        return [every[lane] for lane in sorted(every)]


def run_lanes(
    lanes: Sequence[LaneJob],
    prompt: str,
    display: Display,
    dirs: DataDirs,
    *,
    save: bool = False,
    checksums: bool = False,
) -> Outcome:
    """Run all lanes, grouped by model and settings, and wait for the end or for Ctrl-C.

    Args:
        checksums: the documents need those of the model files; computed after the lanes.

    Raises:
        UserError: from loading or running; what was written before is on the display.
    """
    outcome = Outcome()
    with contextlib.ExitStack() as stack:
        history = History(dirs.create().database) if save else None
        if history is not None:
            stack.callback(history.close)
        engine = new_engine(dirs)
        stack.callback(engine.close)
        stack.callback(display.end)
        session = Session(engine, history, hashes=ModelHashes(dirs.models))
        job = _Job(session, display, outcome, dirs.models, checksums=checksums)
        asyncio.run(job.run(lanes, prompt))
    return outcome


class _Job:
    def __init__(
        self,
        session: Session,
        display: Display,
        outcome: Outcome,
        models: Path,
        *,
        checksums: bool,
    ) -> None:
        self._session = session
        self._models = models
        self._checksums = checksums
        self._display = display
        self._outcome = outcome
        self._seed = draw_seed()
        self._task: asyncio.Task[None] | None = None
        self._saved: MessageSaved | None = None  # the message, which the lanes of all models answer
        self._present: tuple[Path, EngineSettings] | None = None

    async def run(self, lanes: Sequence[LaneJob], prompt: str) -> None:
        with on_interrupt(self._interrupt):
            self._task = asyncio.ensure_future(self._run_models(lanes, prompt))
            try:
                await self._task
            except asyncio.CancelledError:
                if not self._outcome.interrupted:
                    raise

    def _interrupt(self) -> None:
        self._outcome.interrupted = True
        if self._session.running:
            self._session.stop()
        elif self._task is not None:
            self._task.cancel()

    async def _run_models(self, lanes: Sequence[LaneJob], prompt: str) -> None:
        """Model by model; one that fails costs its own lanes, not what the others wrote."""
        failed: dict[int, UserError] = {}
        try:
            await self._run_groups(lanes, prompt, failed)
        finally:
            self._outcome.unrun = {
                number: self._unrun(lane, prompt, failed.get(number))
                for number, lane in enumerate(lanes)
                if number not in self._outcome.places
            }
        self._keep_lanes(lanes)

    async def _run_groups(
        self, lanes: Sequence[LaneJob], prompt: str, failed: dict[int, UserError]
    ) -> None:
        """`failed` gets the lanes that did not run, by their numbers, and why."""
        groups = list(dict.fromkeys(lane.group for lane in lanes))
        for group in groups:
            if self._outcome.interrupted:
                return
            own = [i for i, lane in enumerate(lanes) if lane.group == group]
            try:
                await self._run_group(lanes, own, prompt)
            except UserError as error:
                last = group == groups[-1]
                if len(groups) == 1 or (last and not self._outcome.runs):
                    raise
                self._outcome.failed = True
                self._present = None
                failed.update(dict.fromkeys(own, error))
                labels = [lanes[i].setup.label for i in own]
                to_stderr(printable(f"error: {_did_not_run(labels)} {error}"))

    def _keep_lanes(self, lanes: Sequence[LaneJob]) -> None:
        """All lanes belong to a saved comparison, also those that did not run, with the reason.

        Where that cannot be written, what ran is saved all the same.
        """
        history, saved = self._session.history, self._saved
        if history is None or saved is None:
            return
        several = len({lane.model for lane in lanes}) > 1
        shown = [
            replace(lane.setup, model=str(lane.model)) if several else lane.setup for lane in lanes
        ]
        failures = {
            lane.setup.label: failure_of(lane.error, lane.model)
            for lane in self._outcome.unrun.values()
            if lane.error is not None
        }
        with contextlib.suppress(UserError):
            history.set_lanes(saved.conversation_id, asked_lanes(shown, saved.message_id))
            history.set_failures(saved.message_id, failures)

    def _unrun(self, lane: LaneJob, prompt: str, error: UserError | None) -> UnrunLane:
        options = replace(lane.options, seed=self._seed)
        return UnrunLane(lane.setup, lane.model, lane.settings, options, prompt, error)

    async def _run_group(self, lanes: Sequence[LaneJob], own: Sequence[int], prompt: str) -> None:
        """The lanes `own` (numbers of all lanes), which share model, settings and options."""
        model, settings, options = lanes[own[0]].group
        loaded = self._session.loaded
        if loaded is None or self._present != (model, settings):
            loaded = await self._load(model, settings)
            self._present = (model, settings)
        if not any(lanes[i].use_model_sampling for i in own):
            _print_recommendation(loaded)
        setups = [_with_model_values(lanes[i], loaded) for i in own]
        run = len(self._outcome.runs)
        try:
            await self._run_lanes(setups, prompt, options)
        except UserError as error:
            if error.code != "unsaved":
                raise
            # The lanes have run to their end: what they wrote must not be lost here too.
            self._outcome.failed = True
            to_stderr(printable(f"error: {error}"))
        finally:
            if len(self._outcome.runs) > run:
                places = {index: (run, number) for number, index in enumerate(own)}
                self._outcome.places.update(places)
        if self._checksums and len(self._outcome.runs) > run:
            await self._add_checksums(run)

    async def _add_checksums(self, run: int) -> None:
        """When the lanes have written, so that no token waits for it; Ctrl-C leaves them out."""
        files = self._session.model_files
        unknown = sum(file.size_bytes for file in files if file.sha256 is None)
        if unknown > _LARGE:
            to_stderr("note: The model's checksum is computed, once; Ctrl-C leaves it out.")
        await self._session.complete_hashes()
        done = self._outcome.runs[run]
        conditions = replace(
            done.began.conditions,
            files=self._session.model_files,
            library_sha256=self._session.library_sha256,
        )
        began = replace(done.began, conditions=conditions)
        self._outcome.runs[run] = replace(done, began=began)

    async def _load(self, model: Path, settings: EngineSettings) -> Loaded:
        loaded: Loaded | None = None
        async with contextlib.aclosing(self._session.load(model, settings)) as events:
            async for event in events:
                if isinstance(event, LoadProgress):
                    self._display.event(event)
                else:
                    loaded = event
                    for note in loaded.notes:
                        to_stderr(f"note: {note}")
        assert loaded is not None
        note_use(self._models, model)
        return loaded

    async def _run_lanes(
        self, setups: Sequence[LaneSetup], prompt: str, options: RunOptions
    ) -> None:
        """Run lanes of one model; all lanes answer the message that the first ones saved."""
        assert self._session.loaded is not None
        batches = self._session.send(
            prompt,
            setups,
            replace(options, seed=self._seed),
            conversation_id=self._saved.conversation_id if self._saved else None,
            message_id=self._saved.message_id if self._saved else None,
        )
        async with contextlib.aclosing(batches):
            async for batch in batches:
                for event in batch:
                    if isinstance(event, MessageSaved):
                        self._saved = event
                    elif isinstance(event, RunBegan):
                        record = RunRecord([len(p.tokens) for p in event.prompts])
                        run = FinishedRun(self._session.loaded, event, record)
                        self._outcome.runs.append(run)
                        _print_notes(event, self._session.loaded)
                        self._display.lanes([lane.label for lane in event.lanes])
                    else:
                        record.add(event)
                        _print_biases(event)
                        self._display.event(event)
        _print_threads(record)


def _did_not_run(labels: Sequence[str]) -> str:
    lanes = f"lane {labels[0]}" if len(labels) == 1 else f"lanes {', '.join(labels)}"
    return f"{lanes} did not run."


def _with_model_values(lane: LaneJob, loaded: Loaded) -> LaneSetup:
    """The lane with the model's own sampling values, when the user asked for them."""
    if not lane.use_model_sampling:
        return lane.setup
    found = parse_model_sampling(loaded.model.metadata)
    if not found.values:
        raise UserError(
            f"{loaded.model.name} recommends no sampling values.",
            "Omit --use-model-sampling.",
            code="no_model_sampling",
        )
    for problem in found.problems:
        to_stderr(printable(f"note: {problem}"))
    return replace(lane.setup, model_values=found.values)


def _print_recommendation(loaded: Loaded) -> None:
    """What the model's file recommends, where nobody asked to apply it."""
    values = parse_model_sampling(loaded.model.metadata).values
    if values:
        said = ", ".join(f"{name} {value}" for name, value in values.items())
        text = f"{loaded.model.name} recommends {said}; --use-model-sampling applies it."
        to_stderr(printable(f"note: {text}"))


def _print_notes(began: RunBegan, loaded: Loaded) -> None:
    """What the templates could not take, and which settings do not do what they seem to."""
    for note in dict.fromkeys(n for prompt in began.prompts for n in prompt.notes):
        to_stderr(f"note: {note}")
    for told in dict.fromkeys(w for prompt in began.prompts for w in prompt.warnings):
        to_stderr(printable(f"warning: {told.text}"))
    to_stderr(f"note: {_seeds(began)}")
    for lane, resolved in zip(began.lanes, began.resolved, strict=True):
        where = f"{lane.label}: " if len(began.lanes) > 1 else ""
        chain = effective_chain(resolved.chain, resolved.sources)
        for warning in (
            *lane.warnings,
            *chain.warnings,
            *resolved.constraints.warnings_for(resolved.chain),
            *vocabulary_warnings(resolved.chain, loaded.model.n_vocab),
        ):
            to_stderr(printable(f"warning: {where}{warning.text}"))
        if resolved.answer is not None:
            answer = effective_chain(resolved.answer.chain, resolved.answer.sources)
            for warning in answer.warnings:
                to_stderr(printable(f"warning: {where}answer chain: {warning.text}"))


def _seeds(began: RunBegan) -> str:
    """The seeds in words, drawn ones too, so that the run can be had again."""
    seeds = [resolved.chain.integer("seed") for resolved in began.resolved]
    if len(set(seeds)) == 1:
        return f"seed {seeds[0]}"
    each = zip((lane.label for lane in began.lanes), seeds, strict=True)
    return "seeds " + ", ".join(f"{label} {seed}" for label, seed in each)


def _print_threads(record: RunRecord) -> None:
    """What other programs did to a run that has ended."""
    for warning in thread_warnings(record.threads):
        to_stderr(f"warning: {warning.text}")
    shared = record.shared
    if shared is not None:
        how = f" Use -t {shared.fewer}." if fewer_help(shared) else ""
        to_stderr(f"note: {shared_words(shared)}{how}")


def _print_biases(event: Event) -> None:
    """Which tokens a bias by text became: often more than its writer thought of."""
    if isinstance(event, BiasesFound):
        for bias in event.biases:
            tokens = ", ".join(f"{token.id} {token.text!r}" for token in bias.tokens)
            to_stderr(printable(f"note: the bias of {bias.text!r} is on the tokens {tokens}"))
