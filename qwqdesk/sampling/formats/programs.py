"""What other programs call the settings, what they mean by them, and what they use unasked.

One entry each. Their names, defaults and special values were read in their sources and manuals;
where a program's samplers run in another order than llama.cpp's, that order is the recipe's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.formats.foreign import (
    OUR_STEPS,
    UNSET,
    Foreign,
    Imported,
    Place,
    below_one_is_all,
    clamped,
    is_unset,
    json_texts,
    number,
    schema_text,
    seed,
    sigma,
    texts,
    unchanged,
)
from qwqdesk.sampling.formats.modelfile import OLLAMA_NAMES
from qwqdesk.sampling.samplers import PARAMS, STEPS, sampler_named

Data = Mapping[str, Any]
Special = Callable[[Foreign, str, Any, Data], None]
"""Reads what is more than one value: gets the key, its value and all values of the file."""


@dataclass(frozen=True)
class Program:
    """One program's settings.

    `places` come first to last in the order in which names of the same value count. `special` are
    names with a reader of their own, `marks` names that tell the program but have no place here,
    `silent` those that only name the file. `orders` are the names of orders, the first that states
    one counts; with `empty_order` one without a step is an order, too. `around` are the names
    under which the program keeps its settings, `file` is how its files end: both are hints. `bare`
    makes a name comparable, `plain` a value.
    """

    title: str
    places: Mapping[str, Place]
    defaults: Mapping[str, object] = field(default_factory=dict)
    order: tuple[str, ...] | None = None
    orders: Mapping[str, Callable[[Foreign, str, Any], None]] = field(default_factory=dict)
    special: Mapping[str, Special] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    around: frozenset[str] = frozenset()
    file: tuple[str, ...] = ()
    bare: Callable[[str], str] = str
    plain: Callable[[Any], Any] = unchanged
    finish: Callable[[Foreign, Data], None] | None = None
    empty_order: bool = False

    def knows(self, key: str) -> bool:
        """Whether a name is one of the program's settings that have a place here."""
        name = self.bare(key)
        return name in self.places or name in self.special or name in self.orders

    def sets_sampler(self, key: str, value: object) -> bool:
        """Whether this is a stated value of a sampler, and not only a seed, a length or a stop."""
        if is_unset(value):
            return False
        name = self.bare(key)
        if name in self.orders:
            return isinstance(value, (list, str))
        place = self.places.get(name)
        if name not in self.special and (place is None or place.name in _OF_THE_RUN):
            return False
        plain = self.plain(value)
        return isinstance(plain, (bool, int, float)) or isinstance(number(plain), (int, float))

    def read(self, data: Data, title: str) -> Imported:
        """The recipe in a file's values; everything that is not taken is listed.

        Raises:
            UserError: when nothing is a setting.
        """
        found = Foreign(self.defaults)
        ranks = {name: rank for rank, name in enumerate(self.places)}
        known = [key for key in data if self.bare(key) in ranks]
        for key in sorted(known, key=lambda key: ranks[self.bare(key)]):
            found.set(self.places[self.bare(key)], key, self.plain(data[key]))
        for key, value in data.items():
            name = self.bare(key)
            if name in self.special:
                self.special[name](found, key, value, data)
            elif name in _CONSTRAINTS:
                _CONSTRAINTS[name](found, key, value, data)
            elif name not in ranks and name not in self.orders and key not in self.silent:
                found.leave(key)
        self._read_order(found, data)
        if self.finish is not None:
            self.finish(found, data)
        places = {key: at for at, key in enumerate(data)}
        found.left_out.sort(key=lambda item: places.get(item.name.partition(":")[0], len(places)))
        return found.imported(title, self.title)

    def _read_order(self, found: Foreign, data: Data) -> None:
        stated = [name for name in self.orders if data.get(name) is not None]
        usable = [name for name in stated if isinstance(data[name], (list, str))]
        usable = [name for name in usable if data[name] or self.empty_order]
        for name in stated:
            if name not in usable[:1]:
                found.leave(name)
        if usable:
            self.orders[usable[0]](found, usable[0], data[usable[0]])
        elif found.values:
            found.order = self.order


_OF_THE_RUN: Final = frozenset({"seed", "stop", "n_predict", "logit_bias", "ignore_eos"})


def _places(names: Mapping[str, str], more: Mapping[str, Place] | None = None) -> dict[str, Place]:
    return {**{theirs: Place(ours) for theirs, ours in names.items()}, **(more or {})}


def _same(names: str) -> dict[str, str]:
    return {name: name for name in names.split()}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# ---------------------------------------------------------------- constraints, biases, orders


def _grammar(found: Foreign, key: str, value: Any, _: Data) -> None:  # noqa: ANN401
    found.constrain(key, grammar=value or "")


def _schema(found: Foreign, key: str, value: Any, _: Data) -> None:  # noqa: ANN401
    found.constrain(key, json_schema=schema_text(value))


