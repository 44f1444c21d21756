"""What other programs on the processor do to the runs of this window, and what helps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject

from qwqdesk.engine.events import ProcessorShared, ThreadsUsed
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.processor_words import fewer_help, shared_words, threads_count
from qwqdesk.ui.bands import Bands
from qwqdesk.ui.base import MessageBand
from qwqdesk.ui.desk import Desk

BAND: Final = "processorBand"
_KEPT: Final = "This run keeps its number of threads, so that it stays comparable."
Load = Callable[[Path, EngineSettings], object]


class ProcessorNotice(QObject):
    """A band below the toolbar while other programs slow the runs down.

    In exact mode, and where the user has said how many threads there are, their number is the
    user's: a button loads the model again with fewer, and another one takes that back. In fast mode
    the band only says what is going on.
    """

    def __init__(self, desk: Desk, bands: Bands, load: Load, parent: QObject) -> None:
        """`load` loads a file with other engine settings than the user's, which stay."""
        super().__init__(parent)
        self._desk, self._bands, self._load = desk, bands, load
        self._closed: set[object] = set()
        self._said_of: tuple[str, int] | None = None  # the model and its threads
        self._before: tuple[EngineSettings, int] | None = None  # settings and threads to go back to
        desk.threads_told.connect(self._tell)
        desk.model_changed.connect(self._model_changed)

    def _tell(self, event: ProcessorShared | ThreadsUsed) -> None:
        if isinstance(event, ThreadsUsed):
            self._tell_fast(event)
        else:
            self._tell_kept(event)

    def _tell_fast(self, used: ThreadsUsed) -> None:
        if used.threads == used.most:
            self._bands.take_away(BAND)
            self._closed.clear()
            return
        self._say(
            f"Other programs use the processor, so this run uses {threads_count(used.threads)} "
            f"instead of {used.most}.",
            "That is faster now. Fast mode uses all again when the other programs have finished.",
            key=used.threads,
        )

    def _tell_kept(self, shared: ProcessorShared) -> None:
        if not fewer_help(shared) or not self._desk.holds_model:
            self._say(shared_words(shared), _KEPT, key="kept")
            return
        self._say(
            shared_words(shared),
            "The model is loaded again. Another number of threads can change the tokens.",
            f"Use {threads_count(shared.fewer)}",
            lambda: self._use(shared),
            key="fewer",
        )

    def _use(self, shared: ProcessorShared) -> None:
        """The user's decision, for this load of the model."""
        loaded, asked = self._desk.model, self._desk.model_settings
        if loaded is not None:
            self._before = (asked, shared.threads)
            self._load(Path(loaded.model.path), replace(asked, n_threads=shared.fewer))

    def _model_changed(self) -> None:
        """What was said of another model, or of this one with other threads, is over."""
        present = self._present()
        if present is None or present == self._said_of:
            return
        self._bands.take_away(BAND)
        before, self._before = self._before, None
        if before is None or self._said_of is None or present[0] != self._said_of[0]:
            return
        settings, threads = before
        self._say(
            f"{Path(present[0]).stem} is loaded with {threads_count(present[1])}.",
            "It stays so until the model is loaded again.",
            f"Use {threads_count(threads)}",
            lambda: self._load(Path(present[0]), settings),
            key="used",
        )

    def _present(self) -> tuple[str, int] | None:
        loaded = self._desk.model
        return None if loaded is None else (loaded.model.path, self._desk.model_settings.n_threads)

    def _say(
        self,
        words: str,
        more: str,
        action: str = "",
        act: Callable[[], object] | None = None,
        *,
        key: object,
    ) -> None:
        """Show a band; one that the user has closed does not come again."""
        if key in self._closed:
            return
        self._said_of = self._present()
        band = MessageBand("window", words, more, icon_name="cpu", name=BAND)
        if act is not None:
            band.add_action(action, act).setObjectName("changeThreads")
        band.add_action("Close", lambda: self._close(key), flat=True)
        self._bands.put(band)

    def _close(self, key: object) -> None:
        self._closed.add(key)
        self._bands.take_away(BAND)
