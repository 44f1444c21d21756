"""The words of the chain editor, without widgets: labels, lists as text, ways to mend a warning."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import cast

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.formats.escapes import process_escapes, with_escapes
from qwqdesk.sampling.param import Bias, Param, Value, number_text, shown
from qwqdesk.sampling.samplers import RANDOM_SEEDS, Sampler, sampler_named

_LONGEST_LABEL = 11
_SPACE = "\\x20"
BIAS_FORMAT = (
    "Write a token's number and what is added to its logit, for example 42+1.5, or 42-inf "
    "to ban it."
)
EXAMPLES = {"bias": "42+1.5  7-inf", "strings": "###  User:"}
"""What an empty field shows of its format, by the kind of the parameter."""
_NOT_IN_CHAIN = "-not-in-chain"

# Where a step that is put back makes most sense: beside its relative.
_NEIGHBOURS = {"penalties": "dry", "dry": "penalties", "top_p": "top_k", "min_p": "top_p"}


def short_label(param: Param) -> str:
    """A parameter's name beside its field: `allowed` for "Allowed length"."""
    words = param.title.lower()
    return words if len(words) <= _LONGEST_LABEL else words.split()[0]


def shown_params(sampler: Sampler, chain: SamplerChain) -> tuple[Param, ...]:
    """The parameters that have a field in the sampler's row.

    The exponent of the dynamic temperature acts only inside a range, so it waits for one.
    """
    return tuple(p for p in sampler.params if not _waits(p, chain))


def _waits(param: Param, chain: SamplerChain) -> bool:
    if param.name != "dynatemp_exponent":
        return False
    return chain.number("dynatemp_range") == 0 and chain.value(param.name) == param.default


def list_to_text(value: Value, kind: str) -> str:
    """A list in one line: texts with escapes, biases as `42+1.5`, separated by spaces."""
    if kind == "bias":
        return "  ".join(_bias_text(bias) for bias in cast("tuple[Bias, ...]", value))
    texts = cast("tuple[str, ...]", value)
    return "  ".join(with_escapes(text).replace(" ", _SPACE) for text in texts)


def list_from_text(text: str, param: Param) -> Value:
    """The list that `list_to_text` wrote.

    Raises:
        UserError: naming the entry that is not allowed.
    """
    if param.kind == "bias":
        return param.check([_bias(word, param) for word in text.split()])
    return param.check([process_escapes(word) for word in text.split()])


def _bias_text(bias: Bias) -> str:
    token, number = bias
    sign = "" if number < 0 else "+"
    return f"{token}{sign}{number_text(number)}"


def _bias(word: str, param: Param) -> tuple[int, float]:
    for sign in ("+", "-"):
        token, found, number = word.partition(sign)
        if found and token.isdecimal():
            with suppress(ValueError, UserError):
                bias = int(token), float(sign + number)
                param.check([bias])
                return bias
    raise UserError(
        f"{shown(word)} is not a bias. {BIAS_FORMAT}",
        "Separate several by spaces.",
        code="value",
    )


def settings_without_effect(sampler: str, chain: SamplerChain) -> tuple[Param, ...]:
    """The parameters of an absent sampler that were set away from their neutral value."""
    params = sampler_named(sampler).params
    found = tuple(
        p
        for p in params
        if p.neutral is not None and chain.value(p.name) not in (p.neutral, p.default)
    )
    # How far back a sampler looks has no effect of its own.
    return tuple(p for p in found if not p.name.endswith("last_n")) or found


@dataclass(frozen=True)
class Mend:
    """One way out of a warning: the words on its button and the chain that it makes."""

    words: str
    icon: str
    chain: SamplerChain
    flat: bool = False


def mends(code: str, chain: SamplerChain) -> tuple[Mend, ...]:
    """What the band of a warning offers; nothing for a warning that only explains."""
    if code.endswith(_NOT_IN_CHAIN):
        return _mends_of_absent(code.removesuffix(_NOT_IN_CHAIN).replace("-", "_"), chain)
    if code == "mirostat-replaces-chain":
        return (Mend("Turn Mirostat off", "", chain.with_values(mirostat=0)),)
    if code == "typ_p-after-masking" and "typ_p" in chain.samplers:
        return (
            Mend("Move typ_p first", "", chain.moved("typ_p", 0)),
            Mend("Remove typ_p", "", chain.without_step("typ_p"), flat=True),
        )
    return ()


def next_step(code: str, chain: SamplerChain) -> str:
    """The sentence under a warning that can be mended."""
    offered = mends(code, chain)
    if not code.endswith(_NOT_IN_CHAIN) or not offered:
        return ""
    last = offered[-1].words.replace("Set to", "Set it back to")
    return f"Put it in the chain, or {last[0].lower()}{last[1:]}."


def _mends_of_absent(name: str, chain: SamplerChain) -> tuple[Mend, ...]:
    try:
        step = sampler_named(name)
    except UserError:
        return ()
    if step.name in chain.samplers or not step.listed:
        return ()
    offered = [Mend(f"Add {step.name} first", "plus", chain.with_step(step.name, 0))]
    neighbour = _NEIGHBOURS.get(step.name, "")
    if step.placement == "selecting":
        offered = [Mend(f"Add {step.name} last", "plus", chain.with_step(step.name))]
    elif neighbour in chain.samplers:
        place = chain.samplers.index(neighbour) + 1
        offered.append(Mend(f"Add after {neighbour}", "plus", chain.with_step(step.name, place)))
    elif chain.samplers:
        offered.append(Mend("Add last", "plus", chain.with_step(step.name)))
    return (*offered, *_mend_by_neutral(step.name, chain))


def _mend_by_neutral(name: str, chain: SamplerChain) -> tuple[Mend, ...]:
    found = settings_without_effect(name, chain)
    if not found:
        return ()
    neutral = {p.name: p.neutral for p in found}
    words = "Set all to no effect"
    if len(found) == 1:
        value = found[0].neutral
        words = f"Set to {number_text(value) if isinstance(value, (int, float)) else 'none'}"
    return (Mend(words, "", chain.with_values(**neutral), flat=True),)


def chip_value(sampler: str, chain: SamplerChain) -> str:
    """The value that says most about a step: its first parameter."""
    params = sampler_named(sampler).params
    if sampler == "logit_bias":
        return _biases_in_short(chain)
    value = chain.value(params[0].name) if params else ""
    return number_text(value) if isinstance(value, (int, float)) else str(value)


def _biases_in_short(chain: SamplerChain) -> str:
    """How many tokens are changed; a banned end of the text counts by its name."""
    count = len(chain.logit_bias)
    words = [f"{count} token{'s' if count != 1 else ''}"] if count else []
    return ", ".join([*words, *(["ignore_eos"] if chain["ignore_eos"] is True else [])])


def moved_steps(before: tuple[str, ...], after: tuple[str, ...]) -> frozenset[str]:
    """The steps common to both orders that stand at another place among the others."""
    common_before = [name for name in before if name in after]
    common_after = [name for name in after if name in before]
    kept: set[str] = set()
    for block in SequenceMatcher(None, common_before, common_after, False).get_matching_blocks():
        kept.update(common_after[block.b : block.b + block.size])
    return frozenset(name for name in common_after if name not in kept)


def seed_shown(value: Value) -> Value:
    """Both seeds that mean "draw one" are shown as -1."""
    return -1 if value in RANDOM_SEEDS else value
