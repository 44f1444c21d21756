"""A run as INTERFACE's `qwqdesk.run` document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qwqdesk.analysis.code_check import CodeCheck, check_answer
from qwqdesk.analysis.divergence import divergence_json
from qwqdesk.analysis.metrics import LaneMetrics, LaneResult, lane_metrics
from qwqdesk.analysis.token_items import WrittenTokens
from qwqdesk.engine.events import Loaded
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.manifest import (
    RunConditions,
    engine_json,
    lane_manifest,
    model_json,
    threads_json,
    variables_json,
)
from qwqdesk.models import shape
from qwqdesk.models.gguf import read_header
from qwqdesk.models.quants import quantization_label
from qwqdesk.processor_words import thread_warnings
from qwqdesk.prompt import Prompt
from qwqdesk.run_plan import RunBegan, RunOptions, messages_for
from qwqdesk.run_record import LaneRecord, RunRecord
from qwqdesk.sampling.effective import ChainWarning, effective_chain, vocabulary_warnings
from qwqdesk.sampling.resolve import Resolved


@dataclass(frozen=True)
class FinishedRun:
    """One run on one model, as far as it came."""

    loaded: Loaded
    began: RunBegan
    record: RunRecord


@dataclass(frozen=True)
class UnrunLane:
    """A lane that was asked for and never began.

    `error` says why; None is that somebody stopped the comparison before its turn. `prompt` is the
    user's message.
    """

    setup: LaneSetup
    model: Path
    settings: EngineSettings
    options: RunOptions
    prompt: str
    error: UserError | None = None


def run_json(
    runs: Sequence[FinishedRun], order: Sequence[tuple[int, int] | UnrunLane]
) -> dict[str, Any]:
    """The document for lanes that ran on one model or, one run for each, on several.

    The keys that INTERFACE leaves open are told where they are made: `divergence` in
    `analysis.divergence.divergence_json`, `metrics` in `LaneMetrics.to_json`, the rows of
    `code_checks` in `CodeCheck.to_json`, a lane's `manifest` in `manifest.py`. A lane's `ends` say
    how many characters of its `text` stood after each token.

    Only where they apply: `answer_sampling` and `answer_sources`, which say of the chain that drew
    the answer what `sampling` and `sources` say of the one before it; `frozen_tokens`, how many of
    the first `tokens` were a given thought and not drawn.

    Args:
        runs: the first one's model, engine and prompt are the document's.
        order: for each lane, which run it was in and its number there, or why it was in none.
    """
    head = runs[0]
    lanes: list[dict[str, Any]] = []
    ran: list[tuple[str, WrittenTokens]] = []
    for place in order:
        if isinstance(place, UnrunLane):
            lanes.append(_unrun(place))
            continue
        run, number = runs[place[0]], place[1]
        lanes.append({**_lane(run, number), **_own(head, run, number)})
        ran.append(_written(run, number))
    return {
        "format": "qwqdesk.run",
        "version": 1,
        "model": model_json(head.loaded.model),
        "engine": engine_json(head.record.engine or head.loaded.engine),
        "prompt": {
            "text": head.began.prompts[0].text,
            "tokens": list(head.began.prompts[0].tokens),
            **variables_json(head.began.prompts[0].variables),
        },
        "mode": head.began.mode,
        "divergence": divergence_json(ran),
        "lanes": lanes,
    }


def _written(run: FinishedRun, number: int) -> tuple[str, WrittenTokens]:
    record = run.record.lanes[number]
    vocabulary = run.began.conditions.vocabulary
    whole = record.finish_reason == "stop"
    written = WrittenTokens(record.tokens, record.text, record.ends, vocabulary, whole=whole)
    return run.began.lanes[number].label, written


def error_json(error: UserError) -> dict[str, Any]:
    """What a command that failed prints with `--json`."""
    return {"error": {"code": error.code, "what": error.what, "what_to_do": error.what_to_do}}


def _own(head: FinishedRun, run: FinishedRun, number: int) -> dict[str, Any]:
    """What this lane does not share with the document: model, engine settings, prompt."""
    own: dict[str, Any] = {}
    if run.loaded.model != head.loaded.model:
        own["model"] = model_json(run.loaded.model)
    if run.loaded.settings != head.loaded.settings:
        own["engine"] = engine_json(run.record.engine or run.loaded.engine)
    prompt = run.began.prompts[number]
    first = head.began.prompts[0]
    if prompt.tokens != first.tokens or prompt.variables != first.variables:
        own["prompt"] = {
            "text": prompt.text,
            "tokens": list(prompt.tokens),
            **variables_json(prompt.variables),
        }
    return own


def _lane(run: FinishedRun, number: int) -> dict[str, Any]:
    resolved = run.began.resolved[number]
    record = run.record.lanes[number]
    chain = resolved.chain
    warnings = run.began.lanes[number].warnings
    warnings += effective_chain(chain, resolved.sources).warnings
    warnings += resolved.constraints.warnings_for(chain)
    warnings += vocabulary_warnings(chain, run.loaded.model.n_vocab)
    warnings += run.began.prompts[number].warnings
    warnings += thread_warnings(run.record.threads)
    made = _lane_json(
        run.began.lanes[number].label,
        resolved,
        warnings,
        record,
        run.loaded.load_s,
        _manifest(run, number),
    )
    return {
        **made,
        "reasoning": _reasoning(run.began, number, record),
        **_constraints(run.began, number, record),
        **_answer_chain(resolved.answer),
        **({"frozen_tokens": record.frozen_tokens} if record.frozen_tokens else {}),
    }


def _lane_json(
    label: str,
    resolved: Resolved,
    warnings: Sequence[ChainWarning],
    record: LaneRecord,
    load_s: float,
    manifest: Mapping[str, Any],
) -> dict[str, Any]:
    """What every lane has, whether it wrote or not."""
    checks = check_answer(record.answer)
    return {
        "label": label,
        "model": None,
        "sampling": resolved.chain.to_json(),
        "sources": dict(resolved.sources),
        "warnings": [{"code": warning.code, "text": warning.text} for warning in warnings],
        "tokens": list(record.tokens),
        "ends": list(record.ends),
        "text": record.text,
        "reasoning": record.reasoning,
        "answer": record.answer,
        "finish_reason": record.finish_reason or "cancelled",
        "finish_detail": record.finish_detail,
        "usage": asdict(record.usage),
        "timing": {
            "load_s": load_s,
            "prefill_s": record.timing.prefill_s,
            "first_token_s": record.timing.first_token_s,
            "decode_s": record.timing.decode_s,
            "tokens_per_second": record.timing.tokens_per_second,
        },
        "metrics": _metrics(record, checks).to_json(),
        "code_checks": [check.to_json() for check in checks],
        "manifest": manifest,
    }


def _unrun(lane: UnrunLane) -> dict[str, Any]:
    """A lane that wrote nothing: what it would have run with, and why it did not.

    Its prompt was never rendered, so it has none of its own.
    """
    options = lane.options
    values = lane.setup.resolved().with_drawn_seed(options.seed)
    chain = values.chain
    messages = () if options.raw else messages_for(lane.prompt, None, options, None)
    variables = options.variables_of(lane.setup)
    prompt = Prompt("", (), (), False, messages=tuple(messages), variables=variables)
    rules = options.rules(lane.setup)
    conditions = RunConditions(options.mode, options.loop_guard, raw=options.raw)
    recipe = lane.setup.recipe
    warnings = lane.setup.warnings + effective_chain(chain, values.sources).warnings
    warnings += values.constraints.warnings_for(chain)
    record = LaneRecord(
        finish_reason="error" if lane.error else "cancelled",
        finish_detail=str(lane.error or "it was stopped before its turn"),
    )
    manifest = lane_manifest(
        lane.settings,
        chain,
        prompt,
        conditions,
        recipe.id if recipe is not None else None,
        rules,
    )
    return {
        **_lane_json(lane.setup.label, values, warnings, record, 0.0, manifest),
        "model": _file_json(lane.model),
        **({"constraints": found} if (found := rules.constraints.to_json()) else {}),
        **_answer_chain(values.answer),
    }


def _file_json(path: Path) -> dict[str, Any]:
    """INTERFACE's `model` object of a file that was not loaded, as far as it can be read."""
    known: dict[str, Any] = {"name": path.stem, "architecture": None, "quantization": None}
    with suppress(UserError):
        header = read_header(path)
        known = {
            "name": shape.text(header, "general.name") or path.stem,
            "architecture": shape.text(header, "general.architecture"),
            "quantization": quantization_label(header, path.name),
        }
    size = None
    with suppress(OSError):
        size = path.stat().st_size
    return {"path": str(path), **known, "size_bytes": size}


