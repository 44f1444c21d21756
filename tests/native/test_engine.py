"""The engine's life on a tiny real model: loading what can be loaded, ending, not growing."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from qwqdesk.conversation import Mode
from qwqdesk.engine.engine import Engine, LoadRequest
from qwqdesk.engine.events import (
    LaneRequest,
    Loaded,
    LoadProgress,
    Output,
    PrefillProgress,
    RunRequest,
    RunStarted,
)
from qwqdesk.engine.llama_library import LlamaLibrary
from qwqdesk.errors import UserError
from qwqdesk.pipe import Stream
from qwqdesk.sampling.chain import SamplerChain
from tests.native.conftest import SETTINGS
from tests.native.driving import drain, ends_of, lanes_of, run_lanes, tokens_of
from tests.tiny_model import EOS, VOCABULARY

Load = Callable[[str], Engine]
PROMPT = tuple(range(40, 60))
GREEDY = SamplerChain.of([], seed=1, n_predict=3, ignore_eos=True)
ENDLESS = GREEDY.with_values(n_predict=-1)
MODES: tuple[Mode, ...] = ("exact", "fast")
RUNS = [(mode, count) for mode in MODES for count in (4, 1)]


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine of this test alone."""
    engine = Engine(extra_buffers_safe=lambda: False)
    yield engine
    assert engine.close()


def usable(engine: Engine, models: dict[str, Path]) -> bool:
    """Whether a good model loads and writes."""
    drain(engine.load(LoadRequest(models["F16"], SETTINGS)))
    return len(tokens_of(run_lanes(engine, lanes_of([GREEDY], PROMPT)))) == 3


# ---------------------------------------------------------------- loading


def test_a_loaded_model_says_what_it_is_and_what_the_context_has(
    shared_engine: Engine, models: dict[str, Path]
) -> None:
    asked = replace(SETTINGS, n_ctx=1000, n_ubatch=64, type_k="q8_0", flash_attn="on")
    events = drain(shared_engine.load(LoadRequest(models["Q8_0"], asked, notes=("a note",))))
    assert shared_engine.state == "ready"
    loaded = events[-1]
    assert isinstance(loaded, Loaded)
    assert isinstance(events[0], LoadProgress)
    assert (loaded.model.architecture, loaded.model.n_vocab) == ("qwen2", VOCABULARY)
    assert (loaded.model.n_layer, loaded.model.n_ctx_train) == (2, 8192)
    assert loaded.model.eos_token == "<|im_end|>"
    assert loaded.model.chat_template is not None
    found = loaded.engine
    # llama.cpp rounds a context up to 256; what it has is reported beside what was asked.
    assert (loaded.settings.n_ctx, found.n_ctx) == (1000, 1024)
    assert (found.n_ubatch, found.type_k, found.flash_attn, found.n_threads) == (
        64,
        "q8_0",
        "on",
        1,
    )
    assert found.use_extra_bufts is False
    assert any(device.kind == "cpu" and device.total > 0 for device in found.devices)
    assert loaded.notes == ("a note",)


def test_every_context_of_a_run_has_what_was_asked_for_each_lane(load: Load) -> None:
    engine = load("F16")
    for mode, count in RUNS:
        events = run_lanes(engine, lanes_of([GREEDY] * count, PROMPT), mode)
        started = next(event for event in events if isinstance(event, RunStarted))
        assert started.engine.n_ctx == 1536


