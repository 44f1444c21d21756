"""Argument lists: llama.cpp's flags old and new, ours beside them, and the way back."""

from __future__ import annotations

import contextlib
import math
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.engine_settings import ALL_LAYERS, CACHE_TYPES, EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.formats.escapes import process_escapes, with_escapes
from qwqdesk.sampling.formats.export_args import to_llama_args
from qwqdesk.sampling.formats.flags import FLAGS
from qwqdesk.sampling.formats.llama_args import UsageError, parse_args
from tests.unit.sampling.chain_strategies import CHAINS


@given(CHAINS)
def test_an_exported_chain_reads_back_the_same(chain: SamplerChain) -> None:
    words = shlex.split(to_llama_args(chain))
    assert SamplerChain.of(**parse_args(words).sampling) == chain


@given(CHAINS)
def test_the_short_form_reads_back_the_same_over_defaults(chain: SamplerChain) -> None:
    words = shlex.split(to_llama_args(chain, flags_only_nondefault=True))
    assert SamplerChain.of(**parse_args(words).sampling) == chain


def test_the_export_states_every_value() -> None:
    words = shlex.split(to_llama_args(SamplerChain.of()))
    for flag in ("--temp", "--top-p", "--min-p", "--repeat-penalty", "--dry-base", "--samplers"):
        assert flag in words


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("--temp 0.5", "temperature", 0.5),
        ("--temperature 0.5", "temperature", 0.5),
        ("--temp=0.5", "temperature", 0.5),
        ("--top_k 5", "top_k", 5),
        ("--top-nsigma -1e0", "top_n_sigma", -1.0),
        ("--top-n-sigma 2", "top_n_sigma", 2.0),
        ("--typical-p 0.9", "typical_p", 0.9),
        ("--typical 0.9", "typical_p", 0.9),
        ("-s -1", "seed", -1),
        ("--seed 4294967295", "seed", 4294967295),
        ("-n 64", "n_predict", 64),
        ("--n-predict 64", "n_predict", 64),
        ("--predict 64", "n_predict", 64),
        ("--presence-penalty -1e0", "presence_penalty", -1.0),
        ("--repeat-last-n -1", "repeat_last_n", -1),
        ("--mirostat-ent 4", "mirostat_tau", 4.0),
        ("--mirostat-lr 0.2", "mirostat_eta", 0.2),
        ("--dynatemp-exp 2", "dynatemp_exponent", 2.0),
        ("--sampler-seq kt", "samplers", ["top_k", "temperature"]),
        ("--sampling-seq kt", "samplers", ["top_k", "temperature"]),
        ("--samplers 'Top-K;temp'", "samplers", ["top_k", "temperature"]),
        ("--samplers ''", "samplers", []),
        ("--ignore-eos", "ignore_eos", True),
        ("--ignore-eos=false", "ignore_eos", False),
        ("--logit-bias 15043+1", "logit_bias", [(15043, 1.0)]),
        ("-l 15043-1.5", "logit_bias", [(15043, -1.5)]),
        ("-l 1-inf -l 2+0.5", "logit_bias", [(1, -math.inf), (2, 0.5)]),
        ("--stop a -r 'b\\n'", "stop", ["a", "b\n"]),
        ("--no-escape --stop '\\n'", "stop", ["\\n"]),
        ("--dry-sequence-breaker '\\n'", "dry_sequence_breakers", ["\n"]),
        ("--dry-sequence-breaker none", "dry_sequence_breakers", []),
        ("--dry-sequence-breaker a --dry-sequence-breaker b", "dry_sequence_breakers", ["a", "b"]),
        ("--temp 0.5 --temp 0.7", "temperature", 0.7),
    ],
)
def test_sampling_flags(text: str, name: str, value: object) -> None:
    assert parse_args(shlex.split(text)).sampling == {name: value}


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("-c 4096", "n_ctx", 4096),
        ("-c 0", "n_ctx", 0),
        ("--ctx-size 4096", "n_ctx", 4096),
        ("-t -1", "n_threads", 0),
        ("-t -4", "n_threads", 0),
        ("-ngl -3", "n_gpu_layers", ALL_LAYERS),
        ("--threads 8", "n_threads", 8),
        ("-b 1024", "n_batch", 1024),
        ("-ub 64", "n_ubatch", 64),
        ("-ngl all", "n_gpu_layers", ALL_LAYERS),
        ("-ngl auto", "n_gpu_layers", -1),
        ("--gpu-layers 0", "n_gpu_layers", 0),
        ("--n-gpu-layers 99", "n_gpu_layers", 99),
        ("-fa", "flash_attn", "on"),
        ("-fa off", "flash_attn", "off"),
        ("--flash-attn auto", "flash_attn", "auto"),
        ("-fa --temp 1", "flash_attn", "on"),
        ("-ctk q8_0", "type_k", "q8_0"),
        ("-ctv Q4_0", "type_v", "q4_0"),
        ("--swa-full", "swa_full", True),
        ("--swa-full --no-swa-full", "swa_full", False),
        ("--no-mmap", "use_mmap", False),
        ("--mlock", "use_mlock", True),
        ("--rope-scaling yarn", "rope_scaling", "yarn"),
        ("--rope-scale 4", "rope_freq_scale", 0.25),
        ("--yarn-orig-ctx 32768", "yarn_orig_ctx", 32768),
        ("--prio 2", "priority", 2),
        ("--override-kv a.b=int:-5", "override_kv", [("a.b", -5)]),
        (
            "--override-kv a=bool:true,b=float:1e-6 --override-kv c=str:yarn",
            "override_kv",
            [("a", True), ("b", 1e-6), ("c", "yarn")],
        ),
        ("--override-kv '\"a=str:x,y\"'", "override_kv", [("a", "x,y")]),
    ],
)
def test_engine_flags(text: str, field: str, value: object) -> None:
    assert parse_args(shlex.split(text)).engine[field] == value


