"""Finding the settings in a file's values: at the top, one level down, or several of them.

A part is an object with settings of one model, or a text with a command line. What programs wrap
around them (`options`, `params`, `extra_body`, lists of fields) is taken off; then every object
that states a value of a sampler is a part, wherever it is.
"""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import Constraints
from qwqdesk.sampling.formats.command_import import has_sampling_flag, read_command
from qwqdesk.sampling.formats.foreign import Imported, LeftOut
from qwqdesk.sampling.formats.modelfile_import import is_modelfile, read_modelfile
from qwqdesk.sampling.formats.programs import PROGRAMS, best_program, sets_sampler
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.recipes import FORMAT, Recipe

_WRAPPERS: Final = frozenset(
    {
        "default_generation_settings",
        "generation_settings",
        "params",
        "parameters",
        "options",
        "sampling_params",
        "samplingParams",
        "extra_body",
        "custom_params",
        "inference_params",
        "completionOptions",
        "completion_options",
        "savedsettings",
        "gendefaults",
        "preset",
        "settings_overrides",
        "generation_config",
        "custom",
        "chat_completion_parameters",
        "defaultGenerationSettings",
        "litellm_params",
    }
)
"""Names of objects that hold a part of the settings; their values belong to the object around."""
_UNTOLD: Final = frozenset({"extra_params", "defaultCompletionOptions", "config", "settings"})
"""Further names that say nothing of what the settings inside are for."""
_AS_TEXT: Final = frozenset({"gendefaults", "custom", "custom_params"})
"""Of these the ones that programs also write as one JSON text."""
_COMMANDS: Final = frozenset({"cmd", "command", "llama_args", "args", "ExecStart"})
_NAMES: Final = ("label", "name", "title", "id", "model_name", "identifier", "model")
_FLAG: Final = re.compile(r"(?:^|\s)--?[A-Za-z]")
_MACRO: Final = re.compile(r"\$\{([\w.-]{1,64})\}")

_MAX_DEPTH: Final = 24
_MAX_OBJECTS: Final = 20_000
_MAX_VISITS: Final = 8
_MAX_PARTS: Final = 500
_MAX_COMMAND: Final = 20_000


@dataclass(frozen=True)
class Part:
    """Settings inside a file. `path` leads to them; `beside` are names along it that hold none."""

    path: tuple[str, ...]
    read: Callable[[str], Imported]
    beside: tuple[str, ...] = ()
    name: str = ""


def find_parts(data: object, file_name: str = "") -> list[Part]:
    """Every part with settings, in the order of the file, with names that differ."""
    search = _Search(file_name, _macros(data))
    search.visit(data, (), ())
    return _named(search.parts)


def _named(parts: list[Part]) -> list[Part]:
    """The last telling step of a part's path is its name, the path where that is not enough."""
    short = [_short_name(part.path) for part in parts]
    whole = ["/".join(part.path) for part in parts]
    names = [s if short.count(s) == 1 else w for s, w in zip(short, whole, strict=True)]
    seen: dict[str, int] = {}
    for at, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            names[at] = f"{name} ({seen[name]})"
    return [
        Part(part.path, part.read, part.beside, name)
        for part, name in zip(parts, names, strict=True)
    ]


def _short_name(path: tuple[str, ...]) -> str:
    telling = (step for step in reversed(path) if step not in _WRAPPERS | _UNTOLD)
    return next(telling, path[-1] if path else "")


class _Search:
    """One walk over a file's values, with bounds on depth and number."""

    def __init__(self, file_name: str, macros: Mapping[str, str]) -> None:
        self.parts: list[Part] = []
        self._file_name = file_name
        self._macros = macros
        self._objects = 0
        self._visits: Counter[int] = Counter()  # YAML's aliases make one object many

    def visit(self, node: object, path: tuple[str, ...], beside: tuple[str, ...]) -> None:
        self._objects += 1
        self._visits[id(node)] += 1
        full = len(path) > _MAX_DEPTH or self._objects > _MAX_OBJECTS
        full = full or self._visits[id(node)] > _MAX_VISITS
        if full or len(self.parts) >= _MAX_PARTS:
            return
        if isinstance(node, list):
            for at, child in enumerate(node):
                self.visit(child, (*path, _entry_name(child, at)), beside)
        elif isinstance(node, Mapping):
            self._visit_object(node, path, beside)

    def _visit_object(
        self, node: Mapping[Any, Any], path: tuple[str, ...], beside: tuple[str, ...]
    ) -> None:
        read = self._own(node) or self._command(node) or self._settings(node, path)
        if read is not None:
            self.parts.append(Part(path, read, beside))
            return
        for key, child in node.items():
            if isinstance(child, (Mapping, list)):
                others = tuple(shown(name) for name in node if name != key)
                self.visit(child, (*path, shown(key)), (*beside, *others))

    @staticmethod
    def _own(node: Mapping[Any, Any]) -> Callable[[str], Imported] | None:
        if node.get("format") == FORMAT:
            return lambda _: Imported(Recipe.from_json(node))
        if isinstance(node.get("sampling"), Mapping):
            return lambda title: read_shown(node, title)
        return None

    def _command(self, node: Mapping[Any, Any]) -> Callable[[str], Imported] | None:
        modelfile = node.get("modelfile")  # `ollama show` in its API
        if isinstance(modelfile, str) and is_modelfile(modelfile):
            return lambda title: read_modelfile(modelfile, title)
        for key in _COMMANDS & node.keys():
            value = node[key]
            if isinstance(value, list) and value and all(isinstance(w, str) for w in value):
                value = shlex.join(value)
            if isinstance(value, str) and len(value) <= _MAX_COMMAND and _FLAG.search(value):
                text = self._expanded(value)
                if has_sampling_flag(text):
                    others = tuple(LeftOut(shown(name)) for name in node if name != key)
                    return lambda title: _with_more(read_command(text, title), others)
        return None

    def _expanded(self, text: str) -> str:
        """llama-swap's macros in a command, and macros in those."""
        for _ in range(3):
            if len(text) > _MAX_COMMAND or not _MACRO.search(text):
                break
            text = _MACRO.sub(lambda match: self._macros.get(match[1], match[0]), text)
        return text

    def _settings(
        self, node: Mapping[Any, Any], path: tuple[str, ...]
    ) -> Callable[[str], Imported] | None:
        values, around = _unwrapped(node)
        if not any(sets_sampler(key, value) for key, value in values.items()):
            return None
        hint = self._file_name if not path else ""  # the name is of the whole file
        program = best_program(values, {*around, *path[-1:]}, hint)
        return lambda title: program.read(values, _own_title(values) or title)


