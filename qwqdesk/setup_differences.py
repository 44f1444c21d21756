"""What a lane's setup has beside its chain, and in what two setups differ, in words; no Qt.

The chain's own differences are those of `sampling/differences.py`. Here are the lane's model, the
chain of its answer, the rules for its reasoning, and its constraints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qwqdesk.analysis.loops import LoopGuard
from qwqdesk.lane_rules import NO_BUDGET
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.difference_sentence import OtherDifference
from qwqdesk.sampling.differences import differences

GUARD_WORDS: Final[dict[LoopGuard, str]] = {
    "off": "ignores loops",
    "mark": "marks loops",
    "stop": "stops loops",
    "close": "closes looping reasoning",
}
_GUARDS: Final = {"off": "ignore", "mark": "mark", "stop": "stop", "close": "close"}
_SAME: Final = "as the reasoning"
_LONGEST: Final = 32  # characters of a sentence that a chip shows
_USUAL: Final = "as in Settings"


@dataclass(frozen=True)
class SetupDifference:
    """In what two setups differ. `part` is the part of the editor, `topic` names it in a sentence.

    `a` and `b` say both sides; `name` stands before them on a chip, in a sentence they stand where
    `said` has its braces. `usual`: a has nothing of its own.
    """

    part: str
    topic: str
    name: str
    said: str
    a: str
    b: str
    usual: bool = False

    @property
    def text(self) -> str:
        """What holds in b, with its name."""
        return f"{self.name} {self.b}".strip()

    def line(self, a_label: str, b_label: str) -> str:
        """Both sides in one line, b first: it is the lane that differs."""
        return f"{b_label}: {self.text}; {a_label}: {f'{self.name} {self.a}'.strip()}"


@dataclass(frozen=True)
class _Topic:
    """One of the things that can differ; `key` is compared, `words` are shown, "" where unset."""

    part: str
    topic: str
    name: str
    said: str
    unset: str
    key: Callable[[LaneSetup], object]
    words: Callable[[LaneSetup], str]


def answer_words(lane: SamplerChain, answer: SamplerChain) -> str:
    """What the answer's chain does differently: "temperature 0.2, dry missing"."""
    return ", ".join(found.text for found in differences(lane, answer)) or _SAME


def _answer(setup: LaneSetup) -> str:
    resolved = setup.resolved()
    if resolved.answer is None:
        return ""
    return answer_words(resolved.chain, resolved.answer.chain)


def _answer_key(setup: LaneSetup) -> object:
    """The answer's chain, where it differs from the lane's."""
    resolved = setup.resolved()
    answer = resolved.answer.chain if resolved.answer is not None else resolved.chain
    return answer if answer != resolved.chain else None


def _budget(setup: LaneSetup) -> str:
    budget = setup.reasoning_budget
    if budget is None:
        return ""
    return "none" if budget == NO_BUDGET else f"{budget:,}"


def _sentence(setup: LaneSetup) -> str:
    message = setup.reasoning_budget_message
    if message is None:
        return ""
    short = message if len(message) <= _LONGEST else f"{message[: _LONGEST - 1].rstrip()}…"
    return f"“{short}”" if message else "none"


def _variables(setup: LaneSetup) -> str:
    if setup.variables is None:
        return ""
    words = setup.variables.words() or "own defaults"
    return words if len(words) <= 2 * _LONGEST else f"{words[: 2 * _LONGEST - 1].rstrip()}…"


def _limits(setup: LaneSetup) -> str:
    limits = setup.limits
    kinds = (
        ("JSON schema", limits.json_schema),
        ("grammar", limits.grammar),
        ("banned strings", limits.banned_strings),
        ("biases by text", limits.text_biases),
    )
    return ", ".join(words for words, value in kinds if value)


_TOPICS: Final = (
    _Topic(
        "model", "the model", "model", "the model {}", "as loaded",
        lambda setup: setup.model, lambda setup: Path(setup.model).stem if setup.model else "",
    ),
    _Topic(
        "answer", "the answer's chain", "answer:", "{} for the answer", _SAME, _answer_key, _answer,
    ),
    _Topic(
        "constraints", "the constraints", "constraints:", "constraints ({})", "none",
        lambda setup: setup.limits, _limits,
    ),
    _Topic(
        "variables", "the template's variables", "template:", "the template's {}", "as the chat",
        lambda setup: setup.variables, _variables,
    ),
    _Topic(
        "rules", "the reasoning budget", "budget", "reasoning budget {}", _USUAL,
        lambda setup: setup.reasoning_budget, _budget,
    ),
    _Topic(
        "rules", "the closing sentence", "closing", "closing sentence {}", _USUAL,
        lambda setup: setup.reasoning_budget_message, _sentence,
    ),
    _Topic(
        "rules", "the loop guard", "loop guard:", "loop guard {}", _USUAL,
        lambda setup: setup.loop_guard, lambda setup: _GUARDS.get(setup.loop_guard or "", ""),
    ),
)  # fmt: skip


def setup_differences(a: LaneSetup, b: LaneSetup) -> tuple[SetupDifference, ...]:
    """How b differs from a beside its chain, most important first."""
    return tuple(_difference(topic, a, b) for topic in _TOPICS if topic.key(a) != topic.key(b))


def _difference(topic: _Topic, a: LaneSetup, b: LaneSetup) -> SetupDifference:
    there, here = topic.words(a) or topic.unset, topic.words(b) or topic.unset
    if there == here:  # they differ behind what the words say
        here = "others"
    usual = not topic.words(a)
    return SetupDifference(topic.part, topic.topic, topic.name, topic.said, there, here, usual)


def set_parts(setup: LaneSetup) -> tuple[SetupDifference, ...]:
    """What a setup has beside its chain, against one that has nothing; its model left out."""
    nothing = LaneSetup(setup.label, None)
    found = setup_differences(nothing, setup)
    return tuple(each for each in found if each.part != "model")


def setup_lines(lanes: Sequence[LaneSetup]) -> tuple[str, ...]:
    """How each lane differs from the first beside its chain, a line for each difference."""
    if not lanes:
        return ()
    first, *others = lanes
    return tuple(
        found.line(first.label, other.label)
        for other in others
        for found in setup_differences(first, other)
    )


def other_differences(lanes: Sequence[LaneSetup]) -> tuple[OtherDifference, ...]:
    """How all other lanes differ from the first beside chain and model, for the sentence."""
    return tuple(
        OtherDifference(
            found.topic, found.said.replace("{}", found.b), "" if found.usual else found.a
        )
        for other in lanes[1:]
        for found in setup_differences(lanes[0], other)
        if found.part != "model"
    )
