"""Train the demo model from nothing.

    python train.py --out out --steps 1700

Chats are made while training and never repeat. Every step trains one batch of Flappy Bird
programs and one batch of short chats; chats of like length share a batch, one chat a row, so every
chat stands at position 0 as it does at run time.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from corpus import Piece, load_template, long_chat, short_chat
from model import Network, Shape
from tokenizers import Tokenizer
from torch import Tensor, distributed
from vocabulary import encode, load_tokenizer, train_tokenizer

IGNORED = -100
SMOOTHING = 0.02
# Where the log of the logits' sum is pulled to. A repeat penalty divides positive logits, so how
# hard it bites depends on their size; left alone, a network of this size keeps them near 0.
LOGIT_LEVEL = 28.0
LOGIT_LEVEL_WEIGHT = 1e-3
RATES = (4e-3, 3e-3)

Encoded = tuple[list[int], list[bool]]


def batches(
    make: Callable[[], list[Piece]], tokenizer: Tokenizer, size: int, r: random.Random
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches of ids and targets; the chats of a batch have like lengths."""
    while True:
        pool: list[Encoded] = [encode(tokenizer, make()) for _ in range(size * 8)]
        pool.sort(key=lambda each: len(each[0]))
        groups = [pool[i : i + size] for i in range(0, len(pool), size)]
        r.shuffle(groups)
        yield from (pad(group) for group in groups)


def pad(group: list[Encoded]) -> tuple[Tensor, Tensor]:
    """One batch: ids, and the next token where it is trained."""
    length = max(len(ids) for ids, _ in group) - 1
    inputs = torch.zeros(len(group), length, dtype=torch.long)
    targets = torch.full((len(group), length), IGNORED)
    for row, (ids, trained) in enumerate(group):
        inputs[row, : len(ids) - 1] = torch.tensor(ids[:-1])
        wanted = [token if use else IGNORED for token, use in zip(ids, trained, strict=True)]
        targets[row, : len(ids) - 1] = torch.tensor(wanted[1:])
    return inputs, targets


