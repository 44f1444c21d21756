"""Running a stored run again, and saying whether it gave the same tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

from qwqdesk.analysis.divergence import first_difference
from qwqdesk.answer_setup import AnswerSetup
from qwqdesk.conversation import Mode
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import Event, FrozenThought, ModelInfo, Output
from qwqdesk.engine.token_ids import unknown_token
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.prompt import Prompt, chat_prompt, raw_prompt
from qwqdesk.run_conditions import Conditions, changes, conditions_now, conditions_then, same_model
from qwqdesk.run_plan import RunOptions
from qwqdesk.run_record import LaneRecord, RunRecord
from qwqdesk.session import Session
from qwqdesk.stored_run import StoredLane

_SHOWN_TEXT: Final = 24

Progress = Callable[[Mapping[str, int]], None]


@dataclass(frozen=True)
class LaneOutcome:
    """One lane's comparison. Indices count generated tokens from 0.

    `differs_at` is None when all `tokens` tokens are equal. `then` and `now` are the texts of the
    first tokens that differ, "" where they are not known; `ended_then` and `ended_now` say that
    the text had ended there. `written` are the tokens of now, as far as they were compared; `ids`
    are the first ones that differ, then and now.
    """

    label: str
    tokens: int
    differs_at: int | None = None
    then: str = ""
    now: str = ""
    ended_then: bool = False
    ended_now: bool = False
    written: tuple[int, ...] = ()
    ids: tuple[int, int] | None = None

    @property
    def equal(self) -> bool:
        """Whether it gave the same tokens."""
        return self.differs_at is None

    @property
    def words(self) -> str:
        """The verdict: "equal, 412 tokens" or "differs from token 87: 'x' instead of 'y'"."""
        if self.differs_at is None:
            return f"equal, {self.tokens:,} {'token' if self.tokens == 1 else 'tokens'}"
        where = f"differs from token {self.differs_at:,}"
        if self.ended_now:
            return f"{where}: it ends there, and went on before"
        if self.ended_then:
            return f"{where}: it goes on there, and had ended before"
        if not self.then and not self.now:
            return where
        if self.now == self.then and self.ids is not None:
            return (
                f"{where}: token {self.ids[1]} instead of {self.ids[0]}, both {_quoted(self.now)}"
            )
        return f"{where}: {_quoted(self.now)} instead of {_quoted(self.then)}"

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "label": self.label,
            "equal": self.equal,
            "tokens": self.tokens,
            "token": self.differs_at,
            "then": self.then,
            "now": self.now,
        }


@dataclass(frozen=True)
class RerunResult:
    """Whether a run reproduced; `changed` are sentences, `notes` say what was not as it was."""

    mode: Mode
    lanes: tuple[LaneOutcome, ...]
    changed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    stopped: bool = False

    @property
    def reproduced(self) -> bool:
        """Whether every lane gave equal tokens."""
        return not self.stopped and all(lane.equal for lane in self.lanes)

    @property
    def expected(self) -> bool:
        """Whether equal tokens were to be expected."""
        return self.mode == "exact" and not self.changed

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        if self.stopped:
            return "The rerun was stopped before its end."
        if self.reproduced:
            return "Reproduced: every token is the same."
        if self.mode == "fast":
            return "Not the same, as expected: in fast mode lanes share batches."
        return "Not reproduced."

    @property
    def reason(self) -> str:
        """Why it did not reproduce, as far as it is known; empty when it did."""
        if self.reproduced or self.stopped or self.mode == "fast":
            return ""
        if self.changed:
            return "Changed since the run: " + " ".join(self.changed)
        return "Nothing that is known has changed since the run."


def merged(results: Sequence[RerunResult]) -> RerunResult:
    """The results of lanes on several models as one."""
    return RerunResult(
        results[0].mode,
        tuple(lane for result in results for lane in result.lanes),
        tuple(dict.fromkeys(text for result in results for text in result.changed)),
        tuple(dict.fromkeys(text for result in results for text in result.notes)),
        any(result.stopped for result in results),
    )


def comparable_lanes(lanes: Sequence[StoredLane]) -> tuple[list[StoredLane], list[str]]:
    """The lanes that wrote something then, and a sentence for each of the others.

    Raises:
        UserError: code "empty_run", when none of them did.
    """
    able = [lane for lane in lanes if lane.comparable]
    if not able:
        raise UserError(
            "This run has no tokens to compare.", "Send the message again.", code="empty_run"
        )
    return able, [_left_out(lane) for lane in lanes if not lane.comparable]


def _left_out(lane: StoredLane) -> str:
    why = f" ({lane.finish_detail.rstrip('.')})" if lane.finish_detail else ""
    return f"Lane {lane.label} wrote nothing then{why}: it is left out."


async def run_stored(
    session: Session,
    lanes: Sequence[StoredLane],
    *,
    limit: int | None = None,
    progress: Progress = lambda counts: None,
    early_end: bool = True,
) -> RerunResult:
    """Run lanes on the loaded model as they were run, each until it differs or has ended.

    Args:
        limit: compare at most so many tokens of each lane.
        progress: gets each lane's number of tokens as they come.
        early_end: stop a lane as soon as it differs.

    Raises:
        UserError: when nothing can run: no model, busy, nothing written, a prompt that does not
            fit.
    """
    if session.loaded is None:
        raise UserError("No model is loaded.", "Choose a model first.", code="no_model")
    able, left_out = comparable_lanes(lanes)
    watched = [_Watched(lane, limit, early_end=early_end) for lane in able]
    mode = lanes[0].mode
    prompts, notes = await _prompts(session, watched, present_conditions(session, mode))
    found = await _run(session, watched, prompts, mode, progress)
    now = present_conditions(session, mode)  # with what the run's own context reported
    changed = [sentence for w in watched for sentence in changes(conditions_then(w.lane), now)]
    stopped = any(
        record.finish_reason in (None, "cancelled", "error")
        and not (w.early_end and w.decided(record.tokens))
        for w, record in zip(watched, found, strict=True)
    )
    return RerunResult(
        mode,
        tuple(w.outcome(record) for w, record in zip(watched, found, strict=True)),
        tuple(dict.fromkeys(changed)),
        (*left_out, *notes),
        stopped,
    )


async def _run(
    session: Session,
    watched: Sequence[_Watched],
    prompts: Sequence[Prompt],
    mode: Mode,
    progress: Progress,
) -> Sequence[LaneRecord]:
    """What the lanes write; a lane whose verdict is certain is stopped."""
    record = RunRecord([len(prompt.tokens) for prompt in prompts])
    raw = any(w.lane.raw for w in watched)  # a grammar then holds from the first token on
    options = RunOptions(mode=mode, loop_guard="off", raw=raw)
    batches = session.run_again([w.setup() for w in watched], prompts, options)
    async with aclosing(batches):
        async for batch in batches:
            for event in batch:
                if not isinstance(event, Event):
                    continue
                record.add(event)
                if isinstance(event, Output):
                    lane = record.lanes[event.lane]
                    w = watched[event.lane]
                    if w.decided(lane.tokens) and w.early_end:
                        session.stop(event.lane)
            lanes = zip(watched, record.lanes, strict=True)
            progress({w.lane.label: len(lane.tokens) for w, lane in lanes})
    return record.lanes


def present_conditions(session: Session, mode: Mode) -> Conditions:
    """The conditions of the loaded model."""
    assert session.loaded is not None
    return conditions_now(session.loaded, session.model_files, session.library_sha256, mode)


async def _prompts(
    session: Session, watched: Sequence[_Watched], now: Conditions
) -> tuple[list[Prompt], list[str]]:
    """The stored tokens; for another model with other tokens, a new prompt and a note."""
    assert session.loaded is not None
    prompts, notes = [], []
    for lane in (w.lane for w in watched):
        prompt = lane.prompt
        same = same_model(lane.model, now.model)
        foreign = _foreign_token(prompt, session.loaded.model)
        if same and foreign is not None:
            raise _not_of_its_model(lane, foreign)
        if same is False or foreign is not None:
            prompt = await _prompt_for_another(session.engine, session.loaded.model, lane)
        prompts.append(prompt)
        if prompt.tokens != lane.prompt.tokens:
            how = "rendered with its own template" if prompt.messages else "tokenized again"
            notes.append(
                f"Lane {lane.label}: this is another model, so the prompt was {how}: "
                f"{len(lane.prompt.tokens):,} tokens then, {len(prompt.tokens):,} now."
            )
        elif prompt.thought != lane.prompt.thought:
            notes.append(f"Lane {lane.label}: the given thought was tokenized again.")
    return prompts, notes


def _foreign_token(prompt: Prompt, model: ModelInfo) -> int | None:
    """A token of the prompt, or of its given thought, that the vocabulary does not have."""
    thought = prompt.thought.tokens if prompt.thought is not None else ()
    found = unknown_token(prompt.tokens, model.n_vocab)
    return unknown_token(thought, model.n_vocab) if found is None else found


def _not_of_its_model(lane: StoredLane, token: int) -> UserError:
    return UserError(
        f"Lane {lane.label} was given token {token}, which its own model does not have: "
        "the file was changed.",
        "Choose a run as QwQ Desk saved it.",
        code="manifest",
    )


async def _prompt_for_another(engine: Engine, model: ModelInfo, lane: StoredLane) -> Prompt:
    """The same tokens where the text gives them, as in other quantizations of one model."""
    stored = lane.prompt
    again = await raw_prompt(engine, model, stored.text)
    thought = stored.thought
    known = thought is None or unknown_token(thought.tokens, model.n_vocab) is None
    if again.tokens == stored.tokens and known:
        return stored
    thought = _as_text(lane)
    if stored.messages:
        made = await chat_prompt(
            engine, model, stored.messages, template="model", variables=stored.variables
        )
        return replace(made, thought=thought)
    return replace(again, tags=stored.tags, reasoning_open=stored.reasoning_open, thought=thought)


def _as_text(lane: StoredLane) -> FrozenThought | None:
    """The lane's given thought without its tokens, for a model with another vocabulary."""
    thought = lane.prompt.thought
    if thought is None or not thought.tokens:
        return thought
    count = min(len(thought.tokens), len(lane.ends))
    return FrozenThought(text=lane.text[: lane.ends[count - 1]] + thought.text if count else "")


