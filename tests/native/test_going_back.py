"""Banned strings on every kind of memory: cut where it can be, else brought back and read again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qwqdesk.conversation import Mode
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import Event, LaneRequest, PrefillProgress
from qwqdesk.engine.llama import PREFILL_CHUNK, LlamaContext, LlamaModel
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import Constraints
from tests.every_model import text_of, written
from tests.native.conftest import SETTINGS
from tests.native.driving import drain, lanes_of, run_lanes, tokens_of
from tests.unit.conftest import OTHER_MEMORIES

# With small micro-batches a window's cache holds 256 tokens, so that long prompts go round in it.
SMALL = replace(SETTINGS, n_ubatch=64)
MEMORIES = ("F16", *OTHER_MEMORIES)
CHAIN = SamplerChain.of(seed=5, temperature=1.2, repeat_penalty=1.1, n_predict=60, ignore_eos=True)
SHORT, LONG = "hello there", "hello there, and more. " * 40


def lanes(engine: Engine, prompt: str) -> tuple[LaneRequest, list[LaneRequest]]:
    """A lane that has to go back several times, and three free ones."""
    tokens = drain(engine.tokenize(prompt))[0]
    chains = [CHAIN, *(CHAIN.with_values(seed=seed) for seed in (6, 7, 8))]
    own, *others = lanes_of(chains, tokens)
    free = text_of(run_lanes(engine, [own]))
    texts = [free[at : at + 6] for at in range(4, len(free) - 6, 24)]
    banned = tuple(text for text in texts if "\ufffd" not in text)
    assert len(banned) > 3
    return replace(own, constraints=Constraints(banned_strings=banned)), others


@pytest.mark.parametrize("prompt", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("memory", MEMORIES)
def test_a_lane_that_goes_back_writes_the_same_alone_and_among_four(
    load: Callable[..., Engine], memory: str, prompt: str
) -> None:
    engine = load(memory, SMALL)
    banned, others = lanes(engine, prompt)
    alone = run_lanes(engine, [banned])
    assert len(tokens_of(alone)) == 60
    for text in banned.constraints.banned_strings:
        assert text.lower() not in text_of(alone).lower()
    free = [written(run_lanes(engine, [lane])) for lane in others]
    together = run_lanes(engine, [others[0], banned, *others[1:]])
    assert written(together, 1) == written(alone)
    assert [written(together, number) for number in (0, 2, 3)] == free


@pytest.mark.parametrize("prompt", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("memory", MEMORIES)
def test_what_follows_was_computed_from_the_lanes_own_tokens(
    load: Callable[..., Engine], models: dict[str, Path], memory: str, prompt: str
) -> None:
    """Read one after another by a context that never goes back, they are as likely to the bit."""
    engine = load(memory, SMALL)
    banned, _ = lanes(engine, prompt)
    found = written(run_lanes(engine, [banned]))
    tokens = banned.prompt_tokens
    bare = LlamaModel(
        LlamaLibrary(), models[memory], SMALL, use_extra_bufts=True, progress=lambda _: True
    )
    context = LlamaContext(bare, streams=1, lanes=1, unified=False)
    for at in range(0, len(tokens), PREFILL_CHUNK):
        part = tokens[at : at + PREFILL_CHUNK]
        context.prefill(0, part, at, last=at + len(part) == len(tokens))
    expected = []
    for number, (token, _) in enumerate(found):
        expected.append((token, context.probability(token, -1)))
        context.decode([(0, token, len(tokens) + number)], outputs=False)
    context.close()
    bare.close()
    assert found == expected


@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize("memory", ["F16", "windowed"])
def test_keeping_states_gives_what_cutting_gives(
    load: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, memory: str, mode: Mode
) -> None:
    def run(settings: EngineSettings) -> list[int]:
        engine = load(memory, settings)
        return tokens_of(run_lanes(engine, [banned], mode))

    banned, _ = lanes(load(memory, SMALL), SHORT)
    cut = run(SMALL)
    assert run(replace(SMALL, swa_full=True)) == cut
    kept: list[int] = []

    class KeepsStates(LlamaContext):
        """Says that it cannot cut, and does not."""

        def __init__(self, model: LlamaModel, **shape: int) -> None:
            super().__init__(model, **shape)  # type: ignore[arg-type]
            self.goes_back = 0

        def cut(self, sequence: int, start: int) -> bool:
            last = self._api.llama_memory_seq_pos_max(self._memory, sequence)
            return (not start or not kept or start > last) and super().cut(sequence, start)

        def keep(self, sequence: int) -> object:
            kept.append(sequence)
            return super().keep(sequence)

    monkeypatch.setattr("qwqdesk.engine.engine.LlamaContext", KeepsStates)
    assert run(SMALL) == cut
    assert kept


@pytest.mark.parametrize("memory", OTHER_MEMORIES)
def test_in_fast_mode_the_string_never_comes_and_others_are_not_disturbed(
    load: Callable[..., Engine], memory: str
) -> None:
    engine = load(memory, SMALL)
    banned, others = lanes(engine, SHORT)
    events = run_lanes(engine, [others[0], banned], "fast")
    for text in banned.constraints.banned_strings:
        assert text.lower() not in text_of(events, 1).lower()
    assert tokens_of(events, 0) == tokens_of(run_lanes(engine, others[:1]))


def test_a_string_that_never_begins_costs_no_state(
    load: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = load("recurrent", SMALL)
    prompt = drain(engine.tokenize(SHORT))[0]
    (free,) = lanes_of([CHAIN], prompt)
    expected = tokens_of(run_lanes(engine, [free]))

    def keep(self: LlamaContext, sequence: int) -> object:
        raise AssertionError("nothing begins here")

    monkeypatch.setattr(LlamaContext, "keep", keep)
    limits = Constraints(banned_strings=("\x01\x02",))
    assert tokens_of(run_lanes(engine, [replace(free, constraints=limits)])) == expected


@pytest.mark.parametrize("memory", OTHER_MEMORIES)
def test_fast_mode_reads_only_what_is_new_of_a_prompt(
    load: Callable[..., Engine], memory: str
) -> None:
    """Regenerated, and a next turn whose prompt leaves out what the reply had written."""
    engine = load(memory, SMALL)
    prompt = drain(engine.tokenize(LONG))[0]
    chain = CHAIN.with_values(n_predict=400)

    def fast(prompt: Sequence[int], count: int = 2) -> tuple[int, list[Event]]:
        chains = [chain.with_values(seed=seed) for seed in range(count)]
        events = run_lanes(engine, lanes_of(chains, prompt), "fast")
        began = next(event.done for event in events if isinstance(event, PrefillProgress))
        return began, events

    began, first = fast(prompt)
    assert began == 0
    began, again = fast(prompt)
    assert began == len(prompt) - 4
    chances = [[chance for _, chance in written(events)[:20]] for events in (again, first)]
    assert chances[0] == pytest.approx(chances[1], rel=0.05)
    new = drain(engine.tokenize("another question"))[0]
    following = (*prompt[:-2], *tokens_of(first)[-30:], *new)
    began, turn = fast(following)
    assert began == len(prompt) - 4
    (alone,) = lanes_of([chain.with_values(seed=0)], following)
    cold = run_lanes(engine, [alone])
    assert written(turn)[0][0] == written(cold)[0][0]
    assert written(turn)[0][1] == pytest.approx(written(cold)[0][1], rel=0.05)
