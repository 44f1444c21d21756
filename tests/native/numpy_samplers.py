"""llama.cpp's samplers written anew with numpy, from what they are documented to do.

Values are double precision here and single there: where a decision hangs on less than `CLOSE`,
`TooCloseError` says that the case decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qwqdesk.sampling.chain import SamplerChain

CLOSE = 1e-4
Array = NDArray[np.float64]


class TooCloseError(Exception):
    """Rounding would decide."""


@dataclass(frozen=True)
class Candidates:
    """Token ids with their logits, in llama.cpp's order; `ordered`: known to be descending."""

    ids: NDArray[np.int64]
    logits: Array
    ordered: bool = False

    @property
    def size(self) -> int:
        return len(self.ids)

    def p(self) -> Array:
        """Probabilities."""
        weights = np.exp(self.logits - self.logits.max())
        return np.asarray(weights / weights.sum(), dtype=np.float64)

    def take(self, index: NDArray[np.int64], *, ordered: bool) -> Candidates:
        return Candidates(self.ids[index], self.logits[index], ordered)

    def descending(self) -> Candidates:
        if self.ordered:
            return self
        return self.take(np.argsort(-self.logits, kind="stable"), ordered=True)


class Rng:
    """The 32-bit Mersenne twister as libstdc++ turns it into numbers."""

    def __init__(self, seed: int) -> None:
        self._state = np.random.RandomState(seed)

    def word(self) -> int:
        return int(self._state.randint(0, 2**32, dtype=np.uint32))

    def double(self) -> float:
        low, high = self.word(), self.word()
        return (low + high * 2.0**32) / 2.0**64

    def single(self) -> float:
        return float(np.float32(self.word()) / np.float32(2**32))


def close(a: float, b: float) -> None:
    """Raise where `a < b` would be decided by rounding."""
    if abs(a - b) <= CLOSE * max(1.0, abs(a), abs(b)):
        raise TooCloseError


def first_reaching(p: Array, limit: float, *, strict: bool = False) -> int:
    """How many of the first probabilities are needed to reach `limit`."""
    total = 0.0
    for count, share in enumerate(p, start=1):
        total += share
        close(total, limit)
        if total > limit or (total == limit and not strict):
            return count
    return len(p)


# ---------------------------------------------------------------- the steps


def penalties(c: Candidates, chain: SamplerChain, history: Sequence[int]) -> Candidates:
    last_n = chain.integer("repeat_last_n")
    recent = list(history[-last_n:]) if last_n else []
    repeat = chain.number("repeat_penalty")
    logits = c.logits.copy()
    for i, token in enumerate(c.ids):
        count = recent.count(int(token))
        if count:
            logits[i] = logits[i] * repeat if logits[i] <= 0 else logits[i] / repeat
            logits[i] -= count * chain.number("frequency_penalty")
            logits[i] -= chain.number("presence_penalty")
    return Candidates(c.ids, logits)


def dry(c: Candidates, chain: SamplerChain, history: Sequence[int]) -> Candidates:
    """Breakers must be single bytes of the tiny model's vocabulary, or texts of such bytes."""
    multiplier, base = chain.number("dry_multiplier"), chain.number("dry_base")
    allowed, last_n = chain.integer("dry_allowed_length"), chain.integer("dry_penalty_last_n")
    recent = list(history[-last_n:]) if last_n else []
    if multiplier == 0 or len(recent) <= allowed:
        return c
    breakers = [list(text.encode()) for text in chain.strings("dry_sequence_breakers")]
    limit = _since_breaker(recent, breakers)
    if limit < allowed:
        return Candidates(c.ids, c.logits)
    single = {breaker[0] for breaker in breakers if len(breaker) == 1}
    longest = _repetitions(recent, limit)
    logits = c.logits.copy()
    for i, token in enumerate(int(token) for token in c.ids):
        length = longest.get(token, -1)
        if length >= allowed and token not in single:
            logits[i] -= multiplier * base ** (length - allowed)
    return Candidates(c.ids, logits)


def _since_breaker(recent: Sequence[int], breakers: Sequence[Sequence[int]]) -> int:
    """How many tokens stand behind the last breaker."""
    for back in range(len(recent)):
        at = len(recent) - 1 - back
        found = [len(b) for b in breakers if list(recent[at : at + len(b)]) == list(b)]
        if found:
            return back - (max(found) - 1)
    return len(recent)


