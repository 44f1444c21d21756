"""What a run leaves in the history: its replies when it begins, while they stream, at their end."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from qwqdesk.engine.events import Loaded
from qwqdesk.errors import UserError
from qwqdesk.manifest import engine_json, run_manifest, threads_json
from qwqdesk.question import Question
from qwqdesk.run_plan import RunBegan
from qwqdesk.run_record import RunRecord
from qwqdesk.store.history import History

SAVE_EVERY_S: Final = 1.0
MOST_BETWEEN_S: Final = 30.0
_BUSY_BEFORE_TOLD: Final = 2  # another program's write, or our indexing, is over in a moment


def add_replies(history: History, question: Question, began: RunBegan, loaded: Loaded) -> RunBegan:
    """One unfinished reply for each lane; the conversation goes on from them.

    Returns the run with its place in the history.

    Raises:
        UserError: when the history cannot be written.
    """
    reply_ids = tuple(
        _add_reply(history, question, began, n, loaded) for n in range(len(began.lanes))
    )
    tips = dict(history.load(question.conversation_id).tips)
    tips.update({lane.label: reply for lane, reply in zip(began.lanes, reply_ids, strict=True)})
    history.set_tips(question.conversation_id, tips)
    return replace(
        began,
        conversation_id=question.conversation_id,
        message_id=question.message_id,
        reply_ids=reply_ids,
    )


def _add_reply(
    history: History, question: Question, began: RunBegan, number: int, loaded: Loaded
) -> int:
    lane, values = began.lanes[number], began.resolved[number]
    recipe = lane.recipe.id if lane.recipe else None
    manifest = run_manifest(
        loaded,
        values.chain,
        began.prompts[number],
        began.conditions,
        recipe,
        began.rules[number],
    )
    return history.add_reply(
        question.message_id,
        lane.label,
        recipe=recipe,
        mode=began.mode,
        sampling=values.chain.to_json(),
        sources=values.sources,
        manifest=manifest,
        answer_sampling=values.answer.chain.to_json() if values.answer else None,
        answer_sources=values.answer.sources if values.answer else None,
        parent_id=question.parents[number],
    )


class Unsaved:
    """What of the present and of past runs the history has not taken.

    `trouble` says why; `over` that a run has ended meanwhile, whose text is on the screen alone.
    `listen` is called after each change.
    """

    def __init__(self) -> None:
        self.trouble: UserError | None = None
        self._over: list[RunSaving] = []
        self._listeners: list[Callable[[], object]] = []

    @property
    def over(self) -> bool:
        """Whether something is lost when the program ends now."""
        return bool(self._over)

    def listen(self, listener: Callable[[], object]) -> None:
        """Call this after each change, on the caller's thread of the run."""
        self._listeners.append(listener)

    def save_again(self) -> None:
        """Save the ends of runs that could not be saved.

        Raises:
            UserError: it still cannot be saved; nothing is given up.
        """
        for saving in list(self._over):
            saving.finish_again()

    def fails(self, error: UserError) -> None:
        """Saving a run that goes on fails."""
        if self.trouble is None or str(error) != str(self.trouble):
            self.trouble = error
            self._tell()

    def works(self) -> None:
        """Saving works; what earlier runs have left is saved now."""
        if self.trouble is None:
            return
        for saving in list(self._over):
            with suppress(UserError):
                saving.finish_again()
        if not self._over:
            self.trouble = None
            self._tell()

    def keep(self, saving: RunSaving, error: UserError) -> None:
        """A run has ended and could not be saved."""
        if saving not in self._over:
            self._over.append(saving)
        self.trouble = error
        self._tell()

    def saved(self, saving: RunSaving) -> None:
        """A run is saved to its end."""
        if saving in self._over:
            self._over.remove(saving)
        self.works()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


class RunSaving:
    """Keeps the replies of one run up to date; without a history it does nothing.

    The end of the run alone must be saved. What fails in between is noted in `unsaved` and tried
    again, less and less often while it fails.
    """

    def __init__(
        self, history: History | None, began: RunBegan, record: RunRecord, unsaved: Unsaved
    ) -> None:
        self._history = history
        self._began = began
        self._record = record
        self._unsaved = unsaved
        self._failure: BaseException | None = None
        self._finished: set[int] = set()
        self._wait_s = SAVE_EVERY_S
        self._failures = 0
        self._saved = time.monotonic()

    def save_now_and_then(self) -> None:
        """Save what the lanes wrote, when the last time is `SAVE_EVERY_S` ago. Never raises."""
        if time.monotonic() - self._saved < self._wait_s:
            return
        try:
            self._save()
        except UserError as error:
            self._wait_s = min(2 * self._wait_s, MOST_BETWEEN_S)
            self._failures += 1
            if error.code != "busy" or self._failures > _BUSY_BEFORE_TOLD:
                self._unsaved.fails(error)
        else:
            self._wait_s = SAVE_EVERY_S
            self._failures = 0
            self._unsaved.works()
        self._saved = time.monotonic()

    def _save(self) -> None:
        if self._history is None:
            return
        for reply_id, lane in zip(self._began.reply_ids, self._record.lanes, strict=True):
            if lane.changed:
                self._history.update_reply(
                    reply_id,
                    text=lane.text,
                    reasoning=lane.reasoning,
                    answer=lane.answer,
                    tokens=lane.tokens,
                    usage=lane.usage,
                    ends=lane.ends,
                    probabilities=lane.probabilities,
                )
                lane.changed = False

    def finish(self, failure: BaseException | None) -> None:
        """Save every lane's end; `failure` is what ended the run before its lanes had finished.

        Raises:
            UserError: code "unsaved"; `Unsaved.save_again` tries once more. Not where the run
                failed itself: that is told first.
        """
        self._failure = failure
        try:
            self.finish_again()
        except UserError as error:
            self._unsaved.keep(self, error)
            if failure is None or isinstance(failure, GeneratorExit):
                raise

    def finish_again(self) -> None:
        """Save the ends that are not saved yet; raises UserError, code "unsaved"."""
        try:
            self._finish()
        except UserError as error:
            todo = f"Copy or export the text to keep it. {error.what_to_do}"
            raise UserError(error.what, todo, code="unsaved") from error
        self._unsaved.saved(self)

    def _finish(self) -> None:
        if self._history is None:
            return
        failed = isinstance(self._failure, Exception)
        for reply_id, lane in zip(self._began.reply_ids, self._record.lanes, strict=True):
            if reply_id in self._finished:
                continue
            cut = failed and lane.finish_reason is None
            reason = lane.finish_reason or ("error" if cut else "cancelled")
            manifest = None
            if self._record.engine is not None:  # what the run's own context reported
                engine = engine_json(self._record.engine)
                manifest = {
                    **self._history.reply(reply_id).manifest,
                    "engine": engine,
                    **threads_json(self._record.threads),
                }
            self._history.finish_reply(
                reply_id,
                text=lane.text,
                reasoning=lane.reasoning,
                answer=lane.answer,
                tokens=lane.tokens,
                finish_reason=reason,
                finish_detail=lane.finish_detail or (str(self._failure) if cut else None),
                usage=lane.usage,
                timing=lane.timing,
                loop=lane.loop,
                manifest=manifest,
                ends=lane.ends,
                probabilities=lane.probabilities,
            )
            self._finished.add(reply_id)
