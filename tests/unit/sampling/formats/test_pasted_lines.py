"""Pasted command lines of any shell, as people copy them out of guides, issues and terminals."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import pytest

from qwqdesk.sampling.formats.command_text import parse_command
from qwqdesk.sampling.formats.importing import import_text
from qwqdesk.sampling.formats.llama_args import UsageError, parse_args

LINES = Path(__file__).parent / "lines"

THINK_OFF = {"enable_thinking": False}
EXPECTED: dict[str, dict[str, Any]] = {
    "01-mtmd.txt": {
        "sampling": {
            "temperature": 1.0,
            "top_k": 20,
            "top_p": 0.95,
            "min_p": 0.0,
            "presence_penalty": 0.0,
        },
        "model": "hf.co/unsloth/Qwen3-VL-8B-Thinking-GGUF:UD-Q4_K_XL",
    },
    "02-ansi-c.txt": {
        "sampling": {"temperature": 0.7, "stop": ["\n"]},
        "prompt": "### Instruction: Write a story about llamas\n### Response:\n",
    },
    "03-ps-noexe.txt": {
        "sampling": {"temperature": 0.6, "top_k": 40},
        "model": r".\models\QwQ-32B-Q4_K_M.gguf",
        "prompt": 'Say "hi" to me',
    },
    "04-cmd-kwargs.txt": {
        "sampling": {"temperature": 0.7, "top_p": 0.8, "top_k": 20, "min_p": 0.0},
        "model": r"F:\GGUF\Qwen3.6-35B-A3B-Q4_K_M.gguf",
        "variables": THINK_OFF,
        "refused": ["--context-shift"],
    },
    "05-bash-kwargs.txt": {
        "sampling": {"temperature": 0.7, "top_p": 0.8},
        "model": "Qwen3.5-9B-Q4_K_M.gguf",
        "variables": THINK_OFF,
    },
    "07-env.txt": {
        "sampling": {"top_k": 20, "min_p": 0.0, "top_p": 0.95},
        "model": "qwq.gguf",
        "noted": ["LLAMA_ARG_TEMP "],
    },
    "08-oldseq.txt": {
        "sampling": {
            "samplers": ["top_k", "typ_p", "top_p", "min_p", "temperature"],
            "temperature": 0.6,
            "mirostat": 0,
            "n_predict": -2,
        },
        "skipped": ("f",),
        "noted": ["--tfs ", "--color "],
    },
    "09-oldsamplers.txt": {
        "sampling": {
            "samplers": ["top_k", "top_p", "min_p", "temperature"],
            "temperature": 0.6,
        },
        "skipped": ("tfs_z", "typical_p"),
    },
    "10-dashes.txt": {
        "sampling": {"temperature": 0.6, "top_p": 0.95},
        "prompt": "Hello there",
        "noted": ["Typographic quotation", "Typographic dashes"],
    },
    "11-comment.txt": {"sampling": {"temperature": 0.6, "top_k": 40}, "model": "qwq.gguf"},
    "12-export.txt": {
        "sampling": {"seed": 3407, "temperature": 0.6, "min_p": 0.01},
        "model": "hf.co/unsloth/QwQ-32B-GGUF:Q4_K_M",
    },
    "13-docker.txt": {
        "sampling": {
            "top_p": 0.95,
            "top_k": 20,
            "min_p": 0.0,
            "temperature": 1.0,
            "presence_penalty": 1.5,
        },
        "model": "/models/Qwen3.6-35B-A3B-UD-Q4_K_M.gguf",
        "variables": THINK_OFF,
        "noted": ["--port ", "--host ", "--api-key "],
    },
    "14-newflags.txt": {
        "sampling": {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "min_p": 0.0},
        "variables": {"enable_thinking": True},
        "noted": ["--no-direct-io ", "-dio ", "-fit ", "--spec-type "],
    },
    "21-flattened.txt": {
        "sampling": {
            "temperature": 0.6,
            "min_p": 0.01,
            "samplers": ["top_k", "top_p", "min_p", "temperature"],
        },
        "model": "QwQ-32B-Q4_K_M.gguf",
    },
    "22-llama-serve.txt": {
        "sampling": {"temperature": 0.6, "top_k": 20},
        "model": "model.gguf",
    },
    "23-hf-file.txt": {
        "sampling": {},
        "model": "hf.co/someone/Model-Q4_K_M-GGUF:model-q4_k_m.gguf",
        "prompt": "The meaning to life and the universe is",
    },
    "llama-args.env": {
        "sampling": {"top_k": 40, "top_p": 0.95, "min_p": 0.01, "repeat_penalty": 1.05},
        "engine": {"n_ctx": 16384, "n_gpu_layers": 99},
        "model": "/models/QwQ-32B-Q4_K_M.gguf",
        "noted": ["LLAMA_ARG_TEMP "],
    },
}


@pytest.mark.parametrize("name", sorted(path.name for path in LINES.iterdir()))
def test_lines_of_users(name: str) -> None:
    expected = EXPECTED[name]
    args = parse_command((LINES / name).read_text("utf-8"))
    assert args.sampling == expected["sampling"]
    assert args.positional == ()
    for what in ("model", "prompt", "engine", "skipped"):
        if what in expected:
            assert getattr(args, what) == expected[what]
    found = args.variables.values if args.variables is not None else None
    assert found == expected.get("variables")
    assert [word for word, _ in args.refused] == expected.get("refused", [])
    for noted in expected.get("noted", []):
        assert any(note.startswith(noted) for note in args.notes), noted


SAMPLING = {"temperature": 0.5, "top_k": 7}


@pytest.mark.parametrize(
    "text",
    [
        # POSIX shells
        "sudo -u llama nice -n 5 ./llama-cli --temp 0.5 --top-k 7",
        "llama-cli --temp $'0.5' --top-k $\"7\"",
        "me@host:~/llama.cpp$ ./llama-cli --temp 0.5 \\\n> --top-k 7",
        "(venv) % llama-cli --temp 0.5 --top-k 7",
        "```bash\nllama-cli --temp 0.5 \\\n  --top-k 7\n```",
        "llama-cli \\ --temp 0.5 \\ --top-k 7 \\",
        "llama-cli\u00a0--temp\u00a00.5 \u2013\u2013top-k 7\u200b",
        "llama-cli \u2014temp \u201c0.5\u201d \u2014top-k \u20187\u2019",
        "llama-cli --temp 0.5 --top-k 7 2>&1 | tee log",
        "./build/bin/Release/llama-cli.exe --temp 0.5 --top-k 7",
        # PowerShell
        'PS C:\\llama> & "C:\\llama cpp\\llama-cli.exe" --temp 0.5 `\n>> --top-k 7',
        '$env:LLAMA_ARG_TOP_K = "7"; .\\llama-server.exe --temp 0.5',
        "$env:LLAMA_ARG_TOP_K=7\n$env:CUDA_VISIBLE_DEVICES=0\nllama-server --temp 0.5 `\n",
        # cmd
        "C:\\llama>llama-cli.exe ^\r\n --temp 0.5 ^\r\n --top-k 7",
        "set LLAMA_ARG_TOP_K=7 && llama-server.exe --temp 0.5",
        # starts of other kinds
        "docker run -it --rm --name llama-server -e LLAMA_ARG_TOP_K=7 -v $PWD/llama.cpp:/models "
        "ghcr.io/ggml-org/llama.cpp:server -m /models/x.gguf --temp 0.5",
        "podman run --gpus=all ghcr.io/ggml-org/llama.cpp:full --run -m x --temp 0.5 --top-k 7",
        "docker run --entrypoint /app/llama-cli local/image --temp 0.5 --top-k 7",
        "llama cli --temp 0.5 --top-k 7",
        "./model.llamafile --server --nobrowser --temp 0.5 --top-k 7",
        "llama-gemma3-cli --temp 0.5 --top-k 7",
        "env LLAMA_ARG_TOP_K=7 LLAMA_CACHE=/x ./llama-server --temp 0.5",
        "export LLAMA_ARG_TOP_K=7\nllama-server --temp 0.5",
    ],
)
def test_other_shells_and_starts(text: str) -> None:
    args = parse_command(text)
    assert args.sampling == SAMPLING
    assert args.positional == ()


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("llama-cli -p $'a\\tb\\x41\\u00e9\\'c'", "a\tbA\u00e9'c"),
        ('llama-cli.exe -p "say \\"hi\\" to C:\\x"', 'say "hi" to C:\\x'),
        ('.\\llama-cli -p "say ""hi""" `\n', 'say "hi"'),
        (".\\llama-cli -p 'it''s' `\n", "it's"),
        (
            "llama-cli -p \u201cit\u2019s a \u2018test\u2019 here\u201d",
            "it\u2019s a \u2018test\u2019 here",
        ),
        ("llama-cli -p 'a \u2014 b \u201cc\u201d'", "a \u2014 b \u201cc\u201d"),
        ("llama-cli -p it\u2019s", "it\u2019s"),
        ('llama-cli -p ""', ""),
    ],
)
def test_quotes_of_other_shells(text: str, prompt: str) -> None:
    assert parse_command(text).prompt == prompt


