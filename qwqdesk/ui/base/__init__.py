"""The base widgets: small, styled by the theme, each with an accessible name."""

from qwqdesk.ui.base.badge import (
    Badge,
    BadgeKind,
    Chip,
    LetterTile,
    badge_size,
    more_width,
    paint_badge,
    paint_letter,
)
from qwqdesk.ui.base.buttons import IconButton, PickerButton, Segment, button, set_button_icon
from qwqdesk.ui.base.dialog import Dialog
from qwqdesk.ui.base.fields import SearchField, TextField, ValueField, format_value
from qwqdesk.ui.base.floating import Pill, fold
from qwqdesk.ui.base.flow import FlowLayout
from qwqdesk.ui.base.focus import FocusRings
from qwqdesk.ui.base.labels import ElideLabel, Hairline, label, panel, plain_tip, wrapping_label
from qwqdesk.ui.base.messages import UNDO_MS, EmptyState, MessageBand, Toast, announce
from qwqdesk.ui.base.retire import retire
from qwqdesk.ui.base.splitter import HairSplitter
from qwqdesk.ui.base.text_area import TextArea

__all__ = [
    "UNDO_MS",
    "Badge",
    "BadgeKind",
    "Chip",
    "Dialog",
    "ElideLabel",
    "EmptyState",
    "FlowLayout",
    "FocusRings",
    "HairSplitter",
    "Hairline",
    "IconButton",
    "LetterTile",
    "MessageBand",
    "PickerButton",
    "Pill",
    "SearchField",
    "Segment",
    "TextArea",
    "TextField",
    "Toast",
    "ValueField",
    "announce",
    "badge_size",
    "button",
    "fold",
    "format_value",
    "label",
    "more_width",
    "paint_badge",
    "paint_letter",
    "panel",
    "plain_tip",
    "retire",
    "set_button_icon",
    "wrapping_label",
]
