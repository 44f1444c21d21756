"""Imports what the other pages need while the window stands idle, so that they open at once.

What has no widgets is imported on a thread; modules with widgets one by one on the window's own
thread, with a breath between them.
"""

from __future__ import annotations

import asyncio
from importlib import import_module

_FIRST_WAIT_S, _BREATH_S = 2.0, 0.05
_WITHOUT_WIDGETS = (
    "qwqdesk.models.queue",
    "qwqdesk.hub_fit",
    "qwqdesk.models.library_acts",
    "qwqdesk.models.verify",
)
_MODELS = "qwqdesk.ui.models."
_WITH_WIDGETS = (
    "find_words", "find_table_model", "find_delegate", "find_table", "find_head", "find_list",
    "find_search", "find_results", "find_repository", "find_pane", "find_view", "downloads_table",
    "downloads_panel", "library_table", "library_list", "library_view", "page",
)  # fmt: skip


async def import_pages() -> None:
    """Import them all; takes a few seconds of waiting and 0.2 s of work."""
    await asyncio.sleep(_FIRST_WAIT_S)
    for name in _WITHOUT_WIDGETS:
        await asyncio.to_thread(import_module, name)
    for name in _WITH_WIDGETS:
        await asyncio.sleep(_BREATH_S)
        import_module(_MODELS + name)
