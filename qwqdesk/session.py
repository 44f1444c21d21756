"""The journeys: load a model, send a text to lanes, stream, save. No Qt here.

A chat is a run with one lane. The user's message is saved before inference, the replies every
second while they stream, and at the end whatever happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from qwqdesk.conversation import Reply
from qwqdesk.diagnostics import LoadingMarker
from qwqdesk.engine.dry_load import Row
from qwqdesk.engine.engine import Engine, RunStream
from qwqdesk.engine.events import Loaded, LoadProgress, RunStarted
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.file_states import FileState, changed_file, file_states
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.late_hashes import LateHashes
from qwqdesk.load_plan import LoadPlan, measured_memory, plan_load
from qwqdesk.model_hash import ModelFile, ModelHashes
from qwqdesk.models.gguf import GgufHeader
from qwqdesk.models.parts import read_model_header
from qwqdesk.models.quants import quantization_label
from qwqdesk.models.shape import TEMPLATE_KEY, model_shape
from qwqdesk.pipe import first
from qwqdesk.prompt import Prompt
from qwqdesk.question import Question, question_again, save_question
from qwqdesk.run_beginning import plan_run
from qwqdesk.run_plan import (
    MessageSaved,
    RunBegan,
    RunOptions,
    SessionEvent,
    check_text,
    resolve_all,
    run_request,
)
from qwqdesk.run_prompts import prompt_again, prompts_for, thinking_prompt
from qwqdesk.run_record import RunRecord
from qwqdesk.run_saving import RunSaving, Unsaved, add_replies
from qwqdesk.sampling.resolve import Resolved
from qwqdesk.store.history import History
from qwqdesk.thought import repeated


class Session:
    """One engine, one model at a time, one run at a time.

    Args:
        engine: not closed here.
        history: None keeps nothing.
        marker: lies on disk while native code loads, in case it kills the process.
        hashes: knows and computes checksums of model files, for the manifests.
    """

    def __init__(
        self,
        engine: Engine,
        history: History | None = None,
        marker: LoadingMarker | None = None,
        hashes: ModelHashes | None = None,
    ) -> None:
        self.engine = engine
        self.history = history
        self._marker = marker
        self._late = LateHashes(hashes, history)
        self.loaded: Loaded | None = None
        self.plan: LoadPlan | None = None
        self.changed_file: Path | None = None  # by which a run was refused
        self._states: tuple[FileState, ...] = ()
        self.unsaved = Unsaved()
        self._stream: RunStream | None = None
        self._busy = False
        self._stopping = False
        self._stopped_lanes: set[int] = set()  # before there was a stream

    @property
    def running(self) -> bool:
        """Whether a run is under way, from the first work on its prompt to its saved end."""
        return self._busy

    # ------------------------------------------------------------ model

    async def load(
        self, path: Path, asked: EngineSettings
    ) -> AsyncGenerator[LoadProgress | Loaded, None]:
        """Load a model in place of the present one; closing the iterator aborts the load.

        Raises:
            UserError: in words, for every file that cannot be loaded. A file that is refused by
                its header leaves the present model loaded.
        """
        header = read_model_header(path)
        self._refuse_busy()
        await self.unload()
        devices = await first(self.engine.devices())
        measured: tuple[Row, ...] = ()
        if self.engine.dry_load is not None and not model_shape(header).formula_known:
            yield LoadProgress(0.0, "memory")
            dry_load = self.engine.dry_load
            measured = await asyncio.to_thread(measured_memory, path, header, asked, dry_load)
        self.plan = plan_load(path, header, asked, devices, measured)
        self._states = file_states(self.plan.request.files)
        if self._marker is not None:
            self._marker.write(str(path), asdict(self.plan.request.settings))
        try:
            async for batch in self.engine.load(self.plan.request):
                for event in batch:
                    if isinstance(event, Loaded):
                        self.loaded = _as_the_header_says(event, header)
                        yield self.loaded
                    else:
                        yield event
        finally:
            if self._marker is not None:
                self._marker.clear()

    async def unload(self) -> None:
        """Free the present model."""
        self.loaded = self.plan = self.changed_file = None
        self._states = ()
        async for _ in self.engine.unload():
            pass

    # ------------------------------------------------------------ runs

    async def send(
        self,
        text: str,
        lanes: Sequence[LaneSetup],
        options: RunOptions,
        *,
        conversation_id: int | None = None,
        message_id: int | None = None,
    ) -> AsyncGenerator[list[SessionEvent], None]:
        """Send a user's text to every lane and stream what they write.

        Where the message is kept, a `MessageSaved` comes before any other work on it: whoever has
        seen it knows that a later error lost nothing. Then comes a `RunBegan`. Without
        `conversation_id` a new conversation begins. `message_id`: the conversation's first
        message, when lanes of another model answer it too; it is saved already.

        Raises:
            UserError: nothing was lost; the user's message is saved unless it was refused as such.
        """
        check_text(text)
        with self._claim() as loaded:
            options = options.for_model(loaded.model.path)
            resolved = resolve_all(lanes, options.seed)
            question = Question(0, 0, (None,) * len(lanes))
            if self.history is not None and options.keep:
                question = save_question(
                    self.history, text, lanes, options, conversation_id, message_id
                )
                if message_id is None:
                    yield [MessageSaved(question.conversation_id, question.message_id)]
            prompts = await prompts_for(
                self.engine, loaded.model, text, lanes, question.parents, options, question.before
            )
            kept = question if options.keep else None
            began = self._begin(kept, lanes, resolved, prompts, options)
            async with aclosing(self._run(began, options)) as batches:
                async for batch in batches:
                    yield batch

    async def regenerate(
        self, conversation_id: int, message_id: int, lane: LaneSetup, options: RunOptions
    ) -> AsyncGenerator[list[SessionEvent], None]:
        """Answer a message once more in one lane; the new reply is a sibling of the old ones."""
        answers = self.answer(conversation_id, message_id, [lane], options)
        async with aclosing(answers) as batches:
            async for batch in batches:
                yield batch

    async def answer(
        self,
        conversation_id: int,
        message_id: int,
        lanes: Sequence[LaneSetup],
        options: RunOptions,
    ) -> AsyncGenerator[list[SessionEvent], None]:
        """Answer a saved message in these lanes, for the first time or once more.

        The prompt's stored tokens are used when the model is the same.
        """
        with self._claim() as loaded:
            options = options.for_model(loaded.model.path)
            resolved = resolve_all(lanes, options.seed)
            conversation = self._history().load(conversation_id)
            question = question_again(conversation, message_id, lanes)
            prompts = [
                await prompt_again(
                    self.engine,
                    loaded,
                    conversation,
                    message_id,
                    parent,
                    lane.label,
                    options,
                    options.variables_of(lane),
                )
                for lane, parent in zip(lanes, question.parents, strict=True)
            ]
            began = self._begin(question, lanes, resolved, prompts, options)
            async with aclosing(self._run(began, options)) as batches:
                async for batch in batches:
                    yield batch

    async def answer_again(
        self,
        conversation_id: int,
        reply_id: int,
        lanes: Sequence[LaneSetup],
        options: RunOptions,
        *,
        reasoning: str | None = None,
        times: int = 1,
    ) -> AsyncGenerator[list[SessionEvent], None]:
        """Keep a reply's reasoning and draw only the answer again, `times` times in each lane.

        Every further time has seeds that are one higher. The new replies are siblings of the old
        one; their tokens begin with those of the reasoning.

        Args:
            reasoning: takes the place of the reply's own, as text; it is closed behind.

        Raises:
            UserError: code "no_reasoning" or "lanes", and as `send` does.
        """
        with self._claim() as loaded:
            options = options.for_model(loaded.model.path)
            every, resolved = repeated(lanes, times, options.seed)
            conversation = self._history().load(conversation_id)
            prompt = await thinking_prompt(
                self.engine, loaded, conversation, reply_id, reasoning, options
            )
            reply = self._history().reply(reply_id)
            parents = (reply.parent_id,) * len(every)
            question = Question(conversation_id, reply.message_id, parents)
            began = self._begin(question, every, resolved, [prompt] * len(every), options)
            async with aclosing(self._run(began, options)) as batches:
                async for batch in batches:
                    yield batch

    def keep(self, conversation_id: int, reply: Reply, lane: LaneSetup) -> None:
        """Go on with this reply alone: the conversation becomes a chat with one lane.

        The next message has this reply and what led to it in its prompt, nothing of other lanes.
        """
        history = self._history()
        history.set_tips(conversation_id, {"A": reply.id})
        history.set_lanes(conversation_id, [replace(lane, label="A").to_json()])

    async def run_again(
        self, lanes: Sequence[LaneSetup], prompts: Sequence[Prompt], options: RunOptions
    ) -> AsyncGenerator[list[SessionEvent], None]:
        """Run lanes on prompts that are there already; nothing of it is saved.

        Raises:
            UserError: when the prompts or the caches do not fit.
        """
        with self._claim():
            resolved = resolve_all(lanes, options.seed)
            began = self._begin(None, lanes, resolved, prompts, options)
            async with aclosing(self._run(began, options)) as batches:
                async for batch in batches:
                    yield batch

    # ------------------------------------------------------------ checksums

    @property
    def model_files(self) -> tuple[ModelFile, ...]:
        """The loaded model's files, with the checksums that are known."""
        return self.files_of(self.loaded) if self.loaded is not None else ()

    def files_of(self, loaded: Loaded) -> tuple[ModelFile, ...]:
        """A model's files, with the checksums that are known."""
        return self._late.files(loaded.model.path)

    @property
    def library_sha256(self) -> str | None:
        """The checksum of the engine's native libraries, when it is known."""
        return self._late.library

    async def complete_hashes(self) -> bool:
        """Compute the checksums that manifests of the loaded model lack, and add them.

        It pauses while a run is under way. Returns whether they are all known now.
        """
        if self.loaded is None:
            return False
        return await self._late.complete(self.loaded.model.path, lambda: self._busy)

    def stop(self, lane: int | None = None) -> None:
        """Stop the run, or one of its lanes; what was written stays."""
        stream = self._stream
        if lane is None:
            self._stopping = True  # also for a run whose prompt is still being made
            if stream is not None:
                stream.cancel()
        elif stream is not None:
            stream.stop_lane(lane)
        else:
            self._stopped_lanes.add(lane)

    def answer_now(self, lane: int) -> None:
        """Let the lane end its reasoning at its next token and answer; in its answer, nothing."""
        if self._stream is not None:
            self._stream.close_reasoning(lane)

    # ------------------------------------------------------------ inside

    @contextmanager
    def _claim(self) -> Iterator[Loaded]:
        """The session for one run; another one is refused until it has ended."""
        if self.loaded is None:
            raise UserError("No model is loaded.", "Choose a model first.", code="no_model")
        self._refuse_busy()
        self._refuse_changed()
        self._busy, self._stopping, self._stopped_lanes = True, False, set()
        try:
            yield self.loaded
        finally:
            self._busy = False

    def _refuse_busy(self) -> None:
        if self._busy:
            raise UserError("A run is under way.", "Stop it or wait for its end.", code="busy")

    def _refuse_changed(self) -> None:
        self.changed_file = changed_file(self._states)
        if self.changed_file is not None:
            raise UserError(
                f"The model file {self.changed_file.name} has changed since it was loaded.",
                "Load it again.",
                code="changed",
            )

    def _history(self) -> History:
        assert self.history is not None, "this session keeps no history"
        return self.history

    def _begin(
        self,
        question: Question | None,
        lanes: Sequence[LaneSetup],
        resolved: Sequence[Resolved],
        prompts: Sequence[Prompt],
        options: RunOptions,
    ) -> RunBegan:
        """Check that the run fits, and add its replies to the history; without question none."""
        assert self.loaded is not None
        assert self.plan is not None
        began = plan_run(self.loaded, self.plan, lanes, resolved, prompts, options, self._late)
        if self.history is None or question is None:
            return began
        began = add_replies(self.history, question, began, self.loaded)
        self._late.wait_for(self.loaded.model.path, began.reply_ids)
        return began

    async def _run(
        self, began: RunBegan, options: RunOptions
    ) -> AsyncGenerator[list[SessionEvent], None]:
        assert self.loaded is not None
        request = run_request(began, options, self.loaded.engine.n_ctx)
        record = RunRecord([len(lane.prompt_tokens) for lane in request.lanes])
        kept = self.history if any(began.reply_ids) else None
        saving = RunSaving(kept, began, record, self.unsaved)
        stream: RunStream | None = None
        failure: BaseException | None = None
        try:
            yield [began]
            stream = self._stream = self.engine.run(request)
            if self._stopping:
                stream.cancel()
            for lane in self._stopped_lanes:
                stream.stop_lane(lane)
            async for batch in stream:
                for event in batch:
                    record.add(event)
                    if isinstance(event, RunStarted):
                        self.loaded = replace(self.loaded, engine=event.engine)
                saving.save_now_and_then()
                yield list(batch)
        except BaseException as error:
            failure = error
            raise
        finally:
            if stream is not None:
                stream.cancel()
            self._stream = None
            saving.finish(failure)


def _as_the_header_says(event: Loaded, header: GgufHeader) -> Loaded:
    """With the label of the file's main type, as `inspect` names it, and a template that is one.

    llama.cpp gives a number that stands in the template's place as text.
    """
    label = quantization_label(header, Path(event.model.path).name)
    model = replace(event.model, quantization=label)
    if not isinstance(header.metadata.get(TEMPLATE_KEY, ""), str):
        model = replace(model, chat_template=None, template_is_text=False)
    return replace(event, model=model)