def _damaged(models: dict[str, Path], folder: Path, kind: str) -> Path:
    data = models["F16"].read_bytes()
    path = folder / f"{kind}.gguf"
    if kind == "missing":
        return path
    changed = {
        "empty": b"",
        "truncated": data[: len(data) // 2],
        "cut in the header": data[:2000],
        "not gguf": b"hello" * 1000,
        "unknown architecture": data.replace(b"qwen2", b"qwen9"),
        "a tensor too few": data.replace(b"output_norm.weight", b"output_mist.weight"),
        "no vocabulary": data.replace(b"tokenizer.ggml.model", b"tokenizer.ggml.modem"),
        "a wrong head count": data.replace(
            b"head_count\x04\0\0\0\x02", b"head_count\x04\0\0\0\x05"
        ),
    }[kind]
    path.write_bytes(changed)
    return path


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("missing", "No such file"),
        ("empty", ""),
        ("truncated", "truncated or damaged"),
        ("cut in the header", ""),
        ("not gguf", ""),
        ("unknown architecture", "qwen9"),
        ("a tensor too few", "output_norm.weight"),
        ("no vocabulary", "tokenizer.ggml.model"),
        ("a wrong head count", "wrong shape"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_refused_in_words(
    shared_engine: Engine, models: dict[str, Path], tmp_path: Path, kind: str, why: str
) -> None:
    path = _damaged(models, tmp_path, kind)
    with pytest.raises(UserError) as caught:
        drain(shared_engine.load(LoadRequest(path, SETTINGS)))
    assert caught.value.code == "load"
    assert path.name in caught.value.what
    assert why in caught.value.what
    assert caught.value.what_to_do
    assert shared_engine.state == "empty"
    assert usable(shared_engine, models)


def test_without_llama_cpp_python_loading_says_so(models: dict[str, Path]) -> None:
    def missing() -> LlamaLibrary:
        raise UserError("The inference engine could not be loaded.", "Install it.", code="engine")

    engine = Engine(extra_buffers_safe=lambda: True, make_library=missing)
    for _ in range(2):
        with pytest.raises(UserError, match="could not be loaded"):
            drain(engine.load(LoadRequest(models["F16"], SETTINGS)))
    with pytest.raises(UserError, match="could not be loaded"):
        drain(engine.devices())
    assert engine.close()


def test_a_load_can_be_cancelled(engine: Engine, models: dict[str, Path]) -> None:
    stream = engine.load(LoadRequest(models["F16"], SETTINGS, quantized=False))
    stream.cancel()

    def probe() -> bool:  # runs on the engine's thread, just before the file is read
        in_load.cancel()
        return False

    cancelled = Engine(extra_buffers_safe=probe)
    in_load = cancelled.load(LoadRequest(models["Q8_0"], SETTINGS, quantized=True))
    with pytest.raises(UserError) as caught:
        drain(in_load)
    assert caught.value.code == "cancelled"
    assert usable(cancelled, models)
    assert cancelled.close()
    assert usable(engine, models)


def test_only_quantized_models_ask_for_the_probe(models: dict[str, Path]) -> None:
    asked: list[str] = []

    def probe() -> bool:
        asked.append("asked")
        return False

    engine = Engine(extra_buffers_safe=probe)
    drain(engine.load(LoadRequest(models["F16"], SETTINGS, quantized=False)))
    assert asked == []
    drain(engine.load(LoadRequest(models["Q8_0"], SETTINGS, quantized=True)))
    assert asked == ["asked"]
    assert engine.close()


def test_a_probe_that_refuses_leaves_the_engine_usable(models: dict[str, Path]) -> None:
    refusals = [UserError("Quantized models crash here.", "Use F16.", code="engine")]

    def probe() -> bool:
        raise refusals[0]

    engine = Engine(extra_buffers_safe=probe)
    with pytest.raises(UserError, match="crash here"):
        drain(engine.load(LoadRequest(models["Q8_0"], SETTINGS, quantized=True)))
    drain(engine.load(LoadRequest(models["F16"], SETTINGS, quantized=False)))
    assert engine.state == "ready"
    assert engine.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"type_k": "q4_0", "type_v": "q8_0"},
        {"n_batch": 16, "n_ubatch": 16},
        {"n_batch": 1, "n_ubatch": 1},  # fewer than the lanes of one fast batch
        {"n_ubatch": 4096, "n_batch": 64},
        {"n_ctx": 1},
        {"rope_scaling": "yarn", "yarn_orig_ctx": 512, "rope_freq_scale": 0.25},
        {"use_mmap": False, "n_threads_batch": 1},
        {"override_kv": (("qwen2.context_length", 4096), ("qwen2.rope.scaling.type", "yarn"))},
    ],
)
def test_unusual_engine_settings_work_in_both_modes(
    shared_engine: Engine, models: dict[str, Path], settings: dict[str, Any]
) -> None:
    drain(shared_engine.load(LoadRequest(models["F16"], replace(SETTINGS, **settings))))
    for mode, count in RUNS:
        events = run_lanes(shared_engine, lanes_of([GREEDY] * count, PROMPT), mode)
        assert len(tokens_of(events, count - 1)) == 3


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"type_v": "q4_0", "flash_attn": "off"}, "flash_attn"),
        ({"override_kv": (("qwen2.attention.head_count", 0),)}, ""),
        ({"override_kv": (("qwen2.block_count", 3),)}, "blk.2"),
    ],
)
def test_impossible_engine_settings_are_refused_in_words(
    shared_engine: Engine, models: dict[str, Path], settings: dict[str, Any], why: str
) -> None:
    with pytest.raises(UserError) as caught:
        drain(shared_engine.load(LoadRequest(models["F16"], replace(SETTINGS, **settings))))
    assert why in caught.value.what
    assert usable(shared_engine, models)