def _constraints(began: RunBegan, number: int, record: LaneRecord) -> dict[str, Any]:
    """`constraints` beside `sampling`, with the tokens that biases by text became."""
    known = began.rules[number] if began.rules else began.resolved[number]
    found = known.constraints.to_json()
    for entry, became in zip(found.get("logit_bias_text", ()), record.biases, strict=False):
        entry["tokens"] = [asdict(token) for token in became.tokens]
    return {"constraints": found} if found else {}


def _answer_chain(answer: Resolved | None) -> dict[str, Any]:
    if answer is None:
        return {}
    return {"answer_sampling": answer.chain.to_json(), "answer_sources": dict(answer.sources)}


def _manifest(run: FinishedRun, number: int) -> dict[str, Any]:
    began = run.began
    recipe = began.lanes[number].recipe
    manifest = lane_manifest(
        run.loaded.settings,
        began.resolved[number].chain,
        began.prompts[number],
        began.conditions,
        recipe.id if recipe is not None else None,
        began.rules[number] if began.rules else None,
    )
    return {**manifest, **threads_json(run.record.threads)}


def _metrics(record: LaneRecord, checks: Sequence[CodeCheck]) -> LaneMetrics:
    """The loop is searched for, because the lane's guard may have been off."""
    return lane_metrics(
        LaneResult(
            record.tokens,
            record.text,
            record.usage,
            record.timing,
            checks,
            loop=record.loop,
            probabilities=record.probabilities,
        )
    )


def _reasoning(began: RunBegan, number: int, record: LaneRecord) -> str | None:
    """Reasoning that the template opened exists even when nothing was written in it."""
    if record.reasoning is None and began.prompts[number].reasoning_open:
        return ""
    return record.reasoning
