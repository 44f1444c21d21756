"""Files as other programs write them: which values, what is listed, and which parts there are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qwqdesk.errors import UserError
from qwqdesk.sampling.constraints import Constraints
from qwqdesk.sampling.formats.exporting import EXPORT_FORMATS, export_recipe
from qwqdesk.sampling.formats.importing import SeveralPartsError, import_file, import_text
from qwqdesk.sampling.recipes import BUILTIN_RECIPES, Recipe
from qwqdesk.sampling.samplers import PARAMS

FILES = Path(__file__).parent / "presets"
BREAKERS = ("\n", ":", '"', "*")
LLAMA_ORDER = "penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature"
KOBOLD_ORDER = "dry;top_n_sigma;penalties;top_k;typ_p;top_p;min_p;temperature;xtc"
HUGGING_ORDER = "penalties;temperature;top_k;top_p;min_p;typ_p"
VLLM_ORDER = "penalties;temperature;min_p;top_k;top_p"


@dataclass(frozen=True)
class Case:
    """What a file says. `values` are all that differ from llama.cpp's defaults."""

    values: Mapping[str, Any]
    order: str = LLAMA_ORDER
    unmapped: tuple[str, ...] = ()
    part: str | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    warned: frozenset[str] = frozenset()


UNKNOWN = frozenset({"unknown-sampler"})
KOBOLD_LOST = ("sampler_order: 1 (top_a)", "sampler_order: 3 (tfs)")
OLLAMA = {"top_p": 0.9, "min_p": 0.0, "repeat_penalty": 1.1}
KOBOLD = {"top_k": 100, "top_p": 0.92, "min_p": 0.0}
SCHEMA = '{"type": "object", "properties": {"%s": {"type": "integer"}}, "required": ["%s"]}'

