"""Draws the chain editor in both themes and all densities, to be looked at beside picture e.

    python packaging/screenshots/chain.py OUT_DIR

Needs no display.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from qwqdesk.lane_setup import LaneSetup
from qwqdesk.sampling.recipes import BUILTIN_RECIPES
from qwqdesk.ui.base import FocusRings
from qwqdesk.ui.conversation.chain_editor import ChainEditor
from qwqdesk.ui.conversation.chain_model import ChainModel
from qwqdesk.ui.theme import Theme

SIZES = {"e": (640, 820), "wide": (840, 820), "compact": (400, 820), "narrow": (307, 820)}


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
    for name, (width, height) in SIZES.items():
        for choice in ("light", "dark"):
            look.set_choice("light" if choice == "light" else "dark")
            editor = ChainEditor(model())
            editor.resize(width, height)
            editor.show()
            editor.activateWindow()
            app.processEvents()
            if name == "e":
                editor.show_step("min_p")
            app.processEvents()
            editor.grab().save(str(options.out / f"chain-{name}-{choice}.png"))
            editor.close()


if __name__ == "__main__":
    main()
