"""What llama.cpp refuses, in the user's words."""

from __future__ import annotations

from pathlib import Path

from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError


def load_error(path: Path, detail: str) -> UserError:
    """llama.cpp refused the file; `detail` is the last line of its log."""
    reason = f": {detail}" if detail else ""
    return UserError(
        f"{path.name} could not be loaded{reason}.",
        "Check the file with `qwqdesk inspect`, or choose another quantization.",
        code="load",
    )


def lora_error(path: Path | None, detail: str) -> UserError:
    """llama.cpp refused an adapter, or, without `path`, to use those that are loaded."""
    reason = f": {detail}" if detail else ""
    name = "The LoRA adapters" if path is None else f"The LoRA adapter {path.name}"
    return UserError(
        f"{name} could not be used{reason}.",
        "Choose a GGUF adapter made for this model, or omit --lora.",
        code="lora",
    )


def no_generator(name: str) -> UserError:
    """The model is none that this program can run."""
    return UserError(
        f"{name} does not write text one token after another.",
        "Choose a language model; this one makes embeddings, needs an encoder, or is a diffusion "
        "model.",
        code="architecture",
    )


def context_error(settings: EngineSettings, streams: int, detail: str) -> UserError:
    """llama.cpp could not make a context for so many sequences."""
    reason = f" ({detail})" if detail else ""
    count = "1 sequence" if streams == 1 else f"{streams} sequences"
    return UserError(
        f"A context of {settings.n_ctx} tokens for {count} failed{reason}.",
        "Lower the context size, use fewer lanes, or change the cache types in engine settings.",
        code="context",
    )


def decode_error(status: int, detail: str) -> UserError:
    """llama.cpp could not decode a batch."""
    reason = f": {detail}" if detail else ""
    return UserError(
        f"llama.cpp could not decode (status {status}){reason}.",
        "Load the model again with a smaller context or fewer GPU layers.",
        code="decode",
    )