@pytest.mark.parametrize("mode", ["none", "mmap", "mlock", "mmap+mlock", "auto", "dio"])
def test_load_modes(mode: str) -> None:
    engine = parse_args(["-lm", mode]).engine_settings
    assert engine.use_mmap == ("mmap" in mode or mode == "auto")
    assert engine.use_mlock == ("mlock" in mode)


def test_our_own_options() -> None:
    args = parse_args(
        [
            *("model.gguf", "-p", "a\\tb\\x41", "--recipe", "qwen", "--mode", "fast", "--raw"),
            *("--lane", "A=qwen", "--lane", "greedy", "--loop-guard", "stop", "--json"),
            *("--reasoning-budget", "-1", "--use-model-sampling"),
        ]
    )
    assert (args.model, args.prompt, args.recipe) == ("model.gguf", "a\tbA", "qwen")
    assert (args.mode, args.raw, args.use_model_sampling) == ("fast", True, True)
    assert args.lanes == ("A=qwen", "greedy")
    assert args.option("loop_guard") == "stop"
    assert args.options["reasoning_budget"] == -1
    assert args.switch("json")
    assert not args.switch("save")


@pytest.mark.parametrize("flag", ["-no-cnv", "--no-conversation", "--raw", "--no_conversation"])
def test_raw_prompts(flag: str) -> None:
    assert parse_args([flag]).raw


def test_a_leading_program_is_skipped_and_its_model_read() -> None:
    args = parse_args(["./build/bin/llama-cli", "--model", "x.gguf", "-hf", "o/n:Q8_0"])
    assert args.model == "hf.co/o/n:Q8_0"
    assert args.positional == ()
    assert parse_args(["main"]).model == "main"


def test_flags_without_meaning_are_accepted_with_a_note() -> None:
    args = parse_args(["--alias", "a", "--jinja", "--color", "--temp", "1"])
    assert args.sampling == {"temperature": 1.0}
    assert [note.split()[0] for note in args.notes] == ["--alias", "--jinja", "--color"]


def test_adaptive_p_is_moved_to_the_end_as_llama_cpp_does() -> None:
    args = parse_args(["--samplers", "adaptive_p;top_k"])
    assert args.sampling["samplers"] == ["top_k", "adaptive_p"]
    assert "moved" in args.notes[0]


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("--temp -1", "temperature", 0.0),
        ("--top-k -5", "top_k", 0),
        ("--top-p 1.4", "top_p", 1.0),
        ("--top-p -0.5", "top_p", 0.0),
        ("--min-p -1", "min_p", 0.0),
        ("--typical 2", "typical_p", 1.0),
        ("--top-nsigma -3", "top_n_sigma", -1.0),
        ("--xtc-probability 7", "xtc_probability", 1.0),
        ("--xtc-threshold 1.5", "xtc_threshold", 1.0),
        ("--dynatemp-range -1", "dynatemp_range", 0.0),
        ("--adaptive-decay 1", "adaptive_decay", 0.99),
        ("--seed -5", "seed", 4294967291),
        ("--seed 4294967338", "seed", 42),
    ],
)
def test_values_outside_a_range_count_as_in_llama_cpp_and_are_said(
    text: str, name: str, value: object
) -> None:
    args = parse_args(text.split())
    assert args.sampling == {name: value}
    flag, number = text.split()
    assert number in args.notes[0]
    assert "as in llama.cpp" in args.notes[0]
    assert parse_args([f"{flag}={number}"]).sampling == {name: value}


def test_a_value_that_llama_cpp_leaves_out_is_left_out() -> None:
    args = parse_args(["--dry-base", "1.5", "--dry-base", "0.5"])
    assert args.sampling == {"dry_base": 1.5}
    assert "leaves it out" in args.notes[0]


