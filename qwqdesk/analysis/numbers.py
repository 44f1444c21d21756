"""The table under the lanes: which rows, what each lane's cell says, and which one is better.

What a person asks first comes first; `METRICS` has the rest. The same rows are shown in the window
and written into exports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from qwqdesk.analysis.checks import Verdict
from qwqdesk.analysis.metrics import (
    METRICS_BY_NAME,
    Number,
    better_lane,
    shown_value,
    similar_lengths,
)
from qwqdesk.analysis.parting import Parting
from qwqdesk.conversation import FinishReason
from qwqdesk.reasoning import reasoning_closed as is_closed

FINISH_WORDS: Final[Mapping[str, str]] = {
    "stop": "finished",
    "length": "length limit",
    "loop": "looped, stopped",
    "cancelled": "stopped by you",
    "error": "failed",
}
NO_VALUE: Final = "\N{EN DASH}"


@dataclass(frozen=True)
class LaneNumbers:
    """One lane for the table. `values` are those of `METRICS` by name.

    `reasoning_closed` is None where there was no reasoning; `parting` says how far it wrote the
    same as the first lane, None for the first one and where that is not known. `verdicts` are those
    of an experiment's checks.
    """

    label: str
    values: Mapping[str, Number]
    running: bool = False
    finish_reason: FinishReason | None = None
    reasoning_closed: bool | None = None
    code_open: bool = False
    parting: Parting | None = None
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class NumberRow:
    """A row: a text for each lane, the index of the better one, and whether it is a main row."""

    title: str
    meaning: str
    texts: tuple[str, ...]
    better: int | None = None
    main: bool = True


Lanes = Sequence[LaneNumbers]


def number_rows(lanes: Lanes) -> tuple[NumberRow, ...]:
    """All rows for these lanes, the main ones first."""
    checked = [_checks(lanes)] if any(lane.verdicts for lane in lanes) else []
    return (*checked, *(row(lanes) for row in _MAIN), *_rest(lanes))


def reasoning_closed(text: str, reasoning: str | None, answer: str) -> bool | None:
    """Whether the reasoning ended before the reply did; None without any.

    A reply without an answer whose last characters are reasoning never closed it.
    """
    return None if reasoning is None else is_closed(text, reasoning, answer)


def summary(lanes: Lanes) -> str:
    """The bar's sentence: code, repeats and reasoning, as far as there is something to say."""
    repeats = _lane_words(lanes) if len(lanes) > 2 else _repeat_words(lanes)
    parts = (_code_words(lanes), repeats, _closed_words(lanes))
    return " ".join(part for part in parts if part)


def dot_words(lanes: Lanes) -> str:
    """What the dot in the table means, and why there may be none."""
    words = "The dot marks the better value."
    if similar_lengths([lane.values for lane in lanes]):
        return words
    return f"{words} Repeats and speed get none here: the lengths differ too much."


# ------------------------------------------------------------ main rows


def _checks(lanes: Lanes) -> NumberRow:
    meaning = (
        "The experiment's checks: how many held of those that apply, and the first one that did "
        "not."
    )
    known = [[v for v in lane.verdicts if v.applies] for lane in lanes]
    # Shares are compared, since a check may apply to one lane's reply alone.
    passed = [sum(v.passed is True for v in found) / max(len(found), 1) for found in known]
    best = max(passed)
    alone = passed.count(best) == 1 and all(known) and len(lanes) > 1
    texts = tuple(_checks_cell(lane) for lane in lanes)
    return NumberRow("Checks", meaning, texts, passed.index(best) if alone else None)


def _checks_cell(lane: LaneNumbers) -> str:
    if not lane.verdicts:
        return NO_VALUE
    known = [verdict for verdict in lane.verdicts if verdict.applies]
    if not known:
        return "none applies" if len(lane.verdicts) > 1 else "does not apply"
    count, failed = len(known), [verdict for verdict in known if not verdict.passed]
    if not failed:
        return f"all {count}" if count > 1 else "passed"
    return f"{count - len(failed)} of {count}, {failed[0].words}"


def _tokens(lanes: Lanes) -> NumberRow:
    texts = (
        f"{_whole(lane, 'reasoning_tokens')} + {_whole(lane, 'answer_tokens')}" for lane in lanes
    )
    meaning = "Tokens of the reasoning, tags included, and of the answer."
    return NumberRow("Tokens, reasoning + answer", meaning, tuple(texts))


