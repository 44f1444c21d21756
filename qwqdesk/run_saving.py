"""What a run leaves in the history: its replies when it begins, while they stream, at their end."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

from qwqdesk.engine.events import Loaded
from qwqdesk.manifest import engine_json, run_manifest
from qwqdesk.question import Question
from qwqdesk.run_plan import RunBegan
from qwqdesk.run_record import RunRecord
from qwqdesk.store.history import History

SAVE_EVERY_S: Final = 1.0


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
    )


class RunSaving:
    """Keeps the replies of one run up to date; without a history it does nothing."""

    def __init__(self, history: History | None, began: RunBegan, record: RunRecord) -> None:
        self._history = history
        self._began = began
        self._record = record
        self._saved = time.monotonic()

    def save_now_and_then(self) -> None:
        """Save what the lanes wrote, when the last time is `SAVE_EVERY_S` ago."""
        if time.monotonic() - self._saved < SAVE_EVERY_S:
            return
        self._save()
        self._saved = time.monotonic()

    def _save(self) -> None:
        if self._history is None:
            return
        for reply_id, lane in zip(self._began.reply_ids, self._record.lanes, strict=True):
            if lane.changed:
                lane.changed = False
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

    def finish(self, failure: BaseException | None) -> None:
        """Save every lane's end; `failure` is what ended the run before its lanes had finished."""
        if self._history is None:
            return
        failed = isinstance(failure, Exception)
        for reply_id, lane in zip(self._began.reply_ids, self._record.lanes, strict=True):
            reason = lane.finish_reason or ("error" if failed else "cancelled")
            manifest = None
            if self._record.engine is not None:  # what the run's own context reported
                engine = engine_json(self._record.engine)
                manifest = {**self._history.reply(reply_id).manifest, "engine": engine}
            self._history.finish_reply(
                reply_id,
                text=lane.text,
                reasoning=lane.reasoning,
                answer=lane.answer,
                tokens=lane.tokens,
                finish_reason=reason,
                finish_detail=lane.finish_detail or (str(failure) if failed else None),
                usage=lane.usage,
                timing=lane.timing,
                loop=lane.loop,
                manifest=manifest,
                ends=lane.ends,
                probabilities=lane.probabilities,
            )
