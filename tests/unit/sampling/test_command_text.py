"""Pasted command lines and the text of a lane."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.sampling.formats.command_text import parse_command
from qwqdesk.sampling.formats.lane import parse_lane
from qwqdesk.sampling.formats.llama_args import UsageError, parse_args

GUIDE = r"""
./llama.cpp/llama-cli \
    --model unsloth-QwQ-32B-GGUF/QwQ-32B-Q4_K_M.gguf \
    --threads 32 --ctx-size 16384 --n-gpu-layers 99 --seed 3407 --prio 2 \
    --temp 0.6 --repeat-penalty 1.1 --dry-multiplier 0.5 --min-p 0.1 \
    --top-k 40 --top-p 0.95 -no-cnv \
    --samplers "top_k;top_p;min_p;temperature;dry;typ_p;xtc" \
    --prompt "<|im_start|>user\nSay \"hi\"<|im_end|>\n<|im_start|>assistant\n<think>\n" \
        2>&1 | tee output.txt
"""


def test_the_guides_command() -> None:
    args = parse_command(GUIDE)
    assert args.sampling == {
        "seed": 3407,
        "temperature": 0.6,
        "repeat_penalty": 1.1,
        "dry_multiplier": 0.5,
        "min_p": 0.1,
        "top_k": 40,
        "top_p": 0.95,
        "samplers": ["top_k", "top_p", "min_p", "temperature", "dry", "typ_p", "xtc"],
    }
    assert args.engine == {"n_threads": 32, "n_ctx": 16384, "n_gpu_layers": 99, "priority": 2}
    assert args.model == "unsloth-QwQ-32B-GGUF/QwQ-32B-Q4_K_M.gguf"
    assert args.prompt == '<|im_start|>user\nSay "hi"<|im_end|>\n<|im_start|>assistant\n<think>\n'
    assert args.raw
    assert args.positional == ()


@pytest.mark.parametrize(
    "text",
    [
        "llama-cli --temp 0.5 --top-k 7",
        "CUDA_VISIBLE_DEVICES=0 A='b c' ./main --temp 0.5 --top-k 7",
        "$ llama-server --temp 0.5 --top-k 7 &",
        "cd llama.cpp && ./llama-cli --temp 0.5 --top-k 7 | tee --all x",
        "cat prompt.txt | llama-cli --temp 0.5 --top-k 7",
        "llama-cli.exe ^\r\n  --temp 0.5 ^\r\n  --top-k 7",
        "llama-cli `\n --temp 0.5 `\n --top-k 7",
        "llama-cli\n--temp 0.5\n--top-k 7",
        "llama-cli --temp 0.5 # warm\n --top-k 7",
        "llama-cli --temp 0.5 > out.txt --top-k 7 2> 'err log' < in.txt",
        "llama-cli --temp 0.5 2>/dev/null --top-k 7 && rm -rf x",
        "uv run qwqdesk ask --temp 0.5 --top-k 7",
        "--temp 0.5 --top-k 7",
        "'C:\\llama.cpp\\llama-cli.exe' --temp 0.5 --top-k 7",
        "sudo nohup llama-completion --temp 0.5 --top-k 7",
    ],
)
def test_what_surrounds_the_flags_is_dropped(text: str) -> None:
    args = parse_command(text)
    assert args.sampling == {"temperature": 0.5, "top_k": 7}
    assert args.positional == ()


def test_an_unquoted_order_is_one_word() -> None:
    args = parse_command("llama-cli --samplers top_k;top_p;temp --temp 1")
    assert args.sampling["samplers"] == ["top_k", "top_p", "temperature"]


def test_windows_paths_keep_their_backslashes() -> None:
    assert parse_command(r"llama-cli -m C:\models\q.gguf").model == r"C:\models\q.gguf"
    assert parse_command(r'llama-cli -m "C:\my models\q.gguf"').model == r"C:\my models\q.gguf"


def test_signs_inside_quotes_are_text() -> None:
    assert parse_command("llama-cli -p 'a | b > c; # d'").prompt == "a | b > c; # d"
    assert parse_command('llama-cli -p "it\'s \\"so\\""').prompt == 'it\'s "so"'


def test_an_open_quote_is_refused() -> None:
    with pytest.raises(UsageError, match="never closed"):
        parse_command("llama-cli -p 'abc")


@given(st.text(max_size=80))
def test_any_paste_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse_command(text)


def test_a_lane_with_everything() -> None:
    lane = parse_lane("fixed=unsloth --repeat-penalty 1.2 --samplers top_k;penalties")
    assert (lane.label, lane.recipe) == ("fixed", "unsloth")
    assert lane.args.sampling == {"repeat_penalty": 1.2, "samplers": ["top_k", "penalties"]}


@pytest.mark.parametrize(
    ("text", "label", "recipe", "sampling"),
    [
        ("", None, None, {}),
        ("qwen", None, "qwen", {}),
        ("A=", "A", None, {}),
        ("=qwen", None, "qwen", {}),
        ("--temp=0.5", None, None, {"temperature": 0.5}),
        ("qwen --temp=0.5", None, "qwen", {"temperature": 0.5}),
        ("hot=--temp=1.5", "hot", None, {"temperature": 1.5}),
        ("my lane=llama.cpp+1.1", "my lane", "llama.cpp+1.1", {}),
        ("a=b=c", "a", "b=c", {}),
        ("--recipe greedy", None, "greedy", {}),
    ],
)
def test_lanes(text: str, label: str | None, recipe: str | None, sampling: object) -> None:
    lane = parse_lane(text)
    assert (lane.label, lane.recipe, lane.args.sampling) == (label, recipe, sampling)


def test_flags_outside_apply_first() -> None:
    outside = parse_args(["--temp", "0.5", "--stop", "a", "--json", "-p", "hi", "--recipe", "qwen"])
    lane = parse_lane("--temp 0.9 --stop b", outside)
    assert lane.args.sampling == {"temperature": 0.9, "stop": ["a", "b"]}
    assert lane.recipe == "qwen"
    assert lane.args.prompt is None
    assert parse_lane("greedy", outside).recipe == "greedy"


def test_a_lane_may_have_another_model() -> None:
    assert parse_lane("--model other.gguf").args.model == "other.gguf"


@pytest.mark.parametrize("text", ["--json", "-p hi", "qwen extra", "--lane x", "x='", "--nope"])
def test_what_cannot_stand_in_a_lane(text: str) -> None:
    with pytest.raises(UsageError):
        parse_lane(text)
