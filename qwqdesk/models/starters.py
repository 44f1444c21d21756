"""Repositories to begin with, shown before anything was searched: no request is needed for them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Starter:
    """One suggestion. `memory_gb` is what its usual 4-bit file takes with a small context."""

    repo: str
    group: str
    why: str
    memory_gb: float


STARTERS = (
    Starter("unsloth/QwQ-32B-GGUF", "QwQ-32B", "With Unsloth's fixes and mixes", 22),
    Starter("Qwen/QwQ-32B-GGUF", "QwQ-32B", "From the makers of the model", 22),
    Starter("bartowski/Qwen_QwQ-32B-GGUF", "QwQ-32B", "Every quantization type", 22),
    Starter("unsloth/Qwen3-14B-GGUF", "For 12 to 16 GB", "Thinks or answers at once", 10.5),
    Starter(
        "unsloth/DeepSeek-R1-Distill-Qwen-14B-GGUF", "For 12 to 16 GB", "Reasons at length", 10.5
    ),
    Starter("unsloth/Qwen3-8B-GGUF", "For 8 GB", "Thinks or answers at once", 6.5),
    Starter("unsloth/DeepSeek-R1-Distill-Qwen-7B-GGUF", "For 8 GB", "Reasons at length", 6),
    Starter("unsloth/Qwen3-4B-GGUF", "For small machines", "Good for its size", 3.8),
    Starter(
        "unsloth/DeepSeek-R1-Distill-Qwen-1.5B-GGUF",
        "For small machines",
        "Quick on a processor alone",
        1.8,
    ),
    Starter("unsloth/Qwen3-0.6B-GGUF", "For small machines", "The smallest that thinks", 1),
)
"""What is shown in a search before anything was searched, group after group."""
