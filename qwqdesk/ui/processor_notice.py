"""What other programs on the processor do to the runs of this window, and what helps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from qwqdesk.engine.events import ProcessorShared, ThreadsUsed
from qwqdesk.engine_settings import EngineSettings
from qwqdesk.processor_words import fewer_help, fewer_threads_words, shared_words, threads_count
from qwqdesk.ui.bands import Bands
from qwqdesk.ui.base import MessageBand
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.model_picker import file_title

BAND: Final = "processorBand"
_CHOSEN: Final = "chosenThreadsBand"  # stays over the next runs: it has the way back
_KEPT: Final = "This run keeps its number of threads, so that it stays comparable."
Load = Callable[[Path, EngineSettings], object]


class ProcessorNotice(QObject):
    """A band below the toolbar while other programs slow the runs down.

    In exact mode, and where the user has said how many threads there are, their number is the
    user's: a button loads the model again with fewer, and another one takes that back. In fast mode
    the band only says what is going on. `chosen`: a button of it was pressed.
    """

    chosen = Signal()

    def __init__(self, desk: Desk, bands: Bands, load: Load, parent: QObject) -> None:
        """`load` loads a file with other engine settings than the user's, which stay."""
        super().__init__(parent)
        self._desk, self._bands, self._load = desk, bands, load
        self._closed: set[str] = set()
        self._said_of: tuple[str, int] | None = None  # the model and its threads
        self._before: tuple[EngineSettings, int] | None = None  # settings and threads to go back to
        self._used: ThreadsUsed | None = None  # by the present fast run
        desk.threads_told.connect(self._tell)
        desk.engine_use_changed.connect(self._begun_or_ended)
        desk.model_changed.connect(self._model_changed)

    def _tell(self, event: ProcessorShared | ThreadsUsed) -> None:
        if isinstance(event, ThreadsUsed):
            self._tell_fast(event)
        else:
            self._tell_kept(event)

    def _begun_or_ended(self) -> None:
        """What a fast run does is said of it while it runs, and what it did until the next one."""
        used, self._used = self._used, None
        if self._desk.engine_use:
            self._bands.take_away(BAND)
        elif used is not None:
            self._say(fewer_threads_words(used), key="fast")

    def _tell_fast(self, used: ThreadsUsed) -> None:
        self._used = used
        if used.threads == used.most:
            self._bands.take_away(BAND)
            return
        self._say(
            f"This run uses {threads_count(used.threads)} instead of {used.most}, which is faster "
            "now.",
            "Other programs use the processor, or the model is too small for more.",
            key="fast",
        )

    def _tell_kept(self, shared: ProcessorShared) -> None:
        if not fewer_help(shared) or not self._desk.holds_model:
            self._say(shared_words(shared), "" if shared.times else _KEPT, key="kept")
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
            self.chosen.emit()

    def _go_back(self, path: str, settings: EngineSettings) -> None:
        self._load(Path(path), settings)
        self.chosen.emit()

    def _model_changed(self) -> None:
        """What was said of another model, or of this one with other threads, is over."""
        present = self._present()
        if present is None or present == self._said_of:
            return
        self._bands.take_away(BAND)
        self._bands.take_away(_CHOSEN)
        before, self._before = self._before, None
        if before is None or self._said_of is None or present[0] != self._said_of[0]:
            return
        settings, threads = before
        self._say(
            f"{file_title(Path(present[0]))} is loaded with {threads_count(present[1])}.",
            "It stays so until the model is loaded again.",
            f"Use {threads_count(threads)}",
            lambda: self._go_back(present[0], settings),
            key="used",
            name=_CHOSEN,
        )

    def _present(self) -> tuple[str, int] | None:
        loaded = self._desk.model
        return None if loaded is None else (loaded.model.path, self._desk.model_settings.n_threads)

    def _say(
        self,
        words: str,
        more: str = "",
        action: str = "",
        act: Callable[[], object] | None = None,
        *,
        key: str,
        name: str = BAND,
    ) -> None:
        """Show a band; one that the user has closed does not come again."""
        if key in self._closed:
            return
        self._said_of = self._present()
        band = MessageBand("window", words, more, icon_name="cpu", name=name)
        if act is not None:
            band.add_action(action, act).setObjectName("changeThreads")
        band.add_action("Close", lambda: self._close(key, name), flat=True)
        self._bands.put(band)

    def _close(self, key: str, name: str) -> None:
        self._closed.add(key)
        self._bands.take_away(name)
