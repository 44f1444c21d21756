"""How many threads decode, on a simulated machine of some cores and other programs."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from qwqdesk.conversation import Mode
from qwqdesk.engine.events import ProcessorShared, ThreadsUsed
from qwqdesk.engine.thread_governor import BusyWatch, Step, ThreadGovernor, gain_of_fewer
from tests.fakes import FakeContext, FakeModel
from tests.unit.engine.decode_runner import Runner, lane


@dataclass
class Machine:
    """Cores that are shared by threads and other programs alike; `now` is its clock.

    A token takes `work` seconds of one core. Threads that do not have a core each wait for the
    slowest of them, and waste `lockstep` times what that costs. `noise` is a part of each token.
    """

    cores: int = 2
    others: int = 0
    work: float = 0.018
    lockstep: float = 1.5
    noise: float = 0.05
    own_window: float = 0.0
    now: float = 100.0
    computed: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def seconds(self, threads: int) -> float:
        """What a token takes, without noise."""
        share = min(1.0, self.cores / (threads + self.others))
        lost = self.lockstep if share < 1 and threads > 1 else 1.0
        return self.work / math.pow(threads, 0.7) / share * lost

    def decode(self, threads: int, lanes: int = 1) -> Step:
        began, share = self.now, min(1.0, self.cores / (threads + self.others))
        taken = self.seconds(threads) * (1 + lanes / 10) * self.chance.uniform(1, 1 + self.noise)
        self.now += taken
        computed = taken * min(threads * share + self.own_window, self.cores)
        self.computed += computed
        return Step(began, self.now, computed, lanes)

    def run(self, governor: ThreadGovernor, seconds: float) -> float:
        """Decode for so long; tokens a second."""
        until, tokens, began = self.now + seconds, 0, self.now
        while self.now < until:
            governor.observe(self.decode(governor.threads))
            tokens += 1
        return tokens / (self.now - began)

    def best(self) -> float:
        """Tokens a second with the best number of threads, noise included on average."""
        fastest = min(self.seconds(n) for n in range(1, self.cores + 1))
        return 1 / (fastest * 1.1 * (1 + self.noise / 2))


@pytest.mark.parametrize("cores", [2, 4, 8, 16])
@pytest.mark.parametrize("work", [0.06, 0.9])
def test_on_a_quiet_machine_all_threads_decode_all_the_time(cores: int, work: float) -> None:
    governor = ThreadGovernor(cores)
    Machine(cores, work=work).run(governor, 60)
    assert set(governor.used) == {cores}


@pytest.mark.parametrize(("cores", "others"), [(2, 1), (2, 2), (4, 1), (8, 2), (8, 8), (16, 3)])
def test_beside_other_programs_it_comes_near_the_best_number(cores: int, others: int) -> None:
    machine = Machine(cores, others)
    governor = ThreadGovernor(cores)
    machine.run(governor, 3)
    assert machine.run(governor, 20) > 0.9 * machine.best()


def test_a_tiny_model_gets_no_more_threads_than_help_it() -> None:
    # Beyond four threads it is the waiting for each other that takes the time.
    seconds = {16: 0.0024, 8: 0.0015, 4: 0.0012, 2: 0.0018}
    governor, now = ThreadGovernor(16), 0.0
    for _ in range(20_000):
        taken = seconds.get(governor.threads, 0.002)
        governor.observe(Step(now, now + taken, taken * governor.threads))
        now += taken
    assert governor.settled == 4
    assert governor.used[4] > 0.9 * governor.used.total()


def test_a_tiny_model_that_profits_from_all_threads_is_tried_once() -> None:
    machine, governor = Machine(8, work=0.006), ThreadGovernor(8)
    machine.run(governor, 60)
    assert governor.settled == 8
    assert governor.used.total() - governor.used[8] < 10


@pytest.mark.parametrize("work", [0.0015, 0.018])
def test_a_short_reply_profits_too(work: float) -> None:
    machine, governor = Machine(others=1, work=work), ThreadGovernor(2)
    assert machine.run(governor, 2) > 0.85 * machine.best()


def test_when_the_others_end_all_threads_are_back_within_seconds() -> None:
    machine, governor = Machine(8, others=2), ThreadGovernor(8)
    machine.run(governor, 60)
    assert governor.settled < 8
    machine.others = 0
    machine.run(governor, 12)
    assert governor.settled == 8


def test_others_that_begin_later_are_seen_at_once() -> None:
    machine, governor = Machine(), ThreadGovernor(2)
    machine.run(governor, 30)
    machine.others = 1
    assert machine.run(governor, 2) > 0.8 * machine.best()


def test_one_slow_moment_changes_nothing() -> None:
    machine, governor = Machine(), ThreadGovernor(2)
    machine.run(governor, 5)
    machine.others = 3
    machine.run(governor, 0.05)
    machine.others = 0
    machine.run(governor, 3)
    assert governor.settled == 2


def test_standing_still_is_left_after_a_few_tokens() -> None:
    machine, governor = Machine(others=2, lockstep=60), ThreadGovernor(2)
    for _ in range(10):
        governor.observe(machine.decode(governor.threads))
    assert governor.settled == 1


def test_attempts_cost_little_while_others_go_on() -> None:
    machine, governor = Machine(others=1, noise=0.4), ThreadGovernor(2)
    machine.run(governor, 5)
    governor.begin_run()
    machine.run(governor, 60)
    assert governor.used[2] < 0.04 * governor.used.total()


def test_where_fewer_are_no_faster_it_stays_and_asks_ever_less() -> None:
    # The threads sleep while a GPU or a disk works: it looks as if others had the cores.
    governor, now = ThreadGovernor(2), 0.0
    for _ in range(6000):
        taken = 0.01 if governor.threads == 2 else 0.013
        governor.observe(Step(now, now + taken, 0.004))
        now += taken
    assert governor.settled == 2
    assert governor.used[1] < 0.02 * governor.used.total()


def test_threads_that_sleep_a_little_of_themselves_are_tried_once() -> None:
    # One of two waits for the other in the same parts of every token: sometimes more, then less.
    governor, now, chance = ThreadGovernor(2), 0.0, random.Random(2)
    for _ in range(3000):
        taken = (0.022 if governor.threads == 2 else 0.031) * chance.uniform(0.95, 1.1)
        governor.observe(Step(now, now + taken, taken * chance.uniform(1.6, 1.85)))
        now += taken
    assert governor.used[1] <= 12
    for _ in range(40):  # now there is a neighbour
        taken = 0.045 if governor.threads == 2 else 0.031
        governor.observe(Step(now, now + taken, taken * (0.95 if governor.threads == 2 else 1)))
        now += taken
    assert governor.settled == 1


def test_the_windows_own_work_does_not_hide_what_is_missing() -> None:
    machine, governor = Machine(own_window=0.6), ThreadGovernor(2)
    machine.run(governor, 2)
    machine.others = 1
    machine.run(governor, 2)
    assert governor.settled == 1


def test_rates_of_different_numbers_of_lanes_are_not_compared() -> None:
    machine, governor = Machine(noise=0), ThreadGovernor(2)
    for step in range(400):
        lanes = 4 if step < 200 else 1
        governor.observe(machine.decode(governor.threads, lanes))
    machine.work *= 1.2
    for step in range(400):
        governor.observe(machine.decode(governor.threads, 1 + step // 100))
    assert set(governor.used) == {2}


def test_one_thread_is_never_fewer() -> None:
    machine, governor = Machine(1, others=3), ThreadGovernor(1)
    machine.run(governor, 3)
    assert set(governor.used) == {1}


# ---------------------------------------------------------------- a run whose threads stay


def watch_on(machine: Machine, seconds: float, watch: BusyWatch) -> list[float]:
    """When it said that others use the processor."""
    said, until = [], machine.now + seconds
    while machine.now < until:
        if watch.observe(machine.decode(2)):
            said.append(machine.now)
    return said


def test_a_watch_says_it_once_for_each_time_that_others_take_cores() -> None:
    machine = Machine()
    watch = BusyWatch(2, lambda: float(machine.others))
    assert not watch_on(machine, 5, watch)
    machine.others = 1
    assert len(watch_on(machine, 5, watch)) == 1
    assert watch.still_busy(machine.now)
    machine.others = 0
    assert not watch_on(machine, 3, watch)
    assert not watch.still_busy(machine.now)


def test_threads_that_sleep_of_themselves_are_nobodys_fault() -> None:
    machine = Machine(others=1)  # it looks the same, but nobody else computes
    watch = BusyWatch(2, lambda: 0.0)
    assert not watch_on(machine, 5, watch)


def test_low_priority_neighbours_are_no_trouble() -> None:
    machine = Machine()  # they run, and all threads have their cores
    watch = BusyWatch(2, lambda: 1.0)
    assert not watch_on(machine, 5, watch)


@pytest.mark.parametrize(("others", "expected"), [(0, 2), (1, 1), (2, 1)])
def test_what_fewer_threads_would_give_is_measured(others: int, expected: int) -> None:
    machine = Machine(others=others, noise=0.02)
    best, times = gain_of_fewer(2, machine.decode, seconds=0.6)
    assert best == expected
    assert times == pytest.approx(machine.seconds(2) / machine.seconds(best), rel=0.1)


def test_measuring_ends_where_there_is_no_room() -> None:
    assert gain_of_fewer(2, lambda _threads: None, seconds=1) == (2, 1.0)


# ---------------------------------------------------------------- in a run


class SimulatedContext(FakeContext):
    """Decodes on a simulated machine with the threads that it was told to use."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(n_ctx=8192)
        self.machine = machine
        self.decoded: list[int] = []

    def decode(self, entries: object, *, outputs: bool) -> None:
        super().decode(entries, outputs=outputs)  # type: ignore[arg-type]
        self.machine.decode(self.threads, len(entries))  # type: ignore[arg-type]
        self.decoded.append(self.threads)