def _whole(lane: LaneNumbers, name: str) -> str:
    return f"{lane.values.get(name) or 0:,.0f}"


def _code(lanes: Lanes) -> NumberRow:
    meaning = (
        "Python in the answer: whether it parses, and the errors found in it without running it."
    )
    texts = tuple(_code_cell(lane) for lane in lanes)
    return NumberRow("Code", meaning, texts, _better_code(lanes))


def _code_cell(lane: LaneNumbers) -> str:
    if lane.running and lane.code_open:
        return "writing"
    blocks = lane.values.get("python_blocks")
    if not blocks:
        return "none so far" if lane.running else "no Python"
    errors = int(lane.values.get("code_errors") or 0)
    if not errors:
        return "no errors found"
    if lane.values.get("python_parse_failures"):
        return "does not parse" if blocks == 1 else f"does not parse, {counted(errors, 'error')}"
    return counted(errors, "error")


def _better_code(lanes: Lanes) -> int | None:
    """Clean code is better than any other; of code with errors that all parses, fewer are."""
    worth = {n: _code_worth(lane) for n, lane in enumerate(lanes)}
    known = {n: errors for n, errors in worth.items() if errors is not None}
    if len(known) < 2:
        return None
    best = min(known.values())
    first = [n for n, errors in known.items() if errors == best]
    fair = best == 0 or not any(lanes[n].values.get("python_parse_failures") for n in known)
    return first[0] if len(first) == 1 and fair else None


def _code_worth(lane: LaneNumbers) -> int | None:
    if lane.running or not lane.values.get("python_blocks"):
        return None
    return int(lane.values.get("code_errors") or 0)


def _closed(lanes: Lanes) -> NumberRow:
    meaning = "Whether the reasoning ended before the reply did. Without it there is no answer."
    return NumberRow("Reasoning closed", meaning, tuple(_closed_cell(lane) for lane in lanes))


def _closed_cell(lane: LaneNumbers) -> str:
    if lane.reasoning_closed is None:
        return "no reasoning"
    if not lane.reasoning_closed and lane.running:
        return "thinking"
    return "yes" if lane.reasoning_closed else "no"


def _time(lanes: Lanes) -> NumberRow:
    texts = []
    for lane in lanes:
        parts = [lane.values.get(name) for name in ("reasoning_s", "answer_s")]
        known = [float(part) for part in parts if part is not None]
        texts.append(f"{sum(known):,.1f} s" if sum(known) > 0 else NO_VALUE)
    return NumberRow("Time", "Seconds from the first token to the last.", tuple(texts))


def _finish(lanes: Lanes) -> NumberRow:
    texts = tuple(
        "writing" if lane.running else FINISH_WORDS.get(lane.finish_reason or "", "interrupted")
        for lane in lanes
    )
    return NumberRow("Ended", "Why the lane stopped writing.", texts)


def _difference(lanes: Lanes) -> NumberRow:
    first = lanes[0].label if lanes else "A"
    texts = tuple(
        _parting_cell(lane.parting) if number and lane.parting else NO_VALUE
        for number, lane in enumerate(lanes)
    )
    meaning = (
        f"The first token that differs from lane {first}'s, counted from 0. "
        "Lanes whose models have different tokens are compared by their text."
    )
    return NumberRow(f"First difference from {first}", meaning, texts)


def _parting_cell(parting: Parting) -> str:
    if parting.kind == "open":
        return "none yet"
    if parting.kind == "cut":
        return f"none in {counted(parting.same, 'character' if parting.by_text else 'token')}"
    if parting.kind == "same":
        return "none"
    return "in the text" if parting.by_text else f"token {parting.token or 0:,}"


def _metric(name: str, title: str = "", unit: str = "") -> Callable[[Lanes], NumberRow]:
    def row(lanes: Lanes) -> NumberRow:
        metric = METRICS_BY_NAME[name]
        values = [lane.values for lane in lanes]
        texts = tuple(_with_unit(name, value.get(name), unit) for value in values)
        return NumberRow(title or metric.title, metric.meaning, texts, better_lane(name, values))

    return row


