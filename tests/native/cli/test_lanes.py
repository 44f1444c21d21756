"""`ask` and `compare` on a tiny real model, as scripts use them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from qwqdesk.errors import UserError
from qwqdesk.models.library_uses import read_uses
from qwqdesk.sampling.samplers import PARAMS
from qwqdesk.store.history import History
from qwqdesk.stored_document import import_run
from qwqdesk.stored_run import read_run
from tests.native.cli.conftest import Cli
from tests.tiny_model import write_tiny_model

# A small context, one thread and a seed: fast and the same each time.
QUICK = ("-c", "512", "-t", "1", "-n", "6", "--seed", "5", "--ignore-eos")

RUN = {"format", "version", "model", "engine", "prompt", "mode", "divergence", "lanes"}
LANE = {
    "label", "model", "sampling", "sources", "warnings", "tokens", "text", "reasoning", "answer",
    "finish_reason", "finish_detail", "usage", "timing", "metrics", "code_checks", "ends",
    "manifest",
}  # fmt: skip
TIMING = {"load_s", "prefill_s", "first_token_s", "decode_s", "tokens_per_second"}
ENGINE = {
    "llama_cpp_python", "system_info", "devices", "n_ctx", "n_batch", "n_ubatch", "n_threads",
    "n_gpu_layers", "flash_attn", "type_k", "type_v", "use_extra_bufts",
}  # fmt: skip


def check_run(data: dict[str, Any], lanes: int) -> None:
    """The document has exactly what INTERFACE names."""
    assert set(data) == RUN
    assert (data["format"], data["version"]) == ("qwqdesk.run", 1)
    assert set(data["model"]) == {"path", "name", "architecture", "quantization", "size_bytes"}
    assert set(data["engine"]) >= ENGINE
    assert set(data["prompt"]) == {"text", "tokens"}
    assert len(data["lanes"]) == lanes
    for lane in data["lanes"]:
        check_lane(lane, data)


def check_lane(lane: dict[str, Any], data: dict[str, Any]) -> None:
    assert set(lane) == LANE
    assert set(lane["sampling"]) == {*PARAMS, "samplers"}
    assert set(lane["sources"]) == {*PARAMS, "samplers"}
    assert set(lane["sources"].values()) <= {"user", "recipe", "model", "default"}
    assert set(lane["timing"]) == TIMING
    usage = lane["usage"]
    assert set(usage) == {"prompt_tokens", "reasoning_tokens", "answer_tokens"}
    assert usage["prompt_tokens"] == len(data["prompt"]["tokens"])
    assert usage["reasoning_tokens"] + usage["answer_tokens"] == len(lane["tokens"])
    assert lane["text"].endswith(lane["answer"])
    assert (lane["reasoning"] or "") in lane["text"]


def test_ask_json(cli: Cli, model: str) -> None:
    result = cli("ask", model, "-p", "hi", "--raw", *QUICK, "--top-k", "3", "--json")
    assert result.status == 0
    data = result.json
    check_run(data, 1)
    lane = data["lanes"][0]
    assert data["prompt"] == {"text": "hi", "tokens": [104, 105]}
    assert len(lane["tokens"]) == 6
    assert (lane["finish_reason"], lane["label"], lane["model"]) == ("length", "A", None)
    assert (lane["sampling"]["top_k"], lane["sampling"]["seed"]) == (3, 5)
    assert (lane["sources"]["top_k"], lane["sources"]["top_p"]) == ("user", "default")
    assert data["mode"] == "exact"
    assert data["engine"]["n_ctx"] == 512
    assert data["engine"]["n_threads"] == 1


def test_the_same_command_gives_the_same_tokens(cli: Cli, model: str) -> None:
    words = ("ask", model, "-p", "again", "--raw", *QUICK, "--json")
    first, second = cli(*words).json, cli(*words).json
    assert first["lanes"][0]["tokens"] == second["lanes"][0]["tokens"]


def test_a_chat_message_is_rendered_and_its_reasoning_is_open(cli: Cli, model: str) -> None:
    data = cli("ask", model, "-p", "hi", *QUICK, "--json").json
    assert data["prompt"]["text"].endswith("<|im_start|>assistant\n<think>\n")
    lane = data["lanes"][0]
    assert lane["reasoning"] == lane["text"]
    assert lane["answer"] == ""
    assert lane["usage"]["reasoning_tokens"] == 6


def test_without_reasoning_the_reasoning_is_null(cli: Cli, chat_model: str) -> None:
    words = ("-p", "hi", *QUICK, "--json", "-sys", "be kind", "--use-model-sampling")
    refused = cli("ask", chat_model, *words)
    assert (refused.status, refused.error["code"]) == (1, "no_model_sampling")
    data = cli("ask", chat_model, *words[:-1]).json
    assert data["prompt"]["text"] == "[system] be kind\n[user] hi\n[assistant] "
    assert data["lanes"][0]["reasoning"] is None


def test_piping_gives_the_plain_text_and_nothing_else(cli: Cli, model: str) -> None:
    words = ("ask", model, "-p", "hi", "--raw", *QUICK)
    result = cli(*words)
    assert result.status == 0
    assert result.out.rstrip("\n") == cli(*words, "--json").json["lanes"][0]["text"].rstrip("\n")
    assert "\x1b" not in result.out + result.err
    assert "6 tokens" in result.err


def test_a_line_pasted_from_llama_cli_works_as_it_is(cli: Cli, model: str) -> None:
    line = (
        f"./llama.cpp/llama-cli --model {model} --threads 1 --ctx-size 512 --n-gpu-layers 99 "
        "--seed 3407 --prio 2 --temp 0.6 --repeat-penalty 1.1 --dry-multiplier 0.5 --min-p 0.1 "
        "--top-k 40 --top-p 0.95 -no-cnv -n 4 "
        "--samplers top_k;top_p;min_p;temperature;dry;typ_p;xtc"
    )
    prompt = (
        r"<|im_start|>user\nCreate a Flappy Bird game.<|im_end|>\n<|im_start|>assistant\n<think>\n"
    )
    result = cli("ask", *line.split(), "--prompt", prompt, "--json")
    assert result.status == 0
    lane = result.json["lanes"][0]
    assert result.json["prompt"]["text"].startswith("<|im_start|>user\nCreate")
    assert lane["sampling"]["samplers"][-2:] == ["typ_p", "xtc"]
    assert lane["reasoning"] is not None
    assert "penalties-not-in-chain" in [warning["code"] for warning in lane["warnings"]]


@pytest.mark.parametrize(
    ("words", "prompt"),
    [
        (("-p", r"a\nb\x41\t"), "a\nbA\t"),
        (("-p", r"a\nb", "--no-escape"), r"a\nb"),
        (("-p", "-1e0 --seed"), "-1e0 --seed"),
    ],
)
def test_escapes_in_the_prompt(cli: Cli, model: str, words: tuple[str, ...], prompt: str) -> None:
    data = cli("ask", model, *words, "--raw", *QUICK, "--json").json
    assert data["prompt"]["text"] == prompt


def test_a_prompt_from_a_file_or_standard_input_loses_one_newline(
    cli: Cli, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "line\\n one\n\n"
    (tmp_path / "prompt.txt").write_text(text)
    stdin = io.TextIOWrapper(io.BytesIO(text.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    for name in (str(tmp_path / "prompt.txt"), "-"):
        data = cli("ask", model, "-f", name, "--raw", *QUICK, "--json").json
        assert data["prompt"]["text"] == "line\\n one\n"


def test_a_stop_string_cuts_the_text_and_not_the_tokens(cli: Cli, model: str) -> None:
    whole = cli("ask", model, "-p", "hi", "--raw", *QUICK, "--json").json["lanes"][0]
    cut = cli("ask", model, "-p", "hi", "--raw", *QUICK, "--stop", "r", "--json").json["lanes"][0]
    assert cut["text"] == whole["text"].split("r")[0]
    assert cut["finish_reason"] == "stop"
    assert whole["tokens"][: len(cut["tokens"])] == cut["tokens"]
    assert len(cut["text"]) < len(whole["text"])


def test_compare_json(cli: Cli, model: str, tmp_path: Path) -> None:
    lanes = ("--lane", "qwen --top-k 4", "--lane", "hot=greedy --temp 1.5", "--lane", "C=")
    out = tmp_path / "out"
    words = ("compare", model, "-p", "hi", "--raw", *QUICK, *lanes)
    result = cli(*words, "--json", "--out", str(out))
    assert result.status == 0
    check_run(result.json, 3)
    found = result.json["lanes"]
    assert [lane["label"] for lane in found] == ["A", "hot", "C"]
    assert [lane["sampling"]["seed"] for lane in found] == [5, 5, 5]
    assert (found[0]["sampling"]["top_k"], found[0]["sources"]["temperature"]) == (4, "recipe")
    assert result.json == json.loads((out / "run.json").read_text())
    quantization = result.json["model"]["quantization"]
    named = out / (f"{quantization}_hot.txt" if quantization else "hot.txt")
    assert named.read_text() == found[1]["text"]
    assert "hot" in (out / "comparison.md").read_text()
    assert (out / "comparison.html").read_text().startswith("<!DOCTYPE html>")
    again = cli(
        "ask", model, "-p", "hi", "--raw", *QUICK, "--recipe", "qwen", "--top-k", "4", "--json"
    )
    assert again.json["lanes"][0]["tokens"] == found[0]["tokens"], "alone and among three"


def test_lanes_may_have_models_of_their_own(cli: Cli, models: dict[str, Path]) -> None:
    lanes = ("--lane", "A=", "--lane", f"B=--model '{models['other']}'", "--lane", "C=")
    result = cli("compare", str(models["F16"]), "-p", "hi", "--raw", *QUICK, *lanes, "--json")
    a, b, c = result.json["lanes"]
    assert [lane["label"] for lane in (a, b, c)] == ["A", "B", "C"]
    assert (a["model"], c["model"]) == (None, None)
    assert b["model"]["path"] == str(models["other"])
    assert a["tokens"] == c["tokens"] != b["tokens"]


def test_lanes_are_printed_one_after_another_into_a_pipe(cli: Cli, model: str) -> None:
    words = ("compare", model, "-p", "hi", "--raw", *QUICK, "--lane", "greedy", "--lane", "x=qwen")
    result = cli(*words)
    lanes = cli(*words, "--json").json["lanes"]
    places = [result.out.index(lane["text"]) for lane in lanes]
    assert places == sorted(places)
    assert "\x1b" not in result.out


def test_fast_mode_and_saving(cli: Cli, model: str, tmp_path: Path) -> None:
    where = tmp_path / "elsewhere"
    words = ("--raw", *QUICK, "--mode", "fast", "--json", "--data-dir", str(where))
    assert cli("ask", model, "-p", "hi", *words).json["mode"] == "fast"
    assert not (where / "history.sqlite3").exists()
    assert cli("ask", model, "-p", "hi", *words, "--save").status == 0
    assert (where / "history.sqlite3").exists()
    assert not (tmp_path / "data").exists(), "QWQDESK_HOME is not touched"


def test_random_seeds_are_drawn_once_and_reported(cli: Cli, model: str) -> None:
    words = ("-p", "hi", "--raw", *QUICK, "--seed", "-1", "--lane", "A=", "--lane", "B=")
    data = cli("compare", model, *words, "--json").json
    seeds = [lane["sampling"]["seed"] for lane in data["lanes"]]
    assert seeds[0] == seeds[1]
    assert seeds[0] not in (-1, 4294967295)
    assert data["lanes"][0]["tokens"] == data["lanes"][1]["tokens"]


# ---------------------------------------------------------------- what fails


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (("ask", "no-such-model", "-p", "hi"), 1, None),
        (("ask", "MODEL", "-f", "/no/such/file"), 1, "file"),
        (("ask", "MODEL", "-p", ""), 1, "empty_prompt"),
        (("ask", "MODEL", "-p", "hi", "--recipe", "nope"), 1, None),
        (("ask", "MODEL", "-p", "x" * 600, "--raw", "-c", "512"), 1, "prompt_too_long"),
        (("ask", "MODEL", "-p", "hi", "--chat-template", "{% if %}"), 1, "template"),
        (("ask", "MODEL", "-p", "hi", "-c", "2147483647"), 1, "memory"),
        (("ask", "MODEL"), 2, None),
        (("ask", "MODEL", "-p", "hi", "--no-such-flag"), 2, None),
        (("ask", "MODEL", "-p", "hi", "--top-k", "many"), 2, None),
        (("ask", "MODEL", "-p", "hi", "--mode", "slow"), 2, None),
        (("ask", "MODEL", "-p"), 2, None),
        (("compare", "MODEL", "-p", "hi"), 2, None),
        (("compare", "MODEL", "-p", "hi", *("--lane", "A=") * 2), 2, None),
        (("compare", "MODEL", "-p", "hi", *("--lane", "qwen") * 5), 2, None),
        (("compare", "MODEL", "-p", "hi", "--lane", "A=--top-k 'broken"), 2, None),
        (("ask", "MODEL", "-p", "hi", "-fa", "perhaps"), 2, None),
        (("ask", "MODEL", "-p", "hi", "--model", "MODEL"), 2, None),
        (("explain", "MODEL"), 2, None),
        (("ask", ".", "-p", "hi"), 1, "not_found"),
        (("ask", "\x1b[31m.gguf", "-p", "hi"), 1, "not_found"),
        (("frobnicate",), 2, None),
        (("ask", "--data-dir"), 2, None),
    ],
)
def test_failures_are_one_line_and_one_document(
    cli: Cli, model: str, words: tuple[str, ...], status: int, code: str | None
) -> None:
    line = [model if word == "MODEL" else word for word in words]
    plain = cli(*line)
    assert plain.status == status
    assert plain.out == ""
    errors = [text for text in plain.err.splitlines() if text.startswith("error: ")]
    assert len(errors) == 1
    assert "\x1b" not in plain.err
    result = cli(line[0], "--json", *line[1:])
    assert result.status == status
    assert result.error["what"]
    assert code in (None, result.error["code"])


@pytest.mark.parametrize("name", ["repeat_penalty", "dry_multiplier", "dynatemp_exponent"])
def test_a_value_out_of_range_names_parameter_value_and_range(
    cli: Cli, model: str, name: str
) -> None:
    flag = PARAMS[name].flags[0]
    error = cli("ask", model, "-p", "hi", flag, "-3.5", "--json").error
    assert name in error["what"]
    assert "-3.5" in error["what"]
    assert "allowed" in error["what"]


def test_a_damaged_model_is_refused_and_named(cli: Cli, model: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    for data in (b"", b"hello", Path(model).read_bytes()[:3000]):
        bad.write_bytes(data)
        result = cli("ask", str(bad), "-p", "hi", "--json")
        assert result.status == 1
        assert "bad.gguf" in result.error["what"]


def test_a_data_folder_that_cannot_be_written_only_matters_when_saving(
    cli: Cli, model: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    words = ("ask", model, "-p", "hi", "--raw", *QUICK, "--data-dir", str(tmp_path / "file"))
    assert cli(*words).status == 0
    result = cli(*words, "--save", "--json")
    assert result.status == 1
    assert result.error["code"] == "read_only"


@pytest.mark.parametrize("words", [("ask",), ("compare", "--lane", "a=", "--lane", "b=")])
def test_what_cannot_be_saved_at_the_end_is_printed_all_the_same(
    cli: Cli, model: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_values: object) -> None:
        raise UserError("The disk is full.", "Free some space.", code="disk_full")

    monkeypatch.setattr(History, "finish_reply", full)
    command, *lanes = words
    result = cli(command, model, "-p", "hi", "--raw", *lanes, *QUICK, "--save", "--json")
    assert result.status == 1
    assert all(len(lane["tokens"]) == 6 for lane in result.json["lanes"])
    assert "error: The disk is full. Copy or export the text to keep it." in result.err


def test_lanes_of_two_models_answer_one_saved_message(
    cli: Cli, models: dict[str, Path], tmp_path: Path
) -> None:
    lanes = ("--lane", "a=", "--lane", f"b=--model {models['Q8_0']}", "--lane", "c=--top-k 3")
    words = (*lanes, "-s", "-1", "-c", "512", "-t", "1", "-n", "4")
    saved = cli("compare", str(models["F16"]), "-p", "hi", *words, "--save", "--json").json
    assert len({lane["usage"]["prompt_tokens"] for lane in saved["lanes"]}) == 1
    assert len({lane["sampling"]["seed"] for lane in saved["lanes"]}) == 1
    database = next(Path(os.environ["QWQDESK_HOME"]).glob("*.sqlite3"))
    with contextlib.closing(sqlite3.connect(database)) as connection:
        (messages,) = connection.execute(
            "SELECT count(DISTINCT message_id) FROM replies WHERE message_id = "
            "(SELECT max(id) FROM messages)"
        ).fetchone()
        replies = connection.execute(
            "SELECT lane FROM replies WHERE message_id = (SELECT max(id) FROM messages)"
        ).fetchall()
    assert messages == 1
    assert sorted(lane for (lane,) in replies) == ["a", "b", "c"]


def test_a_model_that_fails_costs_its_own_lanes_only(
    cli: Cli, models: dict[str, Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF and nothing else")
    lanes = ("--lane", f"a=--model {bad}", "--lane", "b=", "-c", "512", "-t", "1", "-n", "4")
    result = cli("compare", str(models["F16"]), "-p", "hi", *lanes, "--json")
    assert result.status == 1
    assert "error: lane a did not run. " in result.err
    document = result.json
    assert [lane["label"] for lane in document["lanes"]] == ["a", "b"]
    failed = document["lanes"][0]
    assert set(failed) == LANE
    assert failed["model"]["path"] == str(bad)
    assert failed["finish_reason"] == "error"
    assert str(bad) in failed["finish_detail"]
    assert f"lane a did not run. {failed['finish_detail']}" in result.err
    assert (failed["tokens"], failed["ends"], failed["text"]) == ([], [], "")
    assert document["lanes"][1]["finish_reason"] == "length"
    assert document["divergence"] == []
    alone = cli("compare", str(bad), "-p", "hi", "--lane", "a=", "--json")
    assert alone.status == 1
    assert alone.error["code"]


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A file that is no model."""
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"no model at all")
    return path


