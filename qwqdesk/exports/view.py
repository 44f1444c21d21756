"""A `qwqdesk.run` document as typed values.

The document may come from a file that somebody else wrote, so nothing about it is trusted: what
is missing or of another type becomes empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from qwqdesk.analysis.metrics import METRICS, Number
from qwqdesk.analysis.numbers import (
    NO_VALUE,
    LaneNumbers,
    NumberRow,
    counted,
    number_rows,
    reasoning_closed,
)
from qwqdesk.analysis.parting import Parting, parting_of
from qwqdesk.conversation import FinishReason
from qwqdesk.errors import UserError
from qwqdesk.exports.rules import rule_arguments, rule_differences
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.difference_words import worded_differences
from qwqdesk.sampling.formats.export_args import to_llama_args

_FINISHES: Final[Mapping[str, str]] = {
    "stop": "finished",
    "length": "length limit",
    "loop": "stopped in a loop",
    "cancelled": "stopped",
    "error": "error",
}
_LARGEST: Final = 1e15
_NO_ERROR: Final = "no error found"


@dataclass(frozen=True)
class LaneView:
    """One lane. `reasoning` is None where there was none; `differences` are from the first lane.

    `errors` are sentences by their line in the answer. `parting` says how far it wrote the same as
    the first lane, where that is known.
    """

    label: str
    quantization: str
    model: str
    arguments: str
    differences: tuple[str, ...]
    warnings: tuple[str, ...]
    text: str
    reasoning: str | None
    answer: str
    finish: str
    checks: tuple[str, ...]
    loop: str
    metrics: Mapping[str, Number]
    finish_reason: FinishReason | None = None
    errors: Mapping[int, str] = field(default_factory=dict)
    parting: Parting | None = None
    recipe: str = ""

    @property
    def heading(self) -> str:
        """The label, with the recipe's name where that says more."""
        named = self.recipe and self.recipe != self.label
        return f"{self.label}: {self.recipe}" if named else self.label


@dataclass(frozen=True)
class RunView:
    """A whole comparison."""

    model: str
    quantization: str
    engine: str
    mode: str
    prompt: str
    divergences: tuple[str, ...]
    lanes: tuple[LaneView, ...]

    @property
    def title(self) -> str:
        """What the export is called."""
        name = self.model or "unnamed model"
        labels = ", ".join(lane.label for lane in self.lanes)
        return f"{name}: {labels}" if len(self.lanes) > 1 else name

    @property
    def rows(self) -> tuple[NumberRow, ...]:
        """The window's table of numbers, less the rows in which no lane has a value."""
        lanes = [
            LaneNumbers(
                label=lane.label,
                values=lane.metrics,
                finish_reason=lane.finish_reason,
                reasoning_closed=reasoning_closed(lane.text, lane.reasoning, lane.answer),
                parting=lane.parting,
            )
            for lane in self.lanes
        ]
        if not any(value is not None for lane in self.lanes for value in lane.metrics.values()):
            return ()
        return tuple(row for row in number_rows(lanes) if set(row.texts) != {NO_VALUE})


def view_of(document: Mapping[str, Any]) -> RunView:
    """The values of a document that exports show."""
    model = _map(document.get("model"))
    lanes = [lane for lane in _list(document.get("lanes")) if isinstance(lane, Mapping)]
    chains = [_chain(lane) for lane in lanes]
    parted = _parted(document.get("divergence"))
    return RunView(
        model=_text(model.get("name")),
        quantization=_text(model.get("quantization")),
        engine=_engine(_map(document.get("engine"))),
        mode=_text(document.get("mode")),
        prompt=_text(_map(document.get("prompt")).get("text")),
        divergences=tuple(_divergences(document.get("divergence"))),
        lanes=tuple(
            replace(
                _with_rules(_lane(lane, number, model, chains), lane, lanes[0]),
                parting=_parting(lane, lanes[0], parted),
            )
            for number, lane in enumerate(lanes)
        ),
    )


def _lane(
    lane: Mapping[str, Any],
    number: int,
    model: Mapping[str, Any],
    chains: Sequence[SamplerChain | None],
) -> LaneView:
    own = _map(lane.get("model")) or model
    first, chain = chains[0], chains[number]
    known = number > 0 and first is not None and chain is not None
    worded = worded_differences(first, chain) if known and first and chain else ()
    reasoning = lane.get("reasoning")
    metrics = _map(lane.get("metrics"))
    return LaneView(
        label=_text(lane.get("label")) or f"lane {number + 1}",
        quantization=_text(own.get("quantization")),
        model=_text(own.get("name")),
        arguments=to_llama_args(chain) if chain else "",
        differences=tuple(f"{found.b} (first lane: {found.a})" for found in worded),
        warnings=tuple(
            _text(warning.get("text")) for warning in map(_map, _list(lane.get("warnings")))
        ),
        text=_text(lane.get("text")),
        reasoning=reasoning if isinstance(reasoning, str) else None,
        answer=_text(lane.get("answer")),
        finish=_finish(lane),
        checks=tuple(_checks(lane.get("code_checks"))),
        loop=_loop(_map(metrics.get("loop"))),
        metrics={metric.name: _number(metrics.get(metric.name)) for metric in METRICS},
        finish_reason=_reason(lane.get("finish_reason")),
        errors=_errors(lane.get("code_checks")),
    )