def _with_unit(name: str, value: Number, unit: str) -> str:
    text = shown_value(name, value)
    if value is None or not unit:
        return text
    return counted(int(value), unit) if unit == "token" else f"{text} {unit}"


def _loop_from(lanes: Lanes) -> NumberRow:
    row = _metric("loop_from_token", "Loop from")(lanes)
    texts = tuple(text if text == "none" else f"token {text}" for text in row.texts)
    return NumberRow(row.title, row.meaning, texts, row.better)


_MAIN: Final[tuple[Callable[[Lanes], NumberRow], ...]] = (
    _tokens,
    _code,
    _metric("longest_repeat_tokens", unit="token"),
    _metric("distinct_4", "Distinct 4-grams"),
    _metric("mean_probability", "Mean token probability"),
    _closed,
    _loop_from,
    _metric("compression_ratio"),
    _time,
    _metric("tokens_per_second", "Tokens per second"),
    _metric("min_probability", "Least token probability"),
    _finish,
    _difference,
)
_SECONDARY: Final = (
    "distinct_1", "distinct_2", "distinct_3", "seq_rep_4", "reasoning_s", "answer_s",
    "reasoning_tokens_per_second", "answer_tokens_per_second", "python_blocks",
    "python_parse_failures", "code_errors",
)  # fmt: skip


def _rest(lanes: Lanes) -> list[NumberRow]:
    rows = []
    for name in _SECONDARY:
        unit = METRICS_BY_NAME[name].unit
        row = _metric(name, unit="" if unit == "tokens" else unit)(lanes)
        rows.append(NumberRow(row.title, row.meaning, row.texts, row.better, main=False))
    return rows


# ------------------------------------------------------------ the sentence


def counted(number: int, word: str) -> str:
    """A number with its word: "1 error", "61 tokens"."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def joined(words: Sequence[str]) -> str:
    """Words as in a sentence: "A, B and C"."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _code_words(lanes: Lanes) -> str:
    written = [lane for lane in lanes if not lane.running and lane.values.get("python_blocks")]
    if not written:
        return ""
    clean = [lane.label for lane in written if not lane.values.get("code_errors")]
    if len(lanes) == 1:
        return f"Code: {_code_cell(written[0])}."
    if not clean:
        # With many lanes `_lane_words` says it.
        errors = (f"{lane.label} {int(lane.values['code_errors'] or 0):,}" for lane in written)
        return "" if len(lanes) > 2 else f"Errors in code: {', '.join(errors)}."
    return f"Code without errors: {joined(clean)}."


def _lane_words(lanes: Lanes) -> str:
    """With many lanes only what is wrong with one: "C has 1 error, D looped, B is writing."."""
    words = []
    for lane in sorted(lanes, key=lambda lane: lane.running):
        errors = lane.values.get("code_errors")
        if lane.values.get("loop_from_token") is not None:
            words.append(f"{lane.label} {'loops' if lane.running else 'looped'}")
        elif errors and not lane.running:
            words.append(f"{lane.label} has {counted(int(errors), 'error')}")
    writing = [
        lane.label for lane in lanes if lane.running and not lane.values.get("loop_from_token")
    ]
    if writing:
        words.append(f"{joined(writing)} {'is' if len(writing) == 1 else 'are'} writing")
    return f"{', '.join(words)}." if words else ""


def _repeat_words(lanes: Lanes) -> str:
    known = [lane for lane in lanes if lane.values.get("longest_repeat_tokens") is not None]
    cells = [counted(int(lane.values.get("longest_repeat_tokens") or 0), "token") for lane in known]
    if not cells:
        return ""
    if len(lanes) == 1:
        return f"Longest repeat: {cells[0]}."
    named = (f"{lane.label} {cell}" for lane, cell in zip(known, cells, strict=True))
    return f"Longest repeat: {', '.join(named)}."


def _closed_words(lanes: Lanes) -> str:
    done = [lane for lane in lanes if not lane.running and lane.reasoning_closed is not None]
    if not done:
        return ""
    unclosed = [lane.label for lane in done if not lane.reasoning_closed]
    if len(lanes) == 1:
        return "Reasoning not closed." if unclosed else "Reasoning closed."
    if unclosed:
        return f"Reasoning not closed in {joined(unclosed)}."
    if len(done) < len(lanes):
        return ""
    return f"Reasoning closed in {'both' if len(lanes) == 2 else 'all'}."
