"""How the text after a flag is read: one small function for each kind of value."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from qwqdesk.engine_settings import ALL_LAYERS, AUTO_LAYERS, SETTINGS_BY_FIELD
from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import checked_order
from qwqdesk.sampling.formats.arg_values import known_letters, known_steps, read_number
from qwqdesk.sampling.formats.flags import Flag
from qwqdesk.sampling.param import INT32_MAX, Param, shown
from qwqdesk.sampling.samplers import PARAMS
from qwqdesk.template_variables import EFFORT, NO_VARIABLES, THINKING, TemplateVariables

_HUB_FILE: Final = re.compile(
    r"https?://(?:hf\.co|huggingface\.co|hf-mirror\.com)/([\w.-]+/[\w.-]+)/"
    r"(?:resolve|blob|raw)/[^/]+/([^?#]+\.gguf)(?:[?#].*)?"
)
_MOST_LAYERS: Final = 200
_BIAS: Final = re.compile(r"\s*([0-9]{1,10})\s*([+-])\s*([+-]?[0-9.eE+-]+|inf|infinity)\s*")


class UsageError(UserError):
    """A command line that cannot be understood: exit status 2."""

    def __init__(self, what: str, what_to_do: str, *, code: str = "usage") -> None:
        super().__init__(what, what_to_do, code=code)


class CannotTakeError(UserError):
    """A flag of llama.cpp that changes what a model writes and is not built here."""

    def __init__(self, flag: Flag, what: str, what_to_do: str) -> None:
        super().__init__(what, what_to_do, code="usage")
        self.flag = flag


@dataclass
class Collected:
    """What the flags read so far say, by group.

    `notes` are sentences for the user; `skipped` are names in the order that are no steps. A
    `lenient` reader keeps flags that cannot be taken in `refused`, as words with the reason,
    instead of raising.
    """

    sampling: dict[str, Any] = field(default_factory=dict)
    engine: dict[str, Any] = field(default_factory=dict)
    option: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    skipped: tuple[str, ...] = ()
    lenient: bool = False
    refused: list[tuple[str, str]] = field(default_factory=list)
    word: str = ""  # the flag that is being read, as it was written
    _said: set[str] = field(default_factory=set)

    def note(self, sentence: str) -> None:
        """Tell the user something, once."""
        if sentence not in self._said:
            self._said.add(sentence)
            self.notes.append(sentence)

    def set(self, flag: Flag, value: object) -> None:
        """Keep a value; the last one of a flag wins."""
        getattr(self, flag.group)[flag.dest] = value

    def add(self, flag: Flag, values: list[Any]) -> None:
        """Append to a list."""
        getattr(self, flag.group).setdefault(flag.dest, []).extend(values)


Reader = Callable[[Flag, str, Collected], None]


def read_flag(flag: Flag, word: str, text: str, into: Collected) -> None:
    """Read one flag's value.

    Raises:
        UsageError: naming the flag, the value and what is allowed.
    """
    try:
        into.word = word
        READERS[flag.reads](flag, text, into)
    except CannotTakeError as error:
        if not into.lenient:
            raise UsageError(f"{word}: {error.what}", error.what_to_do) from None
        assert flag.llama is not None
        into.refused.append((word, flag.llama.why))
    except UserError as error:
        raise UsageError(f"{word}: {error.what}", error.what_to_do) from None


def _number(flag: Flag, text: str, into: Collected) -> None:
    value, note = read_number(PARAMS[flag.dest], text)
    if note:
        into.note(note)
    if value is not None:
        into.set(flag, value)


def _setting_number(flag: Flag, text: str, into: Collected) -> None:
    into.set(flag, SETTINGS_BY_FIELD[flag.dest].number.parse(text))


def _setting_text(flag: Flag, text: str, into: Collected) -> None:
    into.set(flag, SETTINGS_BY_FIELD[flag.dest].check(text.strip().lower()))


def _setting_words(flag: Flag, text: str, into: Collected) -> None:
    into.set(flag, SETTINGS_BY_FIELD[flag.dest].check(text))


def _setting_list(flag: Flag, text: str, into: Collected) -> None:
    """A flag that may be repeated: what comes later is added."""
    checked = str(SETTINGS_BY_FIELD[flag.dest].check(text))
    into.set(flag, ",".join(filter(None, (into.engine.get(flag.dest, ""), checked))))


def _threads(flag: Flag, text: str, into: Collected) -> None:
    """-1, as every number below 0, is llama.cpp's way to say: count the cores yourself."""
    _setting_number(flag, "0" if re.fullmatch(r"-[0-9]{1,9}", text.strip()) else text, into)


