"""Every flag and variable of llama.cpp's programs has one fate, and does what its class says.

The recording has the names, numbers of values and variables of common/arg.cpp in llama.cpp
0c1e57098: ``names | names that switch off =values VARIABLE``.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from qwqdesk.sampling.formats.arg_env import VARIABLES
from qwqdesk.sampling.formats.flags import find_flag
from qwqdesk.sampling.formats.llama_args import UsageError, parse_args, parse_words
from qwqdesk.sampling.formats.llama_flags import LLAMA_FLAGS, LlamaFlag

RECORDED = (Path(__file__).parent / "recordings" / "llama_flags.txt").read_text("utf-8")
ROWS = [line.split() for line in RECORDED.splitlines()]
NAMES = [
    (word, int(next(w for w in row if w.startswith("="))[1:]))
    for row in ROWS
    for word in row
    if word.startswith("-")
]
ENVIRONMENT = {row[-1] for row in ROWS if not row[-1].startswith("=")}
UNNEEDED = [flag for flag in LLAMA_FLAGS if flag.fate == "unneeded"]
REFUSED = [flag for flag in LLAMA_FLAGS if flag.fate == "refused"]
REMOVED = [flag for flag in LLAMA_FLAGS if flag.fate == "removed"]


def test_no_flag_of_llama_cpp_is_missing() -> None:
    assert len(NAMES) > 500
    assert [name for name, _ in NAMES if find_flag(name) is None] == []


def test_each_takes_as_many_values_as_in_llama_cpp() -> None:
    taken = {name: flag[0].arity for name, _ in NAMES if (flag := find_flag(name)) is not None}
    wrong = {name: taken[name] for name, count in NAMES if taken[name] != count}
    assert wrong == {}


def test_no_flag_is_in_two_classes() -> None:
    """A flag that works is in no other class, and none is in the table twice."""
    elsewhere = [name for flag in LLAMA_FLAGS for name in flag.names]
    assert [name for name, count in Counter(elsewhere).items() if count > 1] == []
    found = {name: find_flag(name) for name in elsewhere}
    assert [name for name, flag in found.items() if flag and flag[0].group != "elsewhere"] == []


@pytest.mark.parametrize("flag", LLAMA_FLAGS, ids=lambda flag: flag.names[0])
def test_every_row_says_why(flag: LlamaFlag) -> None:
    assert flag.why
    assert not flag.why.endswith(".")


def _words(name: str, count: int) -> list[str]:
    return [name, *["7"] * count]


@pytest.mark.parametrize("flag", UNNEEDED, ids=lambda flag: flag.names[0])
def test_flags_without_influence_are_left_out_with_a_note(flag: LlamaFlag) -> None:
    for name in flag.names:
        count = 0 if flag.optional else flag.arity
        args = parse_args([*_words(name, count), "--temp", "0.5"])
        assert args.sampling == {"temperature": 0.5}
        assert args.engine == {}
        assert args.options == {}
        [note] = args.notes
        assert note.startswith(f"{name} is left out: ")
        assert flag.why in note


@pytest.mark.parametrize("flag", REFUSED, ids=lambda flag: flag.names[0])
def test_flags_that_change_the_result_are_refused_by_name(flag: LlamaFlag) -> None:
    for name in flag.names:
        words = [*_words(name, flag.arity), "--temp", "0.5"]
        with pytest.raises(UsageError) as caught:
            parse_args(words)
        assert caught.value.what.startswith(f"{name}: ")
        assert flag.why in caught.value.what
        assert caught.value.what_to_do
        pasted = parse_words(words, lenient=True)
        assert pasted.sampling == {"temperature": 0.5}
        assert pasted.refused == ((name, flag.why),)


@pytest.mark.parametrize("flag", REMOVED, ids=lambda flag: flag.names[0])
def test_flags_that_llama_cpp_no_longer_has_are_noted(flag: LlamaFlag) -> None:
    name = flag.names[-1]
    args = parse_args([*_words(name, flag.arity), "--temp", "0.5"])
    assert args.sampling == {"temperature": 0.5}
    assert "no longer" in args.notes[0]


@pytest.mark.parametrize("words", [["--keep", "0"], ["--cache-reuse", "0"], ["-gan", "1"]])
def test_a_value_without_influence_is_not_refused(words: list[str]) -> None:
    args = parse_args(words)
    assert "changes nothing" in args.notes[0]
    assert args.refused == ()


@pytest.mark.parametrize("word", ["--context-shifts", "--frobnicate", "-zz", "--no-such=3"])
def test_unknown_flags_are_refused_everywhere(word: str) -> None:
    for lenient in (False, True):
        with pytest.raises(UsageError, match="There is no flag"):
            parse_words([word], lenient=lenient)


# ---------------------------------------------------------------- environment


def test_the_variables_are_those_of_llama_cpp() -> None:
    # LLAMA_ARG_DIO was that of a flag which this version no longer has.
    assert set(VARIABLES) - {"LLAMA_ARG_DIO"} == ENVIRONMENT


def test_each_variable_means_the_flag_that_llama_cpp_names() -> None:
    flags = {row[-1]: [w for w in row if w.startswith("-")] for row in ROWS}
    for name in ENVIRONMENT:
        assert set(VARIABLES[name]) <= set(flags[name]), name


@pytest.mark.parametrize(
    ("name", "value", "group", "found"),
    [
        ("LLAMA_ARG_TOP_K", "20", "sampling", {"top_k": 20}),
        ("LLAMA_ARG_TEMPERATURE", "0.6", "sampling", {"temperature": 0.6}),
        ("LLAMA_ARG_N_GPU_LAYERS", "99", "engine", {"n_gpu_layers": 99}),
        ("LLAMA_ARG_KV_OFFLOAD", "0", "engine", {"kv_offload": False}),
        ("LLAMA_ARG_NO_KV_OFFLOAD", "1", "engine", {"kv_offload": False}),
        ("LLAMA_ARG_CPU_MOE", "1", "engine", {"cpu_moe": True}),
        ("LLAMA_ARG_CPU_MOE", "0", "engine", {}),
        ("LLAMA_ARG_HF_REPO", "a/b:Q8_0", "options", {"model": "hf.co/a/b:Q8_0"}),
        ("LLAMA_ARG_CONTEXT_SHIFT", "off", "engine", {}),
        ("LLAMA_ARG_PORT", "8080", "sampling", {}),
    ],
)
def test_variables_are_read_like_flags(name: str, value: str, group: str, found: object) -> None:
    assert getattr(parse_words([], [(name, value)]), group) == found


def test_a_flag_counts_more_than_a_variable() -> None:
    words = ["LLAMA_ARG_TOP_K=20", "A=b", "llama-server", "--top-k", "5"]
    assert parse_args(words).sampling == {"top_k": 5}


def test_a_refused_variable_is_named() -> None:
    with pytest.raises(UsageError, match="LLAMA_ARG_CONTEXT_SHIFT"):
        parse_words([], [("LLAMA_ARG_CONTEXT_SHIFT", "1")])


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("LLAMA_ARG_TEMP", "LLAMA_ARG_TEMPERATURE"),
        ("LLAMA_ARG_CTX", "LLAMA_ARG_CTX_SIZE"),
        ("LLAMA_ARG_REPEAT_PENALY", "LLAMA_ARG_REPEAT_PENALTY"),
    ],
)
def test_variables_that_llama_cpp_does_not_read_are_told(name: str, instead: str) -> None:
    args = parse_words([], [(name, "1")])
    assert args.sampling == {}
    assert args.notes == (
        f"{name} is not taken: llama.cpp reads no variable of this name; it reads {instead}.",
    )


def test_dense_layers_on_the_cpu_are_patterns_as_in_llama_cpp() -> None:
    engine = parse_args(["-ncffn", "2", "-ot", "exps=CPU"]).engine
    first = r"blk\.0\.ffn_(up|down|gate)\.=CPU,blk\.1\.ffn_(up|down|gate)\.=CPU"
    assert engine == {"override_tensor": f"{first},exps=CPU"}


@pytest.mark.parametrize(
    ("words", "model"),
    [
        (["--hf-repo", "a/b", "--hf-file", "x-q4.gguf"], "hf.co/a/b:x-q4.gguf"),
        (["-hf", "a/b:Q8_0", "-hff", "x.gguf"], "hf.co/a/b:x.gguf"),
        (["-hff", "x.gguf", "-m", "own.gguf"], "own.gguf"),
        (
            ["-mu", "https://huggingface.co/a/b/resolve/main/x.gguf?download=true"],
            "hf.co/a/b:x.gguf",
        ),
        (["-mu", "https://example.org/m/x-Q4_K_M.gguf"], "x-Q4_K_M.gguf"),
    ],
)
def test_where_the_model_is(words: list[str], model: str) -> None:
    assert parse_args(words).model == model
