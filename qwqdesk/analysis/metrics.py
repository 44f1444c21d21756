"""The numbers about a lane, and the table that says which value is the better one.

"Better" is claimed only where most people would agree: fewer repetitions, fewer errors in code,
more tokens a second. A longer or shorter reply is neither. Repetition grows with the length, and
code that does not parse hides its other errors, so such numbers are compared only where that is
fair.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from qwqdesk.analysis.code_check import CodeCheck
from qwqdesk.analysis.loops import find_loop
from qwqdesk.analysis.statistics import (
    RepeatedSpan,
    compression_ratio,
    distinct_n,
    longest_repeat,
)
from qwqdesk.conversation import Loop, Timing, Usage

Better = Literal["higher", "lower"]
Number = int | float | None

_SIMILAR_LENGTH: Final = 2
"""Replies up to so many times as long as each other are similar."""


@dataclass(frozen=True)
class Metric:
    """One row of the table under the lanes.

    `digits` after the point are shown; values that look the same are a tie. `better` is None
    where no value is better than another. `none_is` says what a missing value is worth:
    "best" (no loop), or nothing to compare. `fair` is when values are compared at all: always,
    between replies of similar "length", or when all code could "parse".
    """

    name: str
    title: str
    meaning: str
    better: Better | None = None
    digits: int = 0
    unit: str = ""
    none_is: Literal["best", "unknown"] = "unknown"
    fair: Literal["always", "length", "parse"] = "length"


# fmt: off
METRICS: Final[tuple[Metric, ...]] = (
    Metric("reasoning_tokens", "Reasoning", "Tokens of the reasoning, tags included.",
           unit="tokens"),
    Metric("answer_tokens", "Answer", "Tokens of the answer.", unit="tokens"),
    Metric("reasoning_s", "Reasoning time", "Seconds until the reasoning ended.",
           digits=1, unit="s"),
    Metric("answer_s", "Answer time", "Seconds from the end of the reasoning on.",
           digits=1, unit="s"),
    Metric("tokens_per_second", "Speed", "Generated tokens a second, without the prompt.",
           "higher", 1, "tok/s"),
    Metric("reasoning_tokens_per_second", "Reasoning speed",
           "Tokens of the reasoning a second.", "higher", 1, "tok/s"),
    Metric("answer_tokens_per_second", "Answer speed",
           "Tokens of the answer a second.", "higher", 1, "tok/s"),
    Metric("distinct_1", "distinct-1", "Share of different tokens; falls with the length.",
           "higher", 3),
    Metric("distinct_2", "distinct-2", "Share of different pairs of tokens.", "higher", 3),
    Metric("distinct_3", "distinct-3", "Share of different triples of tokens.", "higher", 3),
    Metric("distinct_4", "distinct-4", "Share of different runs of four tokens.", "higher", 2),
    Metric("seq_rep_4", "seq-rep-4",
           "Share of 4-grams that repeat an earlier one (Welleck et al. 2019).", "lower", 3),
    Metric("longest_repeat_tokens", "Longest repeat", "Tokens of the longest span written twice.",
           "lower", unit="tokens"),
    Metric("compression_ratio", "Compression",
           "How many times zlib makes the text smaller; loops compress well.", "lower", 2),
    Metric("loop_from_token", "Loop from", "The token at which it began to repeat itself.",
           "higher", unit="token", none_is="best", fair="always"),
    Metric("python_blocks", "Python blocks", "Blocks of Python in the answer."),
    Metric("python_parse_failures", "Do not parse", "Blocks of Python that do not parse.",
           "lower", fair="always"),
    Metric("code_errors", "Code errors",
           "Errors found in the Python without running it.", "lower", fair="parse"),
    Metric("mean_probability", "Mean probability",
           "Mean probability of the chosen tokens before the chain.", digits=3),
    Metric("min_probability", "Least probability",
           "Probability of the least likely chosen token.", digits=4),
)
# fmt: on
METRICS_BY_NAME: Final[Mapping[str, Metric]] = {metric.name: metric for metric in METRICS}


@dataclass(frozen=True)
class LaneResult:
    """What the numbers are made of: one lane's reply, finished or not.

    `loop` None means not known: it is searched for. `probabilities` are those of the chosen
    tokens, empty where they were not recorded.
    """

    tokens: Sequence[int]
    text: str
    usage: Usage = field(default_factory=Usage)
    timing: Timing = field(default_factory=Timing)
    code: Sequence[CodeCheck] = ()
    loop: Loop | None = None
    probabilities: Sequence[float] = ()


@dataclass(frozen=True)
class LaneMetrics:
    """The values of `METRICS` by name, None where there is nothing to measure, and the loop."""

    values: Mapping[str, Number]
    loop: Loop | None = None
    longest_repeat_at: tuple[int, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """INTERFACE's `metrics`: every name of `METRICS`, a number or null.

        Besides: `longest_repeat_at`, the two places where the span begins, or null; `loop`,
        `{"from_token", "period", "repeats", "text"}` or null. Indices count generated tokens
        from 0, `*_s` are seconds.
        """
        places = self.longest_repeat_at
        return {
            **{metric.name: self.values[metric.name] for metric in METRICS},
            "longest_repeat_at": list(places) if places else None,
            "loop": asdict(self.loop) if self.loop else None,
        }


def lane_metrics(result: LaneResult, *, search_loop: bool = True) -> LaneMetrics:
    """All numbers of one lane; some 150 ms for 20,000 tokens, half of it the search for a loop.

    Args:
        result: the reply.
        search_loop: False where the lane's own guard has watched it already.
    """
    loop = result.loop
    if search_loop:
        found = find_loop(list(result.tokens))
        text = loop.text if loop and found and loop.from_token == found.from_token else ""
        loop = Loop(found.from_token, found.period, found.repeats, text) if found else loop
    return measured(
        result,
        loop=loop,
        distinct=lambda n: distinct_n(result.tokens, n),
        longest=longest_repeat(result.tokens),
        compression=compression_ratio(result.text),
    )


def measured(
    result: LaneResult,
    *,
    loop: Loop | None,
    distinct: Callable[[int], float | None],
    longest: RepeatedSpan | None,
    compression: float | None,
) -> LaneMetrics:
    """The numbers from what was measured about a reply; `distinct` takes n from 1 to 4."""
    shares = {n: distinct(n) for n in (1, 2, 3, 4)}
    fourth = shares[4]
    values: dict[str, Number] = {
        **_times(result.usage, result.timing),
        **{f"distinct_{n}": share for n, share in shares.items()},
        "seq_rep_4": None if fourth is None else 1.0 - fourth,
        "longest_repeat_tokens": (longest.length if longest else 0) if result.tokens else None,
        "compression_ratio": compression,
        "loop_from_token": loop.from_token if loop else None,
        **_code(result.code),
        **_probabilities(result.probabilities),
    }
    return LaneMetrics(values, loop, (longest.first, longest.second) if longest else None)


def better_lane(name: str, lanes: Sequence[Mapping[str, Number]]) -> int | None:
    """The index of the lane with the best value.

    None for a tie, where no value is better than another, and where comparing is not fair.

    Args:
        name: of a metric.
        lanes: the values of each lane by name, as in `LaneMetrics.values`.

    Raises:
        KeyError: when there is no metric of that name.
    """
    metric = METRICS_BY_NAME[name]
    worth = [_worth(metric, values.get(name)) for values in lanes]
    known = [value for value in worth if value is not None]
    if metric.better is None or len(known) < 2:
        return None
    compared = [values for values, value in zip(lanes, worth, strict=True) if value is not None]
    if not _fair(metric, compared):
        return None
    best = max(known)
    return worth.index(best) if known.count(best) == 1 else None


def _fair(metric: Metric, lanes: Sequence[Mapping[str, Number]]) -> bool:
    if metric.fair == "parse":
        return not any(values.get("python_parse_failures") for values in lanes)
    return metric.fair != "length" or similar_lengths(lanes)


def similar_lengths(lanes: Sequence[Mapping[str, Number]]) -> bool:
    """Whether replies with these values are near enough in length to compare how they repeat."""
    lengths = [_length(values) for values in lanes]
    return not lengths or min(lengths) * _SIMILAR_LENGTH >= max(lengths)


def _length(values: Mapping[str, Number]) -> float:
    return (values.get("reasoning_tokens") or 0) + (values.get("answer_tokens") or 0)


def shown_value(name: str, value: Number) -> str:
    """A value as the table shows it, with a dash for none."""
    metric = METRICS_BY_NAME[name]
    if value is None:
        return "none" if metric.none_is == "best" else "\N{EN DASH}"
    return f"{value:,.{metric.digits}f}"


def _worth(metric: Metric, value: Number) -> float | None:
    if value is None:
        return math.inf if metric.none_is == "best" else None
    rounded = round(float(value), metric.digits)
    return rounded if metric.better == "higher" else -rounded


def _times(usage: Usage, timing: Timing) -> dict[str, Number]:
    thought = usage.reasoning_tokens > 0
    reasoning_s = min(timing.reasoning_s, timing.decode_s) if thought else 0.0
    answer_s = max(0.0, timing.decode_s - reasoning_s)
    return {
        "reasoning_tokens": usage.reasoning_tokens,
        "answer_tokens": usage.answer_tokens,
        "reasoning_s": reasoning_s,
        "answer_s": answer_s,
        "tokens_per_second": timing.tokens_per_second or None,
        "reasoning_tokens_per_second": _rate(usage.reasoning_tokens, reasoning_s),
        "answer_tokens_per_second": _rate(usage.answer_tokens, answer_s),
    }


def _rate(tokens: int, seconds: float) -> float | None:
    return tokens / seconds if tokens and seconds > 0 else None


def _code(checks: Sequence[CodeCheck]) -> dict[str, Number]:
    """Without Python there is nothing that could be better or worse."""
    if not checks:
        return {"python_blocks": 0, "python_parse_failures": None, "code_errors": None}
    return {
        "python_blocks": len(checks),
        "python_parse_failures": sum(check.parses is not True for check in checks),
        "code_errors": sum(len(check.problems) for check in checks),
    }


def _probabilities(values: Sequence[float]) -> dict[str, Number]:
    finite = [value for value in values if math.isfinite(value)]
    return {
        "mean_probability": math.fsum(finite) / len(finite) if finite else None,
        "min_probability": min(finite) if finite else None,
    }
