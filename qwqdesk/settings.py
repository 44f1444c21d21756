"""The user's settings: one frozen value, one JSON file, read with distrust and written atomically.

`SETTINGS` is the one list of what a setting may hold. A bad value falls back to its default and is
reported; names of a newer version are kept; a file that is no settings file is moved aside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from qwqdesk.conversation import Mode
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.errors import UserError
from qwqdesk.shared_file import DamagedFileError, change_json, read_json
from qwqdesk.whole_file import replace_file

Theme = Literal["system", "light", "dark"]
LoopGuardChoice = Literal["off", "mark", "stop", "close"]

VERSION = 1
MAX_BYTES = 4 << 20
TEXT_SIZES = (85, 150)
MAX_FOLDERS = 100
MAX_TEMPLATES = 1000
MAX_TEXT = 100_000
MAX_SPEED = 10**12
MAX_TOKENS = 2**31 - 1


@dataclass(frozen=True)
class Settings:
    """What the user chose. `text_size` is in percent, `unknown` what a newer version wrote.

    `chat_template` is the id of a built-in template, or the path of a file; "model" is the model's
    own, "raw" none; `model_templates` has other choices for single model files, by path.
    `last_model` is a path; so is `models_folder`, where downloads are kept ("" is the usual place),
    while `model_folders` are only read. `window_geometry` is the window's own note.
    An empty `hub_endpoint` is Hugging Face's; `speed_limit` is in bytes a second for all downloads
    together, 0 for none; `numbers_height` is in pixels at 100 % text size, 0 for the height that
    it has by itself; `token_saved` says that the system's keyring has an access token.
    `reasoning_budget` is in tokens, -1 for no limit; an empty `reasoning_message` is the usual
    closing sentence.
    """

    theme: Theme = "system"
    text_size: int = 100
    reduce_motion: bool = False
    show_reasoning_open: bool = False
    loop_guard: LoopGuardChoice = "mark"
    reasoning_budget: int = -1
    reasoning_message: str = ""
    keep_reasoning_in_history: bool = False
    use_model_sampling: bool = False
    chat_mode: Mode = "fast"
    compare_mode: Mode = "exact"
    last_model: str | None = None
    model_folders: tuple[str, ...] = ()
    models_folder: str = ""
    chat_template: str = "model"
    model_templates: Mapping[str, str] = field(default_factory=dict)
    system_prompt: str = ""
    hub_endpoint: str = ""
    speed_limit: int = 0
    token_saved: bool = False
    engine: EngineSettings = field(default_factory=EngineSettings)
    sidebar_open: bool = True
    numbers_open: bool = False
    numbers_height: int = 0
    scroll_together: bool = True
    window_geometry: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A strict JSON object with every setting."""
        known = {name: getattr(self, name) for name in SETTINGS}
        known["model_folders"] = list(self.model_folders)
        known["model_templates"] = dict(self.model_templates)
        known["engine"] = self.engine.to_json()
        return {**self.unknown, "version": VERSION, **known}


@dataclass(frozen=True)
class LoadedSettings:
    """Settings and sentences about what could not be read."""

    settings: Settings
    problems: tuple[str, ...] = ()


def load_settings(path: Path) -> LoadedSettings:
    """Read a settings file; a missing one gives the defaults. Never raises."""
    try:
        data = read_json(path, MAX_BYTES)
    except FileNotFoundError:
        return LoadedSettings(Settings())
    except OSError as error:
        return LoadedSettings(Settings(), (f"The settings cannot be read: {error.strerror}.",))
    except DamagedFileError:
        data = None
    if not isinstance(data, dict):
        return LoadedSettings(Settings(), (_move_aside(path),))
    return settings_from_json(data)


def settings_from_json(data: Mapping[str, Any]) -> LoadedSettings:
    """Settings from a parsed file; every bad value becomes its default and a problem."""
    good: dict[str, Any] = {}
    problems: list[str] = []
    for name, check in SETTINGS.items():
        if name in data:
            try:
                good[name] = check(data[name])
            except ValueError as error:
                problems.append(f"The setting {name} was reset: it must be {error}.")
    folders = data.get("model_folders")
    if isinstance(folders, list) and "model_folders" not in good:  # one bad one costs only itself
        good["model_folders"] = _good_folders(folders)
    if isinstance(data.get("engine"), Mapping):
        good["engine"] = _engine(data["engine"], problems)
    unknown = {name: data[name] for name in data if name not in SETTINGS and name != "version"}
    return LoadedSettings(replace(Settings(unknown=unknown), **good), tuple(problems))


def save_settings(path: Path, settings: Settings, before: Settings | None = None) -> None:
    """Save what differs from `before`, what this program had read or saved last; None: everything.

    Other programs save into the same file: it is read again under a lock, and what this program
    did not change stays as it says, also names and values that this version does not know. The
    file is replaced in one step; a damaged one is kept aside and everything is written.

    Raises:
        UserError: code "disk", the file cannot be written.
    """

    def change(now: object) -> Mapping[str, Any]:
        if isinstance(now, dict):
            return {**now, **_changes(settings, before, now), "version": VERSION}
        if path.is_file():
            _move_aside(path)
        return settings.to_json()

    try:
        change_json(path, change, most=MAX_BYTES, indent=2)
    except OSError as error:
        raise UserError(
            f"The settings cannot be saved: {error.strerror or error}.",
            f"Check the folder {path.parent} and the free space.",
            code="disk",
        ) from error