def batch_loss(network: Network, inputs: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    """The loss to minimise, and the plain cross-entropy to look at."""
    with torch.autocast("cpu", torch.bfloat16):
        states = network(inputs)
        chosen = targets != IGNORED
        logits = network.output(states[chosen]).float()
    wanted = targets[chosen]
    level = logits.logsumexp(-1)
    plain = (level - logits.gather(1, wanted[:, None])[:, 0]).mean()
    spread = (level - logits.mean(-1)).mean()
    loss = (1 - SMOOTHING) * plain + SMOOTHING * spread
    pull = LOGIT_LEVEL_WEIGHT * (level - LOGIT_LEVEL).square().mean()
    return loss + pull, plain.item()


def optimizers(network: Network) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for everything else."""
    matrices = [p for p in network.blk.parameters() if p.ndim == 2]
    known = {id(p) for p in matrices}
    rest = [p for p in network.parameters() if id(p) not in known]
    return [
        torch.optim.Muon(
            matrices, lr=RATES[0], weight_decay=0.01, momentum=0.95, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(rest, lr=RATES[1], betas=(0.9, 0.95), weight_decay=0.0),
    ]


def rate(step: int, progress: float) -> float:
    """Warm-up, then constant, then down to nothing over the last 45 %."""
    return min(1.0, (step + 1) / 30) * min(1.0, max(0.0, 1.0 - progress) / 0.45)


def make_tokenizer(path: Path, seed: int) -> Tokenizer:
    """The tokenizer in `path`, trained first when it is not there."""
    if not path.exists():
        r, template = random.Random(seed), load_template()
        chats = [short_chat(template, r) for _ in range(3000)]
        chats += [long_chat(template, r) for _ in range(1000)]
        train_tokenizer("".join(piece.text for piece in chat) for chat in chats).save(str(path))
    return load_tokenizer(path)


def share_gradients(network: Network, workers: int) -> None:
    """The mean of the gradients over the workers, in one message."""
    if workers == 1:
        return
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    flat = torch.cat([each.reshape(-1) for each in gradients])
    distributed.all_reduce(flat)
    flat /= workers
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


class Training:
    """One worker's part of the training."""

    def __init__(self, worker: int, args: argparse.Namespace) -> None:
        torch.manual_seed(args.seed)
        self.worker, self.args = worker, args
        self.out = Path(args.out)
        self.tokenizer = load_tokenizer(self.out / "tokenizer.json")
        self.network = Network(Shape(vocabulary=self.tokenizer.get_vocab_size()))
        self.tools = optimizers(self.network)
        self.first = 0
        if args.resume:
            state = torch.load(args.resume)
            self.network.load_state_dict(state["weights"])
            for tool, saved in zip(self.tools, state["optimizers"], strict=True):
                tool.load_state_dict(saved)
            self.first = state["step"]
        self.mean = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.tops = [args.rate * RATES[0], args.rate * RATES[1]]
        r, template = random.Random(f"{args.seed} {worker} {self.first}"), load_template()
        self.sources = (
            batches(lambda: long_chat(template, r), self.tokenizer, args.long_rows, r),
            batches(lambda: short_chat(template, r), self.tokenizer, args.short_rows, r),
        )
        self.began = self.saved_at = time.monotonic()
        self.tokens = 0

    def step(self, step: int, progress: float) -> list[float]:
        """One step; the two plain losses."""
        for tool, top in zip(self.tools, self.tops, strict=True):
            for group in tool.param_groups:
                group["lr"] = top * rate(step - self.first, progress)
        losses = []
        for source in self.sources:
            inputs, targets = next(source)
            loss, plain = batch_loss(self.network, inputs, targets)
            loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
            losses.append(plain)
            self.tokens += inputs.numel() * self.args.workers
        share_gradients(self.network, self.args.workers)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for tool in self.tools:
            tool.step()
            tool.zero_grad()
        keep = min(0.99, (step + 1) / (step + 10))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                self.mean[name].lerp_(value, 1 - keep)
        return losses

    def progress(self, step: int) -> float:
        """Share of the training that is done; the same on every worker."""
        spent = (time.monotonic() - self.began) / (self.args.minutes * 60)
        done = torch.tensor(max((step - self.first) / (self.args.steps - self.first), spent))
        if self.args.workers > 1:
            distributed.broadcast(done, 0)
        return float(done)

    def save(self, step: int) -> None:
        """A checkpoint that `export.py` and `--resume` read."""
        state = {
            "shape": asdict(self.network.shape),
            "step": step,
            "tokens": self.tokens,
            "seconds": round(time.monotonic() - self.began),
            "weights": self.network.state_dict(),
            "mean": self.mean,
            "optimizers": [tool.state_dict() for tool in self.tools],
        }
        part = self.out / "checkpoint.part"
        torch.save(state, part)
        part.replace(self.out / "checkpoint.pt")
        self.saved_at = time.monotonic()

    def run(self) -> None:
        """All steps."""
        step = self.first
        while step < self.args.steps and (progress := self.progress(step)) < 1:
            losses = self.step(step, progress)
            step += 1
            if self.worker:
                continue
            if step % 10 == 0:
                pace = self.tokens / (time.monotonic() - self.began)
                print(
                    f"{step} programs {losses[0]:.4f} short {losses[1]:.4f} "
                    f"{pace:.0f} tokens/s {progress:.1%}",
                    flush=True,
                )
            if time.monotonic() - self.saved_at > 180:
                self.save(step)
        if not self.worker:
            self.save(step)


def work(worker: int, args: argparse.Namespace, meeting: str) -> None:
    """A worker with one thread: two of them share a busy machine better than two threads do."""
    torch.set_num_threads(1)
    if args.workers > 1:
        distributed.init_process_group(
            "gloo", init_method=f"file://{meeting}", rank=worker, world_size=args.workers
        )
    Training(worker, args).run()
    if args.workers > 1:
        distributed.destroy_process_group()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="out")
    parser.add_argument("--steps", type=int, default=1700)
    parser.add_argument("--minutes", type=float, default=1e9, help="end earlier, rates included")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--long-rows", type=int, default=1, help="programs a step and worker")
    parser.add_argument("--short-rows", type=int, default=32, help="short chats a step and worker")
    parser.add_argument("--rate", type=float, default=1.0, help="factor for the learning rates")
    parser.add_argument("--resume", help="go on from this checkpoint")
    args = parser.parse_args()
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    make_tokenizer(out / "tokenizer.json", args.seed)
    with tempfile.TemporaryDirectory() as folder:
        meeting = str(Path(folder) / "meeting")
        torch.multiprocessing.spawn(work, (args, meeting), nprocs=args.workers)


if __name__ == "__main__":
    main()
