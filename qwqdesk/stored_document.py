"""Between the history and `qwqdesk.run` documents: replies out as a document, a document in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, cast

from qwqdesk.analysis.code_check import check_answer
from qwqdesk.analysis.divergence import divergence_json
from qwqdesk.analysis.metrics import LaneResult, lane_metrics
from qwqdesk.analysis.token_items import WrittenTokens
from qwqdesk.answer_setup import AnswerSetup
from qwqdesk.conversation import LANE_LABELS, Reply
from qwqdesk.errors import UserError
from qwqdesk.lane_rules import NO_BUDGET
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.manifest import (
    template_json,
    thought_json,
    threads_of,
    unused_of,
    variables_json,
    vocabulary_of,
)
from qwqdesk.processor_words import thread_warnings
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.effective import effective_chain
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.sampling.resolve import Source
from qwqdesk.store.history import History
from qwqdesk.stored_run import StoredLane, StoredRun
from qwqdesk.template_note import TemplateNote, template_warnings
from qwqdesk.template_variables import TemplateVariables, unused_warnings

_BESIDE = ("model", "engine")  # the document has them once
_PROMPT_BESIDE = ("text", "tokens")


def document_of(replies: Sequence[Reply]) -> dict[str, Any]:
    """The `qwqdesk.run` document of replies, one for each lane.

    Some 0.2 s for long replies: the metrics are computed.

    Raises:
        UserError: code "manifest", when a reply is too old to say what it depended on.
    """
    if not replies or any(not reply.manifest.get("prompt") for reply in replies):
        raise UserError(
            "This run does not say enough to be saved.", "Send the message again.", code="manifest"
        )
    head = replies[0].manifest
    lanes = [{**_lane(reply), **_own(head, reply.manifest)} for reply in replies]
    return {
        "format": "qwqdesk.run",
        "version": 1,
        "model": head.get("model"),
        "engine": head.get("engine"),
        "prompt": _prompt(head),
        "mode": replies[0].mode,
        "divergence": divergence_json([(reply.lane, _written(reply)) for reply in replies]),
        "lanes": lanes,
    }


def _written(reply: Reply) -> WrittenTokens:
    whole = reply.finish_reason == "stop"
    vocabulary = vocabulary_of(reply.manifest)
    return WrittenTokens(reply.tokens, reply.text, reply.ends, vocabulary, whole=whole)


def _own(head: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a lane does not share with the document."""
    own: dict[str, Any] = {}
    if manifest.get("model") != head.get("model"):
        own["model"] = manifest.get("model")
    if manifest.get("engine") != head.get("engine"):
        own["engine"] = manifest.get("engine")
    if _prompt(manifest) != _prompt(head):
        own["prompt"] = _prompt(manifest)
    return own


def _prompt(manifest: Mapping[str, Any]) -> dict[str, Any]:
    prompt = manifest.get("prompt", {})
    beside = {name: prompt.get(name) for name in _PROMPT_BESIDE}
    return beside | variables_json(TemplateVariables.from_json(prompt.get("template_variables")))


def _lane(reply: Reply) -> dict[str, Any]:
    chain = SamplerChain.from_json(reply.sampling)
    checks = check_answer(reply.answer)
    warnings = effective_chain(chain, cast("Mapping[str, Source]", reply.sources)).warnings
    prompt = reply.manifest["prompt"]
    warnings += template_warnings(TemplateNote.from_json(prompt.get("template")))
    variables = TemplateVariables.from_json(prompt.get("template_variables"))
    warnings += unused_warnings(unused_of(prompt, variables))
    warnings += thread_warnings(threads_of(reply.manifest))
    result = LaneResult(
        reply.tokens,
        reply.text,
        reply.usage,
        reply.timing,
        checks,
        loop=reply.loop,
        probabilities=reply.probabilities,
    )
    timing = asdict(reply.timing)
    timing.pop("reasoning_s", None)
    return {
        "label": reply.lane,
        "model": None,
        "sampling": dict(reply.sampling),
        "sources": dict(reply.sources),
        "warnings": [{"code": w.code, "text": w.text} for w in warnings],
        "tokens": list(reply.tokens),
        "ends": list(reply.ends),
        "text": reply.text,
        "reasoning": _reasoning(reply),
        "answer": reply.answer,
        "finish_reason": reply.finish_reason or "error",
        "finish_detail": reply.finish_detail,
        "usage": asdict(reply.usage),
        "timing": timing,
        "metrics": lane_metrics(result).to_json(),
        "code_checks": [check.to_json() for check in checks],
        "manifest": _manifest(reply.manifest),
        **_answer_chain(reply),
    }