def _changes(after: Settings, before: Settings | None, now: Mapping[str, Any]) -> dict[str, Any]:
    """The changed names as the file is to have them."""
    new = after.to_json()
    if before is None:
        return new
    old = before.to_json()
    changed = {name: value for name, value in new.items() if value != old.get(name)}
    if "engine" in changed:  # each of its values is a setting of its own
        kept = now.get("engine")
        edited = {
            name: value for name, value in new["engine"].items() if value != old["engine"].get(name)
        }
        changed["engine"] = {**(kept if isinstance(kept, dict) else new["engine"]), **edited}
    if "model_folders" in changed:  # each folder was added or removed for itself
        kept = now.get("model_folders")
        there = kept if isinstance(kept, list) else old["model_folders"]
        left = [folder for folder in there if folder not in old["model_folders"]]
        wanted = [
            folder
            for folder in new["model_folders"]
            if folder in there or folder not in old["model_folders"]
        ]
        changed["model_folders"] = list(dict.fromkeys([*wanted, *left]))[:MAX_FOLDERS]
    return changed


# ---------------------------------------------------------------- what a setting may hold

Check = Callable[[object], object]


def _one_of(*choices: str) -> Check:
    def check(value: object) -> object:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return value

    return check


def _yes_or_no(value: object) -> object:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _size(value: object) -> object:
    low, high = TEXT_SIZES
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"a whole number from {low} to {high}")
    return value


def _text(value: object) -> object:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(f"a text of at most {MAX_TEXT:,} characters")
    return value


def _text_or_nothing(value: object) -> object:
    return value if value is None else _text(value)


def _texts(value: object) -> object:
    if not isinstance(value, list) or len(value) > MAX_FOLDERS:
        raise ValueError(f"a list of at most {MAX_FOLDERS} texts")
    return tuple(dict.fromkeys(str(_text(item)) for item in value))


def _texts_by_name(value: object) -> object:
    if not isinstance(value, Mapping) or len(value) > MAX_TEMPLATES:
        raise ValueError(f"an object of at most {MAX_TEMPLATES} texts")
    return {str(_text(name)): str(_text(text)) for name, text in value.items()}


def _good_folders(value: list[object]) -> tuple[str, ...]:
    good = (item for item in value if isinstance(item, str) and len(item) <= MAX_TEXT)
    return tuple(dict.fromkeys(good))[:MAX_FOLDERS]


def _address(value: object) -> object:
    """Empty, or the address of a server: nothing that carries a name and a password."""
    text = _text(value)
    assert isinstance(text, str)
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    except ValueError:
        good = False
    if text and not good:
        raise ValueError("the address of a server, with https:// or http://")
    return text.rstrip("/")


def _bytes(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SPEED:
        raise ValueError(f"a whole number from 0 to {MAX_SPEED:,}")
    return value


def _tokens(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int) or not -1 <= value <= MAX_TOKENS:
        raise ValueError("a number of tokens, or -1 for no limit")
    return value


def _engine_object(value: object) -> object:
    """Only the kind is checked here; `_engine` checks each value."""
    if not isinstance(value, Mapping):
        raise ValueError("an object")
    return EngineSettings()


SETTINGS: Mapping[str, Check] = {
    "theme": _one_of("system", "light", "dark"),
    "text_size": _size,
    "reduce_motion": _yes_or_no,
    "show_reasoning_open": _yes_or_no,
    "loop_guard": _one_of("off", "mark", "stop", "close"),
    "reasoning_budget": _tokens,
    "reasoning_message": _text,
    "keep_reasoning_in_history": _yes_or_no,
    "use_model_sampling": _yes_or_no,
    "chat_mode": _one_of("exact", "fast"),
    "compare_mode": _one_of("exact", "fast"),
    "last_model": _text_or_nothing,
    "model_folders": _texts,
    "models_folder": _text,
    "chat_template": _text,
    "model_templates": _texts_by_name,
    "system_prompt": _text,
    "hub_endpoint": _address,
    "speed_limit": _bytes,
    "token_saved": _yes_or_no,
    "engine": _engine_object,
    "sidebar_open": _yes_or_no,
    "numbers_open": _yes_or_no,
    "numbers_height": _bytes,
    "scroll_together": _yes_or_no,
    "window_geometry": _text,
}


def _engine(data: Mapping[str, Any], problems: list[str]) -> EngineSettings:
    """Each value on its own, so that one bad one does not take the others along."""
    settings = EngineSettings()
    known = {item.name for item in fields(EngineSettings)}
    for name, value in data.items():
        if name not in known:
            continue
        try:
            settings = replace(settings, **{name: value})
        except UserError as error:
            problems.append(f"The engine setting {name} was reset: {error.what}")
    return settings


def _move_aside(path: Path) -> str:
    aside = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        replace_file(path, aside)
    except FileNotFoundError:
        return ""
    except OSError:
        return "The settings file is damaged; the defaults are used."
    return f"The settings file was damaged and kept as {aside.name}; the defaults are used."