@pytest.mark.parametrize(
    "text",
    [
        "'{\"enable_thinking\": false}'",
        '"{\\"enable_thinking\\": false}"',
        "$'{\"enable_thinking\": false}'",
        '{\\"enable_thinking\\":false}',
    ],
)
def test_json_in_posix_quotes(text: str) -> None:
    args = parse_command(f"llama-server --chat-template-kwargs {text}")
    assert args.variables is not None
    assert args.variables.values == THINK_OFF


@pytest.mark.parametrize(
    "text",
    [
        '{\\"enable_thinking\\":false}',
        '"{\\"enable_thinking\\": false}"',
        "'{\\\"enable_thinking\\\": false}'",
        '"{""enable_thinking"": false}"',
        '"{`"enable_thinking`": false}" `\n',
    ],
)
def test_json_in_the_quotes_of_windows(text: str) -> None:
    args = parse_command(f"C:\\llama\\llama-server.exe --chat-template-kwargs {text}")
    assert args.variables is not None
    assert args.variables.values == THINK_OFF


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("llama-bench -m x.gguf -p 512 -n 128 -r 3", "llama-bench measures speed"),
        ("./llama-quantize in.gguf out.gguf Q4_K_M", "llama-quantize quantizes"),
        ("llama bench -m x.gguf", "llama-bench measures speed"),
        ("llama-perplexity -m x.gguf -f wiki.txt", "llama-perplexity measures"),
        ("docker run ghcr.io/ggml-org/llama.cpp:full --entrypoint x --bench", "--entrypoint"),
        ("llama-cli -p $'abc", "never closed"),
    ],
)
def test_what_is_no_line_of_a_model_that_answers_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_command(text)
    assert said in caught.value.what


