"""Repositories to begin with, shown before anything was searched: no request is needed for them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Starter:
    """One suggestion. `memory_gb` is what its usual 4-bit file takes with a small context."""

    repo: str
    title: str
    why: str
    memory_gb: float


STARTERS = (
    Starter("unsloth/QwQ-32B-GGUF", "QwQ-32B", "With Unsloth's fixes and layer-wise mixes.", 22),
    Starter("Qwen/QwQ-32B-GGUF", "QwQ-32B", "From the makers of the model.", 22),
    Starter("bartowski/Qwen_QwQ-32B-GGUF", "QwQ-32B", "Every quantization type.", 22),
    Starter("unsloth/Qwen3-14B-GGUF", "Qwen3 14B", "Thinks or answers at once.", 10.5),
    Starter(
        "unsloth/DeepSeek-R1-Distill-Qwen-14B-GGUF",
        "DeepSeek R1 Distill 14B",
        "Reasons at length.",
        10.5,
    ),
    Starter("unsloth/Qwen3-8B-GGUF", "Qwen3 8B", "For 8 GB of memory.", 6.5),
    Starter(
        "unsloth/DeepSeek-R1-Distill-Qwen-7B-GGUF",
        "DeepSeek R1 Distill 7B",
        "For 8 GB of memory.",
        6,
    ),
    Starter("unsloth/Qwen3-4B-GGUF", "Qwen3 4B", "Good for its size.", 3.8),
    Starter(
        "unsloth/DeepSeek-R1-Distill-Qwen-1.5B-GGUF",
        "DeepSeek R1 Distill 1.5B",
        "Quick on a processor alone.",
        1.8,
    ),
    Starter("unsloth/Qwen3-0.6B-GGUF", "Qwen3 0.6B", "The smallest that thinks.", 1),
)
