"""Qwen2's architecture in plain PyTorch, with the names that llama.cpp gives the tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """Sizes of the network."""

    vocabulary: int = 1536
    width: int = 256
    layers: int = 6
    heads: int = 4
    heads_kv: int = 2
    feed_forward: int = 512
    rope_theta: float = 10000.0
    norm_eps: float = 1e-6

    @property
    def head_width(self) -> int:
        """Width of one head."""
        return self.width // self.heads


def rotary(shape: Shape, length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary positions."""
    half = torch.arange(0, shape.head_width, 2).float() / shape.head_width
    angles = torch.outer(torch.arange(length).float(), shape.rope_theta**-half)
    both = torch.cat((angles, angles), dim=-1)
    return both.cos(), both.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply the rotary positions to queries or keys."""
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * cos + turned * sin


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention; on a processor PyTorch's own is slow for short rows."""
    length = q.shape[2]
    if length > 256:
        mixed: Tensor = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return mixed
    scores = (q @ k.transpose(2, 3)) * q.shape[3] ** -0.5
    later = torch.ones(length, length, dtype=torch.bool).triu(1)
    return scores.masked_fill(later, float("-inf")).softmax(-1).to(v.dtype) @ v


class Block(nn.Module):  # type: ignore[misc]
    """Attention and feed-forward."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        width, narrow = shape.width, shape.heads_kv * shape.head_width
        self.attn_norm = nn.RMSNorm(width, eps=shape.norm_eps)
        self.attn_q = nn.Linear(width, width)
        self.attn_k = nn.Linear(width, narrow)
        self.attn_v = nn.Linear(width, narrow)
        self.attn_output = nn.Linear(width, width, bias=False)
        self.ffn_norm = nn.RMSNorm(width, eps=shape.norm_eps)
        self.ffn_gate = nn.Linear(width, shape.feed_forward, bias=False)
        self.ffn_up = nn.Linear(width, shape.feed_forward, bias=False)
        self.ffn_down = nn.Linear(shape.feed_forward, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """One layer."""
        count, length, width = x.shape
        shape = self.shape
        normed = self.attn_norm(x)

        def split(values: Tensor, heads: int) -> Tensor:
            return values.view(count, length, heads, shape.head_width).transpose(1, 2)

        share = shape.heads // shape.heads_kv
        q = rotate(split(self.attn_q(normed), shape.heads), cos, sin)
        k = rotate(split(self.attn_k(normed), shape.heads_kv), cos, sin)
        k = k.repeat_interleave(share, 1)
        v = split(self.attn_v(normed), shape.heads_kv).repeat_interleave(share, 1)
        mixed = attend(q, k, v.to(q.dtype))
        x = x + self.attn_output(mixed.transpose(1, 2).reshape(count, length, width))
        normed = self.ffn_norm(x)
        gated = functional.silu(self.ffn_gate(normed)) * self.ffn_up(normed)
        return x + self.ffn_down(gated)


class Network(nn.Module):  # type: ignore[misc]
    """The whole network; `forward` gives the normed states, `output` the logits."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = nn.RMSNorm(shape.width, eps=shape.norm_eps)
        self.output = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self._start()

    def _start(self) -> None:
        nn.init.normal_(self.token_embd.weight, std=0.05)
        nn.init.normal_(self.output.weight, std=0.01)
        for name, parameter in self.blk.named_parameters():
            if parameter.ndim == 2:
                nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
            if "attn_output" in name or "ffn_down" in name or "bias" in name:
                nn.init.zeros_(parameter)

    def forward(self, ids: Tensor) -> Tensor:
        """Normed states at every position."""
        x = self.token_embd(ids)
        cos, sin = rotary(self.shape, ids.shape[1])
        if torch.is_autocast_enabled("cpu"):
            x, cos, sin = x.bfloat16(), cos.bfloat16(), sin.bfloat16()
        for block in self.blk:
            x = block(x, cos, sin)
        normed: Tensor = self.output_norm(x)
        return normed