# ---------------------------------------------------------------- running


def test_without_a_model_requests_are_refused_in_words(engine: Engine) -> None:
    requests: list[Stream[Any]] = [
        engine.run(RunRequest(lanes_of([GREEDY], PROMPT))),
        engine.tokenize("x"),
        engine.chain_names(GREEDY),
    ]
    for stream in requests:
        with pytest.raises(UserError, match="No model"):
            drain(stream)


def test_a_prompt_longer_than_the_context_is_refused_with_both_numbers(load: Load) -> None:
    engine = load("F16")
    for count in (1536, 5000):
        with pytest.raises(UserError) as caught:
            run_lanes(engine, lanes_of([GREEDY], [7] * count))
        assert caught.value.code == "prompt_too_long"
        assert f"{count:,}" in caught.value.what
        assert "1,536" in caught.value.what
    assert len(tokens_of(run_lanes(engine, lanes_of([GREEDY], [7] * 1535)))) == 1


def test_a_full_context_is_an_end_and_no_error(load: Load) -> None:
    engine = load("F16")
    for mode in MODES:
        lanes = lanes_of([ENDLESS, GREEDY, ENDLESS.with_seed(2)], [7] * 1500)
        events = run_lanes(engine, lanes, mode)
        ends = ends_of(events)
        assert [end.reason for end in ends] == ["length"] * 3
        assert "context full" in str(ends[0].detail)
        assert len(tokens_of(events)) == 36
        assert len(tokens_of(events, 1)) == 3


def test_the_model_may_end_by_itself(load: Load) -> None:
    engine = load("F16")
    chain = SamplerChain.of([], seed=1, logit_bias=[(EOS, 100.0)])
    events = run_lanes(engine, lanes_of([chain], PROMPT))
    assert [(end.reason, end.detail) for end in ends_of(events)] == [("stop", None)]
    assert tokens_of(events) == []


def test_cancelling_ends_within_a_step(load: Load) -> None:
    engine = load("F16")
    stream = engine.run(RunRequest(lanes_of([ENDLESS] * 4, PROMPT)))
    events = list(stream.wait_batch(30) or [])
    while not any(isinstance(event, Output) for event in events):
        events += stream.wait_batch(30) or []
    began = time.monotonic()
    stream.cancel()
    events += drain(stream)
    assert time.monotonic() - began < 1
    assert [end.reason for end in ends_of(events)] == ["cancelled"] * 4


def test_a_run_that_was_cancelled_before_it_began_does_not_run(load: Load) -> None:
    engine = load("F16")
    first = engine.run(RunRequest(lanes_of([ENDLESS], PROMPT)))
    second = engine.run(RunRequest(lanes_of([ENDLESS], PROMPT)))
    second.cancel()
    first.cancel()
    drain(first)
    assert drain(second) == []


