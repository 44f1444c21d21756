"""The one table that knows a sampler: names, parameters, ranges, defaults, meanings.

Validation, the editor's widgets, flags, JSON, importers and the engine's builder come from here.
Names, defaults and limits were read in llama.cpp 0c1e57098 (common/common.h, common/arg.cpp,
common/sampling.cpp, src/llama-sampler.cpp, tools/server/server-schema.cpp).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from qwqdesk.errors import UserError
from qwqdesk.sampling.param import INT32_MAX, UINT32_MAX, Bias, Kind, Param, Value, shown

__all__ = [
    "DEFAULT_ORDER",
    "INT32_MAX",
    "PARAMS",
    "RANDOM_SEED",
    "RANDOM_SEEDS",
    "RUN_PARAMS",
    "SAMPLERS",
    "STEPS",
    "Bias",
    "Kind",
    "Param",
    "Sampler",
    "Value",
    "order_from_letters",
    "order_from_text",
    "sampler_named",
    "sampler_of_param",
]

Placement = Literal["step", "first", "selecting"]


@dataclass(frozen=True)
class Sampler:
    """One sampler of llama.cpp.

    `letter` is its place in ``--sampler-seq``, empty for what cannot be listed there. `native` is
    what ``llama_sampler_name`` says. Placement: a "step" may stand anywhere, "first" stands before
    all steps, "selecting" draws the token and therefore stands last.
    """

    name: str
    letter: str
    native: str
    title: str
    meaning: str
    source: str
    params: tuple[Param, ...] = ()
    aliases: tuple[str, ...] = ()
    placement: Placement = "step"

    @property
    def listed(self) -> bool:
        """Whether ``--samplers`` may name it."""
        return bool(self.letter)


def _spellings(name: str, *more: str) -> tuple[str, ...]:
    """llama.cpp accepts kebab case and the name without underscores."""
    if "_" not in name:
        return more
    return (name.replace("_", "-"), name.replace("_", ""), *more)


# fmt: off
# The table is laid out by hand: a parameter is two or three lines.

_PENALTIES = Sampler(
    "penalties", "e", "penalties", "Penalties",
    "Lowers tokens that already occurred in the last tokens.",
    "Keskar et al. 2019 (repeat penalty); OpenAI API (presence, frequency)",
    (
        Param("repeat_penalty", "float", ("--repeat-penalty",), 1.0, "Repeat penalty",
              "Divides positive and multiplies negative logits of repeated tokens; 1 is off.",
              source="arXiv 1909.05858", minimum=1e-38, step=0.05, neutral=1.0,
              range_text="numbers above 0"),
        Param("repeat_last_n", "int", ("--repeat-last-n",), 64, "Last n",
              "How many tokens back penalties look; 0 is off, -1 the whole context.",
              source="llama.cpp", minimum=-1, maximum=INT32_MAX, step=16, neutral=0),
        Param("presence_penalty", "float", ("--presence-penalty",), 0.0, "Presence",
              "Subtracted once from the logit of every token that occurred; 0 is off.",
              source="OpenAI API", step=0.1, neutral=0.0),
        Param("frequency_penalty", "float", ("--frequency-penalty",), 0.0, "Frequency",
              "Subtracted from a token's logit for each time it occurred; 0 is off.",
              source="OpenAI API", step=0.1, neutral=0.0),
    ),
)

_DRY = Sampler(
    "dry", "d", "dry", "DRY",
    "Lowers tokens that would repeat a sequence.",
    "llama.cpp PR 9702, after p-e-w's DRY",
    (
        Param("dry_multiplier", "float", ("--dry-multiplier",), 0.0, "Multiplier",
              "Strength of DRY; 0 is off.",
              minimum=0.0, step=0.1, neutral=0.0),
        Param("dry_base", "float", ("--dry-base",), 1.75, "Base",
              "How fast the penalty grows with the length of the repetition.",
              minimum=1.0, step=0.05),
        Param("dry_allowed_length", "int", ("--dry-allowed-length",), 2, "Allowed length",
              "Repetitions up to this many tokens cost nothing.",
              minimum=0, maximum=INT32_MAX, step=1),
        Param("dry_penalty_last_n", "int", ("--dry-penalty-last-n",), 64, "Last n",
              "How many tokens back DRY looks; 0 is off, -1 the whole context.",
              minimum=-1, maximum=INT32_MAX, step=64, neutral=0),
        Param("dry_sequence_breakers", "strings", ("--dry-sequence-breaker",),
              ("\n", ":", '"', "*"), "Breakers",
              "Texts at which a repetition ends."),
    ),
)

_TOP_N_SIGMA = Sampler(
    "top_n_sigma", "s", "top-n-sigma", "Top-n sigma",
    "Keeps tokens whose logit is within n standard deviations of the best.",
    "arXiv 2411.07641",
    (
        Param("top_n_sigma", "float", ("--top-n-sigma", "--top-nsigma"), -1.0, "Sigmas",
              "Number of standard deviations; 0 or less is off.",
              minimum=-1.0, step=0.1, neutral=-1.0),
    ),
    _spellings("top_n_sigma"),
)

_TOP_K = Sampler(
    "top_k", "k", "top-k", "Top-k",
    "Keeps the k most likely tokens.",
    "arXiv 1805.04833",
    (
        Param("top_k", "int", ("--top-k",), 40, "k",
              "How many tokens are kept; 0 keeps all.",
              minimum=-1, maximum=INT32_MAX, step=1, neutral=0),
    ),
    _spellings("top_k"),
)

_TYP_P = Sampler(
    "typ_p", "y", "typical", "Typical p",
    "Keeps tokens whose surprise is near the average, up to p together.",
    "arXiv 2202.00666",
    (
        Param("typical_p", "float", ("--typical", "--typical-p"), 1.0, "p",
              "Probability mass that is kept; 1 keeps all.",
              minimum=0.0, maximum=1.0, step=0.01, neutral=1.0),
    ),
    _spellings("typ_p", "typ"),
)

_TOP_P = Sampler(
    "top_p", "p", "top-p", "Top-p",
    "Keeps the likeliest tokens, up to p together.",
    "arXiv 1904.09751",
    (
        Param("top_p", "float", ("--top-p",), 0.95, "p",
              "Probability mass that is kept; 1 keeps all.",
              minimum=0.0, maximum=1.0, step=0.01, neutral=1.0),
    ),
    _spellings("top_p", "nucleus"),
)

_MIN_P = Sampler(
    "min_p", "m", "min-p", "Min-p",
    "Drops tokens below a share of the best one's probability.",
    "arXiv 2407.01082",
    (
        Param("min_p", "float", ("--min-p",), 0.05, "Share",
              "Share of the best token's probability; 0 keeps all.",
              minimum=0.0, maximum=1.0, step=0.01, neutral=0.0),
    ),
    _spellings("min_p"),
)

_XTC = Sampler(
    "xtc", "x", "xtc", "XTC",
    "Sometimes removes the likeliest tokens, so that rarer ones are chosen.",
    "llama.cpp PR 9742, after p-e-w's XTC",
    (
        Param("xtc_probability", "float", ("--xtc-probability",), 0.0, "Probability",
              "How often it acts; 0 is off.",
              minimum=0.0, maximum=1.0, step=0.05, neutral=0.0),
        Param("xtc_threshold", "float", ("--xtc-threshold",), 0.1, "Threshold",
              "Tokens at least this likely are removed, all but the last; above 0.5 is off.",
              minimum=0.0, maximum=1.0, step=0.05),
    ),
)

_TEMPERATURE = Sampler(
    "temperature", "t", "temp-ext", "Temperature",
    "Sharpens the distribution below 1, flattens it above.",
    "llama.cpp; dynamic range from its PR 4972",
    (
        Param("temperature", "float", ("--temp", "--temperature"), 0.8, "Temperature",
              "Divides all logits; 1 changes nothing, 0 leaves only the best token.",
              minimum=0.0, step=0.05, neutral=1.0),
        Param("dynatemp_range", "float", ("--dynatemp-range",), 0.0, "Range",
              "The temperature moves by up to this much with the entropy; 0 is off.",
              source="llama.cpp PR 4972", minimum=0.0, step=0.05, neutral=0.0),
        Param("dynatemp_exponent", "float", ("--dynatemp-exp",), 1.0, "Exponent",
              "How the entropy maps to the temperature inside the range.",
              source="llama.cpp PR 4972", minimum=0.0, step=0.1),
    ),
    ("temp",),
)

_ADAPTIVE_P = Sampler(
    "adaptive_p", "a", "adaptive-p", "Adaptive p",
    "Draws tokens whose probability stays near a target.",
    "llama.cpp PR 17927",
    (
        Param("adaptive_target", "float", ("--adaptive-target",), -1.0, "Target",
              "Probability to stay near; below 0 it draws from what is left.",
              minimum=-1.0, maximum=1.0, step=0.05, neutral=-1.0),
        Param("adaptive_decay", "float", ("--adaptive-decay",), 0.9, "Decay",
              "How slowly it adapts: it looks back about 1 / (1 - decay) tokens.",
              minimum=0.0, maximum=0.99, step=0.01),
    ),
    _spellings("adaptive_p"),
    "selecting",
)

_MIROSTAT = Sampler(
    "mirostat", "", "mirostat", "Mirostat",
    "Holds the surprise of the text near a target; replaces all listed steps.",
    "arXiv 2007.14966",
    (
        Param("mirostat", "int", ("--mirostat",), 0, "Version",
              "0 is off, 1 is Mirostat, 2 is Mirostat 2.0.",
              minimum=0, maximum=2, step=1, neutral=0),
        Param("mirostat_tau", "float", ("--mirostat-ent",), 5.0, "Target",
              "Target surprise (tau).",
              step=0.1),
        Param("mirostat_eta", "float", ("--mirostat-lr",), 0.1, "Rate",
              "How fast it corrects itself (eta).",
              step=0.01),
    ),
    placement="selecting",
)

_LOGIT_BIAS = Sampler(
    "logit_bias", "", "logit-bias", "Logit bias",
    "Adds a number to the logits of chosen tokens, before all steps.",
    "llama.cpp",
    (
        Param("logit_bias", "bias", ("--logit-bias", "-l"), (), "Biases",
              "Token ids and what is added to their logits; minus infinity bans a token.",
              neutral=()),
        Param("ignore_eos", "bool", ("--ignore-eos",), False, "Never end",
              "Bans every token that ends the text.",
              neutral=False),
    ),
    placement="first",
)

_DIST = Sampler(
    "dist", "", "dist", "Draw",
    "Samples one of the remaining tokens. Always last.",
    "llama.cpp",
    placement="selecting",
)

SAMPLERS: Final[tuple[Sampler, ...]] = (
    _PENALTIES, _DRY, _TOP_N_SIGMA, _TOP_K, _TYP_P, _TOP_P, _MIN_P, _XTC, _TEMPERATURE,
    _ADAPTIVE_P, _MIROSTAT, _LOGIT_BIAS, _DIST,
)

RUN_PARAMS: Final[tuple[Param, ...]] = (
    Param("seed", "int", ("--seed", "-s"), UINT32_MAX, "Seed",
          "Number that the random draws start from; -1 draws one.",
          source="llama.cpp", minimum=-1, maximum=UINT32_MAX, step=1),
    Param("min_keep", "int", ("--min-keep",), 0, "Min keep",
          "Truncating steps keep at least this many tokens.",
          source="llama.cpp", minimum=0, maximum=INT32_MAX, step=1, neutral=0),
    Param("n_predict", "int", ("--predict", "-n", "--n-predict"), -1, "Length",
          "Most tokens to generate; -1 until the model ends or the context is full.",
          source="llama.cpp", minimum=-2, maximum=INT32_MAX, step=64),
    Param("stop", "strings", ("--stop", "--reverse-prompt", "-r"), (), "Stop strings",
          "The reply ends before any of these texts.",
          source="llama.cpp", neutral=()),
)

# fmt: on

STEPS: Final = tuple(sampler for sampler in SAMPLERS if sampler.listed)

DEFAULT_ORDER: Final = tuple(s.name for s in STEPS if s.placement == "step")

RANDOM_SEED: Final = -1
RANDOM_SEEDS: Final = frozenset({RANDOM_SEED, UINT32_MAX})

# The order of INTERFACE's `sampling` object, which is llama-server's.
# fmt: off
_NAMES: Final = (
    "seed", "temperature", "dynatemp_range", "dynatemp_exponent", "top_k", "top_p", "min_p",
    "top_n_sigma", "xtc_probability", "xtc_threshold", "typical_p", "repeat_last_n",
    "repeat_penalty", "presence_penalty", "frequency_penalty", "dry_multiplier", "dry_base",
    "dry_allowed_length", "dry_penalty_last_n", "dry_sequence_breakers", "mirostat",
    "mirostat_tau", "mirostat_eta", "adaptive_target", "adaptive_decay", "min_keep", "logit_bias",
    "ignore_eos", "n_predict", "stop",
)
# fmt: on


def _params() -> Mapping[str, Param]:
    every = {param.name: param for sampler in SAMPLERS for param in sampler.params}
    every.update({param.name: param for param in RUN_PARAMS})
    return MappingProxyType({name: every[name] for name in _NAMES})


PARAMS: Final[Mapping[str, Param]] = _params()

_BY_NAME: Final = MappingProxyType({text: s for s in SAMPLERS for text in (s.name, *s.aliases)})
_BY_PARAM: Final = MappingProxyType({p.name: s for s in SAMPLERS for p in s.params})
_BY_LETTER: Final = MappingProxyType({s.letter: s for s in STEPS})


def sampler_of_param(name: str) -> Sampler | None:
    """The sampler that a parameter belongs to; None for the values of the whole run."""
    return _BY_PARAM.get(name)


def sampler_named(text: str) -> Sampler:
    """The sampler with this name or alias, in any case (as llama.cpp's ``--samplers`` reads it).

    Raises:
        UserError: for any other text; llama.cpp's programs would skip the step with a warning.
    """
    sampler = _BY_NAME.get(text.strip().lower())
    if sampler is None:
        raise _unknown(text)
    return sampler


def _unknown(text: str) -> UserError:
    known = ", ".join(s.name for s in STEPS)
    hint = " It is written typ_p." if text.strip().lower().startswith("typical") else ""
    what = f"There is no sampler named {shown(text)!r}.{hint}"
    return UserError(what, f"The samplers are: {known}.", code="sampler")


def order_from_text(text: str) -> tuple[str, ...]:
    """The order written as in ``--samplers``: names separated by semicolons, "" is no step."""
    if not text.strip():
        return ()
    return tuple(sampler_named(name).name for name in text.strip().rstrip(";").split(";"))


def order_from_letters(text: str) -> tuple[str, ...]:
    """The order written as in ``--sampler-seq``, one letter a step, for example edskypmxt."""
    names = []
    for letter in text.strip():
        if letter not in _BY_LETTER:
            known = ", ".join(f"{s.letter} {s.name}" for s in STEPS)
            what = f"{shown(letter)!r} in the sampler sequence {shown(text)!r} is not a sampler."
            raise UserError(what, f"The letters are: {known}.", code="sampler")
        names.append(_BY_LETTER[letter].name)
    return tuple(names)
