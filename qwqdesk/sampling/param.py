"""One parameter of the sampling table: its flags, range and meaning, and the check of a value.

Every value that enters the program (flag, JSON, recipe, editor field) passes `Param.check`.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from qwqdesk.errors import UserError

Bias = tuple[int, float]
Value = bool | int | float | str | tuple[str, ...] | tuple[Bias, ...]
Kind = Literal["int", "float", "bool", "strings", "bias"]

INT32_MAX: Final = 2**31 - 1
UINT32_MAX: Final = 2**32 - 1
FLOAT32_MAX: Final = 3.4028234663852886e38

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_SHOWN = 60


def as_float32(number: float) -> float:
    """The number as llama.cpp holds it: rounded to single precision (overflow becomes inf)."""
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)


def number_text(number: float) -> str:
    """A number as people write it: 1.0 stays 1.0, an integer has no point."""
    if isinstance(number, int):
        return str(number)
    if number == -math.inf:
        return "-inf"
    return repr(float(number))


def shown(value: object) -> str:
    """A foreign value for a message: short, on one line, never failing."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except Exception:
        text = f"a value of type {type(value).__name__}"
    text = text[: _SHOWN + 1]
    text = "".join(c if c.isprintable() else "?" for c in text)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


@dataclass(frozen=True)
class Param:
    """A named value of the sampling settings.

    `flags` are llama.cpp's, the first one is written on export. `minimum` and `maximum` are
    inclusive unless `above_minimum`; None means every finite value. `neutral` is the value at
    which the parameter has no effect, None where there is no such value. `range_text` replaces
    the range computed from the bounds where those are not how people say it. An empty `source`
    means the sampler's.
    """

    name: str
    kind: Kind
    flags: tuple[str, ...]
    default: Value
    title: str
    meaning: str
    source: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above_minimum: bool = False
    step: float = 0.0
    neutral: Value | None = None
    range_text: str = ""

    @property
    def allowed(self) -> str:
        """The allowed range in words, for messages and tooltips."""
        if self.range_text:
            return self.range_text
        if self.kind in _ALLOWED:
            return _ALLOWED[self.kind]
        what = "whole numbers" if self.kind == "int" else "numbers"
        low, high = self.minimum, self.maximum
        if low is not None and high is not None:
            return f"{what} from {low:g} to {_bound(high)}"
        if low is not None:
            return f"{what} {'above' if self.above_minimum else 'from'} {low:g}"
        return f"{what} up to {_bound(high)}" if high is not None else f"finite {what}"

    def error(self, value: object, why: str = "") -> UserError:
        """The message for a value that is not allowed."""
        reason = f" ({why})" if why else ""
        what = f"{self.name} cannot be {shown(value)}{reason}: allowed are {self.allowed}."
        return UserError(what, f"Give {self.name} an allowed value.", code="value")

    def check(self, value: object) -> Value:
        """The value in its canonical type.

        Raises:
            UserError: naming the parameter, the value and what is allowed.
        """
        if self.kind == "int":
            return self._check_int(value)
        if self.kind == "float":
            return self._check_float(value)
        if self.kind == "bool":
            if isinstance(value, bool):
                return value
            raise self.error(value)
        if self.kind == "strings":
            return self._check_strings(value)
        return self._check_biases(value)

    def parse(self, text: str) -> Value:
        """The value of a number written in a command line (decimal notation only).

        Raises:
            UserError: when it is not a number or not an allowed one.
        """
        stripped = text.strip()
        if self.kind == "int" and _INTEGER.fullmatch(stripped):
            return self.check(int(stripped))
        if self.kind == "float" and _NUMBER.fullmatch(stripped):
            return self.check(float(stripped))
        raise self.error(text, "not a whole number" if self.kind == "int" else "not a number")

    def _check_int(self, value: object) -> int:
        if isinstance(value, float) and math.isfinite(value) and value == int(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(value)
        if not self._inside(value):
            raise self.error(value if -(10**30) < value < 10**30 else "a number that large")
        return int(value)

    def _check_float(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.error(value)
        try:
            number = float(value)
        except OverflowError:
            raise self.error("a number that large") from None
        if not math.isfinite(as_float32(number)) or not self._inside(number):
            raise self.error(value)
        return number + 0.0  # -0.0 becomes 0.0, so that equal chains are written the same

    def _inside(self, number: float) -> bool:
        low, high = self.minimum, self.maximum
        if low is not None and (number < low or (self.above_minimum and number == low)):
            return False
        return high is None or number <= high

    def _check_strings(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, (list, tuple)):
            raise self.error(value)
        for item in value:
            if not isinstance(item, str) or not item or "\0" in item:
                raise self.error(item if item != "" else "an empty text")
            try:
                item.encode("utf-8")
            except UnicodeEncodeError:
                raise self.error(item, "not valid Unicode") from None
        return tuple(str(item) for item in value)

    def _check_biases(self, value: object) -> tuple[Bias, ...]:
        if isinstance(value, Mapping):
            value = [(_token_key(key), bias) for key, bias in value.items()]
        if not isinstance(value, (list, tuple)):
            raise self.error(value)
        return tuple(self._check_bias(entry) for entry in value)

    def _check_bias(self, entry: object) -> Bias:
        if isinstance(entry, Mapping):
            entry = (entry.get("token"), entry.get("bias"))
        if not isinstance(entry, (list, tuple)) or len(entry) != 2:
            raise self.error(entry)
        token, bias = entry
        if isinstance(token, bool) or not isinstance(token, int) or not 0 <= token <= INT32_MAX:
            raise self.error(token, "not a token id")
        if bias is False or (isinstance(bias, float) and bias == -math.inf):
            return token, -math.inf
        if isinstance(bias, bool) or not isinstance(bias, (int, float)):
            raise self.error(bias)
        try:
            number = float(bias)
        except OverflowError:
            raise self.error("a number that large") from None
        if not math.isfinite(as_float32(number)):
            raise self.error(bias)
        return token, number + 0.0


_ALLOWED: Final[Mapping[str, str]] = {
    "bool": "true and false",
    "strings": "lists of texts that are not empty",
    "bias": "pairs of a token id and a finite number, or false for minus infinity",
}


def _bound(number: float) -> str:
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else f"{number:g}"


def _token_key(key: object) -> object:
    """JSON objects have text keys: "42" is token 42."""
    return int(key) if isinstance(key, str) and re.fullmatch(r"[0-9]{1,10}", key) else key