def test_the_prompts_of_a_model_without_bos_are_tokenized_as_they_are(load: Load) -> None:
    engine = load("F16")
    text = "<|im_start|>user\nhi 딸기<|im_end|>\n"
    (tokens,) = drain(engine.tokenize(text))
    assert tokens[0] == VOCABULARY - 4
    assert tokens.count(EOS) == 1
    assert bytes(t for t in tokens if t < 256).decode() == "user\nhi 딸기\n"
    assert drain(engine.tokenize("")) == [()]
    assert len(drain(engine.tokenize("\ud800 lone surrogate"))) == 1


@pytest.mark.parametrize("text", ["<think>", "\n", "a", "hello world "])
def test_a_prompt_of_ten_megabytes_is_refused_at_once(load: Load, text: str) -> None:
    engine = load("F16")
    began = time.monotonic()
    with pytest.raises(UserError) as caught:
        drain(engine.tokenize(text * (10_000_000 // len(text))))
    assert time.monotonic() - began < 3
    assert caught.value.code == "prompt_too_long"
    assert "1,536" in caught.value.what


def test_names_of_a_chain_with_unlimited_last_n_cost_no_memory(load: Load) -> None:
    chain = SamplerChain.of(
        repeat_last_n=2**31 - 1, repeat_penalty=1.1, dry_penalty_last_n=-1, dry_multiplier=0.5
    )
    (names,) = drain(load("F16").chain_names(chain))
    assert names[:2] == ("penalties", "dry")


def test_lanes_share_no_cache_where_that_would_change_the_rope_factors(
    shared_engine: Engine, models: dict[str, Path]
) -> None:
    """llama.cpp chooses LongRoPE's factors by the whole cache; the lanes' own context counts."""

    def unified(up_to: int, lanes: int) -> bool:
        request = LoadRequest(models["F16"], SETTINGS, short_factors_up_to=up_to)
        drain(shared_engine.load(request))
        events = run_lanes(shared_engine, lanes_of([GREEDY] * lanes, range(40, 60)), "fast")
        started = next(event for event in events if isinstance(event, RunStarted))
        assert started.engine.n_ctx == SETTINGS.n_ctx
        return bool(started.engine.extra["kv_unified"])

    assert unified(0, 2)
    assert unified(SETTINGS.n_ctx - 1, 2)  # the long factors either way
    assert unified(4 * SETTINGS.n_ctx, 4)  # the short factors either way
    assert unified(SETTINGS.n_ctx, 1)
    assert not unified(SETTINGS.n_ctx, 2)
    prompt = tuple(range(40, 60))
    first = run_lanes(shared_engine, lanes_of([GREEDY] * 2, prompt), "fast")
    follow_up = (*prompt, *tokens_of(first), 50, 51)
    second = run_lanes(shared_engine, lanes_of([GREEDY] * 2, follow_up), "fast")
    progress = next(event for event in second if isinstance(event, PrefillProgress))
    assert progress.done >= len(prompt) + len(tokens_of(first)) - 1
    # An exact run in between uses the same context: nothing of it is taken for the lanes' own.
    exact = run_lanes(shared_engine, lanes_of([GREEDY] * 2, follow_up))
    again = run_lanes(shared_engine, lanes_of([GREEDY] * 2, prompt), "fast")
    assert tokens_of(again)[0] == tokens_of(first)[0]
    assert tokens_of(second)[0] == tokens_of(exact)[0]


def test_fast_mode_reuses_the_prompt_of_the_last_turn(load: Load) -> None:
    engine = load("F16")
    prompt = [number % 250 for number in range(1000)]
    first = run_lanes(engine, lanes_of([GREEDY], prompt), "fast")
    follow_up = [*prompt, *tokens_of(first), EOS, 65, 66]
    second = run_lanes(engine, lanes_of([GREEDY], follow_up), "fast")
    assert ends_of(second)[0].timing.prefill_s < ends_of(first)[0].timing.prefill_s / 2
    times = engine.run_times()
    assert 0 < times.decode_s + times.sample_s <= times.whole_s
    assert 0 < times.native_share <= 1
    cold = run_lanes(engine, lanes_of([GREEDY], follow_up))
    assert len(tokens_of(cold)) == len(tokens_of(second)) == 3


# ---------------------------------------------------------------- ending


def test_closing_while_four_lanes_stream_takes_less_than_three_seconds(
    models: dict[str, Path],
) -> None:
    engine = Engine(extra_buffers_safe=lambda: False)
    drain(engine.load(LoadRequest(models["F16"], SETTINGS)))
    running = engine.run(RunRequest(lanes_of([ENDLESS] * 4, PROMPT)))
    assert running.wait_batch(30)
    queued = [engine.run(RunRequest(lanes_of([ENDLESS], PROMPT))) for _ in range(3)]
    began = time.monotonic()
    assert engine.close()
    assert time.monotonic() - began < 3
    assert [end.reason for end in ends_of(drain(running))] == ["cancelled"] * 4
    for stream in queued:
        with pytest.raises(UserError, match="ended"):
            drain(stream)


def test_after_closing_every_request_is_refused_in_words(models: dict[str, Path]) -> None:
    engine = Engine(extra_buffers_safe=lambda: False)
    assert engine.close()
    assert engine.close()
    assert engine.state == "closed"
    requests: list[Stream[Any]] = [
        engine.load(LoadRequest(models["F16"], SETTINGS)),
        engine.run(RunRequest(lanes_of([GREEDY], PROMPT))),
        engine.tokenize("x"),
        engine.devices(),
        engine.unload(),
    ]
    for stream in requests:
        with pytest.raises(UserError, match="ended"):
            drain(stream)


def test_unloading_frees_the_model_and_needs_none(engine: Engine, models: dict[str, Path]) -> None:
    drain(engine.unload())
    drain(engine.load(LoadRequest(models["F16"], SETTINGS)))
    drain(engine.unload())
    assert engine.state == "empty"
    with pytest.raises(UserError, match="No model"):
        drain(engine.tokenize("x"))
    assert usable(engine, models)


# ---------------------------------------------------------------- not growing

CYCLES = 30
MEGABYTE = 1 << 20


def _resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def _growth(cycle: Callable[[int], None]) -> int:
    """Bytes by which the process grew over `CYCLES`, after a warm-up."""
    for number in range(6):
        cycle(number)
    before = _resident()
    for number in range(CYCLES):
        cycle(number)
    return _resident() - before


def test_cycles_of_running_and_cancelling_do_not_grow(load: Load) -> None:
    engine = load("F16")
    chain = SamplerChain.of(
        seed=1, n_predict=4, repeat_penalty=1.1, dry_multiplier=0.5, xtc_probability=0.5
    )

    def cycle(number: int) -> None:
        lanes = lanes_of([chain.with_seed(seed) for seed in range(4)], PROMPT)
        stream = engine.run(RunRequest(lanes, MODES[number % 2]))
        if number % 3:
            stream.cancel()
        drain(stream)

    # A context for four lanes has 6 MiB of cache here: one leaked a cycle would be 180 MiB.
    assert _growth(cycle) < 24 * MEGABYTE


def test_cycles_of_loading_and_unloading_do_not_grow(
    shared_engine: Engine, models: dict[str, Path], tmp_path: Path
) -> None:
    broken = _damaged(models, tmp_path, "a tensor too few")
    settings = replace(SETTINGS, use_mmap=False)

    def cycle(number: int) -> None:
        drain(shared_engine.load(LoadRequest(models["F16"], settings)))
        if number % 3 == 0:
            run_lanes(shared_engine, [_lane()])
        if number % 5 == 0:
            with pytest.raises(UserError):
                drain(shared_engine.load(LoadRequest(broken, settings)))
        else:
            drain(shared_engine.unload())

    assert _growth(cycle) < 24 * MEGABYTE


def _lane() -> LaneRequest:
    return LaneRequest("A", GREEDY, PROMPT)


def test_which_texts_are_one_token_and_end_a_generation(load: Load) -> None:
    engine = load("F16")
    (found,) = drain(engine.token_ends(["<|im_end|>", "<|im_start|>", "<end_of_turn>", ""]))
    assert found == {"<|im_end|>": True, "<|im_start|>": False}