CASES: Mapping[str, Case] = {
    # ---- told by more than one name at the top
    "vllm-extra-body.json": Case(
        {"seed": 42, "temperature": 0.7, "top_k": 20, "top_p": 0.8, "min_p": 0.0}
        | {"repeat_last_n": -1, "presence_penalty": 1.5, "n_predict": 8192}
        | {"stop": ("<|im_end|>",)},
        VLLM_ORDER,
        ("model", "messages", "chat_template_kwargs"),
    ),
    "openai-python.txt": Case(
        {"temperature": 0.6, "top_k": 20, "top_p": 1.0, "min_p": 0.0, "repeat_last_n": -1}
        | {"repeat_penalty": 1.05, "n_predict": 512, "stop": ("</s>",)},
        VLLM_ORDER,
        ("model", "min_tokens"),
    ),
    "st-chat-completion.json": Case(
        {"seed": -1, "temperature": 0.6, "top_k": 20, "min_p": 0.0, "repeat_last_n": -1}
        | {"n_predict": 4096},
        LLAMA_ORDER,
        (
            "chat_completion_source",
            "openai_model",
            "top_a",
            "openai_max_context",
            "wrap_in_quotes",
            "names_behavior",
            "send_if_empty",
            "jailbreak_system",
            "stream_openai",
            "prompts",
            "prompt_order",
            "assistant_prefill",
            "n",
        ),
    ),
    "generation_config-qwq.json": Case(
        {"temperature": 0.6, "min_p": 0.0, "repeat_last_n": -1},
        HUGGING_ORDER,
        ("bos_token_id", "eos_token_id", "pad_token_id", "transformers_version"),
    ),
    "generation_config-nulls.json": Case(
        {"temperature": 1.0, "top_k": 50, "top_p": 1.0, "min_p": 0.0, "repeat_last_n": -1}
        | {"repeat_penalty": 1.05},
        HUGGING_ORDER,
        (
            "eos_token_id",
            "suppress_tokens",
            "bad_words_ids",
            "sequence_bias",
            "max_length",
            "epsilon_cutoff",
            "transformers_version",
        ),
    ),
    # ---- one level down
    "server-props.json": Case(
        {"temperature": 0.6, "top_k": 20, "min_p": 0.0, "dry_penalty_last_n": 4096},
        "penalties;dry;top_k;typ_p;top_p;min_p;xtc;temperature",
        (
            "id",
            "n_ctx",
            "n_keep",
            "n_discard",
            "stream",
            "n_probs",
            "speculative.n_max",
            "timings_per_token",
            "prompt",
            "next_token",
            "total_slots",
            "model_path",
            "chat_template",
        ),
    ),
    "slots.json": Case({"temperature": 0.9}, LLAMA_ORDER, ("id", "n_ctx"), part="1"),
    "webui-settings.json": Case(
        {"temperature": 0.6, "top_k": 20, "top_n_sigma": 1.5},
        "top_k;top_p;temperature",
        ("showTokensPerSecond",),
    ),
    "st-master.json": Case(
        {"temperature": 0.6, "min_p": 0.1, "repeat_last_n": 0},
        "top_k;top_p;min_p;temperature",
        ("instruct", "context", "sysprompt", "name", "reasoning"),
    ),
    "st-settings.json": Case(
        {"temperature": 0.7, "top_p": 0.9, "min_p": 0.0, "repeat_penalty": 1.2}
        | {"repeat_last_n": 1024},
        "top_k;temperature",
        ("type",),
        part="textgenerationwebui_settings",
    ),
    "lmstudio-02.preset.json": Case(
        {"temperature": 0.7, "repeat_penalty": 1.1, "stop": ("<|im_start|>", "<|im_end|>")},
        LLAMA_ORDER,
        ("load_params", "input_prefix", "input_suffix", "pre_prompt"),
    ),
    "lmstudio-reasoning.preset.json": Case(
        {"temperature": 0.3, "top_k": 20, "min_p": 0.0, "repeat_penalty": 1.05}
        | {"presence_penalty": 1.5, "n_predict": 512},
        LLAMA_ORDER,
        (
            "llm.prediction.systemPrompt",
            "llm.prediction.reasoning.budgetTokens",
            "llm.prediction.reasoning.parsing",
            "llm.load.contextLength",
        ),
        limits={"json_schema": SCHEMA % ("a", "a")},
    ),
    "lmstudio-model.yaml": Case(
        {"temperature": 0.6, "top_k": 20, "min_p": 0.0, "repeat_penalty": 1.1},
        LLAMA_ORDER,
        ("model", "base"),
    ),
    "kobold-lite-save.json": Case(
        {"temperature": 0.6, "xtc_threshold": 0.2, "repeat_last_n": 360, "repeat_penalty": 1.05}
        | {"dry_multiplier": 0.5, "dry_penalty_last_n": 360, "n_predict": 512},
        KOBOLD_ORDER,
        ("gamestarted", "prompt", "memory", "authorsnote", "actions", *KOBOLD_LOST),
        warned=UNKNOWN,
    ),
    "launcher.kcpps": Case(
        {"temperature": 0.6, "top_p": 0.92, "xtc_threshold": 0.2, "repeat_last_n": 320}
        | {"dry_penalty_last_n": 320, "dry_sequence_breakers": ()},
        KOBOLD_ORDER,
        (
            "model",
            "model_param",
            "port",
            "threads",
            "usecuda",
            "contextsize",
            "gpulayers",
            "flashattention",
            "quantkv",
            "chatcompletionsadapter",
        ),
    ),
    "open-webui-models.json": Case(
        {"temperature": 0.3, "top_k": 20, "top_p": 0.8, "min_p": 0.0, "repeat_penalty": 1.1}
        | {"n_predict": 2048, "stop": ("</s>",)},
        LLAMA_ORDER,
        ("base_model_id", "meta", "system", "num_ctx", "function_calling"),
        part="QwQ strict",
    ),
    "jan-thread.json": Case(
        {"temperature": 0.7, "frequency_penalty": 0.1, "n_predict": 2048}
        | {"stop": ("<|im_end|>",)},
        LLAMA_ORDER,
        ("id", "engine", "settings", "stream", "title", "assistant_id", "assistant_name"),
    ),
    # ---- INI, YAML and texts inside
    "models-preset.ini": Case(
        {"temperature": 0.6, "min_p": 0.01},
        "top_k;top_p;min_p;temperature",
        ("c", "model", "jinja", "n-gpu-layer"),
        warned=frozenset({"value-differs"}),
    ),
    "models-two.ini": Case(
        {"temperature": 0.2, "top_k": 20, "repeat_penalty": 1.05},
        LLAMA_ORDER,
        ("c", "model"),
        part="qwq-careful",
    ),
    "gpt4all.ini": Case(
        {"temperature": 0.6, "top_k": 20, "min_p": 0.0, "repeat_last_n": 128}
        | {"repeat_penalty": 1.18, "n_predict": 4096},
        LLAMA_ORDER,
        ("promptBatchSize", "contextLength", "systemMessage"),
    ),
    "textgen-settings.yaml": Case(
        {"temperature": 0.6, "top_k": 20, "min_p": 0.0, "repeat_last_n": -1}
        | {"repeat_penalty": 1.05, "dry_multiplier": 0.8, "dry_penalty_last_n": -1}
        | {"n_predict": 4096, "stop": ("\nUser:", "</s>")},
        "penalties;dry;top_k;top_p;temperature",
        ("dark_theme", "mode", "preset", "sampler_priority: eta_cutoff"),
        warned=UNKNOWN,
    ),
    "tabby.yml": Case(
        {"temperature": 0.7, "top_k": 0, "top_p": 1.0, "repeat_last_n": -1}
        | {"repeat_penalty": 1.1, "dry_multiplier": 0.8, "dry_penalty_last_n": -1},
        "penalties;dry;temperature;top_k;top_p;min_p;typ_p;xtc",
    ),
    "localai.yaml": Case(
        {"temperature": 0.6, "repeat_penalty": 1.05, "stop": ("<|im_end|>",)},
        LLAMA_ORDER,
        ("backend", "context_size", "model"),
    ),
    "continue.yaml": Case(
        {"temperature": 0.6, "top_k": 20, "n_predict": 1500}, LLAMA_ORDER, ("name", "provider")
    ),
    "aider.yml": Case({"temperature": 0.1}, part="openai/other"),
    "llama-swap.yaml": Case(
        {"temperature": 0.6, "min_p": 0.01, "repeat_penalty": 1.1, "dry_multiplier": 0.5},
        "top_k;top_p;min_p;temperature;dry;typ_p;xtc",
        (
            "--host",
            "--port",
            "--model",
            "--flash-attn",
            "--cache-type-k",
            "--cache-type-v",
            "--ctx-size",
            "proxy",
            "ttl",
            "aliases",
        ),
    ),
    "llama-swap-two.yaml": Case(
        {"temperature": 0.2, "top_k": 10},
        LLAMA_ORDER,
        ("--port", "--ctx-size", "-m"),
        part="qwq-calm",
    ),
    "compose.yaml": Case(
        {"temperature": 0.6, "top_k": 20}, LLAMA_ORDER, ("-m", "--ctx-size", "image", "ports")
    ),
    "commented.jsonc": Case(
        {"temperature": 0.6, "top_k": 20, "stop": ("// no comment", "/* neither */")}
    ),
    "llama-args.env": Case(
        {"min_p": 0.01, "repeat_penalty": 1.05},
        LLAMA_ORDER,
        ("LLAMA_ARG_MODEL", "LLAMA_ARG_CTX_SIZE", "LLAMA_ARG_N_GPU_LAYERS", "LLAMA_ARG_TEMP"),
    ),
    # ---- what llama.cpp takes with a warning
    "server-null.json": Case(
        {"temperature": 0.7, "top_p": 0.9, "presence_penalty": 0.5}, LLAMA_ORDER, ("stream",)
    ),
    "server-logit-bias-str.json": Case(
        {"temperature": 0.7, "logit_bias": ((15043, -math.inf),), "n_predict": 64},
        limits={"logit_bias_text": [{"text": "Hello", "bias": -0.5}]},
    ),
    "server-old-order.json": Case(
        {"temperature": 0.7, "repeat_last_n": 256, "repeat_penalty": 1.18}
        | {"logit_bias": ((15043, -1.5),), "n_predict": 256},
        "top_k;top_p;min_p;temperature",
        ("prompt", "tfs_z", "samplers: tfs_z", "samplers: typical_p", "cache_prompt"),
        limits={"logit_bias_text": [{"text": "Hello", "bias": False}]},
        warned=UNKNOWN,
    ),
    # ---- special values and defaults
    "koboldcpp-request.json": Case(
        {"temperature": 1.0, "top_k": 100, "top_p": 0.92, "min_p": 0.02, "xtc_threshold": 0.2}
        | {"repeat_last_n": 360, "repeat_penalty": 1.08, "dry_multiplier": 0.8}
        | {"dry_penalty_last_n": -1, "dry_sequence_breakers": (*BREAKERS, "<|im_end|>")}
        | {"n_predict": 150, "stop": ("<|im_end|>",)},
        KOBOLD_ORDER,
        (
            "n",
            "max_context_length",
            "top_a",
            "tfs",
            "rep_pen_slope",
            *KOBOLD_LOST,
            "smoothing_factor",
            "quiet",
        ),
        warned=UNKNOWN,
    ),
    "koboldcpp-short.json": Case(
        KOBOLD
        | {"temperature": 0.7, "xtc_probability": 0.5, "xtc_threshold": 0.2}
        | {"repeat_last_n": 320, "repeat_penalty": 1.1, "dry_multiplier": 0.8}
        | {"dry_penalty_last_n": 320, "dry_sequence_breakers": (), "n_predict": 200},
        KOBOLD_ORDER,
    ),
    "st-kobold.json": Case(
        {"temperature": 1.5, "top_k": 0, "top_p": 1.0, "min_p": 0.1, "typical_p": 0.9}
        | {"repeat_last_n": 512, "repeat_penalty": 1.1, "mirostat": 2},
        "dry;top_n_sigma;temperature;penalties;top_k;top_p;min_p;typ_p;xtc",
        ("top_a", "tfs", "rep_pen_slope", *KOBOLD_LOST, "use_default_badwordsids"),
        warned=UNKNOWN,
    ),
    "ollama-request.json": Case(
        OLLAMA
        | {"seed": 7, "temperature": 0.6, "repeat_last_n": -1, "n_predict": -2}
        | {"stop": ("<|im_end|>",)},
        LLAMA_ORDER,
        ("model", "stream", "messages", "keep_alive", "num_ctx"),
        limits={"json_schema": SCHEMA % ("n", "n")},
    ),
    "ollama-show.json": Case(
        OLLAMA | {"temperature": 0.5, "stop": ("<|im_start|>", "<|im_end|>")},
        LLAMA_ORDER,
        ("FROM", "TEMPLATE"),
    ),
    # ---- Modelfiles
    "Modelfile-quoted": Case(
        {"min_p": 0.0, "repeat_penalty": 1.1}, LLAMA_ORDER, ("FROM", "SYSTEM")
    ),
    "Modelfile-many": Case(
        OLLAMA
        | {"temperature": 0.6, "repeat_last_n": -1, "n_predict": -2}
        | {"stop": ("<|im_start|>", "<|im_end|>", "\n###")},
        LLAMA_ORDER,
        ("FROM", "SYSTEM", "TEMPLATE", "MESSAGE", "num_ctx", "LICENSE"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_file_of_another_program(name: str) -> None:
    case = CASES[name]
    found = import_file(FILES / name, case.part)
    chain = found.recipe.chain
    values = {n: chain[n] for n, param in PARAMS.items() if chain[n] != param.default}
    stated = {n: value for n, value in case.values.items() if value != PARAMS[n].default}
    assert values == stated
    assert chain.order_text == case.order
    assert found.unmapped == case.unmapped
    assert found.recipe.constraints.to_json() == case.limits
    assert {warning.code for warning in found.warnings} == case.warned


def test_every_file_is_tried() -> None:
    assert {path.name for path in FILES.iterdir()} == {*CASES, "st-textgen-dry.json"}


def test_a_range_of_zero_is_taken_and_explained() -> None:
    found = import_file(FILES / "st-textgen-dry.json")
    assert found.recipe.chain["dry_penalty_last_n"] == 0
    assert found.recipe.chain["dry_multiplier"] == 0.8
    notes = [warning.text for warning in found.warnings if warning.code == "value-differs"]
    assert [note.partition(" ")[0] for note in notes] == ["repeat_last_n", "dry_penalty_last_n"]


# ---------------------------------------------------------------- parts


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("slots.json", ("0", "1")),
        ("st-settings.json", ("textgenerationwebui_settings", "kai_settings", "oai_settings")),
        ("open-webui-models.json", ("QwQ strict", "QwQ free")),
        ("models-two.ini", ("qwq-careful", "qwq-free")),
        ("llama-swap-two.yaml", ("qwq-calm", "qwq-free")),
        ("aider.yml", ("openai/qwq", "openai/other")),
    ],
)
def test_a_file_with_several_parts_names_them(name: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(SeveralPartsError) as caught:
        import_file(FILES / name)
    assert caught.value.parts == parts
    assert all(part in caught.value.what for part in parts)
    assert "--part" in caught.value.what_to_do
    ids = [import_file(FILES / name, part).recipe.id for part in parts]
    assert len(set(ids)) == len(parts)


def test_each_part_has_its_own_values() -> None:
    two = FILES / "models-two.ini"
    free = import_file(two, "qwq-free")
    assert free.recipe.chain["temperature"] == 1.3
    assert free.recipe.chain["top_p"] == 0.9, "llama-server takes names of the environment, too"
    assert "top-k" in free.unmapped, "no number"
    settings = FILES / "st-settings.json"
    assert import_file(settings, "KAI_settings").recipe.chain["typical_p"] == 0.9
    chat = import_file(settings, "oai_settings").recipe.chain
    assert (chat["temperature"], chat["frequency_penalty"], chat["n_predict"]) == (1.1, 0.2, 300)
    free = import_file(FILES / "llama-swap-two.yaml", "qwq-free")
    assert (free.recipe.chain["temperature"], free.recipe.chain["min_p"]) == (1.2, 0.05)


def test_a_part_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(SeveralPartsError, match="no part named 'qwen'") as caught:
        import_file(FILES / "models-two.ini", "qwen")
    assert caught.value.parts == ("qwq-careful", "qwq-free")
    with pytest.raises(UserError, match="one set of settings"):
        import_file(FILES / "Modelfile-many", "x")


def test_a_runs_lanes_are_parts() -> None:
    lanes = [
        {"label": label, "sampling": {"temperature": heat}, "text": "a"}
        for label, heat in (("calm", 0.1), ("hot", 1.5))
    ]
    found = import_text(json.dumps({"format": "qwqdesk.run", "lanes": lanes}), "run", "hot")
    assert found.recipe.chain["temperature"] == 1.5


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("text", "left", "code"),
    [
        ('{"temperature": 0.5, "top_k": "many"}', "top_k", "value-left-out"),
        ('{"temperature": 0.5, "top_k": [1]}', "top_k", "value-left-out"),
        ('{"temperature": 0.5, "repeat_last_n": -5}', "repeat_last_n", "value-left-out"),
        ('{"temperature": 0.5, "xtc_threshold": "1/2"}', "xtc_threshold", "value-left-out"),
        ('{"temperature": 0.5, "stop": [1, "a"]}', "stop", "value-left-out"),
        ('{"temperature": 0.5, "temp": 0.9}', "temp", "stated-twice"),
        ('{"temperature": 0.9, "temperature": 0.5}', "temperature", "stated-twice"),
        ('{"temperature": 0.5, "logit_bias": [["a", "b"]]}', "logit_bias: ['a', 'b']", ""),
        ('{"temperature": 0.5, "grammar": "root ::= ["}', "grammar", "value-left-out"),
        ("temperature: 0.9\ntop_p: 0.9\ntemperature: 0.5\n", "temperature", "stated-twice"),
        ("[x]\ntemp = 0.9\ntemp = 0.5\n", "temp", "stated-twice"),
        ('FROM x\nPARAMETER temperature 0.5\nPARAMETER stop "a\n', "stop", "value-left-out"),
    ],
)
def test_what_cannot_be_taken_is_listed_with_the_reason(text: str, left: str, code: str) -> None:
    found = import_text(text, "x")
    assert found.recipe.chain["temperature"] == 0.5
    assert left in found.unmapped
    (warning,) = [w for w in found.warnings if w.text.startswith(f"{left}: ")]
    assert warning.code == (code or "value-left-out")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"temperature": -1, "top_k": -1, "top_p": 2}', {"temperature": 0.0, "top_k": 0}),
        ('{"temperature": 0.5, "dry_base": 0.5}', {"dry_base": 1.75}),
        ('{"temperature": "0.25", "top_k": " 7 "}', {"temperature": 0.25, "top_k": 7}),
        ('{"temperature": 0.5, "stop": "a"}', {"stop": ("a",)}),
        ('{"temperature": 0.5, "stop": ["", "a"]}', {"stop": ("a",)}),
        ('{"temperature": 0.5, "samplers": "kt"}', {"samplers": ("top_k", "temperature")}),
        ('{"temperature": 0.5, "samplers": "top_k;temp"}', {"samplers": ("top_k", "temperature")}),
        ('{"temperature": 0.5, "samplers": []}', {"samplers": ()}),
        ('{"temp": 1, "rep_pen": 1.1, "nsigma": 0}', {"top_n_sigma": -1.0}),
        ('{"temperature": 1, "rep_pen": 1.1, "rep_pen_range": 0}', {"repeat_last_n": 1}),
        ('{"rep_pen": 1.1, "banned_tokens": ["a b"]}', {"banned_strings": ("a b",)}),
        ('{"top_k": -1, "repetition_penalty": 1, "min_tokens": 1}', {"top_k": 0}),
        ('{"do_sample": false, "temperature": 0.6, "eos_token_id": 1}', {"temperature": 0.0}),
        ("repetition_penalty_range: -1\ntfs: 1\ntop_a: 0\n", {"dry_penalty_last_n": -1}),
        ("adaptive_target: 0\ntfs: 1\ntop_a: 0\n", {"adaptive_target": -1.0}),
        ('{"options": {"num_predict": -1, "top_k": 3}}', {"n_predict": -1, "top_p": 0.9}),
        ("# Qwen\n{temperature: 0.25, top_k: 3}", {"temperature": 0.25, "top_k": 3}),
        ('\ufeff{"temperature": 0.25}', {"temperature": 0.25}),
        ("a: &calm\n  temperature: 0.25\n  top_k: 3\n", {"temperature": 0.25, "top_k": 3}),
        ("temp = 0.25\ntop-k = 3\n", {"temperature": 0.25, "top_k": 3}),
    ],
)
def test_special_values_and_ways_to_write(text: str, values: Mapping[str, object]) -> None:
    recipe = import_text(text, "x").recipe
    have = {**recipe.values, "samplers": recipe.samplers}
    have["banned_strings"] = recipe.constraints.banned_strings
    assert {name: have[name] for name in values} == values


