"""What an answer may say, beside the sampling values: grammar, banned strings, biases by text.

A grammar and a JSON schema hold from the first token of the answer, behind the reasoning, and in
a raw prompt from the first token. Banned strings hold in the answer, by choice also before it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.effective import ChainWarning
from qwqdesk.sampling.grammar import check_grammar
from qwqdesk.sampling.json_schema import schema_grammar
from qwqdesk.sampling.param import as_float32, number_text, shown

MAX_STRINGS: Final = 200
MAX_STRING: Final = 500
"""Characters of one banned string or biased text."""
NO_EFFECT: Final = "schema-keyword-without-effect"


@dataclass(frozen=True)
class TextBias:
    """Added to the logits of the tokens that a text becomes; minus infinity bans them.

    The text is taken as it is and with a blank before it, since most vocabularies have both.
    """

    text: str
    bias: float

    def __post_init__(self) -> None:
        _check_text(self.text, "The text of a bias")
        bias = self.bias
        if isinstance(bias, bool) or not isinstance(bias, (int, float)):
            raise _bad_bias(self.text, bias)
        if bias != -math.inf and not math.isfinite(as_float32(bias)):
            raise _bad_bias(self.text, bias)
        object.__setattr__(self, "bias", float(bias) + 0.0)

    @classmethod
    def read(cls, text: str) -> TextBias:
        """The bias written as ``word=-5``; ``=false`` and ``=-inf`` ban.

        Raises:
            UserError: for anything else.
        """
        word, equals, number = text.rpartition("=")
        number = number.strip().lower()
        if not equals:
            what = f"{shown(text)!r} is not TEXT=BIAS."
            raise UserError(what, "Write for example word=-5 or word=false.", code="value")
        if number in ("false", "-inf", "-infinity"):
            return cls(word, -math.inf)
        try:
            return cls(word, float(number))
        except ValueError:
            raise _bad_bias(word, number) from None

    def written(self) -> str:
        """The bias as `read` takes it."""
        return f"{self.text}={number_text(self.bias)}"

    def to_json(self) -> dict[str, Any]:
        """Strict JSON: minus infinity is written false."""
        return {"text": self.text, "bias": False if self.bias == -math.inf else self.bias}


@dataclass(frozen=True)
class Constraints:
    """What holds for one lane's text. Empty fields do not limit anything.

    `grammar` is GBNF and `json_schema` JSON, both as the user wrote them. `from_first_token`: they
    hold from the beginning, not from the answer on, because the prompt was raw.

    Raises:
        UserError: for a grammar or schema that is wrong (a `TextError` with its line), both at
            once, or a text that is empty, too long or no text.
    """

    grammar: str = ""
    json_schema: str = ""
    banned_strings: tuple[str, ...] = ()
    ban_in_reasoning: bool = False
    text_biases: tuple[TextBias, ...] = ()
    from_first_token: bool = False

    def __post_init__(self) -> None:
        if self.grammar and self.json_schema:
            what = "A lane takes a grammar or a JSON schema, not both."
            raise UserError(what, "Omit one of them.", code="value")
        if self.grammar:
            check_grammar(self.grammar)
        if self.json_schema:
            schema_grammar(self.json_schema)
        for text in self.banned_strings:
            _check_text(text, "A banned string")
        if max(len(self.banned_strings), len(self.text_biases)) > MAX_STRINGS:
            what = f"More than {MAX_STRINGS} texts are banned or biased."
            raise UserError(what, "Omit some of them.", code="value")

    def __bool__(self) -> bool:
        """Whether anything is limited."""
        return bool(self.gbnf or self.banned_strings or self.text_biases)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that `to_json` may write."""
        return (*_PLAIN, "banned_strings", "logit_bias_text")

    @property
    def gbnf(self) -> str:
        """The grammar for llama.cpp, empty without one."""
        return schema_grammar(self.json_schema).text if self.json_schema else self.grammar

    @property
    def warnings(self) -> tuple[ChainWarning, ...]:
        """Keywords of the schema that the grammar does not carry."""
        if not self.json_schema:
            return ()
        paths = schema_grammar(self.json_schema).without_effect
        return tuple(
            ChainWarning(NO_EFFECT, f"{path} of the JSON schema has no effect.") for path in paths
        )

    def warnings_for(self, chain: SamplerChain) -> tuple[ChainWarning, ...]:
        """As `warnings`, and what the constraints do to this chain's steps."""
        bans = any(bias.bias == -math.inf for bias in self.text_biases)
        masks = bool(self.gbnf or self.banned_strings or bans)
        acts = "typ_p" in chain.samplers and chain.number("typical_p") < 1.0
        if not masks or not acts or chain.integer("mirostat"):
            return self.warnings
        text = (
            "typ_p stands after the lane's constraints, which leave masked tokens: llama.cpp then "
            "keeps an arbitrary set of them."
        )
        return (*self.warnings, ChainWarning("typ_p-after-masking", text))

    def with_grammar(self, text: str) -> Constraints:
        """With this grammar in place of another or of a schema; "" takes both away."""
        return replace(self, grammar=text, json_schema="")

    def with_json_schema(self, text: str) -> Constraints:
        """With this schema in place of another or of a grammar; "" takes both away."""
        return replace(self, grammar="", json_schema=text)

    def to_json(self) -> dict[str, Any]:
        """What is set, as strict JSON."""
        values: dict[str, Any] = {name: getattr(self, name) for name in _PLAIN}
        values["banned_strings"] = list(self.banned_strings)
        values["logit_bias_text"] = [bias.to_json() for bias in self.text_biases]
        return {name: value for name, value in values.items() if value}

    @classmethod
    def from_json(cls, data: object) -> Constraints:
        """What `to_json` wrote; a schema may also be given as JSON itself.

        Raises:
            UserError: for anything else.
        """
        if not isinstance(data, Mapping):
            raise _unreadable(data)
        given = dict(data)
        biases = [_bias(entry) for entry in _listed(given.pop("logit_bias_text", ()))]
        strings = tuple(_listed(given.pop("banned_strings", ())))
        unknown = [name for name in given if name not in _PLAIN]
        kinds = {field.name: type(field.default) for field in fields(cls)}
        if unknown or not all(isinstance(given[name], kinds[name]) for name in given):
            raise _unreadable(unknown or data)
        return cls(banned_strings=strings, text_biases=tuple(biases), **given)


