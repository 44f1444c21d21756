"""Settings from other programs: what is understood, and that the rest is always listed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.differences import counts
from qwqdesk.sampling.formats.exporting import export_recipe
from qwqdesk.sampling.formats.foreign import Imported
from qwqdesk.sampling.formats.gguf_metadata import read_gguf_metadata
from qwqdesk.sampling.formats.importing import import_text
from qwqdesk.sampling.formats.settings_text import read_yaml
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.sampling.samplers import DEFAULT_ORDER, PARAMS
from tests.unit.sampling.chain_strategies import CHAINS, JSON


def _read(data: Any) -> Imported:  # noqa: ANN401
    return import_text(data if isinstance(data, str) else json.dumps(data), "mine")


def _values(found: Imported, *names: str) -> list[object]:
    return [found.recipe.chain[name] for name in names]


def _fields(**values: object) -> list[dict[str, object]]:
    return [{"key": f"llm.prediction.{key}", "value": value} for key, value in values.items()]


def test_lmstudio() -> None:
    fields = _fields(
        temperature=0.6,
        topPSampling={"checked": True, "value": 0.9},
        minPSampling={"checked": False, "value": 0.2},
        topKSampling=20,
        repeatPenalty={"checked": True, "value": 1.2},
        maxPredictedTokens={"checked": False, "value": 100},
        systemPrompt="Be brief.",
    )
    fields.append({"key": "llm.prediction.llama.presencePenalty", "value": 0.5})
    load = [{"key": "llm.load.contextLength", "value": 8192}]
    found = _read(
        {"name": "QwQ", "operation": {"fields": fields}, "load": {"fields": load}, "extra": 1}
    )
    assert _values(found, "temperature", "top_p", "min_p", "top_k") == [0.6, 0.9, 0.0, 20]
    assert _values(found, "repeat_penalty", "n_predict", "presence_penalty") == [1.2, -1, 0.5]
    assert found.recipe.title == "QwQ"
    assert found.unmapped == ("llm.prediction.systemPrompt", "llm.load.contextLength", "extra")


SILLY = {
    "temp": 0.7,
    "top_k": 30,
    "top_p": 0.9,
    "min_p": 0.05,
    "typical_p": 1,
    "tfs": 0.95,
    "rep_pen": 1.1,
    "rep_pen_range": 512,
    "freq_pen": 0.1,
    "dry_multiplier": 0.8,
    "dry_sequence_breakers": '["\\n", "*"]',
    "smoothing_factor": 0.3,
    "nsigma": 0,
    "samplers": ["dry", "top_k", "tfs_z", "typical_p", "top_p", "min_p", "xtc", "temperature"],
    "sampler_priority": ["temperature"],
    "sampler_order": [6, 5],
}


def test_sillytavern() -> None:
    found = _read(SILLY)
    assert found.recipe.chain.order_text == "dry;top_k;typ_p;top_p;min_p;xtc;temperature"
    assert _values(found, "temperature", "repeat_penalty", "repeat_last_n") == [0.7, 1.1, 512]
    assert _values(found, "frequency_penalty", "top_n_sigma") == [0.1, -1.0]
    assert _values(found, "dry_sequence_breakers") == [("\n", "*")]
    lost = {"tfs", "smoothing_factor", "sampler_priority", "sampler_order", "samplers: tfs_z"}
    assert set(found.unmapped) == lost


def test_sillytavern_falls_back_to_its_other_orders() -> None:
    priority = {**SILLY, "samplers": [], "sampler_priority": ["top_k", "repetition_penalty", "x"]}
    found = _read(priority)
    assert found.recipe.chain.order_text == "top_k;penalties"
    assert "sampler_priority: x" in found.unmapped
    numbers = {key: SILLY[key] for key in ("temp", "rep_pen", "sampler_order")}
    assert _read(numbers).recipe.chain.order_text == "dry;top_n_sigma;penalties;temperature;xtc"


def test_koboldcpp_numbers() -> None:
    data = {"sampler_order": [6, 0, 1, 3, 4, 2, 5], "temperature": 0.5, "typical": 0.9, "tfs": 1}
    found = _read({**data, "rep_pen": 1.3, "sampler_seed": -1})
    order = "dry;top_n_sigma;penalties;top_k;typ_p;top_p;min_p;temperature;xtc"
    assert found.recipe.chain.order_text == order
    assert _values(found, "temperature", "typical_p", "repeat_penalty") == [0.5, 0.9, 1.3]
    assert set(found.unmapped) == {"tfs", "sampler_order: 1 (top_a)", "sampler_order: 3 (tfs)"}
    odd = _read({"sampler_order": [0, 0, 99, "x", True, None], "temperature": 1})
    assert odd.recipe.chain.order_text == "dry;top_n_sigma;top_k;xtc"
    assert len(odd.unmapped) == 4


def test_text_generation_webui() -> None:
    found = _read(
        "temperature: 1.5\nmin_p: 0.02  # a comment\nxtc_probability: 0.5\ntfs: 0.9\n"
        'dry_sequence_breakers: \'"\\n", ":"\'\nrepetition_penalty_range: 0\n'
        "sampler_priority: |-\n  repetition_penalty\n  top_k\n  min_p\n  temperature\n"
        "  eta_cutoff\n  xtc\ntemperature_last: true\n"
    )
    assert found.recipe.chain.order_text == "penalties;top_k;min_p;xtc;temperature"
    assert _values(found, "temperature", "min_p", "xtc_probability") == [1.5, 0.02, 0.5]
    assert _values(found, "dry_sequence_breakers", "repeat_last_n") == [("\n", ":"), -1]
    assert _values(found, "top_p", "top_k") == [1.0, 0], "its defaults, not llama.cpp's"
    assert set(found.unmapped) == {"tfs", "sampler_priority: eta_cutoff"}


def test_dynamic_temperature_becomes_a_range() -> None:
    found = _read("dynamic_temperature: true\ndynatemp_low: 0.5\ndynatemp_high: 1.5\n")
    assert _values(found, "temperature", "dynatemp_range") == [1.0, 0.5]
    wrong = _read("min_p: 0.1\ndynamic_temperature: true\ndynatemp_low: 2\ndynatemp_high: 1\n")
    assert wrong.unmapped == ("dynatemp_low", "dynatemp_high")


def test_modelfile() -> None:
    found = _read(
        "# for QwQ\nFROM ./qwq.gguf\nPARAMETER temperature 0.6\nparameter top_k 40\n"
        'PARAMETER stop "<|im_end|>"\nPARAMETER stop """a\nb"""\nPARAMETER num_ctx 16384\n'
        'TEMPLATE """{{ .Prompt }}\nPARAMETER seed 1\n"""\nPARAMETER top_p nine\n'
    )
    assert _values(found, "temperature", "top_k", "stop") == [0.6, 40, ("<|im_end|>", "a\nb")]
    assert _values(found, "repeat_penalty") == [1.1], "Ollama's default"
    assert found.unmapped == ("FROM", "num_ctx", "TEMPLATE", "top_p")


def test_generation_config() -> None:
    data = {"do_sample": True, "temperature": 0.6, "top_k": 40, "top_p": 0.95}
    found = _read({**data, "eos_token_id": [1, 2], "transformers_version": "4.45"})
    assert _values(found, "temperature", "top_k", "min_p") == [0.6, 40, 0.0]
    assert found.recipe.chain.samplers.index("temperature") < found.recipe.chain.samplers.index(
        "top_k"
    )
    assert found.unmapped == ("eos_token_id", "transformers_version")
    assert _values(_read({**data, "do_sample": False}), "temperature") == [0.0]


def test_metadata_of_a_model() -> None:
    metadata: dict[str, Any] = {
        "general.name": "QwQ",
        "general.sampling.temp": "0.6",
        "general.sampling.sequence": "top_k;temperature",
        "general.sampling.top_k": 40,
        "general.sampling.unheard_of": 3,
        "general.sampling.top_p": "2",
    }
    found = read_gguf_metadata(metadata, "QwQ")
    assert _values(found, "temperature", "top_k") == [0.6, 40]
    assert found.recipe.chain.order_text == "top_k;temperature"
    assert found.unmapped == ("general.sampling.unheard_of", "general.sampling.top_p")
    with pytest.raises(UserError, match="no sampling values"):
        read_gguf_metadata({"general.name": "x"}, "x")


def test_values_that_are_not_allowed_are_listed() -> None:
    found = _read({**SILLY, "top_p": 7, "top_k": "many", "min_p": [1], "temp": True})
    assert {"top_p", "top_k", "min_p", "temp"} <= set(found.unmapped)


@pytest.mark.parametrize(
    "data",
    [
        {"operation": {"fields": []}},
        {"transformers_version": "4"},
        "FROM model\n",
        "temperature: much\n",
        "top_k: 3\n  nested: 4\n",
        "top_k: !!python/object 3\n",
    ],
)
def test_nothing_to_import_is_said(data: object) -> None:
    with pytest.raises(UserError) as caught:
        _read(data)
    assert caught.value.what_to_do


OTHER_KEYS = (
    *("operation", "load", "do_sample", "temperature", "repetition_penalty", "dynatemp"),
    *("min_temp", "max_temp", "sampler_seed", "stop_strings", "max_length"),
)
FOREIGN_KEYS = st.sampled_from([*SILLY, *OTHER_KEYS])


@given(st.dictionaries(FOREIGN_KEYS, JSON | st.just({"fields": [{"key": []}, 3]}), max_size=8))
def test_any_json_is_read_or_refused_in_words(data: dict[str, Any]) -> None:
    try:
        found = _read(data)
    except UserError:
        return
    assert SamplerChain.from_json(found.recipe.chain.to_json()) == found.recipe.chain


@given(st.text(alphabet="temprau_kop: |-'\"[]#&\n0.5\t", max_size=120))
def test_any_yaml_is_read_or_refused_in_words(text: str) -> None:
    try:
        read_yaml(text)
        _read(f"temperature: 1\n{text}")
    except UserError:
        pass


@given(CHAINS)
def test_a_modelfile_that_we_wrote_reads_back_the_same(chain: SamplerChain) -> None:
    texts = chain.strings("stop")
    clean = chain.with_values(stop=[t for t in texts if '"""' not in t and "\r" not in t])
    exported = export_recipe(Recipe.of(clean, "x"), "modelfile")
    found = _read(exported.text)
    assert found.unmapped == ()
    for name, param in PARAMS.items():
        if name in exported.lost or (name == "seed" and clean.has_random_seed):
            continue
        acts = param.neutral is None or counts(name, clean)
        if name in MODELFILE_NAMES:
            assert found.recipe.chain[name] == (clean[name] if acts else param.neutral), name
    assert found.recipe.chain.samplers == DEFAULT_ORDER


MODELFILE_NAMES = frozenset(
    {"temperature", "top_k", "top_p", "min_p", "typical_p", "repeat_last_n", "repeat_penalty"}
    | {"presence_penalty", "frequency_penalty", "seed", "n_predict", "stop"}
)


@given(CHAINS)
def test_json_that_we_wrote_reads_back_the_same(chain: SamplerChain) -> None:
    recipe = Recipe.of(chain, "x")
    assert _read(export_recipe(recipe, "json").text).recipe.chain == chain
    exported = export_recipe(recipe, "llama-server")
    found = _read(exported.text)
    assert found.recipe.chain.samplers == chain.samplers
    for name in PARAMS:
        if name not in exported.lost:
            assert found.recipe.chain[name] == chain[name], name
    assert found.unmapped == ("cache_prompt",)