def _banned(found: Foreign, key: str, value: Any, _: Data) -> None:  # noqa: ANN401
    if isinstance(value, str):
        value = [line for line in value.splitlines() if line]
    found.constrain(key, banned_strings=value)


def _biases(found: Foreign, key: str, value: Any, _: Data) -> None:  # noqa: ANN401
    if not is_unset(value):
        found.set_biases(key, value)


def _response_format(found: Foreign, key: str, value: Any, data: Data) -> None:  # noqa: ANN401
    """OpenAI's: any JSON object, or a schema one or two levels down."""
    if value is None or not isinstance(value, Mapping):
        if value is not None:
            found.leave(key)
        return
    inner = value.get("json_schema", value)
    schema = inner.get("schema") if isinstance(inner, Mapping) else None
    if isinstance(schema, Mapping) and schema:
        _schema(found, key, schema, data)
    elif value.get("type") in ("json_object", "json_schema"):
        _schema(found, key, {"type": "object"}, data)
    elif value.get("type") != "text":
        found.leave(key)


def _format(found: Foreign, key: str, value: Any, data: Data) -> None:  # noqa: ANN401
    """Ollama's: the word json, or a schema."""
    _schema(found, key, {"type": "object"} if value == "json" else value, data)


def _structured(found: Foreign, key: str, value: Any, data: Data) -> None:  # noqa: ANN401
    """LM Studio's: {"type": "json", "jsonSchema": ...}; another type is off."""
    if isinstance(value, Mapping) and value.get("type") in ("json", "json_schema"):
        _schema(found, key, value.get("jsonSchema") or value.get("json_schema"), data)
    elif isinstance(value, Mapping) and value.get("type") == "gbnf":
        _grammar(found, key, value.get("gbnfGrammar"), data)
    elif not (isinstance(value, Mapping) and value.get("type") in ("none", None)):
        found.leave(key)


def _structured_outputs(found: Foreign, key: str, value: Any, data: Data) -> None:  # noqa: ANN401
    """vLLM's: {"json": schema} or {"grammar": text}, beside forms that llama.cpp has not."""
    for kind, inner in value.items() if isinstance(value, Mapping) else ():
        if kind == "json":
            _schema(found, f"{key}.json", inner, data)
        elif kind == "grammar":
            _grammar(found, f"{key}.grammar", inner, data)
        elif inner is not None:
            found.leave(f"{key}.{kind}")
    if not isinstance(value, Mapping) and value is not None:
        found.leave(key)


_CONSTRAINTS: Final[Mapping[str, Special]] = {
    "grammar": _grammar,
    "grammar_string": _grammar,
    "json_schema": _schema,
    "banned_strings": _banned,
    "logit_bias": _biases,
    "response_format": _response_format,
}
"""Names that mean the same in every program that has them."""

_LETTERS: Final[Mapping[object, str]] = {step.letter: step.name for step in STEPS}


class _LlamaNames(dict[object, str]):
    """llama.cpp's names of steps in all their spellings."""

    def get(self, key: object, default: Any = None) -> Any:  # noqa: ANN401 - as dict has it
        try:
            sampler = sampler_named(key) if isinstance(key, str) else None
        except UserError:
            return default
        return sampler.name if sampler is not None and sampler.listed else default


def _llama_order(found: Foreign, key: str, value: Any) -> None:  # noqa: ANN401
    """A list of names, a text of letters, or names with semicolons between them."""
    if isinstance(value, str) and not any(sign in value for sign in ";_, "):
        steps: Iterable[object] = [value] if _LlamaNames().get(value) else value
        found.set_order(key, steps, _LlamaNames() if isinstance(steps, list) else _LETTERS)
    elif isinstance(value, str):
        found.set_order(key, [s for s in value.replace(",", ";").split(";") if s], _LlamaNames())
    else:
        found.set_order(key, value, _LlamaNames())


def _named_order(names: Mapping[object, str]) -> Callable[[Foreign, str, Any], None]:
    def read(found: Foreign, key: str, value: Any) -> None:  # noqa: ANN401
        found.set_order(key, value.split() if isinstance(value, str) else value, names)

    return read


# In KoboldCpp number 2 runs top-p and then min-p; DRY runs before the listed ones, XTC after them.
_KOBOLD_STEPS: Final[Mapping[int, tuple[str, ...]]] = {
    0: ("top_k",),
    2: ("top_p", "min_p"),
    4: ("typ_p",),
    5: ("temperature",),
    6: ("penalties",),
}
_KOBOLD_ONLY: Final[Mapping[int, str]] = {1: "top_a", 3: "tfs"}


def _kobold_order(found: Foreign, key: str, value: Any) -> None:  # noqa: ANN401
    found.set_order(key, _kobold_steps(found, key, value), OUR_STEPS)


