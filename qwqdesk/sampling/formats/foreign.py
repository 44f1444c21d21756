"""Collecting settings that come under another program's names.

What is understood is taken; everything else is listed by its foreign name and, where there is
more to say than that nothing here is like it, with the reason.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import NO_CONSTRAINTS, Constraints, TextBias
from qwqdesk.sampling.effective import ChainWarning
from qwqdesk.sampling.param import Param, shown
from qwqdesk.sampling.recipes import Recipe
from qwqdesk.sampling.samplers import DEFAULT_ORDER, PARAMS

Change = Callable[[Any], Any]
"""Turns a foreign value into ours; raises ValueError, TypeError or, for what is nested too deep,
RecursionError where it cannot read it. What it returns as `UNSET` counts as not stated."""

UNSET: Final = object()
_NO_NUMBER: Final = ("none", "null", "default")

Why = Literal["no-counterpart", "unknown-sampler", "value-left-out", "stated-twice"]


def unchanged(value: Any) -> Any:  # noqa: ANN401 - foreign
    """The value as it is."""
    return value


@dataclass(frozen=True)
class LeftOut:
    """Something of a foreign file that was not taken: its name, a stable code and a sentence."""

    name: str
    code: Why = "no-counterpart"
    why: str = ""


@dataclass(frozen=True)
class Imported:
    """A recipe made from foreign text, what of the text has no place in it, and what to know.

    `notes` are about values that were taken and may mean something else than people think.
    """

    recipe: Recipe
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[ChainWarning, ...] = ()

    @property
    def unmapped(self) -> tuple[str, ...]:
        """The foreign names of everything that was left out, each once."""
        return tuple(dict.fromkeys(item.name for item in self.left_out))

    @property
    def without_counterpart(self) -> tuple[str, ...]:
        """The names of what was left out because nothing here is like it."""
        items = (item.name for item in self.left_out if item.code == "no-counterpart")
        return tuple(dict.fromkeys(items))

    @property
    def warnings(self) -> tuple[ChainWarning, ...]:
        """The notes, and the reasons why names that are known here were left out all the same."""
        said = dict.fromkeys((item.code, f"{item.name}: {item.why}") for item in self.left_out)
        reasons = (ChainWarning(code, text) for code, text in said if code != "no-counterpart")
        return (*self.notes, *reasons)

    def to_json(self) -> dict[str, Any]:
        """The recipe's JSON with what was left out."""
        warnings = [warning.to_json() for warning in self.warnings]
        more = {"unmapped": list(self.unmapped), "warnings": warnings}
        return {**self.recipe.to_json(), **more}


@dataclass(frozen=True)
class Place:
    """Where a foreign value goes: our name, and how it is changed on the way."""

    name: str
    change: Change = unchanged


@dataclass
class Foreign:
    """The values of one foreign file as they are read.

    `defaults` are what the other program uses for values that its file leaves out.
    """

    defaults: Mapping[str, object] = field(default_factory=dict)
    values: dict[str, object] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[ChainWarning] = field(default_factory=list)
    order: tuple[str, ...] | None = None
    constraints: Constraints = NO_CONSTRAINTS

    def leave(self, key: object, code: Why = "no-counterpart", why: str = "") -> None:
        """List a foreign name as not taken."""
        self.left_out.append(LeftOut(shown(key), code, why))

    def note(self, text: str) -> None:
        """Say something about a value that was taken."""
        self.notes.append(ChainWarning("value-differs", text))

    def set(self, place: Place, key: str, value: object) -> None:
        """Keep a foreign value, or list its name with the reason. What is not set is neither."""
        param = PARAMS[place.name]
        if is_unset(value) or _says_no_number(param, value):
            return
        try:
            changed = place.change(_typed(param, value))
            if changed is UNSET:
                return
            checked = param.check(changed)
        except UserError as error:
            self.leave(key, "value-left-out", error.what)
            return
        except (ValueError, TypeError, OverflowError, RecursionError):
            self.leave(key, "value-left-out", param.error(value).what)
            return
        self._note_limit(param, key, value, checked)
        if self.values.setdefault(place.name, checked) != checked:
            kept = shown(self.values[place.name])
            self.leave(key, "stated-twice", f"another name of the same value says {kept}.")

    def _note_limit(self, param: Param, key: str, value: object, taken: object) -> None:
        """Say that a number beyond the range counts as the nearest one, as in that program."""
        typed = _typed(param, value)
        if not isinstance(typed, (int, float)) or param.name == "seed":
            return
        try:
            param.check(typed)
        except UserError:
            self.note(f"{key}: {shown(value)} counts as {shown(taken)}, as in that program.")

    def constrain(self, key: object, **changes: object) -> None:
        """Keep a grammar, schema, texts to ban or to bias, or list its name with the reason."""
        if not any(changes.values()):
            return  # an empty one limits nothing
        try:
            self.constraints = Constraints.from_json({**self.constraints.to_json(), **changes})
        except UserError as error:
            self.leave(key, "value-left-out", error.what)
        except (ValueError, RecursionError):
            self.leave(key, "value-left-out", "it cannot be read.")

    def set_order(self, key: str, steps: Iterable[object], names: Mapping[object, str]) -> None:
        """Take an order in foreign names; several of theirs may be one step of ours."""
        order: list[str] = []
        for step in steps:
            wanted = step.strip() if isinstance(step, str) else step
            name = names.get(wanted) if isinstance(wanted, (str, int)) else None
            if name is None:
                self.leave_step(key, wanted)
            elif name not in order:
                order.append(name)
        if "adaptive_p" in order:  # it draws the token, so it stands last
            order.remove("adaptive_p")
            order.append("adaptive_p")
        self.order = tuple(order)

    def leave_step(self, key: str, step: object) -> None:
        """List a step of an order that llama.cpp does not have."""
        hint = ""
        if isinstance(step, str) and step.lower().startswith("typical"):
            hint = " llama.cpp calls it typ_p."
        why = f"there is no such sampler here, the step was skipped.{hint}"
        self.leave(f"{key}: {shown(step)}", "unknown-sampler", why)

    def set_biases(self, key: str, data: object) -> None:
        """Take biases by token id or by text, in any of the forms that programs write."""
        ids: list[tuple[int, float]] = []
        texts: list[tuple[str, float]] = []
        for entry in _bias_entries(data):
            try:
                target, bias = _read_bias(entry)
            except (UserError, ValueError, TypeError, OverflowError):
                self.leave(f"{key}: {shown(entry)}", "value-left-out", "it is no token and bias.")
                continue
            if isinstance(target, int):
                ids.append((target, bias))
            elif texts and texts[-1] == (target.removeprefix(" "), bias) and target[:1] == " ":
                pass  # our own export writes both spellings, which are one bias here
            else:
                texts.append((target, bias))
        if ids:
            self.set(Place("logit_bias"), key, ids)
        if texts:
            biases = [TextBias(text, bias).to_json() for text, bias in texts]
            self.constrain(key, logit_bias_text=biases)

    def imported(self, title: str, source: str) -> Imported:
        """The recipe.

        Raises:
            UserError: when nothing at all was understood.
        """
        if not self.values and self.order is None:
            what = f"The text looks like {source}, but it has no sampling setting."
            raise UserError(what, "Export the settings again and import that.", code="recipe")
        order = DEFAULT_ORDER if self.order is None else self.order
        chain = SamplerChain.of(order, **{**self.defaults, **self.values})
        recipe = Recipe.of(chain, title, source=source, constraints=self.constraints)
        return Imported(recipe, tuple(dict.fromkeys(self.left_out)), tuple(self.notes))