def _repetitions(recent: Sequence[int], limit: int) -> dict[int, int]:
    """For each token that followed a copy of the last tokens: the length of the longest copy."""
    longest: dict[int, int] = {}
    for end in range(1, len(recent)):
        length = 0
        while length < end and recent[end - 1 - length] == recent[len(recent) - 1 - length]:
            length += 1
        token = recent[end]
        longest[token] = max(longest.get(token, -1), min(length, limit))
    return longest


def top_n_sigma(c: Candidates, chain: SamplerChain, _history: Sequence[int]) -> Candidates:
    n = chain.number("top_n_sigma")
    if n <= 0 or c.size <= 1:
        return c
    finite = c.logits[np.isfinite(c.logits)]
    limit = finite.max() - n * finite.std()
    for value in finite:
        close(float(value), float(limit))
    return Candidates(c.ids, np.where(c.logits < limit, -np.inf, c.logits), c.ordered)


def top_k(c: Candidates, chain: SamplerChain, _history: Sequence[int]) -> Candidates:
    k = chain.integer("top_k")
    if k <= 0:
        return c
    return c.descending().take(np.arange(min(k, c.size)), ordered=True)


def typ_p(c: Candidates, chain: SamplerChain, _history: Sequence[int]) -> Candidates:
    limit, min_keep = chain.number("typical_p"), chain.integer("min_keep")
    if limit >= 1:
        return c
    if not np.isfinite(c.logits).all():
        raise TooCloseError  # llama.cpp computes NaN here (FACTS 10c)
    c = c.descending()
    p = c.p()
    surprise = -np.log(p)
    distance = np.abs(surprise - (p * surprise).sum())
    order = np.argsort(distance, kind="stable")
    for a, b in zip(distance[order], distance[order][1:], strict=False):
        close(a, b)
    count = max(first_reaching(p[order], limit, strict=True), min(min_keep, c.size))
    return c.take(order[:count], ordered=False)


def top_p(c: Candidates, chain: SamplerChain, _history: Sequence[int]) -> Candidates:
    limit, min_keep = chain.number("top_p"), chain.integer("min_keep")
    if limit >= 1:
        return c
    c = c.descending()
    count = max(first_reaching(c.p(), limit), min(min_keep, c.size))
    return c.take(np.arange(count), ordered=True)


def min_p(c: Candidates, chain: SamplerChain, _history: Sequence[int]) -> Candidates:
    share, min_keep = chain.number("min_p"), chain.integer("min_keep")
    if share <= 0:
        return c
    limit = c.logits.max() + math.log(share)
    for value in c.logits:
        close(float(value), limit)
    kept = np.flatnonzero(c.logits >= limit)
    if len(kept) >= min_keep:
        return c.take(kept, ordered=c.ordered)
    return c.descending().take(np.arange(min(min_keep, c.size)), ordered=True)


def temperature(c: Candidates, chain: SamplerChain, _history: Sequence[int]) -> Candidates:
    number, spread = chain.number("temperature"), chain.number("dynatemp_range")
    if spread > 0:
        if c.size <= 1:
            return c
        c = c.descending()
        p = c.p()
        seen = p[p > 0]
        share = -(seen * np.log(seen)).sum() / math.log(c.size)
        if share < 0.01:
            raise TooCloseError  # an entropy near 0 is mostly rounding in single precision
        low, high = max(0.0, number - spread), number + spread
        number = low + (high - low) * share ** chain.number("dynatemp_exponent")
    elif number == 1:
        return c
    return heated(c, number)


def heated(c: Candidates, number: float) -> Candidates:
    """Plain temperature: 0 leaves only the first of the largest logits."""
    if number > 0:
        return replace(c, logits=c.logits / number)
    best = np.argmax(c.logits)
    return replace(c, logits=np.where(np.arange(c.size) == best, c.logits, -np.inf))


Step = Callable[[Candidates, SamplerChain, Sequence[int]], Candidates]

STEPS: dict[str, Step] = {
    "penalties": penalties,
    "dry": dry,
    "top_n_sigma": top_n_sigma,
    "top_k": top_k,
    "typ_p": typ_p,
    "top_p": top_p,
    "min_p": min_p,
    "temperature": temperature,
}


# ---------------------------------------------------------------- what draws at random


def drawn(p: Array, number: float) -> int:
    """The first index at which the probabilities together reach `number`."""
    cumulative = np.cumsum(p) / p.sum()
    for value in cumulative[:-1]:
        if abs(value - number) < CLOSE:
            raise TooCloseError
    return int(np.searchsorted(cumulative[:-1], number))


