"""The model picker: which model is loaded, which could be, and how far a load has come."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QRect, QSize, QTimer, Signal
from PySide6.QtGui import QAction, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget, QWidgetAction

from qwqdesk.analysis.numbers import counted
from qwqdesk.engine.events import Loaded, LoadProgress
from qwqdesk.free_memory import whole_memory
from qwqdesk.models.file_words import short_size
from qwqdesk.models.library import LibraryModel
from qwqdesk.models.quants import label_of_name
from qwqdesk.processor_words import load_words
from qwqdesk.ui.base import ElideLabel, IconButton, PickerButton, SearchField, plain_tip
from qwqdesk.ui.icons import icon
from qwqdesk.ui.theme import theme

_MOST_LISTED = 40
_MOST_OPENED = 5
_SEARCH_FROM = 8  # models, from which the menu has a search field
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
_NAMES = {"qwqdesk-demo": "QwQ Desk demo"}
_SOURCES = {
    "bundled": "Built in",
    "library": "Library",
    "folder": "Folder",
    "lm-studio": "LM Studio",
    "hf-cache": "Hugging Face cache",
}


class _ProgressPicker(PickerButton):
    """The button with a line of 2 px at its lower edge while a model loads."""

    fraction: float | None = None

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(event)
        if self.fraction is not None:
            painter = QPainter(self)
            width = round((self.width() - 8) * min(1.0, max(0.02, self.fraction)))
            painter.fillRect(QRect(4, self.height() - 2, width, 2), theme().color("accent"))
            painter.end()


class ModelPicker(QWidget):
    """The button, the cross that cancels a load, and what the context has."""

    model_chosen = Signal(object)  # Path
    open_wanted = Signal()
    settings_wanted = Signal()
    manage_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self._models: Sequence[LibraryModel] = ()
        self._path: str | None = None
        self._opened: dict[Path, str] = {}  # what was loaded, with its quantization, newest last
        self._rows: list[tuple[QAction, str]] = []  # of the menu, with what the search looks at
        self._titles: list[QAction] = []
        self._button = _ProgressPicker(
            "Choose model", framed=True, icon_name="cpu", role="name", name="modelPicker"
        )
        self._button.setAccessibleName("Model: none")
        self._button.setMaximumWidth(px(360))
        self._menu = QMenu(self._button)
        self._menu.aboutToShow.connect(self._fill)
        self._button.setMenu(self._menu)
        self._cancel = IconButton(
            "x", "Cancel loading", name="loadCancelButton", clicked=self.cancel_wanted.emit
        )
        self._cancel.hide()
        self._facts = ElideLabel("", "small", "text3")
        self._facts.setObjectName("contextFacts")
        self._words: tuple[str, ...] = ("",)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(px(8))
        row.addWidget(self._button)
        row.addWidget(self._cancel)
        row.addWidget(self._facts, 1)

    # ------------------------------------------------------------ what is shown

    def show_none(self, failed: bool = False) -> None:
        """No model is loaded; `failed` marks a load that did not work."""
        self._path = None
        self._set_fraction(None)
        self._button.set_text("Choose model")
        self._button.setAccessibleName("Model: loading failed" if failed else "Model: none")
        self._say("Loading failed" if failed else "")

    def show_progress(self, name: str, progress: LoadProgress) -> None:
        """A load is under way."""
        self._button.set_text(name)
        self._set_fraction(progress.fraction)
        words = load_words(progress)
        self._say(words)
        self._button.setAccessibleName(f"Model: {name}, {words}")

    def show_loaded(self, loaded: Loaded) -> None:
        """A model is ready."""
        self._path = loaded.model.path
        path = Path(self._path)
        self._opened.pop(path, None)
        self._opened[path] = loaded.model.quantization
        self._set_fraction(None)
        name, label = model_title(loaded), loaded.model.quantization
        self._button.set_text(name, label)
        self._button.setToolTip(plain_tip(f"{name} {label}\n{self._path}"))
        self._button.setAccessibleName(f"Model: {name} {label}, loaded")
        facts = context_facts(loaded)
        self._say(facts, facts.rpartition(" · ")[2])

    def _say(self, *words: str) -> None:
        """Show the first of these words that fits whole; where none does, only the tip has them."""
        self._words = words
        self.setToolTip(words[0])
        QTimer.singleShot(0, self, self._fit_words)

    def _fit_words(self) -> None:
        room = self._facts.width() + 1
        wide = self._facts.fontMetrics().horizontalAdvance
        self._facts.setText(next((text for text in self._words if wide(text) <= room), ""))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self._fit_words)

    def set_models(self, models: Sequence[LibraryModel]) -> None:
        """What the menu offers."""
        self._models = [model for model in models if model.complete]

    def set_recent(self, files: Sequence[Path]) -> None:
        """Files that were opened in earlier runs of the program, newest first."""
        recent = [path for path in reversed(files) if path not in self._opened]
        self._opened = {path: label_of_name(path.name) or "" for path in recent} | self._opened

    def open_menu(self) -> None:
        """Open the menu, as a click does."""
        self._button.showMenu()

    def _set_fraction(self, fraction: float | None) -> None:
        self._button.fraction = fraction
        self._cancel.setVisible(fraction is not None)
        self._button.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(theme().px(360), theme().px(32))

    # ------------------------------------------------------------ menu

    def _fill(self) -> None:
        self._menu.clear()
        self._rows, self._titles = [], []
        source = ""
        opened, models = self._elsewhere(), self._models[:_MOST_LISTED]
        if len(opened) + len(models) >= _SEARCH_FROM:
            self._add_search()
        names = Counter(
            [(model_name(path, label), label) for path, label in opened]
            + [(model_name(model.path, model.label), model.label) for model in models]
        )
        if opened:
            self._add_title("Opened from a file")
        for path, label in opened:
            self._add_model(path, label, names)
        for model in models:
            if model.source != source:
                source = model.source
                self._add_title(_SOURCES[model.source])
            self._add_model(model.path, model.label, names, model)
        if not models and not opened:
            self._add_title("No models found")
        self._menu.addSeparator()
        self._add("Open file…", "folder-open", self.open_wanted.emit)
        self._add("All models", "package", self.manage_wanted.emit)
        self._add("Engine settings…", "gauge", self.settings_wanted.emit)

    def _add_search(self) -> None:
        field = SearchField("Search models", name="modelSearch")
        field.textChanged.connect(self._search)
        field.returnPressed.connect(self._choose_found)
        action = QWidgetAction(self._menu)
        action.setDefaultWidget(field)
        self._menu.addAction(action)
        self._menu.setActiveAction(action)
        QTimer.singleShot(0, field, field.setFocus)

    def _search(self, text: str) -> None:
        """Only models whose name, quantization or folder has every word."""
        words = text.lower().split()
        for action, about in self._rows:
            action.setVisible(all(word in about for word in words))
        for title in self._titles:
            title.setVisible(not words)

    def _choose_found(self) -> None:
        found = [action for action, _ in self._rows if action.isVisible() and action.isEnabled()]
        if found:
            self._menu.close()
            found[0].trigger()

    def _elsewhere(self) -> list[tuple[Path, str]]:
        """Loaded models that lie in none of the library's places, newest first."""
        known = {model.path for model in self._models}
        found = [(path, label) for path, label in self._opened.items() if path not in known]
        return found[: -_MOST_OPENED - 1 : -1]

    def _add_title(self, text: str) -> None:
        """A title is a line that cannot be chosen: styles draw sections without their words."""
        if self._rows:
            self._titles.append(self._menu.addSeparator())
        title = self._menu.addAction(text)
        title.setEnabled(False)
        self._titles.append(title)

    def _add_model(
        self,
        path: Path,
        label: str,
        names: Counter[tuple[str, str]],
        model: LibraryModel | None = None,
    ) -> None:
        """One row: name, quantization, size; the folder where two would read the same."""
        name = model_name(path, label)
        if names[(name, label)] > 1:
            name = f"{name} in {path.parent.name}"
        facts = [label] if label else []
        if model is not None:
            facts += [short_size(model.size_bytes), *_warnings(model)]
        action = self._menu.addAction(f"{name}\t{' · '.join(facts)}".replace("&", "&&"))
        action.setToolTip(plain_tip(str(path)))
        action.setCheckable(True)
        action.setChecked(str(path) == self._path)
        action.setEnabled(model is None or model.readable)
        action.triggered.connect(self._choosing(path))
        self._rows.append((action, f"{name} {label} {path}".lower()))

    def _add(self, text: str, icon_name: str, act: Callable[[], object]) -> None:
        action = self._menu.addAction(icon(icon_name), text)
        action.triggered.connect(lambda *_: act())

    def _choosing(self, path: Path) -> Callable[..., None]:
        return lambda *_: self.model_chosen.emit(path)