def _with_rules(shown: LaneView, lane: Mapping[str, Any], first: Mapping[str, Any]) -> LaneView:
    """With what the lane has beside its chain: else the settings would not repeat the text."""
    arguments = (shown.arguments, rule_arguments(lane))
    return replace(
        shown,
        recipe=_text(_map(lane.get("manifest")).get("recipe")),
        arguments=" ".join(part for part in arguments if part),
        differences=(*shown.differences, *rule_differences(first, lane)),
    )


def _reason(data: object) -> FinishReason | None:
    return cast("FinishReason", data) if isinstance(data, str) and data in _FINISHES else None


def _parted(rows: object) -> dict[tuple[str, str], Parting]:
    """How far two lanes wrote the same, by their labels."""
    found: dict[tuple[str, str], Parting] = {}
    for row in map(_map, _list(rows)):
        labels, parting = _list(row.get("lanes")), parting_of(row)
        if len(labels) == 2 and parting is not None:
            found[_text(labels[0]), _text(labels[1])] = parting
    return found


def _parting(
    lane: Mapping[str, Any],
    first: Mapping[str, Any],
    parted: Mapping[tuple[str, str], Parting],
) -> Parting | None:
    pair = _text(first.get("label")), _text(lane.get("label"))
    return None if lane is first else parted.get(pair)


def _errors(checks: object) -> dict[int, str]:
    found: dict[int, str] = {}
    for check in map(_map, _list(checks)):
        for error in map(_map, _list(check.get("errors"))):
            line = error.get("answer_line")
            if isinstance(line, int) and _text(error.get("text")):
                found.setdefault(line, _text(error.get("text")))
    return found


def _chain(lane: Mapping[str, Any]) -> SamplerChain | None:
    try:
        return SamplerChain.from_json(lane.get("sampling"))
    except UserError:
        return None


def _engine(engine: Mapping[str, Any]) -> str:
    version = _text(engine.get("llama_cpp_python"))
    parts = [f"llama-cpp-python {version}"] if version else []
    shown = ("n_ctx", "n_threads", "n_gpu_layers")
    parts += [f"{name} {engine[name]}" for name in shown if isinstance(engine.get(name), int)]
    return ", ".join(parts)


def _divergences(rows: object) -> list[str]:
    sentences = []
    for row in map(_map, _list(rows)):
        labels = [_text(label) for label in _list(row.get("lanes"))]
        parting = parting_of(row)
        if len(labels) != 2 or parting is None:
            continue
        rejoin = _list(row.get("rejoin"))
        again = f"; they meet again at {rejoin[0]} and {rejoin[1]}" if len(rejoin) == 2 else ""
        sentences.append(f"{labels[0]} and {labels[1]} {_parting_words(parting)}{again}.")
    return sentences


def _parting_words(parting: Parting) -> str:
    what = "text" if parting.by_text else "tokens"
    if parting.kind == "same":
        return f"wrote the same {what}"
    if parting.kind == "differ":
        where = "in their text" if parting.by_text else f"from token {parting.token} on"
        return f"differ {where}"
    unit = "character" if parting.by_text else "token"
    return f"are the same as far as both go: {counted(parting.same, unit)}"


def _finish(lane: Mapping[str, Any]) -> str:
    reason, detail = _text(lane.get("finish_reason")), _text(lane.get("finish_detail"))
    words = _FINISHES.get(reason, reason)
    return f"{words} ({detail})" if detail and detail != reason else words


def _checks(rows: object) -> list[str]:
    sentences = []
    for row in map(_map, _list(rows)):
        parses = row.get("parses")
        verdict = "parses" if parses is True else "does not parse"
        if parses not in (True, False):
            verdict = "was not checked"
        errors = [_map(error) for error in _list(row.get("errors"))]
        found = "; ".join(
            f"line {error.get('line')}: {_text(error.get('text'))}" for error in errors
        )
        lines = row.get("lines")
        size = f"{lines} line{'' if lines == 1 else 's'}"
        sentences.append(f"Python, {size}, {verdict}: {found or _NO_ERROR}.")
    return sentences


def _loop(loop: Mapping[str, Any]) -> str:
    if not loop:
        return ""
    text = _text(loop.get("text")).strip()
    what = f"{text!r} " if text else ""
    repeats = _number(loop.get("repeats")) or 0
    return f"Looped from token {loop.get('from_token')}: {what}x {round(repeats, 1):g}"


def _map(data: object) -> Mapping[str, Any]:
    return data if isinstance(data, Mapping) else {}


def _list(data: object) -> Sequence[Any]:
    return data if isinstance(data, (list, tuple)) else ()


def _text(data: object) -> str:
    return data if isinstance(data, str) else ""


def _number(data: object) -> Number:
    if isinstance(data, bool) or not isinstance(data, (int, float)):
        return None
    return data if -_LARGEST < data < _LARGEST else None  # no NaN, no infinity
