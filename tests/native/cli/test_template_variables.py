"""Template variables from the command line, on a small real model."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from qwqdesk.errors import UserError
from qwqdesk.stored_run import run_of_document
from tests.native.cli.conftest import Cli

QUICK = ("-c", "512", "-t", "1", "-n", "4", "--seed", "1", "--ignore-eos", "--json")
OFF = '{"enable_thinking": false}'
QWEN3 = """
{%- for m in messages %}
{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}
{%- endif %}{% endif %}
"""


@pytest.fixture
def template(tmp_path: Path) -> str:
    """A template with the switch of Qwen 3."""
    file = tmp_path / "qwen3.jinja"
    file.write_text(QWEN3, "utf-8")
    return str(file)


@pytest.mark.parametrize(
    "words", [("--chat-template-kwargs", OFF), ("--reasoning", "off"), ("-rea", "off")]
)
def test_thinking_is_switched_off(cli: Cli, model: str, template: str, words: tuple[str]) -> None:
    ask = ("ask", model, "-p", "hi", "--chat-template-file", template, *QUICK)
    with_thinking, without = cli(*ask), cli(*ask, *words)
    assert with_thinking.json["prompt"]["text"].endswith("assistant\n")
    assert "template_variables" not in with_thinking.json["prompt"]
    assert without.json["prompt"]["text"].endswith("<think>\n\n</think>\n\n")
    assert without.json["prompt"]["template_variables"] == {"enable_thinking": False}
    [lane] = without.json["lanes"]
    assert lane["manifest"]["prompt"]["template_variables"] == {"enable_thinking": False}
    assert lane["warnings"] == []


def test_lanes_that_differ_in_it_have_prompts_of_their_own(
    cli: Cli, model: str, template: str
) -> None:
    result = cli(
        "compare", model, "-p", "hi", "--chat-template-file", template, *QUICK,
        "--lane", "think=", "--lane", f"nothink=--chat-template-kwargs '{OFF}'",
    )  # fmt: skip
    data = result.json
    think, nothink = data["lanes"]
    assert data["prompt"]["text"].endswith("assistant\n")
    assert "prompt" not in think
    assert nothink["prompt"]["text"].endswith("</think>\n\n")
    assert nothink["prompt"]["template_variables"] == {"enable_thinking": False}
    assert (
        nothink["manifest"]["prompt"]["tokens_sha256"]
        != think["manifest"]["prompt"]["tokens_sha256"]
    )


def test_a_variable_that_the_template_never_reads_is_a_warning(
    cli: Cli, model: str, template: str
) -> None:
    kwargs = '{"enable_thinking": false, "reasoning_effort": "high"}'
    ask = ("ask", model, "-p", "hi", *QUICK, "--chat-template-kwargs", kwargs)
    result = cli(*ask, "--chat-template-file", template)
    [warning] = result.json["lanes"][0]["warnings"]
    assert warning["code"] == "template-variable-unused"
    assert "reasoning_effort" in warning["text"]
    assert f"warning: {warning['text']}" in result.err
    raw = cli(*ask, "--raw").json["lanes"][0]["warnings"]
    assert [each["code"] for each in raw] == ["template-variable-unused"] * 2


def test_a_rerun_has_the_same_prompt(cli: Cli, model: str, template: str, tmp_path: Path) -> None:
    words = ("--chat-template-file", template, "--reasoning", "off", "-n", "4")
    data = cli("ask", model, "-p", "hi", *QUICK, *words).json
    [lane] = run_of_document(data).lanes
    assert lane.prompt.variables.values == {"enable_thinking": False}
    file = tmp_path / "run.json"
    file.write_text(json.dumps(data), "utf-8")
    assert cli("rerun", str(file), "--json").status == 0


def test_a_template_that_refuses_a_value_says_so(cli: Cli, model: str, tmp_path: Path) -> None:
    file = tmp_path / "strict.jinja"
    file.write_text(
        "{% if level is defined and level != 1 %}{{ raise_exception('level is 1') }}{% endif %}"
        "{% for m in messages %}{{ m.content }}{% endfor %}",
        "utf-8",
    )
    ask = ("ask", model, "-p", "hi", "--chat-template-file", str(file), *QUICK)
    result = cli(*ask, "--chat-template-kwargs", '{"level": 7}')
    assert result.status == 1
    assert result.error["code"] == "template"
    assert "level is 1" in result.error["what"]
    assert cli(*ask, "--chat-template-kwargs", '{"level": 1}').status == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_template_from_a_pipe_serves_every_lane(cli: Cli, model: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = ("compare", model, "-p", "hi", "--chat-template-file", str(pipe), *QUICK)
    for source, status in ((QWEN3, 0), ("no Jinja", 1)):
        writer = threading.Thread(target=pipe.write_text, args=(source,))
        writer.start()
        result = cli(*words, "--lane", "A=qwen", "--lane", "B=greedy --reasoning off")
        writer.join()
        assert result.status == status
        if status:
            assert result.error["code"] == "template"
        else:
            first, second = (lane["manifest"]["prompt"] for lane in result.json["lanes"])
            assert "template_variables" not in first
            assert second["template_variables"] == {"enable_thinking": False}


def test_hostile_values_are_wrong_usage(cli: Cli, model: str) -> None:
    for text in ("{", "[]", '{"a": NaN}', "x" * 70_000):
        result = cli("ask", model, "-p", "hi", "--chat-template-kwargs", text, "--json")
        assert result.status == 2
        assert result.error["code"] == "usage"


def test_a_strangers_document_cannot_bring_in_messages(cli: Cli, model: str, template: str) -> None:
    words = ("--chat-template-file", template, "--reasoning", "off")
    data = cli("ask", model, "-p", "hi", *QUICK, *words).json
    data["lanes"][0]["manifest"]["prompt"]["template_variables"] = {"messages": []}
    [lane] = run_of_document(data).lanes
    assert not lane.prompt.variables
    with pytest.raises(UserError):
        run_of_document({})