def _answer_chain(reply: Reply) -> dict[str, Any]:
    if not reply.answer_sampling:
        return {}
    sources = dict(reply.answer_sources)
    return {"answer_sampling": dict(reply.answer_sampling), "answer_sources": sources}


def _reasoning(reply: Reply) -> str | None:
    opened = reply.manifest["prompt"].get("reasoning_open") is True
    return "" if reply.reasoning is None and opened else reply.reasoning


def _manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in manifest.items() if name not in _BESIDE}
    prompt = kept.get("prompt", {})
    kept["prompt"] = {name: v for name, v in prompt.items() if name not in _PROMPT_BESIDE}
    return kept


# ---------------------------------------------------------------- into the history


def import_run(history: History, run: StoredRun, recipes: Mapping[str, Recipe]) -> int:
    """A new conversation that shows a run from a file as if it had been made here.

    Returns the conversation's id.

    Raises:
        UserError: when the history cannot be written.
    """
    head = run.lanes[0]
    system = [m.content for m in head.prompt.messages if m.role == "system"]
    named = list(zip(LANE_LABELS, run.lanes, strict=False))
    setups = [setup_of(lane, letter, recipes).to_json() for letter, lane in named]
    conversation = history.create_conversation(
        system_prompt=system[0] if system else "", lanes=setups
    )
    message = history.add_user_message(conversation, None, head.question)
    tips = {}
    for letter, lane in named:
        tips[letter] = history.add_reply(
            message,
            letter,
            recipe=lane.recipe if lane.recipe in recipes else None,
            mode=lane.mode,
            sampling=lane.chain.to_json(),
            sources=lane.sources,
            manifest=manifest_of(lane),
            answer_sampling=lane.answer_chain.to_json() if lane.answer_chain else None,
            answer_sources=lane.answer_sources,
        )
        history.finish_reply(
            tips[letter],
            text=lane.text,
            reasoning=lane.reasoning,
            answer=lane.answer,
            tokens=lane.tokens,
            ends=lane.ends,
            finish_reason=lane.finish_reason or "error",
            finish_detail=lane.finish_detail,
            usage=lane.usage,
            timing=lane.timing,
        )
    history.set_tips(conversation, tips)
    return conversation


def setup_of(lane: StoredLane, label: str, recipes: Mapping[str, Recipe]) -> LaneSetup:
    """The lane's settings: its recipe where it is known here, and what differs from it."""
    setup = LaneSetup(label, recipes.get(lane.recipe or "")).with_chain(lane.chain)
    if lane.answer_chain is not None:
        setup = replace(setup, answer=AnswerSetup.between(lane.chain, lane.answer_chain))
    if (budget := lane.rules.reasoning_budget) != NO_BUDGET:
        message = lane.rules.reasoning_budget_message
        setup = replace(setup, reasoning_budget=budget, reasoning_budget_message=message)
    if (limits := lane.rules.constraints) != setup.limits:
        setup = replace(setup, constraints=limits)
    if lane.prompt.variables:
        setup = replace(setup, variables=lane.prompt.variables)
    return setup


def manifest_of(lane: StoredLane) -> dict[str, Any]:
    """A reply's manifest with the values that were read and checked."""
    model, prompt = lane.model, lane.prompt
    names = ("path", "size_bytes", "sha256")
    return {
        "version": 1,
        "program": lane.program,
        "mode": lane.mode,
        "recipe": lane.recipe,
        "chain": lane.chain.order_text,
        "seed": lane.chain.integer("seed"),
        "loop_guard": lane.loop_guard,
        "reasoning_budget": lane.rules.reasoning_budget,
        "reasoning_budget_message": lane.rules.reasoning_budget_message,
        "constraints": lane.rules.constraints.to_json(),
        "raw": lane.raw,
        "vocabulary": lane.vocabulary,
        "settings": lane.settings.to_json() if lane.settings is not None else None,
        "files": [dict(zip(names, file, strict=True)) for file in model.files],
        "library_sha256": lane.library_sha256,
        "prompt": {
            "text": prompt.text,
            "tokens": list(prompt.tokens),
            "tags": [asdict(tags) for tags in prompt.tags],
            "reasoning_open": prompt.reasoning_open,
            "messages": [{"role": m.role, "content": m.content} for m in prompt.messages],
            **thought_json(prompt.thought),
            **template_json(prompt.template),
            **variables_json(prompt.variables),
            **({"unused_variables": list(prompt.unused)} if prompt.unused else {}),
        },
        "model": {
            "path": model.path,
            "name": model.name,
            "architecture": model.architecture,
            "quantization": model.quantization,
            "size_bytes": model.size_bytes,
        },
        "engine": dict(lane.engine),
    }