@pytest.mark.parametrize(
    ("words", "steps", "skipped"),
    [
        (
            ["--samplers", "top_k;tfs_z;typical_p;top_p;min_p;temperature"],
            ["top_k", "top_p", "min_p", "temperature"],
            ("tfs_z", "typical_p"),
        ),
        (["--sampling-seq", "kfypmt"], ["top_k", "typ_p", "top_p", "min_p", "temperature"], ("f",)),
        (["--samplers", "Top-A;TOPK"], ["top_k"], ("Top-A",)),
        (["--samplers", "nucleus;;temp;"], ["top_p", "temperature"], ()),
        (["--samplers", "smoothing"], [], ("smoothing",)),
        (["--sampler-seq", "kkzz"[1:]], ["top_k"], ("z",)),
        (["--samplers", "tfs", "--samplers", "top_k"], ["top_k"], ()),
    ],
)
def test_unknown_steps_are_skipped_with_a_warning(
    words: list[str], steps: list[str], skipped: tuple[str, ...]
) -> None:
    args = parse_args(words)
    assert args.sampling["samplers"] == steps
    assert args.skipped == skipped
    assert [warning.code for warning in args.warnings] == ["unknown-sampler"] * len(skipped)
    assert all(name in warning.text for name, warning in zip(skipped, args.warnings, strict=True))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("--tempp 1", "no flag --tempp"),
        ("--temp", "--temp needs a value"),
        ("--temp --top-k 4", "temperature cannot be --top-k"),
        ("--temp hot", "temperature cannot be hot"),
        ("--repeat-penalty 0", "repeat_penalty cannot be 0.0"),
        ("--top-k 4.5", "top_k cannot be 4.5"),
        ("--samplers top_k;infill", "infill"),
        ("--samplers top_k;top_k", "listed twice"),
        ("--sampler-seq ki", "infill"),
        ("--logit-bias hello+1", "TOKEN"),
        ("--logit-bias 5+inf", "logit_bias cannot be"),
        ("-ngl many", "n_gpu_layers cannot be many"),
        ("-ctk q2_k", "type_k cannot be q2_k"),
        ("--override-kv a=int:x", "KEY=TYPE:VALUE"),
        ("--override-kv a", "KEY=TYPE:VALUE"),
        ("--mode slow", "exact, fast"),
        ("--rope-scale 0", "rope_scale cannot be 0"),
        ("--control-vector-layer-range 1", "needs 2 values"),
        ("--json=perhaps", "true, false"),
    ],
)
def test_wrong_usage_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_args(text.split())
    assert said in caught.value.what
    assert caught.value.what_to_do


def test_a_near_flag_is_suggested() -> None:
    with pytest.raises(UsageError, match="--top-k"):
        parse_args(["--topk", "5"])


@given(st.lists(st.sampled_from(sorted(FLAGS)) | st.text(max_size=8), max_size=6))
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    with contextlib.suppress(UsageError):
        assert parse_args(words).engine_settings is not None


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escapes_go_both_ways(text: str) -> None:
    assert process_escapes(with_escapes(text)) == text


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"\n\r\t\'\"\\", "\n\r\t'\"\\"),
        (r"\x41\xE2\x9c\x93", "A\u2713"),
        (r"\q\x4", r"\q\x4"),
        ("end\\", "end\\"),
        (r"\xzz", r"\xzz"),
    ],
)
def test_escapes_of_llama_cpp(written: str, meant: str) -> None:
    assert process_escapes(written) == meant


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UserError, match="UTF-8"):
        process_escapes(r"\xff")
    with pytest.raises(UsageError, match="UTF-8"):
        parse_args(["-p", r"\xff"])


ENGINES = st.builds(
    EngineSettings,
    n_ctx=st.integers(0, 2**31 - 1),
    n_threads=st.integers(0, 512),
    n_gpu_layers=st.integers(-1, 2000),
    flash_attn=st.sampled_from(["auto", "on", "off"]),
    type_k=st.sampled_from(CACHE_TYPES),
    use_mmap=st.booleans(),
    use_mlock=st.booleans(),
    rope_freq_base=st.floats(0, 1e30),
    override_kv=st.lists(
        st.tuples(
            st.sampled_from(["a.b", "qwen2.context_length"]),
            st.integers(-(2**63), 2**63 - 1)
            | st.booleans()
            | st.floats(-1e30, 1e30)
            | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
        ),
        max_size=3,
    ),
)


@given(ENGINES)
def test_engine_settings_are_exported_too(engine: EngineSettings) -> None:
    words = shlex.split(to_llama_args(SamplerChain.of(), engine=engine))
    assert parse_args(words).engine_settings == engine


def test_the_whole_context_is_written_as_a_number_where_it_is_known() -> None:
    words = to_llama_args(SamplerChain.of(repeat_last_n=-1), engine=EngineSettings(n_ctx=4096))
    assert "--repeat-last-n 4096" in words