def _layers(flag: Flag, text: str, into: Collected) -> None:
    words = {"auto": AUTO_LAYERS, "all": ALL_LAYERS, "-1": AUTO_LAYERS}
    number = words.get(text.strip().lower())
    if number is None and re.fullmatch(r"-[0-9]{1,9}", text.strip()):
        number = ALL_LAYERS
    into.set(flag, SETTINGS_BY_FIELD[flag.dest].number.parse(str(number or text)))


def _rope_scale(flag: Flag, text: str, into: Collected) -> None:
    param = Param("rope_scale", "float", flag.names, 1.0, "", "", minimum=0.0, above_minimum=True)
    factor = param.parse(text)
    assert isinstance(factor, float)
    into.set(flag, SETTINGS_BY_FIELD[flag.dest].check(1.0 / factor))


def _flash(flag: Flag, text: str, into: Collected) -> None:
    words = {"enabled": "on", "true": "on", "1": "on", "disabled": "off", "false": "off"}
    words.update({"0": "off", "-1": "auto"})
    word = text.strip().lower()
    into.set(flag, SETTINGS_BY_FIELD[flag.dest].check(words.get(word, word)))


def _load_mode(flag: Flag, text: str, into: Collected) -> None:
    modes = {
        "auto": (True, False),
        "none": (False, False),
        "mmap": (True, False),
        "mlock": (False, True),
        "mmap+mlock": (True, True),
        "dio": (False, False),
    }
    if text not in modes:
        raise _not_one_of(flag, text, tuple(modes))
    if text == "dio":
        into.note("Direct I/O is not used here: the model is read without mapping it.")
    into.engine["use_mmap"], into.engine["use_mlock"] = modes[text]


def _overrides(flag: Flag, text: str, into: Collected) -> None:
    try:
        rows = list(csv.reader([text]))
    except csv.Error:
        rows = []
    pairs = [_override(item) for row in rows for item in row]
    if not pairs:
        raise _bad_override(text)
    into.add(flag, list(_checked_list(SETTINGS_BY_FIELD[flag.dest].check(pairs))))


def _override(text: str) -> tuple[str, object]:
    key, equals, rest = text.partition("=")
    kind, colon, value = rest.partition(":")
    if not (equals and colon and key.strip()):
        raise _bad_override(text)
    if kind == "str":
        return key.strip(), value
    if kind == "bool" and value in ("true", "false"):
        return key.strip(), value == "true"
    if kind == "int" and re.fullmatch(r"[+-]?[0-9]{1,19}", value):
        return key.strip(), int(value)
    if kind == "float":
        number = Param(key.strip(), "float", (), 0.0, "", "").parse(value)
        return key.strip(), number
    raise _bad_override(text)


def _bad_override(text: str) -> UserError:
    what = f"{shown(text)!r} is not KEY=TYPE:VALUE with the type int, float, bool or str."
    return UserError(what, "Write for example qwen2.context_length=int:131072.")


def _order(flag: Flag, text: str, into: Collected) -> None:
    """llama.cpp splits at semicolons; a blank text is no step at all."""
    names = text.strip().rstrip(";").split(";") if text.strip() else []
    _set_order(flag, *known_steps(names), into)


