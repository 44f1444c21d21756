"""Keeping the shown comparison as an experiment of the user's."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from qwqdesk.errors import UserError
from qwqdesk.experiment import Experiment
from qwqdesk.experiment_files import save_experiment
from qwqdesk.ui.base import Toast
from qwqdesk.ui.conversation.page import ConversationPage
from qwqdesk.ui.desk import Desk
from qwqdesk.ui.lab.save_box import SaveExperimentBox


def save_comparison(desk: Desk, page: ConversationPage, parent: QWidget) -> None:
    """Ask for a name and checks, and write the file."""
    view = page.view
    prompt = view.prompt.text or page.composer.text()
    if not prompt.strip():
        todo = "Write a message first."
        page.bands.tell("An experiment needs a prompt.", todo)
        return

    def save(made: Experiment) -> None:
        try:
            save_experiment(desk.dirs.experiments, made)
        except UserError as error:
            page.bands.tell(error.what, error.what_to_do)
            return
        desk.recipes_changed.emit()  # the lab reads its files again
        Toast(parent, f"Saved in the lab as {made.title}")

    box = SaveExperimentBox(prompt, view.columns.setups(), view.system_prompt, parent)
    box.made.connect(save)
    box.finished.connect(lambda *_: box.deleteLater())
    box.open()