def _own_title(values: Mapping[str, Any]) -> str:
    """LM Studio's presets have a title of their own, apart from the file's name."""
    name = values.get("name")
    is_studio = "identifier" in values or any(key.startswith("llm.") for key in values)
    return name if isinstance(name, str) and is_studio else ""


def _with_more(found: Imported, more: tuple[LeftOut, ...]) -> Imported:
    return replace(found, left_out=(*found.left_out, *more))


def _entry_name(entry: object, at: int) -> str:
    if isinstance(entry, Mapping):
        for key in _NAMES:
            if isinstance(entry.get(key), (str, int)) and str(entry[key]).strip():
                return shown(str(entry[key]))
    return str(at)


def _macros(data: object) -> Mapping[str, str]:
    macros = data.get("macros") if isinstance(data, Mapping) else None
    if not isinstance(macros, Mapping):
        return {}
    return {str(key): str(value)[:_MAX_COMMAND] for key, value in list(macros.items())[:100]}


# ---------------------------------------------------------------- taking wrappers off


def _unwrapped(node: Mapping[Any, Any], depth: int = 0) -> tuple[dict[str, Any], frozenset[str]]:
    """An object's values with those of the wrappers inside it, and the wrappers' names."""
    values: dict[str, Any] = {}
    around: set[str] = set()
    for key, value in node.items():
        inside = _inside(key, value) if depth < _MAX_DEPTH else None
        if inside is None:
            values.setdefault(str(key), value)
            continue
        inner, names = _unwrapped(inside, depth + 1)
        if not _has_setting(inner):
            values.setdefault(str(key), value)
            continue
        around |= {str(key), *names}
        values.update(inner)  # what is written deeper is meant for the one place
    return values, frozenset(around)


def _inside(key: object, value: object) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        if isinstance(value.get("fields"), list):
            return dict(_fields(value["fields"]))
        return value if key in _WRAPPERS else None
    if isinstance(value, list) and key in ("fields", "settings"):
        return dict(_fields(value)) or None
    if isinstance(value, str) and key in _AS_TEXT and value.lstrip().startswith("{"):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, Mapping) else None
    return None


def _fields(entries: list[Any]) -> Iterator[tuple[str, Any]]:
    """LM Studio's fields, `{"key": ..., "value": ...}`, and Jan's, whose value is further down."""
    for at, entry in enumerate(entries):
        if isinstance(entry, Mapping) and isinstance(entry.get("key"), str):
            props = entry.get("controller_props")
            inner = props.get("value") if isinstance(props, Mapping) else None
            yield entry["key"], entry.get("value", inner)
        else:
            yield f"field {at + 1}: {shown(entry)}", None


def _has_setting(values: Mapping[str, Any]) -> bool:
    return any(program.knows(key) for key in values for program in PROGRAMS) or any(
        key.startswith("llm.") for key in values
    )


def read_shown(data: Mapping[Any, Any], title: str) -> Imported:
    """What `recipes show --json` prints, or one lane of a run: the object under "sampling".

    Raises:
        UserError: when it is another program's.
    """
    chain = SamplerChain.from_json(data["sampling"])
    texts = {key: text for key, text in data.items() if isinstance(text, str)}
    named = texts.get("title") or texts.get("name") or title
    name, source = texts.get("name", ""), texts.get("source", "")
    try:
        limits = Constraints.from_json(data.get("constraints", {}))
    except (ValueError, RecursionError):
        what = "The constraints cannot be read."
        raise UserError(what, "Export the recipe again.", code="recipe") from None
    return Imported(Recipe.of(chain, named, source=source, name=name, constraints=limits))