class _Watched:
    """One lane and the tokens that it should write."""

    def __init__(self, lane: StoredLane, limit: int | None, *, early_end: bool) -> None:
        self.lane = lane
        self.early_end = early_end
        whole = limit is None or len(lane.tokens) <= limit
        self._expected = list(lane.tokens if whole else lane.tokens[:limit])
        # The end itself can be compared only where the model had ended it.
        self._ends = whole and lane.ended_by_itself
        self._seen, self._differs = 0, False

    def setup(self) -> LaneSetup:
        """Stated values only, so that no recipe or default of today can change them."""
        values = self.lane.chain.to_json()
        # A little too high where a given thought has text: `decided` ends the lane.
        given = len(self.lane.prompt.thought.tokens) if self.lane.prompt.thought else 0
        values["n_predict"] = max(len(self._expected) - given, 0) + (1 if self._ends else 0)
        rules, answer = self.lane.rules, self.lane.answer_chain
        return LaneSetup(
            self.lane.label,
            user=values,
            answer=AnswerSetup.between(self.lane.chain, answer) if answer is not None else None,
            # Of the guards, only one that closes the reasoning has a hand in the tokens.
            loop_guard="close" if rules.loop_guard == "close" else "off",
            reasoning_budget=rules.reasoning_budget,
            reasoning_budget_message=rules.reasoning_budget_message,
            constraints=rules.constraints,
        )

    def decided(self, tokens: list[int]) -> bool:
        """Whether more tokens cannot change the verdict."""
        start, count = self._seen, self._compared(len(tokens))
        self._seen = count
        if tokens[start:count] != self._expected[start:count]:
            self._differs = True
        return self._differs or (count == len(self._expected) and not self._ends)

    def _compared(self, count: int) -> int:
        """How many of `count` tokens say something: behind a limit the lane may write on a bit."""
        return min(count, len(self._expected) + (1 if self._ends else 0))

    def outcome(self, found: LaneRecord) -> LaneOutcome:
        """The verdict on what it wrote."""
        tokens = tuple(found.tokens[: self._compared(len(found.tokens))])
        at = first_difference(tokens, self._expected)
        if at is None:
            return LaneOutcome(self.lane.label, len(tokens), written=tokens)
        return LaneOutcome(
            self.lane.label,
            len(self._expected),
            at,
            then=_piece(self.lane.text, self.lane.ends, at),
            now=_piece(found.text, found.ends, at),
            ended_then=at >= len(self._expected),
            ended_now=at >= len(tokens),
            written=tokens,
            ids=(self._expected[at], tokens[at])
            if at < min(len(self._expected), len(tokens))
            else None,
        )


def _piece(text: str, ends: Sequence[int], at: int) -> str:
    """The text of one token; a token that ends inside a character shows with the next ones."""
    if at >= len(ends):
        return ""
    start = ends[at - 1] if at else 0
    later = next((end for end in ends[at:] if end > start), start)
    return text[start : max(ends[at], later)]


def _quoted(text: str) -> str:
    short = text if len(text) <= _SHOWN_TEXT else text[:_SHOWN_TEXT] + "…"
    return "'" + short.replace("\n", "⏎").replace("\t", "⇥") + "'"