class NumpyChain:
    """A whole chain with its memory: the random numbers, mirostat's mu, adaptive p's average."""

    def __init__(self, chain: SamplerChain) -> None:
        self.chain = chain
        seed = chain.integer("seed")
        self._xtc, self._draw = Rng(seed), Rng(seed)
        self.history: list[int] = []
        self._mu = 2 * chain.number("mirostat_tau")
        decay = min(chain.number("adaptive_decay"), 0.99)
        self._weight = 1 / (1 - decay)
        self._sum = chain.number("adaptive_target") * self._weight

    def filtered(self, logits: Array) -> Candidates:
        """The candidates behind all listed steps."""
        c = Candidates(np.arange(len(logits)), logits.astype(np.float64))
        for token, bias in self.chain.logit_bias:
            if token < len(logits):
                c.logits[token] += bias
        if self.chain.integer("mirostat"):
            return heated(c, self.chain.number("temperature"))
        for name in self.chain.samplers:
            if name == "xtc":
                c = self._without_top(c)
            elif name != "adaptive_p":
                c = STEPS[name](c, self.chain, self.history)
        return c

    def draw(self, logits: Array) -> int:
        """The next token."""
        c = self.filtered(logits)
        if self.chain.integer("mirostat"):
            token = self._mirostat(c.descending())
        elif "adaptive_p" in self.chain.samplers:
            token = self._adaptive(c)
        else:
            token = int(c.ids[drawn(c.p(), self._draw.double()) if c.size > 1 else self._one()])
        self.history.append(token)
        return token

    def _one(self) -> int:
        """A single candidate: dist draws a number all the same."""
        self._draw.double()
        return 0

    def _discrete(self, p: Array) -> int:
        """std::discrete_distribution, which draws nothing for a single candidate."""
        return drawn(p, self._draw.double()) if len(p) > 1 else 0

    def _without_top(self, c: Candidates) -> Candidates:
        probability = self.chain.number("xtc_probability")
        threshold = self.chain.number("xtc_threshold")
        if probability <= 0 or threshold > 0.5 or c.size < 2:
            return c
        number = self._xtc.single()
        close(number, probability)
        if number > probability:
            return c
        c = c.descending()
        p = c.p()
        for value in p:
            close(float(value), threshold)
        last = max(int((p >= threshold).sum()) - 1, 0)
        if last > 0 and c.size - last >= self.chain.integer("min_keep"):
            return c.take(np.arange(last, c.size), ordered=True)
        return c

    def _adaptive(self, c: Candidates) -> int:
        target, p = self.chain.number("adaptive_target"), c.p()
        if target < 0:
            return int(c.ids[self._discrete(p)])
        adapted = min(max(2 * target - self._sum / self._weight, 0.0), 1.0)
        distance = np.abs(p - adapted) / 0.3
        logits = np.where(np.isfinite(c.logits), 5 - 10 * distance**2 / (1 + distance), -np.inf)
        index = self._discrete(replace(c, logits=logits).p())
        decay = min(self.chain.number("adaptive_decay"), 0.99)
        self._sum = p[index] + decay * self._sum
        self._weight = 1 + decay * self._weight
        return int(c.ids[index])

    def _mirostat(self, c: Candidates) -> int:
        p = c.p()
        if self.chain.integer("mirostat") == 1:
            count = self._mirostat_count(p)
        else:
            surprise = -np.log2(p)
            for value in surprise:
                close(float(value), self._mu)
            above = np.flatnonzero(surprise > self._mu)
            count = max(int(above[0]) if len(above) else c.size, 1)
        c = c.take(np.arange(min(count, c.size)), ordered=True)
        index = self._discrete(c.p())
        error = -math.log2(c.p()[index]) - self.chain.number("mirostat_tau")
        self._mu -= self.chain.number("mirostat_eta") * error
        return int(c.ids[index])

    def _mirostat_count(self, p: Array, m: int = 100, n_vocab: int = 1024) -> int:
        """How many candidates mirostat 1 keeps, by its estimate of Zipf's exponent."""
        ranks = np.arange(min(m - 1, len(p) - 1))
        t = np.log((ranks + 2) / (ranks + 1))
        s = (t * np.log(p[ranks] / p[ranks + 1])).sum() / (t * t).sum()
        e = s - 1
        k = (e * 2**self._mu / (1 - n_vocab**-e)) ** (1 / s)
        if not math.isfinite(k) or abs(k - round(k)) < 0.01 * max(1, k):
            raise TooCloseError
        return max(int(k), 1)