def run_on(
    machine: Machine, mode: Mode, *, governed: bool, tokens: int = 400
) -> tuple[Runner, SimulatedContext]:
    context = SimulatedContext(machine)
    runner = Runner(context, FakeModel(scripts={1: [40] * tokens}))
    runner.clock, runner.cpu_clock = lambda: machine.now, lambda: machine.computed
    if governed:
        runner.governor = ThreadGovernor(2)
    else:
        others: Callable[[], float] = lambda: float(machine.others)  # noqa: E731
        runner.watch = BusyWatch(2, others)
    runner.run(lane(1, n_predict=tokens), mode=mode)
    return runner, context


def test_a_fast_run_says_how_many_threads_wrote_it() -> None:
    runner, context = run_on(Machine(others=1), "fast", governed=True)
    said = [event for event in runner.events if isinstance(event, ThreadsUsed)]
    assert said[0].threads == 1
    assert said[-1].steps == {n: context.decoded.count(n) for n in (1, 2)}
    assert said[-1].most == 2
    assert context.threads == 2, "prompts and exact runs have what was asked for"


def test_a_quiet_fast_run_has_nothing_to_say() -> None:
    runner, context = run_on(Machine(), "fast", governed=True)
    assert set(context.decoded) == {2}
    assert not [event for event in runner.events if isinstance(event, ThreadsUsed)]


def test_an_exact_run_keeps_its_threads_and_says_what_fewer_would_give() -> None:
    quiet, _ = run_on(Machine(), "exact", governed=False)
    runner, context = run_on(Machine(others=1), "exact", governed=False)
    assert runner.tokens(0) == quiet.tokens(0)
    assert set(context.decoded[:399]) == {2}, "not one token of a lane had another number"
    said = [event for event in runner.events if isinstance(event, ProcessorShared)]
    assert [event.fewer for event in said] == [0, 1]
    assert said[1].times > 1.3
    assert context.threads == 2
    assert not context.cells, "nothing of the measuring stays"
    assert not [event for event in quiet.events if isinstance(event, ProcessorShared)]


def test_a_governor_is_never_asked_in_exact_mode() -> None:
    _, context = run_on(Machine(others=1), "exact", governed=True)
    assert set(context.decoded) == {2}


def test_a_fast_run_with_the_users_number_keeps_it_and_its_prefix() -> None:
    runner, context = run_on(Machine(others=1), "fast", governed=False)
    assert set(context.decoded) == {2}
    said = [event for event in runner.events if isinstance(event, ProcessorShared)]
    assert said
    assert said[-1].times == 0
    assert context.cells
