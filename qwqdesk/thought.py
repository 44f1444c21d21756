"""The reasoning of a reply, frozen, so that only the answer is drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from qwqdesk.conversation import Reply
from qwqdesk.engine.events import FrozenThought
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.prompt import Prompt
from qwqdesk.reasoning_tags import HARMONY, HARMONY_REASONING, THINK, Tags
from qwqdesk.run_plan import resolve_all
from qwqdesk.sampling.param import UINT32_MAX
from qwqdesk.sampling.resolve import Resolved
from qwqdesk.sampling.samplers import RANDOM_SEEDS

MAX_LANES: Final = 4


def with_thought(prompt: Prompt, reasoning: str) -> Prompt:
    """The prompt behind which the reply begins with this reasoning, opened and closed."""
    return replace(prompt, thought=FrozenThought(text=_opened(prompt, reasoning)))


def with_thought_of(
    prompt: Prompt, reply: Reply, reasoning: str | None = None, *, same_tokens: bool = True
) -> Prompt:
    """The prompt behind which the reply begins with the reasoning of an earlier one.

    Its very tokens are taken, unless `reasoning` says something else.

    Args:
        prompt: what the reply answers.
        reply: whose reasoning it is.
        reasoning: the edited text; None leaves it as it is.
        same_tokens: False when the loaded model has another vocabulary.

    Raises:
        UserError: code "no_reasoning", when the reply has none and no text is given.
    """
    if reasoning is None and reply.reasoning is None:
        raise UserError(
            "This reply has no reasoning that could be kept.",
            "Write one, or generate the whole reply again.",
            code="no_reasoning",
        )
    if reasoning not in (None, reply.reasoning):
        return with_thought(prompt, reasoning or "")
    if not same_tokens:
        return with_thought(prompt, reply.reasoning or "")
    count = thought_tokens(reply)
    closed = reply.answer != ""
    thought = FrozenThought(reply.tokens[:count], "", reply.probabilities[:count], closed)
    return replace(prompt, thought=thought)


def thought_tokens(reply: Reply) -> int:
    """How many of the reply's tokens stand before its answer: reasoning and tags.

    A token that ends the closing tag and begins the answer counts.
    """
    begin = len(reply.text) - len(reply.answer)
    known = len(reply.ends) == len(reply.tokens) and reply.text.endswith(reply.answer)
    if not known:
        return reply.usage.reasoning_tokens
    return sum(end < begin for end in reply.ends) + 1 if begin and reply.ends else 0


def repeated(
    lanes: Sequence[LaneSetup], times: int, seed: int | None
) -> tuple[list[LaneSetup], list[Resolved]]:
    """Every lane `times` times, with its values; each time the seeds are one higher.

    Raises:
        UserError: code "lanes", for none or more than `MAX_LANES` at once.
    """
    if not 1 <= len(lanes) * times <= MAX_LANES:
        raise UserError(
            f"{len(lanes) * times} answers at once are not possible.",
            f"Ask for 1 to {MAX_LANES}, and again for more.",
            code="lanes",
        )
    resolved = resolve_all(lanes, seed)
    every = [lane for lane in lanes for _ in range(times)]
    return every, [_with_later_seed(values, n) for values in resolved for n in range(times)]


def _with_later_seed(values: Resolved, steps: int) -> Resolved:
    seed = values.chain.integer("seed")
    for _ in range(steps):
        seed = (seed + 1) % (UINT32_MAX + 1)
        while seed in RANDOM_SEEDS:
            seed = (seed + 1) % (UINT32_MAX + 1)
    answer = values.answer
    if answer is not None:
        own = answer.chain.integer("seed") != values.chain.integer("seed")
        answer = _with_later_seed(answer, steps) if own else answer
        if not own:
            answer = replace(answer, chain=answer.chain.with_seed(seed))
    return replace(values, chain=values.chain.with_seed(seed), answer=answer)


def _opened(prompt: Prompt, reasoning: str) -> str:
    """The reasoning with an opening tag where the prompt has not written it."""
    reasoning = reasoning.rstrip("\n")
    if prompt.reasoning_open:
        return reasoning
    return f"{_opening(prompt.tags[0] if prompt.tags else THINK)}{reasoning}"


def _opening(tags: Tags) -> str:
    if tags.name == HARMONY.name:
        return HARMONY_REASONING
    return tags.open if tags.channels else f"{tags.open}\n"
