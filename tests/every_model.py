"""What every model must do, whatever its memory is; asked of tiny, bundled and real ones.

Each check raises AssertionError where something is wrong, and lets the engine's UserError through
where it refuses: what a memory cannot do is refused in words and never done wrongly.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from qwqdesk.conversation import Mode, Reply
from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import (
    Event,
    Output,
    PrefillProgress,
    ReasoningClosed,
    RunRequest,
)
from qwqdesk.engine.llama import PREFILL_CHUNK, LlamaContext, LlamaModel
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.load_plan import plan_load
from qwqdesk.models.parts import read_model_header
from qwqdesk.reasoning_tags import THINK
from qwqdesk.rerun import run_stored
from qwqdesk.run_plan import RunOptions
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import Constraints
from qwqdesk.session import Session
from qwqdesk.store.history import History
from qwqdesk.stored_run import stored_lane
from qwqdesk.thought import thought_tokens
from tests.fake_engine import began_of
from tests.fidelity.random_chains import random_chain
from tests.native.driving import drain, ends_of, lanes_of, run_lanes, tokens_of

MODES: tuple[Mode, ...] = ("exact", "fast")
BUDGET = 5
CLOSING = 16  # tokens for a closing tag that may be none of the vocabulary's, and for an answer


@dataclass(frozen=True)
class Subject:
    """A loaded model with two prompts, and how many tokens a lane of a check writes.

    `long` is longer than a micro-batch, and than the window of a model that has one.
    `bare` is the same model without the engine around it. `rounding` is by which part of itself a
    probability may differ where batches have other sizes: other cells change it by more.
    """

    engine: Engine
    bare: LlamaModel
    short: tuple[int, ...]
    long: tuple[int, ...]
    length: int = 24
    rounding: float = 0.02

    def chains(self, count: int = 4, seed: int = 0) -> list[SamplerChain]:
        """Different chains that draw at random."""
        rng = random.Random(seed)
        return [
            random_chain(rng, n_predict=self.length).with_values(ignore_eos=True)
            for _ in range(count)
        ]

    def thinks(
        self, prompt: Sequence[int], found: Sequence[tuple[int, float]], *, within: float = 0.0
    ) -> None:
        """Assert that the model gives these tokens these probabilities, read one after another.

        Args:
            within: the relative difference that half of them may have; 0 is bit for bit, for all. A
                single one may differ by much where rounding sends a token to another expert.
        """
        differences = []
        context = LlamaContext(self.bare, streams=1, lanes=1, unified=False)
        try:
            for at in range(0, len(prompt), PREFILL_CHUNK):
                end = min(at + PREFILL_CHUNK, len(prompt))
                context.prefill(0, prompt[at:end], at, last=end == len(prompt))
            for number, (token, probability) in enumerate(found):
                expected = context.probability(token, -1)
                differences.append(abs(expected - probability) / max(expected, probability))
                context.decode([(0, token, len(prompt) + number)], outputs=False)
        finally:
            context.close()
        judged = median(differences) if within else max(differences)
        assert judged <= within, differences


Check = Callable[[Subject], None]


@contextmanager
def subject_of(
    path: Path,
    settings: EngineSettings,
    prompts: tuple[str, str],
    *,
    length: int = 24,
    rounding: float = 0.02,
) -> Iterator[Subject]:
    """The model loaded as the program loads it, with a short prompt and a long one."""
    engine = Engine(extra_buffers_safe=lambda: False)
    bare = LlamaModel(
        LlamaLibrary(), path, settings, use_extra_bufts=False, progress=lambda _: True
    )
    try:
        (devices,) = drain(engine.devices())
        drain(engine.load(plan_load(path, read_model_header(path), settings, devices).request))
        short, long = (drain(engine.tokenize(text))[0] for text in prompts)
        yield Subject(engine, bare, short, long, length, rounding)
    finally:
        bare.close()
        assert engine.close(10)


def state_of(check: Check, subject: Subject) -> str:
    """ "yes" where the check passes, else the code of the refusal."""
    try:
        check(subject)
    except UserError as refusal:
        return refusal.code if refusal.what and refusal.what_to_do else "refused without words"
    return "yes"


def written(events: Sequence[Event], lane: int = 0) -> list[tuple[int, float]]:
    """What one lane generated, with the model's own probability of each token."""
    outputs = [event for event in events if isinstance(event, Output) and event.lane == lane]
    return [
        pair for output in outputs for pair in zip(output.tokens, output.probabilities, strict=True)
    ]


def text_of(events: Sequence[Event], lane: int = 0) -> str:
    """The lane's text."""
    outputs = [event for event in events if isinstance(event, Output) and event.lane == lane]
    return "".join(span.text for output in outputs for span in output.spans)


# ---------------------------------------------------------------- exact mode