def test_a_value_that_counts_as_a_limit_is_said() -> None:
    found = import_text('{"temperature": -1, "typical_p": 7, "seed": -9}', "x")
    assert [warning.code for warning in found.warnings] == ["value-differs"] * 2
    assert found.unmapped == ()


def test_powershell_writes_utf_16(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_bytes('{"temperature": 0.25, "stop": "한"}'.encode("utf-16"))
    assert import_file(file).recipe.chain.strings("stop") == ("한",)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not a text"):
        import_file(file)


@pytest.mark.parametrize("to", EXPORT_FORMATS)
@pytest.mark.parametrize("recipe", BUILTIN_RECIPES, ids=lambda recipe: recipe.id)
def test_what_we_export_comes_back(to: str, recipe: Recipe) -> None:
    exported = export_recipe(recipe, to)
    if to == "python":  # a program and no settings
        with pytest.raises(UserError):
            import_text(exported.text, "x")
        return
    found = import_text(exported.text, "x").recipe
    lost = {*exported.lost, *(("seed",) if recipe.chain.has_random_seed else ())}
    if "samplers" in lost:  # a Modelfile states what acts
        assert found.chain["temperature"] == recipe.chain["temperature"]
        return
    assert found.samplers == recipe.samplers
    assert {n: v for n, v in found.values.items() if n not in lost} == {
        n: v for n, v in recipe.values.items() if n not in lost
    }


def test_text_biases_come_back_from_llama_servers_json() -> None:
    data = [{"text": "a", "bias": -1.0}, {"text": " b", "bias": False}, {"text": "a", "bias": 2.0}]
    limits = Constraints.from_json({"logit_bias_text": data})
    recipe = Recipe.of(BUILTIN_RECIPES[0].chain, "x", constraints=limits)
    exported = export_recipe(recipe, "llama-server")
    assert import_text(exported.text, "x").recipe.constraints == limits
