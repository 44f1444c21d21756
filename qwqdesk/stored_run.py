"""A run that was made before, as values: from the history or from a file.

A file may come from a stranger, so nothing in it is trusted: every value is checked and bounded,
and what is missing is empty. Only what a run cannot do without is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast, get_args

from qwqdesk.analysis.loops import LoopGuard
from qwqdesk.conversation import (
    LANE_LABELS,
    FinishReason,
    Message,
    Mode,
    Reply,
    Role,
    Timing,
    Usage,
)
from qwqdesk.engine.events import FrozenThought
from qwqdesk.engine.threads import most_threads
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.lane_rules import LaneRules
from qwqdesk.manifest import tokens_sha256, unused_of
from qwqdesk.prompt import Prompt
from qwqdesk.reasoning import Tags
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.recipe_files import parse_json
from qwqdesk.stored_values import (
    StoredModel,
    engine_of,
    finish_of,
    guard_of,
    line_of,
    list_of,
    map_of,
    model_of,
    rules_of,
    settings_of,
    sha256_of,
    text_of,
    timing_of,
    usage_of,
)
from qwqdesk.template_note import TemplateNote
from qwqdesk.template_variables import TemplateVariables

MAX_BYTES: Final = 32 << 20
VERSION: Final = 1
"""The newest version of `qwqdesk.run` documents that can be read."""
_MAX_TOKENS: Final = 4_000_000
_TOKEN_END: Final = 1 << 31
_MOST_BATCH: Final = 1 << 20


@dataclass(frozen=True)
class StoredLane:
    """One lane: everything that its tokens depended on, and what it wrote.

    `settings` is None where only the engine's report is known. `ends` says how many characters of
    `text` stood after each token, () in older runs.
    """

    label: str
    chain: SamplerChain
    prompt: Prompt
    model: StoredModel = field(default_factory=StoredModel)
    engine: Mapping[str, Any] = field(default_factory=dict)
    settings: EngineSettings | None = None
    mode: Mode = "exact"
    loop_guard: LoopGuard = "mark"
    rules: LaneRules = field(default_factory=LaneRules)
    raw: bool = False
    vocabulary: str = ""
    recipe: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    answer_chain: SamplerChain | None = None
    answer_sources: Mapping[str, str] = field(default_factory=dict)
    program: str = ""
    library_sha256: str | None = None
    tokens: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    text: str = ""
    reasoning: str | None = None
    answer: str = ""
    finish_reason: FinishReason | None = None
    finish_detail: str | None = None
    usage: Usage = field(default_factory=Usage)
    timing: Timing = field(default_factory=Timing)

    @property
    def question(self) -> str:
        """What the user asked; the whole prompt where that is not known."""
        asked = [m.content for m in self.prompt.messages if m.role == "user"]
        return asked[-1] if asked else self.prompt.text

    def settings_for(self, own: EngineSettings) -> EngineSettings | None:
        """The engine settings of this run; what has no effect on tokens stays the user's `own`.

        A stranger's file does not set this program's priority, nor lock memory, nor start more
        threads than the machine has or the user wants; `run_conditions` then says the difference.
        Batches beyond `_MOST_BATCH` are what no context holds.
        """
        if self.settings is None:
            return None
        threads = max(most_threads(), own.n_threads, own.n_threads_batch)
        return replace(
            self.settings,
            n_threads=min(self.settings.n_threads, threads),
            n_threads_batch=min(self.settings.n_threads_batch, threads),
            n_batch=min(self.settings.n_batch, _MOST_BATCH),
            n_ubatch=min(self.settings.n_ubatch, _MOST_BATCH),
            priority=own.priority,
            use_mlock=own.use_mlock,
            use_mmap=own.use_mmap,
        )

    def settings_to_rerun(self, own: EngineSettings) -> EngineSettings:
        """`settings_for`; where the run does not say them, `own` with the window cache it had."""
        whole_window = self.engine.get("swa_full") is not False
        return self.settings_for(own) or replace(own, swa_full=whole_window)

    @property
    def comparable(self) -> bool:
        """Whether it wrote anything that another run can be compared with."""
        return bool(self.tokens) or self.ended_by_itself

    @property
    def ended_by_itself(self) -> bool:
        """Whether the model ended it, and neither a limit nor a person."""
        return self.finish_reason == "stop"


@dataclass(frozen=True)
class StoredRun:
    """A whole comparison."""

    mode: Mode
    lanes: tuple[StoredLane, ...]


def stored_lane(reply: Reply) -> StoredLane:
    """A reply of the history.

    Raises:
        UserError: code "manifest", when it does not say enough to run it again.
    """
    data = {
        "label": reply.lane,
        "sampling": reply.sampling,
        "sources": reply.sources,
        "answer_sampling": reply.answer_sampling,
        "answer_sources": reply.answer_sources,
        "tokens": list(reply.tokens),
        "ends": list(reply.ends),
        "text": reply.text,
        "reasoning": reply.reasoning,
        "answer": reply.answer,
        "finish_reason": reply.finish_reason,
        "finish_detail": reply.finish_detail,
        "usage": asdict(reply.usage),
        "timing": asdict(reply.timing),
        "manifest": reply.manifest,
    }
    return _lane(data, reply.manifest, reply.mode, reply.lane)


def read_run(path: Path) -> StoredRun:
    """A `qwqdesk.run` document from a file of at most 32 MiB.

    Raises:
        UserError: code "file", "json" or "manifest".
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        what = f"{path.name} cannot be read: {reason}."
        raise UserError(what, "Check the file and its rights.", code="file") from None
    if len(raw) > MAX_BYTES:
        what = f"{path.name} is larger than {MAX_BYTES >> 20} MiB."
        raise UserError(what, "Choose a file with one run.", code="file")
    return run_of_document(parse_json(raw))