def test_the_same_beginnings_count_behind_ask() -> None:
    words = ["LLAMA_ARG_TOP_K=7", "llama", "serve", "--temp", "0.5"]
    assert parse_args(words).sampling == SAMPLING
    with pytest.raises(UsageError, match="llama-bench"):
        parse_args(["llama-bench", "-p", "512"])


def test_an_import_lists_what_is_not_taken() -> None:
    text = (LINES / "07-env.txt").read_text(
        "utf-8"
    ) + " --context-shift --port 1 --samplers 'x;top_k'"
    found = import_text(text, "mine")
    assert found.recipe.chain["top_k"] == 20
    assert {"LLAMA_ARG_TEMP", "--context-shift", "--port", "sampler x"} <= set(found.unmapped)


@pytest.mark.parametrize(
    "sign", ["\u201c ", "$'a' ", "`\n", "\\ ", "^ ", "\u2014", "'' ", "$env:a ", "> "]
)
def test_hostile_pastes_are_read_in_time_that_grows_with_their_length(sign: str) -> None:
    """Twice the text may cost some three times the work, never ten times."""

    def seconds(count: int) -> float:
        begun = time.perf_counter()
        with contextlib.suppress(UsageError):
            parse_command("llama-cli " + sign * count)
        return time.perf_counter() - begun

    assert min(seconds(40_000) for _ in range(2)) < 10 * max(seconds(10_000), 0.02)
