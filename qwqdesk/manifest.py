"""What a run depended on, as JSON: model, engine, prompt, chain. It is stored with every reply.

The manifest of a lane has these keys: `version`, `program` (its version), `mode`, `recipe`,
`chain` (``top_k;top_p;...``), `llama_args` (the same as llama.cpp's flags, with the engine's),
`seed`, `loop_guard`, `reasoning_budget`, `reasoning_budget_message`, `constraints`, `raw` (the
prompt was the text itself), `sequential` (lanes ran one after another), `settings` (what was asked
of the engine), `files` (the model's files: path, size, time of change, sha256 or null),
`library_sha256` (over the engine's native libraries), `prompt` (`tokens_sha256`, `tags`,
`reasoning_open`, `messages`, `thought` where the reply begins with one that was given: `tokens`,
`text` and `closed` of `FrozenThought`, `template` where `TemplateNote` has something to say,
`template_variables` where the chat template was given any, and `unused_variables`, the names of
those that it never reads).
Where fast mode changed their number, `threads_used` has the decodings by number of threads.
A reply's manifest also has `model` and `engine`, and in `prompt` the text and its tokens; a
`qwqdesk.run` document has those beside its lanes already. That of a lane which never began has a
`prompt` without a checksum: there were no tokens.
"""

from __future__ import annotations

import hashlib
import shlex
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from qwqdesk import __version__
from qwqdesk.analysis.loops import LoopGuard
from qwqdesk.conversation import Mode
from qwqdesk.engine.events import EngineInfo, FrozenThought, Loaded, ModelInfo, ThreadsUsed
from qwqdesk.engine.token_ids import unknown_token
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.lane_rules import LaneRules
from qwqdesk.model_hash import ModelFile
from qwqdesk.prompt import Prompt
from qwqdesk.reasoning import Tags
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.formats.constraint_args import constraint_words
from qwqdesk.sampling.formats.export_args import to_llama_args
from qwqdesk.template_note import TemplateNote
from qwqdesk.template_variables import TemplateVariables


@dataclass(frozen=True)
class RunConditions:
    """What all lanes of a run share, beside the loaded model."""

    mode: Mode
    loop_guard: LoopGuard = "mark"
    sequential: bool = False
    files: tuple[ModelFile, ...] = ()
    library_sha256: str | None = None
    raw: bool = False
    vocabulary: str = ""


def model_json(model: ModelInfo) -> dict[str, Any]:
    """INTERFACE's `model` object."""
    return {
        "path": model.path,
        "name": model.name,
        "architecture": model.architecture,
        "quantization": model.quantization,
        "size_bytes": model.size_bytes,
    }


def vocabulary_name(model: ModelInfo) -> str:
    """Which tokenizer the model has; lanes are compared by ids only within one.

    The tokenizer's kind, and "#" with a checksum of its tokens; where the file names none, its
    model stands for it, as in `vocabulary_of`.
    """
    keys = ("tokenizer.ggml.model", "tokenizer.ggml.pre")
    name = "/".join(model.metadata.get(key, "") for key in keys).strip("/")
    if not name:
        return f"{model.architecture}/{model.name}" if model.name else ""
    return f"{name}#{model.vocabulary_sum}" if model.vocabulary_sum else name


def vocabulary_of(manifest: Mapping[str, Any]) -> str:
    """The tokenizer of a stored lane; where an old run does not say it, its model stands for it."""
    known = manifest.get("vocabulary")
    if known and isinstance(known, str):
        return known
    model = manifest.get("model")
    named = isinstance(model, Mapping) and model.get("name")
    return f"{model.get('architecture')}/{named}" if isinstance(model, Mapping) and named else ""


def engine_json(engine: EngineInfo) -> dict[str, Any]:
    """INTERFACE's `engine` object: what the context reports."""
    data = asdict(engine)
    data.update(data.pop("extra"))
    return data


def lane_manifest(
    settings: EngineSettings,
    chain: SamplerChain,
    prompt: Prompt,
    conditions: RunConditions,
    recipe: str | None = None,
    rules: LaneRules | None = None,
) -> dict[str, Any]:
    """What a document does not say beside its lanes; see the head of this module."""
    rules = rules or LaneRules(conditions.loop_guard)
    return {
        "version": 1,
        "program": __version__,
        "mode": conditions.mode,
        "recipe": recipe,
        "chain": chain.order_text,
        "llama_args": " ".join(
            (
                to_llama_args(chain, engine=settings),
                *map(shlex.quote, constraint_words(rules.constraints)),
            )
        ),
        "seed": chain.integer("seed"),
        "loop_guard": rules.loop_guard,
        "reasoning_budget": rules.reasoning_budget,
        "reasoning_budget_message": rules.reasoning_budget_message,
        "constraints": rules.constraints.to_json(),
        "raw": conditions.raw,
        "vocabulary": conditions.vocabulary,
        "sequential": conditions.sequential,
        "settings": settings.to_json(),
        "files": [file.to_json() for file in conditions.files],
        "library_sha256": conditions.library_sha256,
        "prompt": {
            **({"tokens_sha256": tokens_sha256(prompt.tokens)} if prompt.tokens else {}),
            "tags": [asdict(tags) for tags in prompt.tags],
            "reasoning_open": prompt.reasoning_open,
            "messages": [{"role": m.role, "content": m.content} for m in prompt.messages],
            **thought_json(prompt.thought),
            **template_json(prompt.template),
            **variables_json(prompt.variables),
            **({"unused_variables": list(prompt.unused)} if prompt.unused else {}),
        },
    }