def _kobold_steps(found: Foreign, key: str, numbers: Iterable[object]) -> list[object]:
    steps: list[object] = ["dry", "top_n_sigma"]
    for entry in numbers:
        if isinstance(entry, bool) or not isinstance(entry, int):
            found.leave_step(key, entry)
        elif entry in _KOBOLD_ONLY:
            found.leave_step(key, f"{entry} ({_KOBOLD_ONLY[entry]})")
        else:
            steps += _KOBOLD_STEPS.get(entry, (entry,))
    return [*steps, "xtc"]


# ---------------------------------------------------------------- llama.cpp

_CLAMPED: Final = {
    "top_k": clamped(0),
    "top_p": clamped(0.0, 1.0),
    "min_p": clamped(0.0, 1.0),
    "xtc_probability": clamped(0.0, 1.0),
    "xtc_threshold": clamped(0.0, 1.0),
    "temperature": clamped(0.0),
    "typical_p": clamped(0.0, 1.0),
    "dynatemp_range": clamped(0.0),
    "mirostat": clamped(0, 2),
    "top_n_sigma": clamped(-1.0),
    "adaptive_target": clamped(-1.0, 1.0),
    "seed": seed,
    "stop": texts,
}
"""llama-server's soft limits, and values beyond which a sampler does what it does at the end."""


def _llama_place(name: str) -> Place:
    if name == "dry_base":  # below 1 it counts as the default
        return Place(name, lambda value: UNSET if isinstance(value, float) and value < 1 else value)
    return Place(name, _CLAMPED.get(name, unchanged))


_CHAT_REQUEST: Final = _names(
    "model messages prompt stream n tools tool_choice chat_template_kwargs user stream_options "
    "parallel_tool_calls metadata store service_tier logprobs top_logprobs"
)

LLAMA_SERVER: Final = Program(
    "llama-server request",
    {
        **{name: _llama_place(name) for name in PARAMS if name != "logit_bias"},
        "temp": _llama_place("temperature"),
        "typ_p": Place("typical_p"),
        "max_tokens": Place("n_predict"),
        "max_completion_tokens": Place("n_predict"),
    },
    orders={"samplers": _llama_order, "sampler_seq": _llama_order},
    empty_order=True,
    marks=_CHAT_REQUEST
    | _names(
        "cache_prompt n_keep n_discard n_probs id_slot slot_id t_max_predict_ms penalize_nl tfs_z "
        "post_sampling_probs timings_per_token return_tokens n_ctx reasoning_format lora top_a "
        "default_generation_settings generation_settings total_slots speculative.n_max"
    ),
    around=_names("default_generation_settings generation_settings params"),
)

# ---------------------------------------------------------------- Hugging Face, vLLM, OpenAI


def _do_sample(found: Foreign, key: str, value: Any, _: Data) -> None:  # noqa: ANN401
    """Without sampling the best token is taken, whatever the temperature."""
    if value is False:
        found.values["temperature"] = 0.0
    elif value is not True and value is not None:
        found.leave(key)


GENERATION_CONFIG: Final = Program(
    "generation_config.json",
    _places(
        {
            **_same("temperature top_k top_p min_p typical_p"),
            "repetition_penalty": "repeat_penalty",
            "max_new_tokens": "n_predict",
        },
        {"stop_strings": Place("stop", texts)},
    ),
    # Transformers' defaults; its repetition penalty sees the whole text.
    {"temperature": 1.0, "top_k": 50, "top_p": 1.0, "min_p": 0.0, "repeat_last_n": -1},
    ("penalties", "temperature", "top_k", "top_p", "min_p", "typ_p"),
    special={"do_sample": _do_sample},
    marks=_names(
        "transformers_version eos_token_id bos_token_id pad_token_id _from_model_config max_length "
        "suppress_tokens bad_words_ids sequence_bias num_beams epsilon_cutoff eta_cutoff use_cache "
        "no_repeat_ngram_size encoder_no_repeat_ngram_size renormalize_logits chat_format "
        "max_window_size decoder_start_token_id forced_eos_token_id begin_suppress_tokens"
    ),
    file=("generation_config.json",),
)

