"""The head of a repository: its name, what model it is, and for what its fit is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from qwqdesk.engine_settings import EngineSettings
from qwqdesk.hub_fit import Headers
from qwqdesk.models.details import one_line
from qwqdesk.models.hub_files import Repository
from qwqdesk.models.memory import DEFAULT_CONTEXT
from qwqdesk.models.shape import KV_TYPES, ModelShape
from qwqdesk.ui.base import Badge, ElideLabel, PickerButton, button, label
from qwqdesk.ui.models.find_words import weights_words
from qwqdesk.ui.theme import theme

_SHORT_BELOW = 620  # px of room: below it the reason has a line of its own
CONTEXTS = (2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144)


class SmallPicker(PickerButton):
    """A value with a chevron, 28 px; `chosen` carries the number of the choice."""

    chosen = Signal(int)

    def __init__(self, title: str, name: str) -> None:
        super().__init__(framed=True, role="mono", name=name)
        self._title = title
        self._padding = 10
        self.setProperty("small", True)
        self._menu = QMenu(self)
        self.setMenu(self._menu)

    def show_choices(self, words: Sequence[str], current: int) -> None:
        """What can be chosen, and what is."""
        self._menu.clear()
        for number, text in enumerate(words):
            action = self._menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(number == current)
            action.triggered.connect(lambda _=False, n=number: self.chosen.emit(n))
        self.set_text(words[current])
        self.setAccessibleName(f"{self._title}: {words[current]}")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(super().sizeHint().width(), theme().px(28))


class FitSettings(QWidget):
    """Context and cache type; `changed` carries the EngineSettings to judge with."""

    changed = Signal(object)

    def __init__(self, engine: EngineSettings) -> None:
        super().__init__()
        self.setObjectName("fitSettings")
        # One lane; a cache of two types shows as that of the keys.
        self.settings = replace(engine, n_ctx=engine.n_ctx or DEFAULT_CONTEXT, type_v=engine.type_k)
        self._wanted = self.settings.n_ctx or DEFAULT_CONTEXT  # longer than some models can
        self._contexts: tuple[int, ...] = CONTEXTS
        self._context = SmallPicker("Context", "fitContext")
        self._cache = SmallPicker("Cache type", "fitCache")
        self._context.chosen.connect(lambda n: self._choose(self._contexts[n]))
        self._cache.chosen.connect(lambda n: self._set(type_k=KV_TYPES[n], type_v=KV_TYPES[n]))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme().px(8))
        row.addWidget(label("Fit for context", "body", "text2"))
        row.addWidget(self._context)
        row.addWidget(label("and cache", "body", "text2"))
        row.addWidget(self._cache)
        row.addStretch(1)
        self._show()

    def limit(self, trained: int) -> None:
        """Offer no context that is longer than the model was trained with (0: not known)."""
        self._contexts = tuple(n for n in CONTEXTS if not trained or n <= trained) or CONTEXTS[:1]
        possible = not trained or self._wanted <= trained
        n_ctx = self._wanted if possible else self._contexts[-1]
        if n_ctx != self.settings.n_ctx:
            self._set(n_ctx=n_ctx)
        else:
            self._show()

    def _choose(self, n_ctx: int) -> None:
        self._wanted = n_ctx
        self._set(n_ctx=n_ctx)

    def _set(self, **values: object) -> None:
        self.settings = replace(self.settings, **values)  # type: ignore[arg-type]
        self._show()
        self.changed.emit(self.settings)

    def _show(self) -> None:
        asked = self.settings.n_ctx or DEFAULT_CONTEXT
        self._contexts = tuple(sorted({*self._contexts, asked}))
        self._context.show_choices([f"{n:,}" for n in self._contexts], self._contexts.index(asked))
        self._cache.show_choices(KV_TYPES, KV_TYPES.index(self.settings.type_k))


class RepositoryHead(QWidget):
    """Two rows of 28 px: name and badges; fit settings and why something is suggested.

    `details_wanted`: metadata and tensors of the chosen quantization are asked for.
    """

    details_wanted = Signal()

    def __init__(self, engine: EngineSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        px = theme().px
        self.setObjectName("repositoryHead")
        self._address = ""
        self.name = ElideLabel("", "title", mode=Qt.TextElideMode.ElideMiddle)
        self.name.setObjectName("repositoryName")
        self.badges = tuple(Badge(name=f"repositoryBadge{n}") for n in range(4))
        self._page = button(
            "Model page", "external-link", "flat", small=True, name="modelPageButton",
            clicked=self.open_page,
        )  # fmt: skip
        self._page.setToolTip("Open the model's page in a web browser")
        self._details = button(
            "Details", "", "flat", small=True, name="repositoryDetailsButton",
            clicked=self.details_wanted.emit,
        )  # fmt: skip
        self.fit = FitSettings(engine)
        self.why = ElideLabel("", "small", "text2")
        self.why.setObjectName("suggestionReason")
        self.why.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        first = QHBoxLayout()
        first.setSpacing(px(8))
        first.addWidget(self.name)
        for badge in self.badges:
            first.addWidget(badge)
        first.addStretch(1)
        first.addWidget(self._page)
        first.addWidget(self._details)
        self._second = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._second.setSpacing(px(16))
        self._second.addWidget(self.fit)
        self._second.addWidget(self.why, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(px(16), px(16), px(16), px(12))
        column.setSpacing(px(8))
        column.addLayout(first)
        column.addLayout(self._second)

    def show_name(self, repo: str, address: str) -> None:
        """A repository of which nothing else is known yet."""
        self._address = address
        self.name.setText(repo)
        self.set_why("")
        self.set_details(None)
        self._show_badges([])

    def show_facts(self, found: Repository, headers: Headers | None) -> None:
        """What the listing and the headers say about the model."""
        shape = _first_shape(headers)
        architecture = (shape.architecture if shape else "") or found.facts.architecture
        counted = next((n for n in headers.parameters.values() if n), 0) if headers else 0
        parameters = counted or found.facts.parameters
        trained = (shape.context_length if shape else 0) or found.facts.context_length
        words = [one_line(architecture, 24)] if architecture else []
        words += [weights_words(parameters)] if parameters else []
        words += [f"context {trained:,}"] if trained else []
        self._show_badges(words, "Gated" if found.gated else "")
        self.fit.limit(trained)

    def set_details(self, label: str | None) -> None:
        """Which quantization has details to be read; None: none."""
        self._details.setVisible(label is not None)
        self._details.setAccessibleName(f"Details of {label}")
        self._details.setToolTip(f"Metadata, tensors and chat template of {label}")
        self._fit_room()

    def set_why(self, sentence: str) -> None:
        """Why a quantization is suggested."""
        self.why.setText(sentence)
        self._fit_room()

    def open_page(self) -> None:
        """Open the model's page in the web browser."""
        QDesktopServices.openUrl(QUrl(self._address))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit_room()

    def _show_badges(self, words: Sequence[str], gated: str = "") -> None:
        shown = [("lock", gated)] if gated else []
        shown += [("", text) for text in words]
        for number, badge in enumerate(self.badges):
            icon, text = shown[number] if number < len(shown) else ("", "")
            badge.set_badge("neutral", icon, text)
        self._fit_room()

    def _fit_room(self) -> None:
        """The name goes before the badges, and the reason below the settings."""
        px, width = theme().px, self.width() - 2 * theme().px(16)
        short = width < px(_SHORT_BELOW)
        self._page.setText("" if short else "Model page")
        room = width - self._page.sizeHint().width() - self.name.sizeHint().width() - 2 * px(8)
        room -= self._details.sizeHint().width() + px(8) if self._details.isVisibleTo(self) else 0
        for badge in self.badges:
            room -= badge.sizeHint().width() + px(8)
            badge.setVisible(bool(badge.text()) and room >= 0)
        across = QBoxLayout.Direction.LeftToRight
        self._second.setDirection(QBoxLayout.Direction.TopToBottom if short else across)
        self._second.setSpacing(px(8 if short else 16))
        left = Qt.AlignmentFlag.AlignLeft if short else Qt.AlignmentFlag.AlignRight
        self.why.setAlignment(left | Qt.AlignmentFlag.AlignVCenter)
        self.why.setVisible(not short or bool(self.why.text()))


def _first_shape(headers: Headers | None) -> ModelShape | None:
    return next(iter(headers.shapes.values()), None) if headers else None