def alone_as_among_four(subject: Subject) -> None:
    """Tokens and probabilities, bit for bit; together, one by one, in other orders, mixed."""
    engine, chains = subject.engine, subject.chains()
    expected = {}
    for prompt in (subject.short, subject.long):
        alone = [written(run_lanes(engine, lanes_of([chain], prompt))) for chain in chains]
        assert all(len(each) == subject.length for each in alone)
        assert len({tuple(each) for each in alone}) > 1, "the logits tell nothing"
        expected[prompt] = alone
        together = run_lanes(engine, lanes_of(chains, prompt))
        assert [written(together, i) for i in range(4)] == alone
        turned = run_lanes(engine, lanes_of(chains[::-1], prompt))
        assert [written(turned, 3 - i) for i in range(4)] == alone
        one_by_one = run_lanes(engine, lanes_of(chains, prompt), sequential=True)
        assert [written(one_by_one, i) for i in range(4)] == alone
    mixed = (*lanes_of(chains[:2], subject.short), *lanes_of(chains[2:], subject.long))
    events = run_lanes(engine, mixed)
    for i, prompt in enumerate((subject.short, subject.short, subject.long, subject.long)):
        assert written(events, i) == expected[prompt][i]


def a_stopped_run_leaves_nothing(subject: Subject) -> None:
    """Cancelling ends every lane, and the next run is what it would have been."""
    engine, chains = subject.engine, subject.chains()
    lanes = lanes_of(chains, subject.short)
    before = [written(run_lanes(engine, lanes), i) for i in range(4)]
    for mode in MODES:
        endless = lanes_of([chain.with_values(n_predict=-1) for chain in chains], subject.long)
        stream = engine.run(RunRequest(endless, mode))
        events: list[Event] = []
        while not any(isinstance(event, Output) for event in events):
            events += stream.wait_batch(60) or []
        stream.cancel()
        events += drain(stream)
        assert [end.reason for end in ends_of(events)] == ["cancelled"] * 4
    assert [written(run_lanes(engine, lanes), i) for i in range(4)] == before


# ---------------------------------------------------------------- fast mode