# ---------------------------------------------------------------- values

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_SWITCH: Final = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


def is_unset(value: object) -> bool:
    """Whether a value says that the setting is not set: null, or a form's field left empty."""
    return value is None or (isinstance(value, str) and not value.strip(" "))


def _says_no_number(param: Param, value: object) -> bool:
    is_word = isinstance(value, str) and value.strip().lower() in _NO_NUMBER
    return is_word and param.kind != "strings"


def number(value: object) -> object:
    """A number that is written as text, as forms and INI files have it; all else as it is."""
    if isinstance(value, str):
        text = value.strip()
        if _INTEGER.fullmatch(text):
            return int(text)
        if _NUMBER.fullmatch(text):
            return float(text)
    return value


def _typed(param: Param, value: object) -> object:
    if param.kind in ("int", "float"):
        return number(value)
    if param.kind == "bool":
        word = value.strip().lower() if isinstance(value, str) else value
        if isinstance(word, int) and not isinstance(word, bool):
            word = str(word)
        return _SWITCH.get(word, value) if isinstance(word, str) else value
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def sigma(value: object) -> object:
    """Others write 0 for a top-n sigma that is off, llama.cpp -1."""
    return -1.0 if value == 0 and _is_number(value) else value


def seed(value: object) -> object:
    """Every negative seed means: draw one."""
    return -1 if isinstance(value, int) and _is_number(value) and value < 0 else value


def below_one_is_all(value: object) -> object:
    """A range of 0 or less is the whole context there; here 0 is off."""
    return -1 if isinstance(value, (int, float)) and _is_number(value) and value <= 0 else value


def clamped(low: float | None, high: float | None = None) -> Change:
    """What is outside these bounds counts as the nearest bound, as in that program."""

    def change(value: Any) -> Any:  # noqa: ANN401 - foreign
        if not _is_number(value) or math.isnan(value):
            return value
        if low is not None and value < low:
            return low
        return high if high is not None and value > high else value

    return change


def texts(value: object) -> object:
    """One text or a list of them; an empty one stops at nothing."""
    if isinstance(value, str):
        return [value] if value else UNSET
    if isinstance(value, list):
        return [text for text in value if text != ""]
    return value


def json_texts(value: object) -> object:
    """Texts as a list, as one JSON text, or as JSON texts with commas between them."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    return json.loads(text if text.startswith("[") else f"[{text}]")


def schema_text(value: object) -> object:
    """A JSON schema as the text that constraints hold."""
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return value or ""


def _bias_entries(data: object) -> list[Any]:
    if isinstance(data, str):  # Open WebUI: "15043:-1, 42:5"
        return [part.rpartition(":")[::2] for part in data.split(",") if part.strip()]
    if isinstance(data, Mapping):
        return list(data.items())
    return list(data) if isinstance(data, list) else [data]


def _read_bias(entry: Any) -> tuple[int | str, float]:  # noqa: ANN401 - foreign
    """The token's id or the text, and the bias; minus infinity bans.

    Raises:
        UserError, ValueError, TypeError, OverflowError: when it is neither.
    """
    if isinstance(entry, Mapping):
        target = entry.get("token", entry.get("text", entry.get("id")))
        entry = (target, entry.get("bias", entry.get("value")))
    target, bias = entry
    target, bias = number(target), number(bias)
    if bias is False or (isinstance(bias, float) and bias == -math.inf):
        bias = -math.inf
    if not _is_number(bias):
        raise TypeError("the bias is no number")
    if isinstance(target, str):
        return TextBias(target, float(bias)).text, float(bias)
    PARAMS["logit_bias"].check([(target, bias)])
    assert isinstance(target, int)
    return target, float(bias) + 0.0


OUR_STEPS: Final[Mapping[object, str]] = {name: name for name in (*DEFAULT_ORDER, "adaptive_p")}