def file_title(path: Path) -> str:
    """A file's name without its ending."""
    return path.name.removesuffix(".gguf")


def model_name(path: Path, label: str) -> str:
    """How a model is called everywhere: its file's name, without the quantization beside it.

    Names inside of files say little ("Smollm2 135M 8k Lc100K Mix1 Ep2") or the same of many.
    """
    stem = _SHARD.sub("", file_title(path))
    short = stem[: -len(label)].rstrip("-._ ") if stem.lower().endswith(label.lower()) else stem
    name = short if label and short else stem
    return _NAMES.get(name, name)


def model_title(loaded: Loaded) -> str:
    """The loaded model's name."""
    return model_name(Path(loaded.model.path), loaded.model.quantization)


def _warnings(model: LibraryModel) -> list[str]:
    """Why a model may not run here."""
    if not model.readable:
        return ["Cannot be read"]
    if model.check == "damaged":
        return ["Damaged"]
    return ["More than the memory"] if model.size_bytes > whole_memory() else []


def context_facts(loaded: Loaded) -> str:
    """What the context really has: layers on the GPU, context, cache type."""
    engine, model = loaded.engine, loaded.model
    parts = []
    if engine.n_gpu_layers > 0 and any(d.kind in ("gpu", "igpu") for d in engine.devices):
        whole = model.n_layer + 1
        parts.append(f"{min(engine.n_gpu_layers, whole)} of {whole} layers on GPU")
    else:
        parts.append(f"CPU, {counted(engine.n_threads, 'thread')}")
    cache = "" if engine.type_k == "f16" else f", {engine.type_k} cache"
    parts.append(f"context {engine.n_ctx:,}{cache}")
    return " · ".join(parts)
