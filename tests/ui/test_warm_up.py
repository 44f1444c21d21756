"""What is imported ahead exists under these names."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtWidgets import QApplication

from qwqdesk.ui import warm_up


async def test_the_models_page_is_imported_ahead(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_up, "_FIRST_WAIT_S", 0.0)
    monkeypatch.setattr(warm_up, "_BREATH_S", 0.0)
    await warm_up.import_pages()
    assert "qwqdesk.ui.models.page" in sys.modules
