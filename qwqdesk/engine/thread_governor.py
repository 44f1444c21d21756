"""How many threads decode while other programs use the processor: found out by measuring.

The threads of one token wait for each other some 300 times. Where another program has one core,
all wait for the thread that is without one, and fewer threads are faster: one busy program beside
two threads on two cores costs three fifths of the speed, and a third beside one thread.

Nothing here has a clock or knows llama.cpp: both classes are told what each decoding took. How many
threads there are may change a token's last digits, so a governor is for fast mode alone, and only
where the user has not said how many; elsewhere a `BusyWatch` looks on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# What is compared: decodings in a row, of at least this many seconds and this number.
_BLOCK_S: Final = 0.08
_BLOCK_STEPS: Final = 4
# Cores that the threads did not get, on average, from where on others have them. Some models'
# threads sleep for a part of each token of themselves: up to `_USUAL`, where a trial has shown it.
_MISSING: Final = 0.25
_USUAL: Final = 0.5
# A decoding this much slower than the fastest block says the same, where this program's own window
# has hidden what is missing: its time counts as the threads'.
_SLOWER: Final = 1.4
# A trial this much slower after two decodings has failed.
_MUCH_SLOWER: Final = 1.2
# Decodings shorter than this may be too small for many threads: half of them are tried once.
_TINY_S: Final = 0.003
_MANY: Final = 4
# A change that gains less than this part of the time is noise.
_BETTER: Final = 0.95
# Seconds between attempts in one direction; doubled while they fail.
_FIRST_WAIT_S: Final = 1.0
_MOST_WAIT_S: Final = 8.0
# How often each number of threads has its turn where all are measured.
_VISITS: Final = 3
# What was gained has lasted when it has for so many seconds.
_LASTED_S: Final = 5.0


@dataclass(frozen=True)
class Step:
    """One decoding: when it began and ended, what the whole program computed in it, in seconds."""

    began: float
    ended: float
    cpu_s: float
    lanes: int = 1


class _Block:
    """Decodings in a row with one number of threads and one number of lanes."""

    def __init__(self, threads: int, lanes: int) -> None:
        self.threads, self.lanes = threads, lanes
        self.steps, self.seconds, self._cpu_s = 0, 0.0, 0.0

    def add(self, step: Step) -> None:
        self.steps += 1
        self.seconds += step.ended - step.began
        self._cpu_s += step.cpu_s

    @property
    def full(self) -> bool:
        return self.steps >= _BLOCK_STEPS and self.seconds >= _BLOCK_S

    @property
    def mean(self) -> float:
        """Seconds of one decoding."""
        return self.seconds / self.steps if self.steps else 0.0

    @property
    def missing(self) -> float:
        """How many cores the threads were without, on average."""
        return self.threads - self._cpu_s / self.seconds if self.seconds > 0 else 0.0

    def hopeless(self, before: _Block) -> bool:
        """Whether this cannot become the better one: what it costs to try must stay small."""
        enough = self.steps >= _BLOCK_STEPS and self.seconds >= _BLOCK_S / 3
        if self.mean > before.mean and (enough or self.seconds >= _BLOCK_S):
            return True
        return self.steps >= 2 and self.mean > _MUCH_SLOWER * before.mean


class ThreadGovernor:
    """Decodes with fewer threads while that is faster, and with all again when it is not.

    Fewer are tried only where something speaks for it: the threads do not get the cores that they
    ask for, everything has become slower, or the model is tiny. More are tried now and then.

    Args:
        most: threads of a quiet machine; never more.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.threads = most
        """For the next decoding."""
        self.used: Counter[int] = Counter()
        """How many decodings had how many threads, since `begin_run`."""
        self._block = _Block(most, 0)
        self._before: _Block | None = None  # what a trial is compared with; None: no trial
        # By numbers of threads and lanes: seconds of a decoding, and cores that are missing anyway.
        self._fastest: dict[tuple[int, int], float] = {}
        self._usual: dict[tuple[int, int], float] = {}
        self._halved: set[tuple[int, int]] = set()
        self._stride = 1  # by how many threads the next trial goes up
        self._up_wait = self._down_wait = _FIRST_WAIT_S
        self._up_at = self._down_at = 0.0
        self._raised_at = self._starved_at = float("-inf")

    @property
    def settled(self) -> int:
        """The number of threads, a trial of another one left out."""
        return self.threads if self._before is None else self._before.threads

    def begin_run(self) -> None:
        """Count anew; what was learnt stays, and is looked at again soon."""
        self.used.clear()
        self._restart(self.settled, self._block.lanes)

    def observe(self, step: Step) -> None:
        """Take one decoding with `threads` threads; `threads` may be another number then."""
        threads = self.threads
        self.used[threads] += 1
        if step.lanes != self._block.lanes:
            self._restart(self.settled, step.lanes)
            if threads != self.threads:
                return
        self._block.add(step)
        if self._before is not None:
            if self._block.hopeless(self._before):
                self._reject(self._before, step.ended)
            elif self._block.full:
                self._judge(self._before, step.ended)
        elif self._block.full:
            self._consider(step.ended)

    # ------------------------------------------------------------ inside

    def _restart(self, threads: int, lanes: int) -> None:
        self.threads, self._before = threads, None
        self._block = _Block(threads, lanes)

    def _consider(self, now: float) -> None:
        """A block without a trial is full: go on so, or try another number."""
        block = self._block
        key = (block.threads, block.lanes)
        fastest = self._fastest[key] = min(block.mean, self._fastest.get(key, block.mean))
        missing = block.missing - self._usual.get(key, 0.0)
        starved = missing > _MISSING or block.mean > _SLOWER * fastest
        if starved:
            self._starved_at = now
        elif now - self._starved_at >= _LASTED_S:
            self._down_wait, self._down_at = _FIRST_WAIT_S, now
        tiny = block.mean < _TINY_S and block.threads >= _MANY and key not in self._halved
        if tiny:
            self._halved.add(key)
            self._try(block.threads // 2)
        elif starved and block.threads > 1 and now >= self._down_at:
            self._try(max(block.threads - max(round(block.missing), 1), 1))
        elif block.threads < self.most and now >= self._up_at:
            self._try(min(block.threads + self._stride, self.most))
        else:
            self._restart(block.threads, block.lanes)

    def _try(self, threads: int) -> None:
        before = self._block
        self._restart(threads, before.lanes)
        self._before = before

    def _judge(self, before: _Block, now: float) -> None:
        if self._block.mean > _BETTER * before.mean:
            self._reject(before, now)
            return
        threads = self._block.threads
        if threads > before.threads:
            self._raised_at = self._up_at = self._down_at = now
            self._stride *= 2
        else:
            lasted = now - self._raised_at >= _LASTED_S
            self._up_wait = _FIRST_WAIT_S if lasted else self._doubled(self._up_wait)
            self._up_at, self._down_at = now + self._up_wait, now
            self._stride = 1
        self._restart(threads, before.lanes)

    def _reject(self, before: _Block, now: float) -> None:
        tried = self._block.threads
        if tried > before.threads:
            self._up_wait = self._doubled(self._up_wait)
            self._up_at, self._stride = now + self._up_wait, 1
        else:
            self._down_wait = self._doubled(self._down_wait)
            self._down_at = now + self._down_wait
            # The machine, or the place in the context, is as slow as this.
            key = (before.threads, before.lanes)
            self._fastest[key] = before.mean
            self._usual[key] = min(max(before.missing, self._usual.get(key, 0.0)), _USUAL)
        self._restart(before.threads, before.lanes)

    @staticmethod
    def _doubled(wait: float) -> float:
        return min(2 * wait, _MOST_WAIT_S)


class BusyWatch:
    """Sees that other programs take cores from a run whose number of threads must not change.

    Args:
        threads: of the run.
        others: how many cores other programs have used since it was asked last.
    """

    _LOOK_S: Final = 1.0

    def __init__(self, threads: int, others: Callable[[], float]) -> None:
        self._threads, self._others = threads, others
        self._block = _Block(threads, 1)
        self._began: float | None = None
        self._looked = False
        self.busy = False
        """Whether they did so in the newest second."""

    def observe(self, step: Step) -> bool:
        """Take one decoding; whether `busy` has just become true."""
        if self._began is None:
            self._began = step.began
            self._others()
        self._block.add(step)
        if step.ended - self._began < self._LOOK_S:
            return False
        return self._look(step.ended)

    def still_busy(self, now: float) -> bool:
        """Whether others took cores at the run's end; a run of less than a second is over."""
        if self._looked and self._began is not None and now - self._began >= self._LOOK_S / 4:
            self._look(now)
        return self.busy

    def _look(self, now: float) -> bool:
        """Judge what was observed since the last time; whether `busy` has just become true."""
        before, block, self._looked = self.busy, self._block, True
        self.busy = self._others() > _MISSING and block.missing > _MISSING
        self._block, self._began = _Block(self._threads, 1), now
        return self.busy and not before


def gain_of_fewer(
    most: int, decode: Callable[[int], Step | None], *, seconds: float
) -> tuple[int, float]:
    """Try on the spot how many threads are fastest now.

    Args:
        decode: one decoding with this many threads; None when there is no room for another.
        seconds: what it may cost, about.

    Returns:
        The number of threads, and how many times faster than `most` they are: 1.0 for `most`.
    """
    counts = sorted({most, max(most - 1, 1), max(most // 2, 1), 1}, reverse=True)
    spent, steps = dict.fromkeys(counts, 0.0), dict.fromkeys(counts, 0)
    for visit in range(1, _VISITS + 1):  # in turn: what happens meanwhile happens to all of them
        for count in counts:
            if decode(count) is None:  # not counted: threads that slept are slow to come
                return most, 1.0
            while spent[count] < visit * seconds / (_VISITS * len(counts)):
                step = decode(count)
                if step is None:
                    return most, 1.0
                spent[count] += step.ended - step.began
                steps[count] += 1
    means = {count: spent[count] / steps[count] for count in counts}
    best = min(counts, key=means.__getitem__)
    return best, means[most] / means[best]