def test_a_comparison_with_lanes_that_did_not_run_is_written_read_and_run_again(
    cli: Cli, models: dict[str, Path], bad: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    wrong = f"--model {bad}"
    lanes = ("--lane", f"a=qwen {wrong}", "--lane", "b=greedy", "--lane", f"c=greedy {wrong}")
    words = ("-c", "512", "-t", "1", "-n", "4", "--ignore-eos", "--out", str(out))
    result = cli("compare", str(models["F16"]), "-p", "hi", *lanes, *words)
    assert result.status == 1
    assert "error: lanes a, c did not run. " in result.err
    page = (out / "comparison.md").read_text("utf-8")
    assert [f"## {head}" in page for head in ("a: qwen", "b: greedy", "c: greedy")] == [True] * 3
    assert page.count("bad.gguf") == 2  # the reason, in each lane

    again = cli("rerun", str(out / "run.json"), "--json")
    assert again.status == 0, again.err
    assert [(lane["label"], lane["tokens"]) for lane in again.json["lanes"]] == [("b", 4)]
    assert [note.split(" (")[0] for note in again.json["notes"]] == [
        "Lane a wrote nothing then", "Lane c wrote nothing then",
    ]  # fmt: skip

    with contextlib.closing(History(tmp_path / "h.sqlite3")) as history:
        opened = import_run(history, read_run(out / "run.json"), {})
        (message,) = history.load(opened).messages
    assert message.text == "hi"  # though the first lane has no prompt
    ends = {reply.lane: (reply.finish_reason, reply.text == "") for reply in message.replies}
    assert ends == {"A": ("error", True), "B": ("length", False), "C": ("error", True)}
    assert all("bad.gguf" in (r.finish_detail or "") for r in message.replies if r.lane != "B")


def test_when_no_lane_wrote_anything_a_rerun_says_so(
    cli: Cli, models: dict[str, Path], bad: Path, tmp_path: Path
) -> None:
    lanes = ("--lane", f"a=--model {bad}", "--lane", "b=")
    words = ("-c", "512", "-t", "1", "-n", "4", "--ignore-eos")
    found = cli("compare", str(models["F16"]), "-p", "hi", *lanes, *words, "--json").json
    found["lanes"] = found["lanes"][:1]
    file = tmp_path / "run.json"
    file.write_text(json.dumps(found), "utf-8")
    again = cli("rerun", str(file), "--json")
    assert (again.status, again.error["code"]) == (1, "empty_run")


def test_a_saved_comparison_keeps_the_lanes_that_did_not_run(
    cli: Cli, models: dict[str, Path], bad: Path
) -> None:
    lanes = ("--lane", f"a=--model {bad}", "--lane", "b=")
    words = ("-c", "512", "-t", "1", "-n", "4", "--save")
    assert cli("compare", str(models["F16"]), "-p", "kept", *lanes, *words).status == 1
    database = next(Path(os.environ["QWQDESK_HOME"]).glob("*.sqlite3"))
    with contextlib.closing(History(database)) as history:
        (found,) = [one.id for one in history.conversations() if one.title == "kept"]
        kept = history.load(found)
    assert [lane["label"] for lane in kept.lanes] == ["a", "b"]
    assert kept.lanes[0]["model"] == str(bad)
    assert list(kept.messages[0].failures) == ["a"]
    assert str(bad) in kept.messages[0].failures["a"].arguments["reported"]


def test_a_models_own_values_are_shown_and_applied_only_on_request(
    cli: Cli, tmp_path: Path
) -> None:
    path = tmp_path / "recommends.gguf"
    values: dict[str, float | str] = {
        "temp": 0.6,
        "top_k": 20,
        "sequence": "top_k;temperature",
        "min_p": -7.0,
    }
    write_tiny_model(path, "F16", sampling=values)
    words = ("ask", str(path), "-p", "hi", "--raw", *QUICK, "--top-k", "3", "--json")
    shown = cli(*words)
    assert "recommends" in shown.err
    assert shown.json["lanes"][0]["sources"]["temperature"] == "default"
    applied = cli(*words, "--use-model-sampling")
    assert "min_p" in applied.err
    (lane,) = applied.json["lanes"]
    assert lane["sampling"]["temperature"] == 0.6
    assert lane["sampling"]["samplers"] == ["top_k", "temperature"]
    sources = {name: lane["sources"][name] for name in ("temperature", "top_k", "samplers")}
    assert sources == {"temperature": "model", "top_k": "user", "samplers": "model"}
    recipe = cli(*words, "--use-model-sampling", "--recipe", "qwen").json["lanes"][0]
    assert recipe["sources"]["temperature"] == "recipe"


def test_a_setting_without_effect_is_said_on_standard_error(cli: Cli, model: str) -> None:
    words = ("-p", "hi", "--raw", *QUICK)
    assert "penalties is not in the chain" in cli("ask", model, *words, "--recipe", "unsloth").err
    both = cli("compare", model, *words, "--lane", "x=unsloth", "--lane", "y=qwen").err
    assert [line[:11] for line in both.splitlines() if "warning" in line] == ["warning: x:"]


def test_a_folder_that_cannot_be_made_is_known_before_the_lanes_run(
    cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    words = ("-p", "hi", "--lane", "a=", "--out", str(tmp_path / "file" / "out"), "--json")
    result = cli("compare", "--save", *words)
    assert (result.status, result.error["code"]) == (1, "disk")
    assert not list(Path(os.environ["QWQDESK_HOME"]).glob("*.sqlite3"))


def test_engine_flags_template_and_guard_may_be_a_lanes_own(cli: Cli, model: str) -> None:
    data = cli(
        "compare", model, "-p", "hi", *QUICK, "--json",
        "--lane", "a=", "--lane", "b=-c 256", "--lane", "c=--chat-template chatml",
        "--lane", "d=--logit-bias 100+1000 -n 300 --loop-guard stop",
    ).json  # fmt: skip
    check_run({**data, "lanes": data["lanes"][:1]}, 1)
    _, b, c, d = data["lanes"]
    assert (data["engine"]["n_ctx"], b["engine"]["n_ctx"]) == (512, 256)
    assert "<think>" in data["prompt"]["text"]
    assert "<think>" not in c["prompt"]["text"]
    assert d["finish_reason"] == "loop"
    assert [lane["model"] for lane in data["lanes"]] == [None] * 4


def test_a_load_counts_as_use_in_the_library(
    cli: Cli, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QWQDESK_HOME", str(tmp_path))
    assert cli("ask", model, "-p", "a", "--raw", *QUICK).status == 0
    assert list(read_uses(tmp_path / "models")) == [model]


def test_the_lanes_of_a_comparison_share_a_drawn_seed_that_is_told(cli: Cli, model: str) -> None:
    lanes = ("--lane", "unsloth", "--lane", "qwen", "--lane", "x=greedy -s 9")
    words = ("compare", model, "-p", "hi", "--raw", "-c", "512", "-t", "1", "-n", "2", *lanes)
    result = cli(*words, "--json")
    seeds = [lane["sampling"]["seed"] for lane in result.json["lanes"]]
    assert seeds[0] == seeds[1] != 3407
    assert seeds[2] == 9
    assert result.json["lanes"][0]["sources"]["seed"] == "default"
    assert f"seeds A {seeds[0]}, B {seeds[0]}, x 9" in result.err
    stated = cli(*words[:-2], "-s", "4", "--json")
    assert [lane["sampling"]["seed"] for lane in stated.json["lanes"]] == [4, 4]


def test_a_recipes_seed_counts_for_one_lane_alone(cli: Cli, model: str) -> None:
    words = ("ask", model, "-p", "hi", "--raw", "-c", "512", "-t", "1", "-n", "2")
    result = cli(*words, "--recipe", "unsloth")
    assert "note: seed 3407" in result.err
    drawn = cli(*words, "--recipe", "qwen", "--json")
    assert f"note: seed {drawn.json['lanes'][0]['sampling']['seed']}" in drawn.err
