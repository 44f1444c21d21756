"""Where the program's files live: one place that knows, nothing else builds such paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from qwqdesk.errors import UserError

APP_NAME = "qwqdesk"
HOME_VARIABLE = "QWQDESK_HOME"


@dataclass(frozen=True)
class DataDirs:
    """The folders of one installation; they exist only after `create` was called for them."""

    data: Path
    config: Path
    cache: Path
    logs: Path
    models: Path
    recipes: Path

    @staticmethod
    def find(data_dir: Path | None, environ: Mapping[str, str]) -> DataDirs:
        """The folders for `--data-dir`, else for `QWQDESK_HOME`, else the platform's own places.

        Nothing is created here.
        """
        chosen = data_dir or _home(environ)
        if chosen is not None:
            return _under(_absolute(chosen))
        found = platformdirs.PlatformDirs(APP_NAME, appauthor=False)
        data = Path(found.user_data_dir)
        return DataDirs(
            data=data,
            config=Path(found.user_config_dir),
            cache=Path(found.user_cache_dir),
            logs=Path(found.user_log_dir),
            models=data / "models",
            recipes=data / "recipes",
        )

    @property
    def experiments(self) -> Path:
        """The user's experiments."""
        return self.data / "experiments"

    @property
    def database(self) -> Path:
        """The history."""
        return self.data / "history.sqlite3"

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.config / "settings.json"

    @property
    def window_lock(self) -> Path:
        """Locked by the first window that uses these folders."""
        return self.data / "window.lock"

    @property
    def loading_marker(self) -> Path:
        """Exists while a native load is under way."""
        return self.data / "loading.json"

    @property
    def probe(self) -> Path:
        """What the probe of this machine's CPU found."""
        return self.cache / "probe.json"

    @property
    def trials(self) -> Path:
        """Which model files have passed a trial load."""
        return self.cache / "trials.json"

    @property
    def dry_loads(self) -> Path:
        """What models of unknown architectures were found to take in memory."""
        return self.cache / "dry_loads.json"

    @property
    def self_tests(self) -> Path:
        """Which conditions gave equal tokens twice."""
        return self.data / "self_tests.json"

    def create(self) -> DataDirs:
        """Create all folders that are missing.

        Raises:
            UserError: code "read_only", a folder cannot be created.
        """
        folders = (self.data, self.config, self.cache, self.logs, self.models, self.recipes)
        for folder in folders:
            create_folder(folder)
        return self


def create_folder(folder: Path) -> Path:
    """Create one folder with its parents and return it.

    Raises:
        UserError: code "read_only".
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The folder {folder} cannot be created: {error.strerror or error}.",
            f"Choose another place with --data-dir or {HOME_VARIABLE}.",
            code="read_only",
        ) from error
    return folder


def _home(environ: Mapping[str, str]) -> Path | None:
    text = environ.get(HOME_VARIABLE, "")
    return Path(text) if text.strip() else None


def _absolute(folder: Path) -> Path:
    try:
        return folder.expanduser().absolute()
    except RuntimeError:  # a "~name" that no user has
        return folder.absolute()


def _under(root: Path) -> DataDirs:
    return DataDirs(
        data=root,
        config=root,
        cache=root / "cache",
        logs=root / "logs",
        models=root / "models",
        recipes=root / "recipes",
    )
