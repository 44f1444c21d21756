"""Exit statuses and warnings that scripts rely on when a lane or a stored run is not as hoped."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from qwqdesk.resources import resource
from tests.native.cli.conftest import Cli

DEMO = str(resource("models", "qwqdesk-demo-F16.gguf"))
QUICK = ("-c", "512", "-t", "1", "-n", "4", "--seed", "1", "--raw")
NOTHING = ("--grammar", 'root ::= "a" "a"', "--banned-string", "a")


def test_a_lane_that_fails_is_status_1_with_its_document(cli: Cli) -> None:
    result = cli("ask", DEMO, "-p", "hi", *QUICK, *NOTHING, "--json")
    assert result.status == 1
    [lane] = result.json["lanes"]
    assert lane["finish_reason"] == "error"
    assert f"error: Lane A failed: {lane['finish_detail']}." in result.err


def test_one_failed_lane_of_several_is_status_1(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    lanes = ("--lane", "good=", "--lane", """bad=--grammar 'root ::= "a"' --banned-string a""")
    result = cli("compare", DEMO, "-p", "hi", *QUICK, *lanes, "--json", "--out", str(out))
    assert result.status == 1
    assert [lane["finish_reason"] for lane in result.json["lanes"]] == ["length", "error"]
    assert "error: Lane bad failed" in result.err
    assert (out / "run.json").exists()


def test_a_bias_outside_the_vocabulary_is_a_warning(cli: Cli) -> None:
    result = cli("ask", DEMO, "-p", "hi", *QUICK, "--logit-bias", "999999+1", "--json")
    assert result.status == 0
    [warning] = result.json["lanes"][0]["warnings"]
    assert warning["code"] == "logit_bias-outside-vocabulary"
    assert "999999" in warning["text"]
    assert f"warning: {warning['text']}" in result.err
    inside = cli("ask", DEMO, "-p", "hi", *QUICK, "--logit-bias", "9+1", "--json")
    assert inside.json["lanes"][0]["warnings"] == []


def test_of_a_grammar_and_a_schema_the_last_counts_and_that_is_said(cli: Cli) -> None:
    result = cli("explain", "--json-schema", "{}", "--grammar", 'root ::= "a"')
    assert "note: --json-schema does not count: --grammar stands behind it." in result.err
    assert "does not count" not in cli("explain", "--grammar", 'root ::= "a"').err


def test_skipped_steps_are_warnings_of_explain_and_of_each_lane(cli: Cli, model: str) -> None:
    words = ("--samplers", "top_k;tfs_z;temperature", "--temp", "-1")
    result = cli("explain", *words, "--json")
    assert [warning["code"] for warning in result.json["warnings"]] == ["unknown-sampler"]
    assert result.json["samplers"] == "top_k;temperature"
    assert "note: --temp -1 counts as 0" in result.err
    lanes = ("--lane", f"a={' '.join(words[:2])}", "--lane", "b=--sampling-seq kt")
    run = cli("compare", model, "-p", "hi", "--raw", *QUICK, *lanes, "--json")
    codes = [[warning["code"] for warning in lane["warnings"]] for lane in run.json["lanes"]]
    assert codes == [["unknown-sampler"], []]
    assert "warning: a: There is no sampler 'tfs_z'" in run.err


def test_a_document_without_a_manifest_says_only_what_it_knows(cli: Cli, tmp_path: Path) -> None:
    data = cli("ask", DEMO, "-p", "hi", *QUICK, "--json").json
    del data["lanes"][0]["manifest"]
    file = tmp_path / "run.json"
    file.write_text(json.dumps(data), "utf-8")
    error = cli("rerun", str(file), "--json").error
    assert error["code"] == "no_such_model"
    assert "another content" not in error["what_to_do"]
    assert "bytes" not in error["what"]
    assert DEMO in error["what_to_do"]
    assert cli("rerun", str(file), DEMO, "-c", "512", "-t", "1").status == 0


def test_a_document_of_a_newer_version_is_refused(cli: Cli, tmp_path: Path) -> None:
    data = cli("ask", DEMO, "-p", "hi", *QUICK, "--json").json
    file = tmp_path / "run.json"
    file.write_text(json.dumps({**data, "version": 99}), "utf-8")
    error = cli("rerun", str(file), "--json").error
    assert "version 99" in error["what"]
    assert error["code"] == "manifest"


def test_an_empty_folder_name_is_refused(cli: Cli) -> None:
    result = cli("compare", DEMO, "-p", "hi", "--lane", "A=", "--out", "", "--json")
    assert (result.status, result.error["what"]) == (2, "--out names no folder.")


def test_a_pipe_is_read_and_named(cli: Cli, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for words in (("-f", str(pipe)), ("-p", "hi", "--thought", str(pipe))):
        writer = threading.Thread(target=pipe.write_text, args=("I think of seven.",))
        writer.start()
        result = cli("ask", DEMO, *words, "-c", "512", "-t", "1", "-n", "2", "--json")
        writer.join()
        assert result.status == 0
        assert f"note: {pipe} is a pipe" in result.err
    writer = threading.Thread(target=pipe.write_text, args=("{}",))
    writer.start()
    assert f"note: {pipe} is a pipe" in cli("rerun", str(pipe)).err
    writer.join()


def test_own_recipes_can_be_removed(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "calm.json"
    file.write_text(json.dumps({"temperature": 0.2}), "utf-8")
    home = ("--data-dir", str(tmp_path / "data"))
    name = cli("recipes", "import", str(file), "--json", *home).json["name"]
    assert cli("recipes", "remove", name, "--json", *home).json == {"removed": name}
    rows = cli("recipes", "list", "--json", *home).json
    assert name not in [row["name"] for row in rows]
    for gone in (name, "qwen", "../x"):
        result = cli("recipes", "remove", gone, "--json", *home)
        assert (result.status, result.error["code"]) == (1, "recipe-unknown")