def a_second_turn_goes_on(subject: Subject) -> None:
    """Fast mode reads only what is new, and computes from the right cells."""
    engine, chains = subject.engine, subject.chains(2)

    def turn(prompts: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
        lanes = [lanes_of([chain], p)[0] for chain, p in zip(chains, prompts, strict=True)]
        events = run_lanes(engine, lanes, "fast")
        for number, prompt in enumerate(prompts):
            subject.thinks(prompt, written(events, number), within=subject.rounding)
        progress = [event for event in events if isinstance(event, PrefillProgress)]
        reused.append(progress[0].done)
        return [(*p, *tokens_of(events, i)) for i, p in enumerate(prompts)]

    reused: list[int] = []
    more = subject.short[:5]
    run_lanes(engine, lanes_of(chains[:1], more), "fast")  # another context, that holds no more
    first = turn([subject.long] * 2)
    second = turn([(*each, *more) for each in first])
    turn([(*each, *more) for each in second])
    # The newest token of a lane may not have been decoded.
    assert reused[0] == 0
    assert reused[1] >= len(first[0]) - 1
    assert reused[2] >= len(second[0]) - 1
    turn([(*each[:-BUDGET], *more[::-1]) for each in second])  # another end of the second turn
    turn([(*more, *each) for each in second])  # another beginning


# ---------------------------------------------------------------- what holds for a lane


def banned_strings(subject: Subject) -> None:
    """They never come, the run repeats, and the lanes beside write what they write alone."""
    engine = subject.engine
    chain = subject.chains(1, seed=3)[0]
    for prompt in (subject.short, subject.long):
        free = run_lanes(engine, lanes_of([chain], prompt))
        banned = _to_ban(text_of(free))
        (lane,) = lanes_of([chain], prompt)
        limited = replace(lane, constraints=Constraints(banned_strings=banned))
        alone = run_lanes(engine, [limited])
        assert not _found(banned, alone)
        assert len(tokens_of(alone)) == subject.length
        assert tokens_of(alone) != tokens_of(free)
        # What stands behind a place to which the lane went back was computed from its own cells.
        subject.thinks(prompt, written(alone))
        others = lanes_of(subject.chains(3), prompt)
        beside = [written(run_lanes(engine, [each])) for each in others]
        events = run_lanes(engine, [others[0], limited, *others[1:]])
        assert written(events, 1) == written(alone)
        assert [written(events, i) for i in (0, 2, 3)] == beside
        fast = run_lanes(engine, [others[0], limited], "fast")
        assert not _found(banned, fast, 1)
        for number in (0, 1):
            subject.thinks(prompt, written(fast, number), within=subject.rounding)


def _found(banned: Sequence[str], events: Sequence[Event], lane: int = 0) -> bool:
    return any(text.lower() in text_of(events, lane).lower() for text in banned)


def _to_ban(text: str) -> tuple[str, ...]:
    """Strings of several characters, so that they are mostly seen with a later token."""
    found = [text[at : at + 3] for at in range(3, len(text) - 3, 9)]
    return tuple(dict.fromkeys(each for each in found if each.strip() and "\ufffd" not in each))


def a_budget_ends_the_reasoning(subject: Subject) -> None:
    """The closing tag is forced behind so many tokens, and the model reads it."""
    engine = subject.engine
    chain = subject.chains(1)[0].with_values(n_predict=BUDGET + CLOSING)
    (free,) = lanes_of([chain], subject.short)
    limited = replace(free, tags=(THINK,), reasoning_open=True, reasoning_budget=BUDGET)
    events = run_lanes(engine, [limited])
    assert [e.reason for e in events if isinstance(e, ReasoningClosed)] == ["budget"]
    assert written(events)[:BUDGET] == written(run_lanes(engine, [free]))[:BUDGET]
    spans = [span for event in events if isinstance(event, Output) for span in event.spans]
    kinds = list(dict.fromkeys(span.kind for span in spans if span.text))
    assert kinds[0] == "reasoning"
    assert kinds[-1] == "answer"
    assert THINK.close in text_of(events)
    subject.thinks(subject.short, written(events))


def a_second_chain_draws_the_answer(subject: Subject) -> None:
    """The first one draws the thought; both remember the whole text."""
    engine = subject.engine
    thinks = subject.chains(1)[0].with_values(n_predict=BUDGET + CLOSING)
    token = subject.short[-1]
    (lane,) = lanes_of([thinks], subject.long)
    one = replace(lane, tags=(THINK,), reasoning_open=True, reasoning_budget=BUDGET)
    two = replace(one, answer_chain=SamplerChain.of([], logit_bias=[(token, 1e4)], seed=1))
    alone = written(run_lanes(engine, [two]))
    closing = written(run_lanes(engine, [one]))
    common = next(i for i, pair in enumerate(zip(alone, closing, strict=True)) if len({*pair}) > 1)
    assert common > BUDGET
    assert {found for found, _ in alone[common:]} == {token}
    subject.thinks(subject.long, alone)
    events = run_lanes(engine, [one, two, *lanes_of([thinks], subject.short)])
    assert written(events, 1) == alone
    assert written(events, 0) == closing


# ---------------------------------------------------------------- kept and run again


async def kept_and_run_again(path: Path, settings: EngineSettings, file: Path) -> None:
    """Two lanes are sent, kept, regenerated, answered again, opened again and run again.

    Args:
        file: where the history will lie.
    """
    engine = Engine(extra_buffers_safe=lambda: False)
    try:
        replies = await _first_session(engine, path, settings, file)
        await _later_session(engine, path, settings, file, replies)
    finally:
        assert engine.close(10)


async def _first_session(
    engine: Engine, path: Path, settings: EngineSettings, file: Path
) -> list[Reply]:
    history = History(file)
    session = Session(engine, history)
    try:
        await _load(session, path, settings)
        options = RunOptions(reasoning_budget=BUDGET)
        lanes = [
            LaneSetup(label, user={"seed": seed, "n_predict": 24, "ignore_eos": True})
            for label, seed in (("A", 11), ("B", 12))
        ]
        sent = began_of(
            [e async for batch in session.send("What is 2 + 3?", lanes, options) for e in batch]
        )
        replies = [history.reply(reply) for reply in sent.reply_ids]
        chat, message = sent.conversation_id, sent.message_id
        for lane, reply in zip(lanes, replies, strict=True):
            again = session.regenerate(chat, message, lane, options)
            (found,) = began_of([e async for batch in again for e in batch]).reply_ids
            assert _content(history.reply(found)) == _content(reply)
        for reasoning in ("Two and three are five.", None):
            if reasoning is None and replies[0].reasoning is None:
                continue  # a prompt that opens no reasoning: there is nothing to keep
            again = session.answer_again(
                chat, replies[0].id, lanes[:1], options, reasoning=reasoning, times=2
            )
            one, two = began_of([e async for batch in again for e in batch]).reply_ids
            answered = history.reply(one)
            if reasoning is None:
                count = thought_tokens(replies[0])
                assert answered.tokens[:count] == replies[0].tokens[:count]
            else:
                count = 1
                assert reasoning in str(answered.reasoning)
            # What was given is no part of the 24. They need not be an answer: a model may open
            # its reasoning again.
            assert len(answered.tokens) >= count + 24
            seeds = [history.reply(reply).sampling["seed"] for reply in (one, two)]
            assert seeds == [11, 12]
        return [
            history.reply(reply.id)
            for branch in history.load(chat).messages
            for reply in branch.replies
        ]
    finally:
        history.close()


async def _later_session(
    engine: Engine, path: Path, settings: EngineSettings, file: Path, replies: Sequence[Reply]
) -> None:
    history = History(file)
    session = Session(engine, history)
    try:
        again = [history.reply(reply.id) for reply in replies]
        assert [_content(reply) for reply in again] == [_content(reply) for reply in replies]
        await _load(session, path, settings)
        for reply in again:
            result = await run_stored(session, [stored_lane(reply)])
            assert result.changed == ()
            assert result.reproduced, result.lanes
        together = await run_stored(session, [stored_lane(reply) for reply in again[:2]])
        assert together.reproduced
    finally:
        history.close()


async def _load(session: Session, path: Path, settings: EngineSettings) -> None:
    async for _ in session.load(path, settings):
        pass


def _content(reply: Reply) -> str:
    """All of it; as text, since what was given has no number for a probability."""
    return repr((reply.text, reply.tokens, reply.probabilities, reply.ends, reply.reasoning))