def _letters(flag: Flag, text: str, into: Collected) -> None:
    _set_order(flag, *known_letters(text), into)


def _set_order(
    flag: Flag, order: tuple[str, ...], skipped: tuple[str, ...], into: Collected
) -> None:
    """llama.cpp moves adaptive_p to the end by itself; so do we, and say so."""
    last = tuple(name for name in order if name == "adaptive_p")
    moved = (*(name for name in order if name != "adaptive_p"), *last)
    if moved != order:
        into.note("adaptive_p draws the token: it was moved to the end of the chain.")
    into.set(flag, list(checked_order(moved)))
    into.skipped = skipped  # those of the order that counts, which is the last one


def _texts(flag: Flag, text: str, into: Collected) -> None:
    if text:
        into.add(flag, [text])
    else:
        into.note(f"An empty {flag.names[0]} is left out.")


def _breakers(flag: Flag, text: str, into: Collected) -> None:
    """The first one replaces the default breakers, "none" takes all away."""
    if text == "none":
        into.set(flag, [])
    else:
        _texts(flag, text, into)


def _bias(flag: Flag, text: str, into: Collected) -> None:
    match = _BIAS.fullmatch(text.lower())
    if match is None:
        what = f"{shown(text)!r} is not TOKEN+BIAS or TOKEN-BIAS."
        raise UserError(what, "Write for example 15043+1, 15043-1.5 or 15043-inf.")
    token, sign, size = match.groups()
    factor = -1.0 if sign == "-" else 1.0
    number = math.inf if size.startswith("inf") else _plain_number(flag, size)
    into.add(flag, list(_checked_list(PARAMS[flag.dest].check([(int(token), factor * number)]))))


def _plain_number(flag: Flag, text: str) -> float:
    number = Param(flag.dest, "float", flag.names, 0.0, "", "").parse(text)
    assert isinstance(number, float)
    return number


def _switch(flag: Flag, text: str, into: Collected) -> None:
    """A switch may be written --flag=false."""
    words = {"": True, "true": True, "1": True, "on": True, "false": False, "0": False}
    words["off"] = False
    if text.lower() not in words:
        raise _not_one_of(flag, text, ("true", "false"))
    into.set(flag, flag.value if words[text.lower()] else not flag.value)


def _choice(flag: Flag, text: str, into: Collected) -> None:
    if text not in flag.choices:
        raise _not_one_of(flag, text, flag.choices)
    into.set(flag, text)


def _budget(flag: Flag, text: str, into: Collected) -> None:
    param = Param(flag.dest, "int", flag.names, -1, "", "", minimum=-1, maximum=INT32_MAX)
    into.set(flag, param.parse(text))


def _hf_repo(flag: Flag, text: str, into: Collected) -> None:
    into.set(flag, text if text.startswith("hf.co/") else f"hf.co/{text}")


def _model_url(flag: Flag, text: str, into: Collected) -> None:
    """A file on Hugging Face, or one that is known by its name, as llama.cpp's cache keeps it."""
    found = _HUB_FILE.fullmatch(text.strip())
    if found:
        into.set(flag, f"hf.co/{found[1]}:{found[2]}")
        return
    name = re.sub(r"[?#].*", "", text.strip()).rpartition("/")[2]
    if not name.lower().endswith(".gguf"):
        what = f"{shown(text)!r} is not the address of a .gguf file."
        raise UserError(what, "Give the model's file with -m.")
    into.set(flag, name)


def _variables(flag: Flag, text: str, into: Collected) -> None:
    """Names that are written again get the later value, as in llama.cpp."""
    _add_variables(flag, TemplateVariables.read(text).values, into)


def _thinking(flag: Flag, text: str, into: Collected) -> None:
    """``auto`` leaves it to the template, as llama.cpp does."""
    words = dict.fromkeys(("on", "enabled", "true", "1"), True)
    words |= dict.fromkeys(("off", "disabled", "false", "0"), False)
    if text in words:
        _add_variables(flag, {THINKING: words[text]}, into)
    elif text not in ("auto", "-1"):
        raise UserError(f"{shown(text)!r} is not on, off or auto.", "Choose one of them.")


