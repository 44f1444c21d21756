"""What a run will be: options, messages, resolved values, the request to the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qwqdesk.analysis.loops import LoopGuard
from qwqdesk.conversation import Conversation, Message, Mode, UserMessage
from qwqdesk.conversation_path import messages_to
from qwqdesk.engine.events import Event, LaneRequest, Loaded, RunRequest
from qwqdesk.errors import UserError
from qwqdesk.lane_rules import NO_BUDGET, LaneRules
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.manifest import RunConditions, stored_prompt
from qwqdesk.prompt import Prompt
from qwqdesk.reasoning import Tags
from qwqdesk.sampling.constraints import NO_CONSTRAINTS
from qwqdesk.sampling.resolve import Resolved, draw_seed
from qwqdesk.template_variables import NO_VARIABLES, TemplateVariables

MAX_PROMPT_BYTES = 64 << 20
RAW = "raw"
"""In place of a template: each message is the whole prompt, which the model continues."""


@dataclass(frozen=True)
class RunOptions:
    """How prompts are made and watched; `raw` takes the text itself as the whole prompt.

    `seed` is given to lanes whose seed is random; None draws one for each run. Guard, budget and
    its message count for lanes without their own. `thought` becomes the reasoning of every reply,
    so that only answers are drawn. Without `keep` nothing is written into the history.
    `templates` are the user's choices for single model files, as pairs of path and template; they
    come before `template`. `variables` are given to the template for lanes without their own.
    """

    mode: Mode = "exact"
    template: str | Path = "model"
    system_prompt: str = ""
    keep_reasoning: bool = False
    loop_guard: LoopGuard = "mark"
    raw: bool = False
    own_tags: tuple[Tags, ...] = ()
    seed: int | None = None
    reasoning_budget: int = NO_BUDGET
    reasoning_budget_message: str | None = None
    thought: str | None = None
    keep: bool = True
    templates: tuple[tuple[str, str], ...] = ()
    variables: TemplateVariables = NO_VARIABLES

    def variables_of(self, lane: LaneSetup) -> TemplateVariables:
        """What the template gets for this lane beside the messages."""
        return self.variables if lane.variables is None else lane.variables

    def for_model(self, path: str | Path) -> RunOptions:
        """The options as they are for one model file."""
        chosen = dict(self.templates).get(str(path), self.template)
        raw = self.raw or chosen == RAW
        return replace(self, template="model" if raw else chosen, raw=raw, templates=())

    def rules(self, lane: LaneSetup) -> LaneRules:
        """The lane's own rules, and the run's where it has none."""
        budget, message = lane.reasoning_budget, lane.reasoning_budget_message
        rules = LaneRules.of(
            lane.loop_guard or self.loop_guard,
            self.reasoning_budget if budget is None else budget,
            self.reasoning_budget_message if message is None else message,
        )
        limits = replace(lane.limits, from_first_token=True) if self.raw else lane.limits
        return replace(rules, constraints=limits if limits else NO_CONSTRAINTS)


@dataclass(frozen=True)
class MessageSaved:
    """The user's message is in the history now, whatever becomes of its run."""

    conversation_id: int
    message_id: int


@dataclass(frozen=True)
class RunBegan:
    """The run is about to start: what was saved, and what will run. Ids are 0 without history."""

    conversation_id: int
    message_id: int
    reply_ids: tuple[int, ...]
    lanes: tuple[LaneSetup, ...]
    resolved: tuple[Resolved, ...]
    prompts: tuple[Prompt, ...]
    mode: Mode
    sequential: bool
    conditions: RunConditions = field(default_factory=lambda: RunConditions("exact"))
    rules: tuple[LaneRules, ...] = ()


SessionEvent = MessageSaved | RunBegan | Event


def messages_for(
    text: str, parent_id: int | None, options: RunOptions, conversation: Conversation | None
) -> list[Message]:
    """What a template gets for a new message behind this reply of the conversation."""
    if conversation is None or not conversation.messages:
        system = [Message("system", options.system_prompt)] if options.system_prompt else []
        return [*system, Message("user", text)]
    earlier = messages_to(
        conversation,
        parent_id,
        system_prompt=conversation.system_prompt or options.system_prompt,
        keep_reasoning=options.keep_reasoning,
    )
    return [*earlier, Message("user", text)]


def prompt_of_message(
    message: UserMessage, parent_id: int | None, label: str, loaded: Loaded
) -> Prompt | None:
    """The stored prompt of an answer to this message that continues from the same reply.

    Where there are several, the lane's own newest is taken.
    """
    same = [reply for reply in message.replies if reply.parent_id == parent_id]
    own = [reply for reply in same if reply.lane == label]
    for reply in reversed(own or same):
        prompt = stored_prompt(reply.manifest, loaded)
        if prompt is not None:
            return prompt
    return None


def resolve_all(lanes: Sequence[LaneSetup], seed: int | None = None) -> list[Resolved]:
    """Every lane's values; random lanes share one seed, so that a comparison is fair."""
    seed = draw_seed() if seed is None else seed
    return [lane.resolved().with_drawn_seed(seed) for lane in lanes]


def run_request(began: RunBegan, options: RunOptions, n_ctx: int) -> RunRequest:
    return RunRequest(
        lanes=tuple(
            _lane_request(lane, values, prompt, options.rules(lane), n_ctx)
            for lane, values, prompt in zip(began.lanes, began.resolved, began.prompts, strict=True)
        ),
        mode=options.mode,
        sequential=began.sequential,
    )


def _lane_request(
    lane: LaneSetup, values: Resolved, prompt: Prompt, rules: LaneRules, n_ctx: int
) -> LaneRequest:
    return LaneRequest(
        label=lane.label,
        chain=values.chain.with_context(n_ctx),
        prompt_tokens=prompt.tokens,
        tags=prompt.tags,
        reasoning_open=prompt.reasoning_open,
        loop_guard=rules.loop_guard,
        answer_chain=values.answer.chain.with_context(n_ctx) if values.answer else None,
        reasoning_budget=rules.reasoning_budget,
        reasoning_budget_message=rules.reasoning_budget_message,
        thought=prompt.thought,
        constraints=rules.constraints,
        ends=prompt.template.ends if prompt.template is not None else (),
    )


def check_text(text: str) -> None:
    if not text.strip():
        raise UserError("There is nothing to send.", "Write a message first.", code="empty_prompt")
    if len(text) > MAX_PROMPT_BYTES:
        raise UserError(
            f"The text has {len(text) / 1e6:.0f} million characters.",
            "Shorten it; no context holds so much.",
            code="prompt_too_long",
        )
