"""Grammar, banned strings and biases by text in the decoding loop, on a scripted context."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qwqdesk.conversation import Mode
from qwqdesk.engine.banned import BannedStrings
from qwqdesk.engine.events import BiasesFound, LaneRequest
from qwqdesk.sampling.constraints import Constraints, TextBias
from tests.fakes import CLOSE, END, OPEN, FakeContext, FakeModel, ids
from tests.unit.engine.decode_runner import PROMPT, Runner, lane

YES_NO = Constraints(grammar='root ::= "yes" | "no"')
MODES: tuple[Mode, ...] = ("exact", "fast")


def limited(limits: Constraints, request: LaneRequest) -> LaneRequest:
    return replace(request, constraints=limits)


def script(*parts: str | int | tuple[int, ...]) -> list[int | tuple[int, ...]]:
    """Tokens: a text is a token for each byte, a tuple says what is drawn if the first may not."""
    found: list[int | tuple[int, ...]] = []
    for part in parts:
        if isinstance(part, str):
            found.extend(ids(part))
        else:
            found.append(part)
    return found


def either(*texts: str) -> tuple[int, ...]:
    return tuple(ids(text)[0] for text in texts)


def run(limits: Constraints, *parts: str | int | tuple[int, ...], **values: object) -> Runner:
    runner = Runner(model=FakeModel({1: script(*parts)}))
    runner.run(limited(limits, lane(1, **values)))  # type: ignore[arg-type]
    return runner


# ---------------------------------------------------------------- grammar


@pytest.mark.parametrize("mode", MODES)
def test_every_token_fits_the_grammar(mode: Mode) -> None:
    runner = Runner(model=FakeModel({1: script(either("m", "n"), either("a", "o"))}))
    runner.run(limited(YES_NO, lane(1)), mode=mode)
    assert runner.text(0) == "no"
    assert runner.ends()[0].reason == "stop"
    assert all(grammar.closed for grammar in runner.model.grammars)


def test_a_grammar_holds_behind_the_reasoning_only() -> None:
    runner = run(YES_NO, "well", CLOSE, either("\n", "y"), "es", thinking=True)
    assert runner.text(0) == "well</think>yes"


def test_a_model_may_still_open_its_reasoning() -> None:
    runner = run(YES_NO, OPEN, "hm", CLOSE, "no", tags=True)
    assert runner.text(0) == "<think>hm</think>no"


def test_without_reasoning_the_first_token_must_fit() -> None:
    runner = run(YES_NO, either("m", "n"), "o", tags=True)
    assert runner.text(0) == "no"


def test_in_a_raw_prompt_a_grammar_holds_from_the_first_token() -> None:
    whole = replace(YES_NO, from_first_token=True)
    runner = run(whole, either("w", "n"), "o", thinking=True)
    assert runner.text(0) == "no"


def test_the_answers_own_chain_draws_within_the_grammar() -> None:
    model = FakeModel({1: script("hm", CLOSE, "zzz"), 2: script(either("x", "y"), "es")})
    runner = Runner(model=model)
    runner.run(limited(YES_NO, lane(1, thinking=True, answer=2)))
    assert runner.text(0) == "hm</think>yes"


def test_a_lane_ends_where_nothing_fits_and_others_go_on() -> None:
    model = FakeModel({1: script("nq"), 2: script("free")})
    runner = Runner(model=model)
    runner.run(limited(YES_NO, lane(1)), lane(2))
    assert runner.ends()[0].reason == "error"
    assert runner.text(1) == "free"
    assert runner.ends()[1].reason == "stop"


def test_a_grammar_that_is_done_ends_the_lane() -> None:
    runner = run(YES_NO, "no", ids("x")[0])
    assert (runner.text(0), runner.ends()[0].reason) == ("no", "stop")


# ---------------------------------------------------------------- banned strings

BANNED = Constraints(banned_strings=("delve", "tapestry"))


@pytest.mark.parametrize("mode", MODES)
def test_a_banned_string_is_taken_back_and_drawn_anew(mode: Mode) -> None:
    model = FakeModel(
        {1: script("to ", either("d", "l"), either("e", "o"), either("l", "o"), "vek")}
    )
    runner = Runner(model=model)
    runner.run(limited(BANNED, lane(1)), mode=mode)
    # "delve" is complete, so the lane goes back to the d, and draws l instead; then "elve" is fine.
    assert runner.text(0) == "to lelvek"
    assert runner.context.cells[runner_sequence(runner)][: len(PROMPT)] == tuple(PROMPT)
    assert runner.ends()[0].usage.answer_tokens == len("to lelvek")


def runner_sequence(runner: Runner) -> int:
    return next(iter(runner.context.cells))


def test_random_numbers_go_on_after_going_back() -> None:
    runner = run(BANNED, "to ", either("d", "l"), "elve")
    chains = [chain for made in runner.model.chains for chain in (made, *made.made)]
    assert {chain.skipped for chain in chains} >= {5}


def test_text_that_may_become_banned_is_held_back() -> None:
    model = FakeModel({1: script("ta", "pe.")})
    context = FakeContext()
    runner = Runner(context, model)
    shown: list[str] = []
    context.before_call = lambda _number: shown.append(runner.text(0))
    runner.run(limited(BANNED, lane(1)))
    assert "tape" not in shown
    assert runner.text(0) == "tape."


def test_what_is_held_is_shown_when_the_lane_ends() -> None:
    assert run(BANNED, "a tapest").text(0) == "a tapest"
    limit = run(BANNED, "a tapestry", n_predict=6)
    assert (limit.text(0), limit.ends()[0].reason) == ("a tape", "length")


def test_a_cancelled_lane_keeps_what_was_held() -> None:
    context = FakeContext()
    runner = Runner(context, FakeModel({1: script("tapestr")}))

    def stop(number: int) -> None:
        if number == 5:
            runner.stopped.add(None)

    context.before_call = stop
    runner.run(limited(BANNED, lane(1)))
    assert (runner.text(0), runner.ends()[0].reason) == ("tapes", "cancelled")


def test_letters_match_in_either_case_and_characters_across_tokens() -> None:
    limits = Constraints(banned_strings=("été",))
    first, *rest = ids("été")
    runner = run(limits, "x", (first, ids("o")[0]), *rest)
    assert "été" not in runner.text(0)
    runner = run(BANNED, (ids("D")[0], ids("-")[0]), "ELVE")
    assert runner.text(0) == "-ELVE"


def test_reasoning_may_say_it_unless_asked_otherwise() -> None:
    parts = (either("d", "x"), "elve", CLOSE, "ok")
    assert run(BANNED, *parts, thinking=True).text(0) == "delve</think>ok"
    strict = replace(BANNED, ban_in_reasoning=True)
    assert run(strict, *parts, thinking=True).text(0) == "xelve</think>ok"


def test_what_closed_the_reasoning_can_begin_a_banned_string() -> None:
    ends = "</think>\n\n"
    banned = Constraints(banned_strings=("\nThe",))
    runner = run(banned, "hm", either("T", "A"), "he", thinking=True, budget=2)
    assert runner.text(0) == f"hm\n{ends}Ahe"


def test_when_everything_is_banned_the_lane_ends_in_words() -> None:
    runner = run(Constraints(banned_strings=("a",)), "a")
    end = runner.ends()[0]
    assert end.reason == "error"
    assert end.detail


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("goes_back", [0, 3, 200])
def test_a_memory_that_cannot_be_cut_is_brought_back_and_reads_again(
    mode: Mode, goes_back: int
) -> None:
    """The same tokens as with one that can be cut, and the lane beside notices nothing."""

    def run(context: FakeContext) -> Runner:
        parts = ("a del to ", either("d", "l"), either("e", "o"), either("l", "o"), "ve", "k tapes")
        runner = Runner(context, FakeModel({1: script(*parts), 2: script("free and alone")}))
        runner.run(limited(BANNED, lane(1)), lane(2), mode=mode)
        return runner

    plain, found = run(FakeContext()), run(FakeContext(goes_back=goes_back))
    assert [found.text(number) for number in (0, 1)] == ["a del to lelvek tapes", "free and alone"]
    assert found.tokens(0) == plain.tokens(0)
    assert [each for each in found.context.log if each[0] == "sample"] == [
        each for each in plain.context.log if each[0] == "sample"
    ]
    back = [each for each in found.context.log if each[0] == "bring back"]
    assert len(back) == (goes_back < 5), "a window that is long enough is cut"
    assert not any(each[0] == "keep" for each in plain.context.log)


def test_states_are_kept_only_where_a_string_may_begin() -> None:
    runner = Runner(FakeContext(goes_back=0), FakeModel({1: script("no such word, not one")}))
    runner.run(limited(Constraints(banned_strings=("xyz",)), lane(1)))
    assert not any(each[0] == "keep" for each in runner.context.log)


def test_few_states_are_kept_however_long_a_string_stays_possible() -> None:
    """What lies between is decoded again, so that no state is needed for each token."""
    text = "a" * 300
    runner = Runner(FakeContext(goes_back=0), FakeModel({1: script(text, "c")}))
    runner.run(limited(Constraints(banned_strings=("a" * 40 + "b",)), lane(1)))
    assert runner.text(0) == text + "c"
    kept = [each for each in runner.context.log if each[0] == "keep"]
    assert 300 // 42 - 1 <= len(kept) <= 300 // 41 + 1


def test_going_back_far_in_a_long_possible_string() -> None:
    banned = "a" * 40 + "b"

    def run(context: FakeContext) -> Runner:
        body = [either("a", "c")] * 100 + [either("b", "c")]
        runner = Runner(context, FakeModel({1: script(*body)}))
        runner.run(limited(Constraints(banned_strings=(banned,)), lane(1)))
        return runner

    assert run(FakeContext(goes_back=0)).tokens(0) == run(FakeContext()).tokens(0)


def test_grammar_and_banned_strings_hold_together() -> None:
    limits = Constraints(grammar='root ::= "now" | "nor"', banned_strings=("now",))
    end = ids("w") + ids("r")
    runner = run(limits, "no", end)
    # Going back bans the n, with which both begin: nothing is left that the grammar allows.
    assert runner.ends()[0].reason == "error"


@given(
    st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=3),
    st.integers(0, 2**31 - 1),
    st.sampled_from(MODES),
)
@example(["bab"], 93, "exact")  # what was let go, and what came after going back, matched
@settings(deadline=None)
def test_no_banned_string_is_ever_written(strings: list[str], seed: int, mode: Mode) -> None:
    pieces = {10 + i: text for i, text in enumerate([b"a", b"b", b"ab", b"ba", b"c"])}
    model = FakeModel(
        {seed: [(*(10 + (seed + i * j) % 5 for j in range(9)), 14) for i in range(30)]}, pieces
    )
    runner = Runner(model=model)
    limits = Constraints(banned_strings=tuple(strings))
    runner.run(limited(limits, lane(seed, n_predict=20)), mode=mode)
    text = "".join(model.piece(token).decode() for token in runner.tokens(0))
    assert not any(banned in text for banned in strings)
    assert runner.text(0) == text
    chains = [chain for made in model.chains for chain in (made, *made.made)]
    assert all(chain.closed for chain in chains)


@given(st.lists(st.binary(min_size=1, max_size=4), max_size=4), st.binary(max_size=12))
def test_what_may_become_banned_is_never_let_go(strings: list[bytes], text: bytes) -> None:
    banned = BannedStrings([data.decode("latin-1") for data in strings])
    lower = text.lower()
    known = [data.decode("latin-1").encode().lower() for data in strings]
    place = banned.possible(text)
    assert all(
        not data.startswith(lower[at:]) or data == lower[at:]
        for data in known
        for at in range(place)
    )
    found = banned.found(text)
    places = [lower.find(data) for data in known if data in lower]
    assert found == (min(places) if places else None)


# ---------------------------------------------------------------- biases by text


def test_a_bias_by_text_is_on_its_tokens_with_and_without_a_blank() -> None:
    limits = Constraints(text_biases=(TextBias("hi", -5.0), TextBias("!", -math.inf)))
    runner = run(limits, "ok")
    assert set(runner.model.chains[0].biases) == {
        *((token, -5.0) for token in ids("hi")),
        (ids("!")[0], -math.inf),
    }
    [found] = [event for event in runner.events if isinstance(event, BiasesFound)]
    assert [bias.text for bias in found.biases] == ["hi", "!"]
    assert [token.text for token in found.biases[0].tokens] == ["h", "i"]


def test_both_chains_have_the_biases() -> None:
    model = FakeModel({1: script("x", CLOSE), 2: script("ok", END)})
    runner = Runner(model=model)
    limits = Constraints(text_biases=(TextBias("q", 1.0),))
    runner.run(limited(limits, lane(1, thinking=True, answer=2)))
    assert [chain.biases for chain in model.chains] == [((ids("q")[0], 1.0),)] * 2