def _effort(flag: Flag, text: str, into: Collected) -> None:
    """Any level is the template's affair; ``default`` takes an earlier one back."""
    if text == "default":
        before: TemplateVariables = into.option.get(flag.dest, NO_VARIABLES)
        into.set(flag, before.without(EFFORT))
    else:
        _add_variables(flag, {EFFORT: text}, into)


def _add_variables(flag: Flag, values: Mapping[str, Any], into: Collected) -> None:
    before: TemplateVariables = into.option.get(flag.dest, NO_VARIABLES)
    into.set(flag, TemplateVariables.of({**before.values, **values}))


def _text(flag: Flag, text: str, into: Collected) -> None:
    into.set(flag, text)


def _form(flag: Flag, text: str, into: Collected) -> None:
    """A grammar or schema, or the file that holds it: (flag without dashes, text)."""
    before = into.option.get(flag.dest)
    if before is not None and before[0] != flag.value:
        into.note(f"--{before[0]} does not count: --{flag.value} stands behind it.")
    into.set(flag, (flag.value, text))


def _list(flag: Flag, text: str, into: Collected) -> None:
    into.add(flag, [text])


def _unneeded(flag: Flag, _text: str, into: Collected) -> None:
    assert flag.llama is not None
    into.note(f"{into.word} is left out: {flag.llama.why}.")


def _removed(flag: Flag, _text: str, into: Collected) -> None:
    assert flag.llama is not None
    instead = f", {flag.llama.instead}" if flag.llama.instead else ""
    into.note(f"{into.word} is left out: {flag.llama.why}{instead}.")


def _refused(flag: Flag, text: str, into: Collected) -> None:
    assert flag.llama is not None
    if text.strip() in flag.llama.harmless:
        into.note(f"{into.word} {text.strip()} is left out: it changes nothing.")
        return
    raise CannotTakeError(flag, f"this cannot be taken: {flag.llama.why}.", flag.llama.instead)


def _ffn_layers(flag: Flag, text: str, into: Collected) -> None:
    """common.h of llama.cpp: one pattern for each of the first layers."""
    count = Param(flag.dest, "int", flag.names, 0, "", "", minimum=0, maximum=_MOST_LAYERS)
    layers = count.parse(text)
    assert isinstance(layers, int)
    patterns = (rf"blk\.{layer}\.ffn_(up|down|gate)\.=CPU" for layer in range(layers))
    _setting_list(flag, ",".join(patterns), into)


def _not_one_of(flag: Flag, text: str, allowed: tuple[str, ...]) -> UserError:
    what = f"{flag.dest} cannot be {shown(text)!r}: allowed are {', '.join(allowed)}."
    return UserError(what, "Choose one of them.")


def _checked_list(value: object) -> tuple[Any, ...]:
    assert isinstance(value, tuple)
    return value


READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        "number": _number,
        "setting-number": _setting_number,
        "setting-text": _setting_text,
        "setting-words": _setting_words,
        "setting-list": _setting_list,
        "threads": _threads,
        "layers": _layers,
        "rope-scale": _rope_scale,
        "flash": _flash,
        "load-mode": _load_mode,
        "overrides": _overrides,
        "order": _order,
        "letters": _letters,
        "texts": _texts,
        "breakers": _breakers,
        "bias": _bias,
        "switch": _switch,
        "choice": _choice,
        "budget": _budget,
        "hf-repo": _hf_repo,
        "text": _text,
        "escaped": _text,
        "list": _list,
        "form": _form,
        "model-url": _model_url,
        "ffn-layers": _ffn_layers,
        "variables": _variables,
        "thinking": _thinking,
        "effort": _effort,
        "unneeded": _unneeded,
        "removed": _removed,
        "refused": _refused,
    }
)