def run_of_document(document: object) -> StoredRun:
    """The run that a `qwqdesk.run` document tells of.

    Raises:
        UserError: code "manifest", when it is another kind of document or lacks what a run needs.
    """
    if not isinstance(document, Mapping) or document.get("format") != "qwqdesk.run":
        raise _not_a_run("This file holds no run of QwQ Desk.")
    if type(version := document.get("version")) is int and version > VERSION:
        what = f"This run has format version {version}; this program reads up to {VERSION}."
        raise UserError(what, "Open it with a newer version of QwQ Desk.", code="manifest")
    lanes = document.get("lanes")
    if not isinstance(lanes, list) or not lanes:
        raise _not_a_run("This run has no lanes.")
    if len(lanes) > len(LANE_LABELS):
        raise _not_a_run(f"This run has {len(lanes)} lanes, at most {len(LANE_LABELS)} can run.")
    mode = _mode(document.get("mode"))
    found = [
        _lane(map_of(lane), document, mode, letter)
        for lane, letter in zip(lanes, LANE_LABELS, strict=False)
    ]
    labels = [lane.label for lane in found]
    if len(set(labels)) != len(labels):
        raise _not_a_run("Two lanes of this run have the same label.")
    return StoredRun(mode, tuple(found))


# ---------------------------------------------------------------- parts


def _lane(data: Mapping[str, Any], head: Mapping[str, Any], mode: Mode, letter: str) -> StoredLane:
    """A lane with what it does not share with `head`: a document, or a reply's manifest."""
    manifest = map_of(data.get("manifest"))
    prompt = _prompt(map_of(data.get("prompt")) or map_of(head.get("prompt")), manifest)
    sampling = map_of(data.get("sampling"))
    if not sampling:
        raise _not_a_run("This run does not say its sampling values.")
    tokens = _tokens(data.get("tokens"))
    given = prompt.thought.tokens if prompt.thought is not None else ()
    if tokens[: len(given)] != given[: len(tokens)]:
        raise _not_a_run("The tokens do not begin with the given thought: the file was changed.")
    ends = _tokens(data.get("ends"))
    return StoredLane(
        label=line_of(data.get("label"))[:40] or letter,
        chain=_chain(sampling),
        prompt=prompt,
        model=model_of(map_of(data.get("model")) or map_of(head.get("model")), manifest),
        engine=engine_of(map_of(data.get("engine")) or map_of(head.get("engine"))),
        settings=settings_of(manifest.get("settings")),
        mode=mode,
        loop_guard=guard_of(manifest.get("loop_guard")),
        rules=rules_of(manifest),
        raw=manifest.get("raw") is True,
        vocabulary=line_of(manifest.get("vocabulary"))[:200],
        recipe=line_of(manifest.get("recipe")) or None,
        sources=_sources(data.get("sources")),
        answer_chain=_chain(answer) if (answer := map_of(data.get("answer_sampling"))) else None,
        answer_sources=_sources(data.get("answer_sources")),
        program=line_of(manifest.get("program")),
        library_sha256=sha256_of(manifest.get("library_sha256")),
        tokens=tokens,
        ends=ends if len(ends) == len(tokens) else (),
        text=text_of(data.get("text")),
        reasoning=text_of(data.get("reasoning")) if data.get("reasoning") is not None else None,
        answer=text_of(data.get("answer")),
        finish_reason=finish_of(data.get("finish_reason")),
        finish_detail=line_of(data.get("finish_detail")) or None,
        usage=usage_of(data.get("usage")),
        timing=timing_of(data.get("timing")),
    )


