"""Draws the chain editor in both themes and all densities, to be looked at beside picture e.

    python packaging/screenshots/chain.py OUT_DIR

Needs no display.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication, QVBoxLayout

from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.recipes import BUILTIN_RECIPES
from qwqdesk.ui.base import FocusRings, panel
from qwqdesk.ui.conversation.chain_editor import ChainEditor
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.conversation.chain_row import Density
from qwqdesk.ui.conversation.lane_head import LaneHead
from qwqdesk.ui.conversation.lane_status import LaneStatus, finished, reading, running
from qwqdesk.ui.theme import Theme

HEIGHT = 884
# Name, width, density of the head, how the lane stands.
SHEETS: tuple[tuple[str, int, Density, LaneStatus | None], ...] = (
    ("e", 640, "normal", None),
    ("wide", 840, "wide", reading(31, 50)),
    ("snug", 520, "normal", finished("stop")),
    ("compact", 400, "compact", finished("loop")),
    ("narrow", 307, "narrow", running("Answering")),
)


def model() -> ChainModel:
    """The lane of picture e: Unsloth's order with DRY changed, against one with penalties."""
    unsloth = next(recipe for recipe in BUILTIN_RECIPES if recipe.id == "unsloth")
    made = ChainModel(LaneSetup("B", unsloth, {"dry_multiplier": 0.4}))
    other = next(recipe for recipe in BUILTIN_RECIPES if recipe.id == "unsloth+penalties")
    made.set_reference(other.chain)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--percent", type=int, default=100)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    look = Theme(app, "light", options.percent)
    FocusRings(app)
    for name, width, density, status in SHEETS:
        for choice in ("light", "dark"):
            look.set_choice("light" if choice == "light" else "dark")
            lane = model()
            editor, head = ChainEditor(lane), LaneHead(lane, "B")
            head.set_density(density)
            head.set_chain_open(True)
            head.set_status(status)
            window = panel("surface")
            column = QVBoxLayout(window)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(0)
            column.addWidget(head)
            column.addWidget(editor, 1)
            window.resize(look.px(width), look.px(HEIGHT))
            window.show()
            window.activateWindow()
            app.processEvents()
            if name == "e":
                editor.show_step("min_p")
            app.processEvents()
            window.grab().save(str(options.out / f"chain-{name}-{choice}.png"))
            window.close()


if __name__ == "__main__":
    main()
