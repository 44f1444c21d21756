"""The messages below the toolbar: one for each cause, and notes that can be closed."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout

from qwqdesk.ui.base import MessageBand

_NOTE = "troubleBand"


class Bands(QVBoxLayout):
    """A column of bands; empty it takes no room."""

    def __init__(self) -> None:
        super().__init__()
        self.setSpacing(0)

    def put(self, band: MessageBand) -> None:
        """Show a message, in place of one with the same name."""
        self.take_away(band.objectName())
        self.addWidget(band)

    def tell(self, sentence: str, next_step: str = "") -> None:
        """Show a note beside those that are there; each once."""
        band = MessageBand("warn", sentence, next_step, name=_NOTE)
        if any(other.accessibleName() == band.accessibleName() for other in self._shown()):
            band.deleteLater()
            return
        band.add_action("Close", lambda: self._close(band), flat=True)
        self.addWidget(band)

    def take_away(self, name: str) -> None:
        """Take the messages of this name away."""
        for band in self._shown():
            if band.objectName() == name:
                self._close(band)

    def _shown(self) -> list[MessageBand]:
        items = (self.itemAt(number) for number in range(self.count()))
        found = [item.widget() for item in items if item is not None]
        return [band for band in found if isinstance(band, MessageBand)]

    def _close(self, band: MessageBand) -> None:
        self.removeWidget(band)
        band.hide()
        band.deleteLater()
