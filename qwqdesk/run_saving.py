"""What a run leaves in the history: its replies when it begins, while they stream, at their end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from qwqdesk.engine.events import Loaded
from qwqdesk.lane_rules import LaneRules
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.manifest import RunConditions, engine_json, run_manifest
from qwqdesk.prompt import Prompt
from qwqdesk.question import Question
from qwqdesk.run_plan import RunBegan
from qwqdesk.run_record import RunRecord
from qwqdesk.sampling.resolve import Resolved
from qwqdesk.store.history import History

SAVE_EVERY_S: Final = 1.0


def add_replies(
    history: History,
    question: Question,
    lanes: Sequence[LaneSetup],
    resolved: Sequence[Resolved],
    prompts: Sequence[Prompt],
    conditions: RunConditions,
    rules: Sequence[LaneRules],
    loaded: Loaded,
) -> list[int]:
    """One unfinished reply for each lane; the conversation goes on from them. Returns their ids.

    Raises:
        UserError: when the history cannot be written.
    """
    reply_ids = [
        history.add_reply(
            question.message_id,
            lane.label,
            recipe=lane.recipe.id if lane.recipe else None,
            mode=conditions.mode,
            sampling=values.chain.to_json(),
            sources=values.sources,
            manifest=run_manifest(
                loaded,
                values.chain,
                prompt,
                conditions,
                lane.recipe.id if lane.recipe else None,
                own,
            ),
            answer_sampling=values.answer.chain.to_json() if values.answer else None,
            answer_sources=values.answer.sources if values.answer else None,
        )
        for lane, values, prompt, own in zip(lanes, resolved, prompts, rules, strict=True)
    ]
    tips = dict(history.load(question.conversation_id).tips)
    tips.update({lane.label: reply for lane, reply in zip(lanes, reply_ids, strict=True)})
    history.set_tips(question.conversation_id, tips)
    return reply_ids


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