_PLAIN: Final = ("grammar", "json_schema", "ban_in_reasoning", "from_first_token")

NO_CONSTRAINTS: Final = Constraints()


def _bias(entry: object) -> TextBias:
    if not isinstance(entry, Mapping) or set(entry) - {"text", "bias", "tokens"}:
        raise _unreadable(entry)
    bias = entry.get("bias")
    text = entry.get("text")
    if not isinstance(text, str) or bias is True or not isinstance(bias, (int, float)):
        raise _unreadable(entry)
    return TextBias(text, -math.inf if bias is False else bias)


def _listed(value: object) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise _unreadable(value)
    return value


def _check_text(text: object, what: str) -> None:
    if not isinstance(text, str) or not text or "\0" in text:
        raise UserError(f"{what} is empty or no text.", "Give a text.", code="value")
    if len(text) > MAX_STRING:
        raise UserError(
            f"{what} has more than {MAX_STRING} characters.", "Shorten it.", code="value"
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UserError(f"{what} is not valid Unicode.", "Fix it.", code="value") from None


def _bad_bias(text: str, bias: object) -> UserError:
    what = f"The bias of {shown(text)!r} cannot be {shown(bias)}."
    return UserError(what, "Give a number, or false to ban it.", code="value")


def _unreadable(data: object) -> UserError:
    what = f"{shown(data)} cannot be read as a constraint."
    todo = f"The names are {', '.join(_PLAIN)}, banned_strings and logit_bias_text."
    return UserError(what, todo, code="value")