VLLM: Final = Program(
    "vLLM request",
    _places(
        {
            **_same("temperature top_p min_p presence_penalty frequency_penalty ignore_eos"),
            "repetition_penalty": "repeat_penalty",
            "max_tokens": "n_predict",
            "max_completion_tokens": "n_predict",
            "max_new_tokens": "n_predict",
        },
        {
            "top_k": Place("top_k", clamped(0)),
            "seed": Place("seed", seed),
            "stop": Place("stop", texts),
        },
    ),
    # Its repetition penalty sees prompt and answer; -1 and 0 are a top-k that is off.
    {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_last_n": -1},
    ("penalties", "temperature", "min_p", "top_k", "top_p"),
    special={
        "bad_words": _banned,
        "guided_json": _schema,
        "guided_grammar": _grammar,
        "structured_outputs": _structured_outputs,
    },
    marks=_CHAT_REQUEST
    | _names(
        "extra_body sampling_params best_of min_tokens stop_token_ids allowed_token_ids "
        "length_penalty include_stop_str_in_output skip_special_tokens prompt_logprobs detokenize "
        "spaces_between_special_tokens truncate_prompt_tokens use_beam_search guided_regex "
        "guided_choice add_generation_prompt continue_final_message top_a tfs"
    ),
    around=_names("extra_body sampling_params"),
)

# ---------------------------------------------------------------- text-generation-webui

_TEXTGEN_STEPS: Final[Mapping[object, str]] = {
    "repetition_penalty": "penalties",
    "presence_penalty": "penalties",
    "frequency_penalty": "penalties",
    "dry": "dry",
    "temperature": "temperature",
    "dynamic_temperature": "temperature",
    "top_n_sigma": "top_n_sigma",
    "top_k": "top_k",
    "top_p": "top_p",
    "typical_p": "typ_p",
    "min_p": "min_p",
    "xtc": "xtc",
    "adaptive_p": "adaptive_p",
}


def _set_range(found: Foreign, data: Data, low: str, high: str) -> None:
    """A lowest and a highest temperature as llama.cpp's temperature with a range around it."""
    try:
        bottom, top = float(number(data[low])), float(number(data[high]))  # type: ignore[arg-type]
        if not 0.0 <= bottom <= top:
            raise ValueError("the range is empty")
        middle = PARAMS["temperature"].check((bottom + top) / 2)
        around = PARAMS["dynatemp_range"].check((top - bottom) / 2)
    except (KeyError, TypeError, ValueError, OverflowError, UserError):
        for key in (low, high):
            found.leave(key, "value-left-out", "the two are no range of temperatures.")
        return
    found.values.update(temperature=middle, dynatemp_range=around)


def _switched_range(switch: str, low: str, high: str) -> Mapping[str, Special]:
    """A range of temperatures that counts when its switch is on."""

    def ends(found: Foreign, key: str, value: Any, data: Data) -> None:  # noqa: ANN401
        if data.get(switch) is not True and not is_unset(value) and value is not False:
            found.leave(key)

    def read(found: Foreign, key: str, value: Any, data: Data) -> None:  # noqa: ANN401
        if value is True:
            _set_range(found, {low: 1.0, high: 1.0, **data}, low, high)
        else:
            ends(found, key, value, data)

    return {switch: read, low: ends, high: ends}


def _temperature_last(found: Foreign, data: Data) -> None:
    last = data.get("temperature_last")
    if last is True and found.order and "temperature" in found.order:
        found.order = (*(step for step in found.order if step != "temperature"), "temperature")


def _textgen_finish(found: Foreign, data: Data) -> None:
    """One range holds for the penalties and for DRY."""
    _temperature_last(found, data)
    if "repeat_last_n" in found.values:
        found.values["dry_penalty_last_n"] = found.values["repeat_last_n"]


def _switch(found: Foreign, key: str, value: Any, _: Data) -> None:  # noqa: ANN401
    """Read elsewhere; only what is no switch is listed."""
    if value not in (True, False, None):
        found.leave(key)


def _zero_is_off(value: object) -> object:
    """A target of 0 switches adaptive-p off; here that is -1."""
    return -1.0 if value == 0 and not isinstance(value, bool) else value


TEXTGEN: Final = Program(
    "text-generation-webui preset",
    _places(
        {
            **_same(
                "temperature dynatemp_exponent top_k top_p min_p typical_p xtc_probability "
                "xtc_threshold presence_penalty frequency_penalty dry_multiplier dry_base "
                "dry_allowed_length mirostat_tau mirostat_eta adaptive_decay"
            ),
            "repetition_penalty": "repeat_penalty",
            "mirostat_mode": "mirostat",
            "max_new_tokens": "n_predict",
            "max_tokens": "n_predict",
            "ban_eos_token": "ignore_eos",
        },
        {
            "top_n_sigma": Place("top_n_sigma", sigma),
            "adaptive_target": Place("adaptive_target", _zero_is_off),
            "repetition_penalty_range": Place("repeat_last_n", below_one_is_all),
            "dry_sequence_breakers": Place("dry_sequence_breakers", json_texts),
            "seed": Place("seed", seed),
            "stop": Place("stop", texts),
            "stopping_strings": Place("stop", json_texts),
            "custom_stopping_strings": Place("stop", json_texts),
        },
    ),
    {
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 1.0,
        "min_p": 0.0,
        "repeat_last_n": 1024,
        "dry_penalty_last_n": 1024,
    },
    (
        *("penalties", "dry", "top_n_sigma", "temperature", "top_k"),
        *("top_p", "typ_p", "min_p", "xtc"),
    ),
    {"sampler_priority": _named_order(_TEXTGEN_STEPS)},
    {
        "do_sample": _do_sample,
        "temperature_last": _switch,
        **_switched_range("dynamic_temperature", "dynatemp_low", "dynatemp_high"),
    },
    _names(
        "tfs top_a epsilon_cutoff eta_cutoff smoothing_factor smoothing_curve guidance_scale "
        "encoder_repetition_penalty no_repeat_ngram_size penalty_alpha num_beams length_penalty "
        "truncation_length add_bos_token skip_special_tokens mode instruction_template preset "
        "character chat_style custom_token_bans auto_max_new_tokens negative_prompt"
    ),
    file=(".yaml", ".yml"),
    finish=_textgen_finish,
)

# ---------------------------------------------------------------- KoboldCpp

_KOBOLD_NAMES: Final = _places(
    {
        **_same(
            "temperature dynatemp_range dynatemp_exponent top_k top_p min_p presence_penalty "
            "dry_multiplier dry_base dry_allowed_length xtc_probability xtc_threshold mirostat "
            "mirostat_tau mirostat_eta adaptive_target adaptive_decay"
        ),
        "typical": "typical_p",
        "typ_s": "typical_p",
        "rep_pen": "repeat_penalty",
        "miro_type": "mirostat",
        "miro_tau": "mirostat_tau",
        "miro_eta": "mirostat_eta",
        "max_length": "n_predict",
        "ban_eos_token": "ignore_eos",
    },
    {
        "rep_pen_range": Place("repeat_last_n", clamped(1)),  # one token at least, whatever is said
        "dry_penalty_last_n": Place("dry_penalty_last_n", below_one_is_all),
        "dry_sequence_breakers": Place("dry_sequence_breakers", json_texts),
        "nsigma": Place("top_n_sigma", sigma),
        "sampler_seed": Place("seed", seed),
        "seed": Place("seed", seed),
        "stop_sequence": Place("stop", texts),
        "stop": Place("stop", texts),
    },
)
_KOBOLD_MARKS: Final = _names(
    "rep_pen_slope tfs tfs_s top_a smoothing_factor sampler_order max_context_length quiet memory "
    "genkey render_special bypass_eos trim_stop use_default_badwordsids singleline"
)
_KOBOLD_ORDER: Final = tuple(
    str(step) for step in _kobold_steps(Foreign(), "sampler_order", (6, 0, 4, 2, 5))
)

KOBOLDCPP: Final = Program(
    "KoboldCpp settings",
    _KOBOLD_NAMES,
    # What its server uses for values that a request leaves out; DRY has no breakers then.
    {
        "temperature": 0.75,
        "top_k": 100,
        "top_p": 0.92,
        "min_p": 0.0,
        "repeat_last_n": 320,
        "dry_penalty_last_n": 320,
        "dry_sequence_breakers": [],
        "xtc_threshold": 0.2,
    },
    _KOBOLD_ORDER,
    {"sampler_order": _kobold_order},
    {"banned_tokens": _banned},
    _KOBOLD_MARKS,
    around=_names("gendefaults"),
    file=(".kcpps",),
)


def _lite_finish(found: Foreign, _: Data) -> None:
    """Kobold Lite sends the penalties' range as DRY's, unless a newer one states its own."""
    if "dry_penalty_last_n" not in found.values and "repeat_last_n" in found.values:
        found.values["dry_penalty_last_n"] = found.values["repeat_last_n"]


KOBOLD_LITE: Final = replace(
    KOBOLDCPP,
    title="Kobold Lite save",
    defaults={
        "temperature": 0.7,
        "top_k": 100,
        "top_p": 0.92,
        "min_p": 0.0,
        "repeat_penalty": 1.07,
        "repeat_last_n": 360,
        "dry_penalty_last_n": 360,
        "xtc_threshold": 0.2,
    },
    marks=_KOBOLD_MARKS | _names("auto_ctxlen auto_genamt savedsettings opmode gamestarted"),
    around=_names("savedsettings"),
    finish=_lite_finish,
)

# ---------------------------------------------------------------- SillyTavern


def _tavern_bans(found: Foreign, key: str, value: Any, _: Data) -> None:  # noqa: ANN401
    """Lines of a field: a text in quotes is banned as it stands, others as tokens."""
    if isinstance(value, list):  # as KoboldCpp has it
        _banned(found, key, value, {})
        return
    lines = value.splitlines() if isinstance(value, str) else [value] if value else []
    quoted = [
        line[1:-1]
        for line in lines
        if isinstance(line, str) and len(line) > 2 and line[0] == line[-1] == '"'
    ]
    found.constrain(key, banned_strings=quoted)
    for line in lines:
        if isinstance(line, str) and line.strip() and line[1:-1] not in quoted:
            found.leave(f"{key}: {line}", "value-left-out", "only texts in quotes are banned here.")


def _tavern_finish(found: Foreign, _: Data) -> None:
    """It hands a range of 0 on as it is, and its back ends differ in what they make of it."""
    ranges = {"repeat_last_n": ("repeat_penalty", 1.0), "dry_penalty_last_n": ("dry_multiplier", 0)}
    for name, (strength, off) in ranges.items():
        if found.values.get(name) == 0 and found.values.get(strength, off) != off:
            found.note(
                f"{name} is 0, which is off in llama.cpp, so that {strength} does nothing; other "
                "programs behind SillyTavern take 0 for the whole context, which is -1 here."
            )


TAVERN_TEXT: Final = Program(
    "SillyTavern preset",
    _places(
        {
            **_same(
                "top_k top_p min_p typical_p dynatemp_exponent dry_multiplier dry_base "
                "dry_allowed_length dry_penalty_last_n xtc_probability xtc_threshold mirostat_tau "
                "mirostat_eta adaptive_target adaptive_decay"
            ),
            "temp": "temperature",
            "rep_pen": "repeat_penalty",
            "rep_pen_range": "repeat_last_n",
            "freq_pen": "frequency_penalty",
            "presence_pen": "presence_penalty",
            "mirostat_mode": "mirostat",
            "genamt": "n_predict",
            "ban_eos_token": "ignore_eos",
        },
        {
            "nsigma": Place("top_n_sigma", sigma),
            "top_n_sigma": Place("top_n_sigma", sigma),
            "seed": Place("seed", seed),
            "dry_sequence_breakers": Place("dry_sequence_breakers", json_texts),
            "stopping_strings": Place("stop", texts),
        },
    ),
    # llama.cpp's own defaults would act here unasked.
    {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0},
    None,
    {
        "samplers": _named_order({**OUR_STEPS, "typical_p": "typ_p", "temp": "temperature"}),
        "sampler_priority": _named_order(_TEXTGEN_STEPS),
        "sampler_order": _kobold_order,
    },
    {"banned_tokens": _tavern_bans, **_switched_range("dynatemp", "min_temp", "max_temp")},
    _names(
        "temperature_last top_a tfs epsilon_cutoff eta_cutoff rep_pen_decay rep_pen_slope skew "
        "no_repeat_ngram_size penalty_alpha encoder_rep_pen smoothing_factor smoothing_curve "
        "add_bos_token guidance_scale negative_prompt speculative_ngram rep_pen_size max_length"
    ),
    around=_names("textgenerationwebui_settings preset"),
    finish=_tavern_finish,
)

TAVERN_KOBOLD: Final = replace(
    KOBOLDCPP,
    title="SillyTavern Kobold preset",
    places={
        "temp": Place("temperature"),
        **{name: place for name, place in _KOBOLD_NAMES.items() if name != "temperature"},
    },
    defaults={"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_last_n": 1},
    around=_names("kai_settings preset"),
    file=(),
)

_CHAT_NAMES: Final = {
    **_same("temperature frequency_penalty presence_penalty top_p top_k min_p"),
    "repetition_penalty": "repeat_penalty",
    "temp_openai": "temperature",
    "freq_pen_openai": "frequency_penalty",
    "pres_pen_openai": "presence_penalty",
    "top_p_openai": "top_p",
    "top_k_openai": "top_k",
    "min_p_openai": "min_p",
    "repetition_penalty_openai": "repeat_penalty",
    "openai_max_tokens": "n_predict",
}
TAVERN_CHAT: Final = Program(
    "SillyTavern chat preset",
    _places(_CHAT_NAMES, {"seed": Place("seed", seed)}),
    {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_last_n": -1},
    marks=_names(
        "chat_completion_source openai_model openai_max_context prompts prompt_order "
        "names_behavior send_if_empty jailbreak_system stream_openai assistant_prefill "
        "wrap_in_quotes top_a top_a_openai impersonation_prompt wi_format squash_system_messages"
    ),
    around=_names("oai_settings"),
)

# ---------------------------------------------------------------- LM Studio

_STUDIO_PREFIXES: Final = ("llm.prediction.llama.", "llm.prediction.")


def _studio_name(key: str) -> str:
    prefix = next((prefix for prefix in _STUDIO_PREFIXES if key.startswith(prefix)), "")
    return key[len(prefix) :]


@dataclass(frozen=True)
class _Unchecked:
    """A field whose box is not ticked."""

    value: object


def _ticked(value: Any) -> Any:  # noqa: ANN401 - foreign
    """`{"checked": true, "value": 0.95}`; unchecked means that the sampler is off."""
    if isinstance(value, Mapping) and isinstance(value.get("checked"), bool):
        return value.get("value") if value["checked"] else _Unchecked(value.get("value"))
    return value


def _studio_place(name: str, change: Callable[[Any], Any] = unchanged) -> Place:
    neutral = PARAMS[name].neutral

    def changed(value: Any) -> Any:  # noqa: ANN401 - foreign
        if isinstance(value, _Unchecked):
            return UNSET if neutral is None else neutral
        return change(value)

    return Place(name, changed)


def _studio_mirostat(found: Foreign, key: str, value: Any, _: Data) -> None:  # noqa: ANN401
    plain = _ticked(value)
    if isinstance(plain, Mapping):
        names = {"version": "mirostat", "targetEntropy": "mirostat_tau"}
        for theirs, ours in {**names, "learningRate": "mirostat_eta"}.items():
            found.set(Place(ours), f"{key}: {theirs}", plain.get(theirs))
    elif not isinstance(plain, _Unchecked) and plain is not None:
        found.leave(key)


LM_STUDIO: Final = Program(
    "LM Studio preset",
    {
        theirs: _studio_place(ours)
        for theirs, ours in {
            "temperature": "temperature",
            "topKSampling": "top_k",
            "topPSampling": "top_p",
            "minPSampling": "min_p",
            "typicalPSampling": "typical_p",
            "repeatPenalty": "repeat_penalty",
            "repeatPenaltyLastN": "repeat_last_n",
            "presencePenalty": "presence_penalty",
            "frequencyPenalty": "frequency_penalty",
            "maxPredictedTokens": "n_predict",
            "maxTokens": "n_predict",
            "xtcProbability": "xtc_probability",
            "xtcThreshold": "xtc_threshold",
        }.items()
    }
    | {"stopStrings": _studio_place("stop", texts), "seed": _studio_place("seed", seed)},
    # It has a repeat penalty of 1.1 and a min-p of 0.05 as llama.cpp once had; none is published.
    {"repeat_penalty": 1.1},
    special={
        "structured": _structured,
        "mirostatSampling": _studio_mirostat,
        "logitBias": _biases,
    },
    silent=_names("identifier name changed importedTimeStamp"),
    marks=_names("systemPrompt contextOverflowPolicy operation load reasoning.parsing"),
    file=(".preset.json",),
    bare=_studio_name,
    plain=_ticked,
)

LM_STUDIO_OLD: Final = Program(
    "LM Studio preset (0.2)",
    _places(
        {
            **_same("top_k top_p min_p repeat_penalty repeat_last_n mirostat mirostat_tau"),
            **_same("mirostat_eta presence_penalty frequency_penalty typical_p n_predict"),
            "temp": "temperature",
        },
        {"seed": Place("seed", seed), "antiprompt": Place("stop", texts)},
    ),
    {"repeat_penalty": 1.1},
    silent=_names("name"),
    marks=_names(
        "inference_params load_params input_prefix input_suffix pre_prompt pre_prompt_prefix "
        "pre_prompt_suffix antiprompt tfs_z n_keep ignore_eos memory_f16"
    ),
    around=_names("inference_params"),
    file=(".preset.json",),
)

# ---------------------------------------------------------------- Ollama and what stands on it

OLLAMA_DEFAULTS: Final[Mapping[str, object]] = {
    "temperature": 0.8,
    "top_k": 40,
    "top_p": 0.9,
    "min_p": 0.0,
    "repeat_penalty": 1.1,
    "repeat_last_n": 64,
}
"""Ollama's values for what is left out (docs/modelfile.mdx, api/types.go). Its repeat penalty was
1.1 for years, and is 1 in the newest releases."""

OLLAMA: Final = Program(
    "Ollama request",
    _places(
        {
            **{theirs: ours for ours, theirs in OLLAMA_NAMES.items() if ours != "stop"},
            **_same("mirostat mirostat_tau mirostat_eta"),  # known to old releases
        },
        {"seed": Place("seed", seed), "stop": Place("stop", texts)},
    ),
    OLLAMA_DEFAULTS,
    special={"format": _format},
    silent=_names("modelfile"),
    marks=_names(
        "options keep_alive num_ctx num_batch num_gpu num_thread num_keep main_gpu low_vram numa "
        "f16_kv use_mlock use_mmap penalize_newline tfs_z think raw suffix draft_num_predict"
    ),
    around=_names("options"),
)

OPEN_WEBUI: Final = Program(
    "Open WebUI model",
    {
        **OLLAMA.places,
        "max_tokens": Place("n_predict"),
        "stop": Place("stop", texts),
    },
    OLLAMA_DEFAULTS,
    silent=_names("id name user_id created_at updated_at is_active"),
    marks=_names(
        "params stream_response function_calling reasoning_tags base_model_id meta custom_params "
        "num_ctx num_keep num_batch num_gpu num_thread keep_alive think system tfs_z "
        "reasoning_effort access_control compact_token_threshold stream_delta_chunk_size"
    ),
    around=_names("params custom_params"),
)

# ---------------------------------------------------------------- others

GPT4ALL: Final = Program(
    "GPT4All settings",
    _places(
        {
            "temperature": "temperature",
            "topK": "top_k",
            "topP": "top_p",
            "minP": "min_p",
            "maxLength": "n_predict",
            "repeatPenalty": "repeat_penalty",
            "repeatPenaltyTokens": "repeat_last_n",
        }
    ),
    {"temperature": 0.7, "top_p": 0.4, "min_p": 0.0, "repeat_penalty": 1.18},
    marks=_names(
        "promptBatchSize contextLength gpuLayers promptTemplate systemPrompt systemMessage "
        "chatTemplate chatNamePrompt suggestedFollowUpPrompt filename isClone"
    ),
)


LOCALAI: Final = replace(
    LLAMA_SERVER,
    title="LocalAI model",
    places={**LLAMA_SERVER.places, "stopwords": Place("stop", texts)},
    defaults={"temperature": 0.9},
    silent=_names("name"),
    marks=_names("backend context_size f16 threads template parameters usage model stopwords"),
)


def _override(value: Any) -> Any:  # noqa: ANN401 - foreign
    """TabbyAPI's presets write {"override": 0.6, "force": false}."""
    return value.get("override") if isinstance(value, Mapping) and "override" in value else value


TABBY: Final = Program(
    "TabbyAPI preset",
    _places(
        {
            **_same("temperature top_k top_p min_p xtc_probability xtc_threshold dry_multiplier"),
            **_same("dry_base dry_allowed_length frequency_penalty presence_penalty mirostat_tau"),
            **_same("mirostat_eta"),
            "typical": "typical_p",
            "repetition_penalty": "repeat_penalty",
            "max_tokens": "n_predict",
            "mirostat_mode": "mirostat",
            "ban_eos_token": "ignore_eos",
        },
        {
            "repetition_range": Place("repeat_last_n", below_one_is_all),
            "penalty_range": Place("repeat_last_n", below_one_is_all),
            "dry_range": Place("dry_penalty_last_n", below_one_is_all),
            "dry_sequence_breakers": Place("dry_sequence_breakers", json_texts),
            "stop": Place("stop", texts),
        },
    ),
    {
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 1.0,
        "min_p": 0.0,
        "repeat_last_n": -1,
        "dry_penalty_last_n": -1,
    },
    ("penalties", "dry", "temperature", "top_k", "top_p", "min_p", "typ_p", "xtc"),
    special={
        "banned_strings": lambda found, key, value, data: _banned(
            found, key, _override(value), data
        ),
        "temperature_last": _switch,
    },
    marks=_names("token_healing skew smoothing_factor banned_tokens cfg_scale max_temp min_temp"),
    plain=_override,
    finish=_temperature_last,
)


def _canonical(key: str) -> str:
    """A name without case and signs: topP, top-p and TOP_P are one."""
    return "".join(sign for sign in key.lower() if sign.isalnum())


_ANY_NAMES: Final = {
    **{name: name for name in PARAMS if name != "logit_bias"},
    "temp": "temperature",
    "typ_p": "typical_p",
    "typical": "typical_p",
    "nsigma": "top_n_sigma",
    "repetition_penalty": "repeat_penalty",
    "rep_pen": "repeat_penalty",
    "rep_pen_range": "repeat_last_n",
    "repetition_penalty_range": "repeat_last_n",
    "penalty_last_n": "repeat_last_n",
    "freq_pen": "frequency_penalty",
    "presence_pen": "presence_penalty",
    "max_tokens": "n_predict",
    "max_completion_tokens": "n_predict",
    "max_output_tokens": "n_predict",
    "max_new_tokens": "n_predict",
    "num_predict": "n_predict",
    "stop_strings": "stop",
    "stop_sequences": "stop",
    "stop_words": "stop",
}
ANY_PROGRAM: Final = Program(
    "Settings of another program",
    {_canonical(theirs): _llama_place(ours) for theirs, ours in _ANY_NAMES.items()},
    bare=_canonical,
)
"""For a program that none of the others is: the usual names in any writing."""

PROGRAMS: Final = (
    LLAMA_SERVER,
    LM_STUDIO,
    LM_STUDIO_OLD,
    TAVERN_TEXT,
    TAVERN_KOBOLD,
    TAVERN_CHAT,
    KOBOLDCPP,
    KOBOLD_LITE,
    GENERATION_CONFIG,
    VLLM,
    TEXTGEN,
    OLLAMA,
    OPEN_WEBUI,
    GPT4ALL,
    LOCALAI,
    TABBY,
    ANY_PROGRAM,
)
"""Which one a file is of is told by how many of its names each knows; of equals the first."""


def sets_sampler(key: str, value: object) -> bool:
    """Whether any program reads this as a stated value of a sampler."""
    return any(program.sets_sampler(key, value) for program in PROGRAMS)


def best_program(data: Data, around: Iterable[str] = (), file_name: str = "") -> Program:
    """The program whose settings these are, by the evidence in names, nesting and file name.

    Args:
        data: the values.
        around: names of the objects that hold the values.
        file_name: of the file, a hint where all else is equal.
    """
    outside = frozenset(around)
    name = file_name.lower()

    def evidence(program: Program) -> float:
        found = 0.0
        for key in data:
            found += float(program.knows(key) or key in program.marks)
        found += 2.0 * len(outside & program.around) + len(outside & program.marks)
        found += 0.5 * any(name.endswith(end) for end in program.file)
        return found - 0.25 * (program is ANY_PROGRAM)

    return max(PROGRAMS, key=evidence)