def template_json(note: TemplateNote | None) -> dict[str, Any]:
    """The part of a manifest's `prompt` that tells of the chat template, {} without one."""
    return {} if note is None else {"template": note.to_json()}


def variables_json(variables: TemplateVariables) -> dict[str, Any]:
    """The part of a `prompt` that says what the template was given beside the messages."""
    return {"template_variables": variables.values} if variables else {}


def variables_of(manifest: Mapping[str, Any]) -> object:
    """What a stored lane's template was given beside the messages, as it was stored."""
    prompt = manifest.get("prompt")
    return prompt.get("template_variables") if isinstance(prompt, Mapping) else None


def unused_of(prompt: Mapping[str, Any], variables: TemplateVariables) -> tuple[str, ...]:
    """Which of these a stored prompt's template never reads."""
    names = prompt.get("unused_variables")
    return tuple(name for name in variables.values if isinstance(names, list) and name in names)


def thought_json(thought: FrozenThought | None) -> dict[str, Any]:
    """The part of a manifest's `prompt` that tells of a given thought, {} without one."""
    if thought is None:
        return {}
    tokens = list(thought.tokens)
    return {"thought": {"tokens": tokens, "text": thought.text, "closed": thought.closed}}


def threads_json(used: ThreadsUsed | None) -> dict[str, Any]:
    """The part of a manifest that tells of threads, {} where their number was the same."""
    if used is None:
        return {}
    return {"threads_used": {str(count): used.steps[count] for count in sorted(used.steps)}}


def threads_of(manifest: Mapping[str, Any]) -> ThreadsUsed | None:
    """What `threads_json` put into a manifest, which may be a stranger's; None where it is none."""
    engine, steps = manifest.get("engine"), manifest.get("threads_used")
    most = engine.get("n_threads") if isinstance(engine, Mapping) else None
    if not isinstance(most, int) or not isinstance(steps, Mapping):
        return None
    found = {int(count): number for count, number in steps.items() if str(count).isdecimal()}
    if not found or not all(isinstance(number, int) for number in found.values()):
        return None
    return ThreadsUsed(min(found), most, found)


def run_manifest(
    loaded: Loaded,
    chain: SamplerChain,
    prompt: Prompt,
    conditions: RunConditions,
    recipe: str | None = None,
    rules: LaneRules | None = None,
) -> dict[str, Any]:
    """All that is needed to run a lane again, for its reply."""
    whole = lane_manifest(loaded.settings, chain, prompt, conditions, recipe, rules)
    whole["model"] = model_json(loaded.model)
    whole["engine"] = engine_json(loaded.engine)
    whole["prompt"] = {"text": prompt.text, "tokens": list(prompt.tokens), **whole["prompt"]}
    return whole


def with_hashes(
    manifest: Mapping[str, Any], files: Sequence[ModelFile], library: str | None
) -> dict[str, Any]:
    """The manifest with the checksums that were computed after the run began.

    A file that has changed since keeps what the manifest says.
    """
    found = {(file.path, file.size_bytes, file.mtime_ns): file.sha256 for file in files}
    named = []
    for entry in manifest.get("files") or ():
        key = (entry.get("path"), entry.get("size_bytes"), entry.get("mtime_ns"))
        named.append({**entry, "sha256": entry.get("sha256") or found.get(key)})
    known = manifest.get("library_sha256") or library
    return {**manifest, "files": named, "library_sha256": known}


def lacks_hashes(manifest: Mapping[str, Any]) -> bool:
    """Whether a checksum of this manifest is still to come."""
    files = manifest.get("files") or ()
    return manifest.get("library_sha256") is None or any(not f.get("sha256") for f in files)


def tokens_sha256(tokens: Sequence[int]) -> str:
    """sha256 over token ids, each as a little-endian 32-bit number."""
    numbers = array("I", tokens)
    if sys.byteorder == "big":
        numbers.byteswap()
    return hashlib.sha256(numbers.tobytes()).hexdigest()


def stored_prompt(manifest: Mapping[str, Any], loaded: Loaded) -> Prompt | None:
    """The prompt of an earlier run; None when another model made it or it cannot be read."""
    model, prompt = manifest.get("model"), manifest.get("prompt")
    if not isinstance(model, Mapping) or not isinstance(prompt, Mapping):
        return None
    same = ("path", "size_bytes", "architecture")
    now = model_json(loaded.model)
    if any(model.get(name) != now[name] for name in same):
        return None
    try:
        tokens = tuple(int(token) for token in prompt["tokens"])
        tags = tuple(Tags(**entry) for entry in prompt["tags"])
        text, is_open = str(prompt["text"]), bool(prompt["reasoning_open"])
    except (KeyError, TypeError, ValueError):
        return None
    if not tokens or unknown_token(tokens, loaded.model.n_vocab) is not None:
        return None
    note = TemplateNote.from_json(prompt.get("template"))
    variables = TemplateVariables.from_json(variables_of(manifest))
    return Prompt(
        text,
        tokens,
        tags,
        is_open,
        template=note,
        variables=variables,
        unused=unused_of(prompt, variables),
    )
