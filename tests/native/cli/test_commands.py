"""The commands that need no engine, and what all commands share."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from qwqdesk import __version__
from qwqdesk.cli import commands
from qwqdesk.sampling.recipes import BUILTIN_RECIPES
from tests.native.cli.conftest import Cli
from tests.unit.models.gguf_writer import GgufFile, small_model

STEP = {"sampler", "position", "state", "values", "why"}
INSPECT = {
    "path", "architecture", "name", "quantization", "file_size", "tensor_count",
    "parameter_count", "bits_per_weight", "context_length", "block_count", "head_count",
    "head_count_kv", "vocabulary_size", "split", "chat_template", "sampling", "metadata",
    "tensor_types",
}  # fmt: skip
LISTED = {"path", "repo", "label", "size_bytes", "verified", "architecture", "source"}


def test_explain_json(cli: Cli) -> None:
    data = cli("explain", "--recipe", "unsloth", "--json").json
    assert set(data) == {"chain", "warnings", "samplers", "llama_args"}
    assert data["samplers"] == "top_k;top_p;min_p;temperature;dry;typ_p;xtc"
    assert all(set(step) == STEP for step in data["chain"])
    states = {step["sampler"]: step["state"] for step in data["chain"]}
    assert states["penalties"] == "absent"
    assert (states["dry"], states["typ_p"]) == ("active", "neutral")
    assert states["dist"] == "selecting"
    assert [warning["code"] for warning in data["warnings"]] == ["penalties-not-in-chain"]
    assert all(set(warning) == {"code", "text"} for warning in data["warnings"])
    assert data["llama_args"].startswith("--samplers")


def test_what_explain_exports_means_the_same_when_it_is_read_again(cli: Cli) -> None:
    first = cli("explain", "--recipe", "unsloth+penalties", "--top-k", "7", "--json").json
    second = cli("explain", *shlex.split(first["llama_args"]), "--json").json
    assert second["samplers"] == first["samplers"]
    strip = [{k: v for k, v in step.items() if k != "why"} for step in first["chain"]]
    assert [{k: v for k, v in step.items() if k != "why"} for step in second["chain"]] == strip


def test_explain_for_people(cli: Cli) -> None:
    result = cli("explain", "--samplers", "top_k;temperature", "--repeat-penalty", "1.1")
    assert result.status == 0
    assert "warning: " in result.out
    assert "absent" in result.out
    assert "--samplers" in result.out


def test_mirostat_replaces_the_chain(cli: Cli) -> None:
    data = cli("explain", "--mirostat", "2", "--json").json
    assert [warning["code"] for warning in data["warnings"]] == ["mirostat-replaces-chain"]
    assert {step["state"] for step in data["chain"][2:]} == {"absent"}


def test_inspect_json(cli: Cli, models: dict[str, Path]) -> None:
    data = cli("inspect", str(models["Q8_0"]), "--json").json
    assert set(data) >= INSPECT
    assert (data["architecture"], data["quantization"], data["split"]) == ("qwen2", "Q8_0", None)
    assert data["file_size"] == models["Q8_0"].stat().st_size
    assert data["metadata"]["tokenizer.ggml.tokens"] == {"type": "string", "count": 1024}
    assert data["tensor_types"]["Q8_0"] == 15
    text = cli("inspect", str(models["Q8_0"]))
    assert text.status == 0
    assert "qwen2" in text.out


def test_inspect_needs_a_file(cli: Cli, tmp_path: Path) -> None:
    assert cli("inspect", "--json").status == 2
    missing = cli("inspect", str(tmp_path / "missing.gguf"), "--json")
    assert missing.status == 1
    assert "missing.gguf" in missing.error["what"]
    folder = cli("inspect", str(tmp_path), "--json")
    assert (folder.status, bool(folder.error["what_to_do"])) == (1, True)


def test_inspect_shows_no_control_characters_of_the_file(cli: Cli, tmp_path: Path) -> None:
    path = small_model().string("evil", "\x1b[2J\x07 red").write(tmp_path / "evil.gguf")
    result = cli("inspect", str(path))
    assert result.status == 0
    assert "\x1b" not in result.out
    assert "\x07" not in result.out


def test_models_list_json(cli: Cli, models: dict[str, Path], tmp_path: Path) -> None:
    place = tmp_path / "data" / "models" / "owner" / "repo-GGUF"
    place.mkdir(parents=True)
    (place / "repo-Q8_0.gguf").write_bytes(models["Q8_0"].read_bytes())
    rows = cli("models", "list", "--json").json
    assert all(set(row) == LISTED for row in rows)
    own = next(row for row in rows if row["source"] == "library")
    assert (own["repo"], own["label"], own["architecture"]) == ("owner/repo-GGUF", "Q8_0", "qwen2")
    assert "Q8_0" in cli("models", "list").out


def test_recipes(cli: Cli, tmp_path: Path) -> None:
    rows = cli("recipes", "list", "--json").json
    assert [row["name"] for row in rows][: len(BUILTIN_RECIPES)] == [r.id for r in BUILTIN_RECIPES]
    assert all(set(row) == {"name", "title", "source", "llama_args"} for row in rows)
    shown = cli("recipes", "show", "qwen", "--json").json
    assert shown["sampling"]["temperature"] == 0.6
    exported = cli("recipes", "export", "qwen", "--to", "llama-args", "--json")
    if exported.status == 0:
        assert set(exported.json) == {"format", "text", "lost"}
    assert cli("recipes", "show", "nope", "--json").status == 1
    assert cli("recipes", "frobnicate", "--json").status == 2


@pytest.mark.parametrize("command", [command.name for command in commands.COMMANDS])
def test_every_command_has_help(cli: Cli, command: str) -> None:
    result = cli(command, "--help")
    assert result.status == 0
    assert f"qwqdesk {command}" in result.out


def test_help_and_version(cli: Cli) -> None:
    assert cli("--version").out == f"qwqdesk {__version__}\n"
    for name in ("--help", "-h"):
        result = cli(name)
        assert result.status == 0
        assert all(command.name in result.out for command in commands.COMMANDS)


def test_a_flag_of_llama_cpp_without_meaning_here_gets_a_note(cli: Cli) -> None:
    result = cli("explain", "--no-warmup", "--json")
    assert result.status == 0
    assert "--no-warmup" in result.err
    assert result.json["chain"]


def test_an_unknown_flag_is_a_usage_error(cli: Cli) -> None:
    result = cli("explain", "--no-such-flag", "--json")
    assert result.status == 2
    assert "--no-such-flag" in result.error["what"]


def test_an_unknown_flag_of_the_window_is_a_usage_error(cli: Cli) -> None:
    result = cli("--no-such-flag", "--json")
    assert result.status == 2
    assert "--no-such-flag" in result.error["what"]


def test_ctrl_c_before_anything_ran_still_prints_a_document(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("qwqdesk.cli.explain.run", interrupted)
    assert cli("explain").status == 130
    result = cli("explain", "--json")
    assert (result.status, result.error["code"]) == (130, "interrupted")


def test_a_fault_of_ours_still_prints_a_document(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("qwqdesk.cli.explain.run", broken)
    with pytest.raises(ZeroDivisionError):
        commands.run(["explain", "--json"])
    assert list(json.loads(capsys.readouterr().out)) == ["error"]


def test_commands_leave_the_home_folder_alone(cli: Cli, tmp_path: Path) -> None:
    cli("explain", "--json")
    cli("models", "list")
    assert not (tmp_path / "home").exists()


def test_a_recipe_from_what_a_model_recommends(cli: Cli, tmp_path: Path) -> None:
    file = small_model()
    file.scalar("general.sampling.top_a", 6, 0.1)
    found = cli("recipes", "import", str(file.write(tmp_path / "m.gguf")), "--json").json
    assert found["sampling"]["temperature"] == 0.5
    assert found["unmapped"] == ["general.sampling.top_a"]
    silent = GgufFile().string("general.architecture", "qwen2").write(tmp_path / "silent.gguf")
    refused = cli("recipes", "import", str(silent), "--json")
    assert (refused.status, refused.json["error"]["code"]) == (1, "no_model_sampling")


def test_a_recipe_keeps_its_grammar(cli: Cli, tmp_path: Path) -> None:
    line = tmp_path / "answer.txt"
    line.write_text("llama-cli --temp 0.5 --grammar 'root ::= \"a\"'")
    found = cli("recipes", "import", str(line), "--json").json
    assert found["constraints"] == {"grammar": 'root ::= "a"'}
    assert "--grammar" in cli("recipes", "show", found["name"], "--json").json["llama_args"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_or_an_endless_file_is_refused_at_once(cli: Cli, tmp_path: Path) -> None:
    pipe = tmp_path / "preset.json"
    os.mkfifo(pipe)
    for path in (str(pipe), "/dev/zero"):
        refused = cli("recipes", "import", path, "--json")
        assert (refused.status, refused.json["error"]["code"]) == (1, "file")


def test_a_huge_file_is_not_read(cli: Cli, tmp_path: Path) -> None:
    huge = tmp_path / "preset.json"
    with huge.open("wb") as file:
        file.truncate(2**31)
    refused = cli("recipes", "import", str(huge), "--json")
    assert "larger than 4 MiB" in refused.json["error"]["what"]


def test_a_grammar_error_has_its_line(cli: Cli, tmp_path: Path) -> None:
    grammar = tmp_path / "answer.gbnf"
    grammar.write_text('root ::= "a"\n  | b\n')
    refused = cli("ask", "-p", "x", "--grammar-file", str(grammar), "--json")
    assert refused.json["error"]["code"] == "grammar"
    assert "line 2, column 3" in refused.json["error"]["what"]
    refused = cli("compare", "-p", "x", "--lane", "B=qwen -j {", "--json")
    assert refused.json["error"]["code"] == "json_schema"


def test_help_is_given_behind_every_experiments_command(cli: Cli) -> None:
    assert cli("experiments", "run", "--help").out.startswith("usage: qwqdesk experiments")


def test_ask_refuses_what_only_compare_does(cli: Cli, tmp_path: Path) -> None:
    for words in (("--lane", "qwen"), ("--out", str(tmp_path / "out"))):
        refused = cli("ask", "-p", "x", *words, "--json")
        assert refused.status == 2
        assert "Write compare instead" in refused.json["error"]["what_to_do"]
    assert not (tmp_path / "out").exists()


def test_a_models_command_says_what_it_misses(cli: Cli) -> None:
    for word, missing in (("files", "repository"), ("remove", "file")):
        refused = cli("models", word, "--json")
        assert (refused.status, missing in refused.json["error"]["what"]) == (2, True)


def test_broken_json_is_told_in_words(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    for raw, words in (
        (b"[" * 100_000, "it is nested too deep"),
        (b"\xff", "it is not UTF-8 text"),
        (b"[\n1,,]", "expecting value in line 2, column 3"),
        (b"1" * 5000, "a number in it is too long"),
    ):
        file.write_bytes(raw)
        assert words in cli("rerun", str(file)).err


def test_a_value_may_look_like_a_flag(cli: Cli) -> None:
    version = f"qwqdesk {__version__}\n"
    assert cli("ask", "--json", "--version").out == version
    assert cli("ask", "hello", "--version").out == version
    assert cli("ask", "-p", "--version", "--model", "/missing.gguf").out != version
    refused = cli("ask", "-p", r"a\xff")
    assert refused.status == 2
    assert "is not valid UTF-8" in refused.err


def test_the_data_folder_may_stand_before_the_command(cli: Cli, tmp_path: Path) -> None:
    where = ("--data-dir", str(tmp_path / "data"))
    before, behind = cli(*where, "recipes", "list"), cli("recipes", "list", *where)
    assert before.status == 0
    assert (before.out, before.err) == (behind.out, behind.err)
    assert "There is no command 'asx'" in cli(*where, "asx").err