def _sources(value: object) -> dict[str, str]:
    return {line_of(name): line_of(source) for name, source in map_of(value).items()}


def _chain(sampling: Mapping[str, Any]) -> SamplerChain:
    chain = SamplerChain.from_json(sampling)
    if chain.has_random_seed:
        raise _not_a_run("This run does not say the seed that was drawn.")
    return chain


def _prompt(data: Mapping[str, Any], manifest: Mapping[str, Any]) -> Prompt:
    """The exact tokens; a checksum that does not fit them means that the file was damaged."""
    tokens, more = _tokens(data.get("tokens")), map_of(manifest.get("prompt"))
    if not tokens:
        raise _not_a_run("This run does not say its prompt's tokens.")
    told = sha256_of(more.get("tokens_sha256"))
    if told is not None and told != tokens_sha256(tokens):
        raise _not_a_run("The prompt's tokens differ from their checksum: the file was changed.")
    tags = tuple(_tags(entry) for entry in list_of(more.get("tags"))[:20])
    variables = TemplateVariables.from_json(more.get("template_variables"))
    messages = tuple(_message(entry) for entry in list_of(more.get("messages"))[:10_000])
    return Prompt(
        text_of(data.get("text")),
        tokens,
        tuple(tag for tag in tags if tag is not None),
        more.get("reasoning_open") is True,
        messages=tuple(message for message in messages if message is not None),
        thought=_thought(map_of(more.get("thought"))),
        template=TemplateNote.from_json(more.get("template")),
        variables=variables,
        unused=unused_of(more, variables),
    )


def _thought(data: Mapping[str, Any]) -> FrozenThought | None:
    if not data:
        return None
    tokens, text = _tokens(data.get("tokens")), text_of(data.get("text"))
    return FrozenThought(tokens, text, closed=data.get("closed") is True)


def _tags(entry: object) -> Tags | None:
    data = map_of(entry)
    opened, closed = text_of(data.get("open"))[:200], text_of(data.get("close"))[:200]
    if not opened or not closed:
        return None
    return Tags(opened, closed, line_of(data.get("name")) or "own", data.get("channels") is True)


def _message(entry: object) -> Message | None:
    data = map_of(entry)
    role, content = data.get("role"), data.get("content")
    if role not in get_args(Role) or not isinstance(content, str):
        return None
    return Message(cast("Role", role), content)


def _tokens(value: object) -> tuple[int, ...]:
    tokens = list_of(value)
    if len(tokens) > _MAX_TOKENS:
        raise _not_a_run(f"This run has {len(tokens):,} tokens; no context holds so many.")
    if not all(type(token) is int and 0 <= token < _TOKEN_END for token in tokens):
        raise _not_a_run("This run has tokens that are no token numbers.")
    return tuple(tokens)


def _mode(value: object) -> Mode:
    if value not in get_args(Mode):
        raise _not_a_run("This run does not say its mode.")
    return cast("Mode", value)


def _not_a_run(what: str) -> UserError:
    return UserError(
        what, "Choose a run that QwQ Desk saved, for example run.json.", code="manifest"
    )
