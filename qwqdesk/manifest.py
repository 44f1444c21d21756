"""What a run depended on, as JSON: model, engine, prompt, mode. It is stored with every reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from qwqdesk.conversation import Mode
from qwqdesk.engine.events import EngineInfo, Loaded, ModelInfo
from qwqdesk.prompt import Prompt
from qwqdesk.reasoning import Tags


def model_json(model: ModelInfo) -> dict[str, Any]:
    """INTERFACE's `model` object."""
    return {
        "path": model.path,
        "name": model.name,
        "architecture": model.architecture,
        "quantization": model.quantization,
        "size_bytes": model.size_bytes,
    }


def engine_json(engine: EngineInfo) -> dict[str, Any]:
    """INTERFACE's `engine` object: what the context reports."""
    data = asdict(engine)
    data.update(data.pop("extra"))
    return data


def run_manifest(loaded: Loaded, prompt: Prompt, mode: Mode) -> dict[str, Any]:
    """All that is needed to run the same again."""
    return {
        "model": model_json(loaded.model),
        "engine": engine_json(loaded.engine),
        "mode": mode,
        "prompt": {
            "text": prompt.text,
            "tokens": list(prompt.tokens),
            "tags": [asdict(tags) for tags in prompt.tags],
            "reasoning_open": prompt.reasoning_open,
        },
    }


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
    if not tokens or not all(0 <= token < loaded.model.n_vocab for token in tokens):
        return None
    return Prompt(text, tokens, tags, is_open)
