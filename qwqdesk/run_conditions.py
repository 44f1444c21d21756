"""What a lane's tokens depend on beside prompt and chain, and what of it changed between two runs.

In exact mode equal conditions give equal tokens; in fast mode nothing does (FACTS 5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from qwqdesk.conversation import Mode
from qwqdesk.engine.events import Loaded
from qwqdesk.engine_settings import ENGINE_SETTINGS, EngineSettings
from qwqdesk.manifest import engine_json, model_json
from qwqdesk.model_hash import ModelFile
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.stored_run import StoredLane
from qwqdesk.stored_values import StoredModel

# What the context reports, in the order in which it is named.
_REPORTED: Final = (
    ("n_threads", "Threads"),
    ("n_ctx", "Context"),
    ("n_batch", "Batch"),
    ("n_ubatch", "Micro-batch"),
    ("n_gpu_layers", "GPU layers"),
    ("flash_attn", "Flash attention"),
    ("type_k", "K cache type"),
    ("type_v", "V cache type"),
    ("use_extra_bufts", "Extra buffers"),
)
_NO_EFFECT: Final = frozenset({"use_mmap", "use_mlock", "priority"})
# Asked for, while the report says what there really is.
_REPORTED_SETTINGS: Final = frozenset(name for name, _ in _REPORTED) | {"n_threads_batch"}


@dataclass(frozen=True)
class Conditions:
    """One run's model, engine and mode; `engine` is INTERFACE's object as the context reports."""

    mode: Mode
    model: StoredModel
    engine: Mapping[str, Any]
    settings: EngineSettings | None = None
    library_sha256: str | None = None

    def reported(self, name: str) -> object:
        """What the context had; where its report does not say it, what was asked for."""
        found = self.engine.get(name)
        if found is None and name == "n_threads" and self.settings is not None:
            return self.settings.n_threads or None  # 0 asks for the machine's own number
        return found

    @property
    def build(self) -> str:
        """The engine's build for people."""
        return f"llama-cpp-python {self.engine.get('llama_cpp_python') or 'of unknown version'}"

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices' names."""
        devices = self.engine.get("devices") or ()
        return tuple(str(d.get("description") or d.get("name")).strip() for d in devices)


def conditions_then(lane: StoredLane) -> Conditions:
    """The conditions of a stored lane."""
    return Conditions(lane.mode, lane.model, lane.engine, lane.settings, lane.library_sha256)


def conditions_now(
    loaded: Loaded, files: Sequence[ModelFile], library_sha256: str | None, mode: Mode
) -> Conditions:
    """The conditions of a run that would begin now."""
    model = model_json(loaded.model)
    named = tuple((file.path, file.size_bytes, file.sha256) for file in files)
    return Conditions(
        mode,
        StoredModel(**model, files=named),
        engine_json(loaded.engine),
        loaded.settings,
        library_sha256,
    )


def changes(then: Conditions, now: Conditions) -> tuple[str, ...]:
    """What differs, one sentence for each; () when nothing that matters does."""
    return tuple(_changes(then, now))


def _changes(then: Conditions, now: Conditions) -> Iterator[str]:
    if then.mode != now.mode:
        yield _sentence("Mode", then.mode, now.mode)
    yield from _model_changes(then.model, now.model)
    yield from _build_changes(then, now)
    if then.devices != now.devices:
        yield _sentence("Device", _joined(then.devices), _joined(now.devices))
    for name, title in _REPORTED:
        before, after = then.reported(name), now.engine.get(name)
        if before is not None and after is not None and before != after:
            yield _sentence(title, _value(before), _value(after))
    yield from _setting_changes(then.settings, now.settings, now.engine)


def same_model(then: StoredModel, now: StoredModel) -> bool | None:
    """Whether it is the same file by content; None when a checksum is missing and names agree."""
    if then.sha256 and now.sha256:
        return then.sha256 == now.sha256
    if (then.size_bytes, then.architecture) != (now.size_bytes, now.architecture):
        return False
    return None


def _model_changes(then: StoredModel, now: StoredModel) -> Iterator[str]:
    same = same_model(then, now)
    if same is False:
        before, after = then.title, now.title
        if before == after:
            before, after = f"{before} {_hash_words(then)}", f"{after} {_hash_words(now)}"
        yield _sentence("Model", before, after)


def _build_changes(then: Conditions, now: Conditions) -> Iterator[str]:
    if then.engine.get("llama_cpp_python") != now.engine.get("llama_cpp_python"):
        yield _sentence("Engine build", then.build, now.build)
    elif then.library_sha256 and now.library_sha256 and then.library_sha256 != now.library_sha256:
        yield f"Engine build: the same version ({now.build}), but its libraries differ."
    before, after = then.engine.get("system_info"), now.engine.get("system_info")
    if before and after and before != after:
        yield f"Processor features that the engine uses: {_feature_words(str(before), str(after))}."


def _setting_changes(
    then: EngineSettings | None, now: EngineSettings | None, engine: Mapping[str, Any]
) -> Iterator[str]:
    """Settings that the report does not name: RoPE, YaRN, overrides, threads for prompts."""
    if then is None or now is None:
        return
    # Reported of models with a sliding window, and without effect on others.
    no_effect = _NO_EFFECT if "swa_full" in engine else _NO_EFFECT | {"swa_full"}
    for setting in ENGINE_SETTINGS:
        if setting.field in no_effect or (
            setting.field in _REPORTED_SETTINGS and setting.field != "n_threads_batch"
        ):
            continue
        before, after = getattr(then, setting.field), getattr(now, setting.field)
        if before != after:
            yield _sentence(setting.title, _value(before), _value(after))


def chain_changes(then: SamplerChain, now: SamplerChain) -> tuple[str, ...]:
    """Values and order that differ; a random seed is no difference, since a run draws one."""
    found = []
    if then.samplers != now.samplers:
        found.append(_sentence("Order", then.order_text or "none", now.order_text or "none"))
    for name, before in then.values.items():
        after = now.value(name)
        if name == "seed" and now.has_random_seed:
            continue
        if before != after:
            found.append(_sentence(name, _value(before), _value(after)))
    return tuple(found)


def _sentence(what: str, then: str, now: str) -> str:
    return f"{what}: {then} then, {now} now."


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 1_000_000 else str(value)
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value))[:200] or "none"
    return str(value) or "the model's own"


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names) or "not known"


def _hash_words(model: StoredModel) -> str:
    if model.sha256:
        return f"(sha256 {model.sha256[0][:12]}…)"
    return f"({model.size_bytes:,} bytes)"


def _feature_words(then: str, now: str) -> str:
    """llama.cpp prints "AVX2 = 1 | FMA = 1 | ...": only what is not the same on both sides."""
    before, after = ({part.strip() for part in text.split("|")} for text in (then, now))
    gone = ", ".join(sorted(before - after)) or "nothing more"
    new = ", ".join(sorted(after - before)) or "nothing more"
    return f"{gone} then, {new} now"
