"""A number that is no token of the model is refused in words wherever native code would take it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from qwqdesk.engine.engine import Engine
from qwqdesk.engine.events import FrozenThought, LaneRequest
from qwqdesk.engine.llama import LlamaContext, LlamaModel
from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from tests.native.driving import run_lanes, tokens_of
from tests.tiny_model import VOCABULARY

LAST = VOCABULARY - 1
OUTSIDE = (-1, -(2**31), VOCABULARY, 2**31 - 1, 2**31, 2**32 + 5, 2**70)
REMEMBERING = SamplerChain.of(repeat_penalty=1.3, dry_multiplier=0.5, top_k=1, seed=1)


@pytest.fixture
def context(native_model: LlamaModel) -> Iterator[LlamaContext]:
    with contextlib.closing(
        LlamaContext(native_model, streams=1, lanes=1, unified=False)
    ) as context:
        yield context


def uses(model: LlamaModel, context: LlamaContext) -> dict[str, Callable[[int], object]]:
    """Everything at the native boundary that takes a token's number."""

    def accept(token: int) -> None:
        with contextlib.closing(model.chain(REMEMBERING)) as chain:
            chain.accept([5, token])

    def grammar(token: int, *, clone: bool = False) -> bool:
        with contextlib.closing(model.grammar("root ::= [^z]*")) as made:
            if not clone:
                return made.fits(token)
            with contextlib.closing(made.clone()) as other:
                if other.fits(min(max(token, 0), LAST)) or token > LAST:
                    other.accept(token)
                return True

    def draw(token: int) -> int:
        context.clear()
        context.prefill(0, [5], 0, last=True)
        with contextlib.closing(model.chain(REMEMBERING)) as chain:
            return context.sample_within(
                chain, 0, grammar=None, free=lambda _token: True, banned={token}
            )

    def decode(token: int) -> None:
        context.clear()
        context.decode([(0, token, 0)], outputs=False)

    def prefill(token: int) -> None:
        context.clear()
        context.prefill(0, [5, token], 0, last=True)

    return {
        "piece": model.piece,
        "is_end": model.is_end,
        "is_special": model.is_special,
        "accept": accept,
        "grammar fits": grammar,
        "grammar accept": lambda token: grammar(token, clone=True),
        "decode": decode,
        "prefill": prefill,
        "banned": draw,
    }


NAMES = ("piece", "is_end", "is_special", "accept", "decode", "prefill", "banned",
         "grammar fits")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_boundary_refuses_what_is_no_token(
    name: str, native_model: LlamaModel, context: LlamaContext
) -> None:
    use = uses(native_model, context)[name]
    for token in (0, LAST):
        use(token)
    for token in OUTSIDE:
        with pytest.raises(UserError, match=f"token {token}:") as caught:
            use(token)
        assert caught.value.code == "token"
    use(LAST)  # and goes on


def test_a_grammar_does_not_accept_what_is_no_token(
    native_model: LlamaModel, context: LlamaContext
) -> None:
    use = uses(native_model, context)["grammar accept"]
    for token in (VOCABULARY, 2**31, 2**70):
        with pytest.raises(UserError, match=f"token {token}:"):
            use(token)


@pytest.mark.parametrize("token", OUTSIDE)
@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_a_run_is_refused_and_the_engine_stays_usable(
    token: int, mode: str, load: Callable[[str], Engine]
) -> None:
    engine = load("F16")
    chain = SamplerChain.of(top_k=1, seed=1, n_predict=3)
    good = LaneRequest("A", chain, (5, LAST), loop_guard="off")
    bad = (
        LaneRequest("B", chain, (5, token), loop_guard="off"),
        LaneRequest("B", chain, (5,), loop_guard="off", thought=FrozenThought((5, token))),
    )
    for lane in bad:
        with pytest.raises(UserError) as caught:
            run_lanes(engine, [good, lane], mode)  # type: ignore[arg-type]
        assert caught.value.code == "token"
        assert engine.state == "ready"
    assert len(tokens_of(run_lanes(engine, [good], mode))) == 3  # type: ignore[arg-type]


def test_biases_beside_the_vocabulary_change_nothing(load: Callable[[str], Engine]) -> None:
    engine = load("F16")
    plain = SamplerChain.of(top_k=1, seed=1, n_predict=5)
    beside = plain.with_values(logit_bias=tuple((token, 5.0) for token in (VOCABULARY, 2**31 - 1)))
    first, second = (
        tokens_of(run_lanes(engine, [LaneRequest("A", chain, (5, 6), loop_guard="off")]))
        for chain in (plain, beside)
    )
    assert first == second


def test_a_grammar_that_names_a_token_by_a_number_beside_the_vocabulary_is_refused(
    native_model: LlamaModel,
) -> None:
    for number in (VOCABULARY, 2**31, 2**40):
        with pytest.raises(UserError) as caught:
            native_model.grammar(f"root ::= <[{number}]>")
        assert caught.value.code == "grammar"
