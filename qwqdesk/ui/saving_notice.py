"""Says that the history does not take what is written, for as long as it does not."""

from __future__ import annotations

from PySide6.QtCore import QObject

from qwqdesk.errors import UserError
from qwqdesk.ui.bands import Bands
from qwqdesk.ui.base import MessageBand, announce
from qwqdesk.ui.desk import Desk

BAND = "savingBand"
_GOES_ON = "The run goes on and saving is tried again. Until then the text is on the screen only."


class SavingNotice(QObject):
    """A band of the conversation page that follows the session's `unsaved`."""

    def __init__(self, desk: Desk, bands: Bands, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._bands = desk, bands
        desk.session.unsaved.listen(self._show)

    def _show(self) -> None:
        unsaved = self._desk.session.unsaved
        if unsaved.trouble is None:
            self._bands.take_away(BAND)
            return
        trouble = unsaved.trouble
        band = MessageBand(
            "bad", trouble.what, trouble.what_to_do if unsaved.over else _GOES_ON, name=BAND
        )
        if unsaved.over:
            band.add_action("Save again", self._save_again)
        self._bands.put(band)
        announce(band, trouble.what)

    def _save_again(self) -> None:
        try:
            self._desk.session.unsaved.save_again()
        except UserError:
            self._show()  # the band says it already; it may have another reason now
        else:
            self._desk.history_changed.emit()
