"""Where the files that ship with the program are: icons, fonts, models, prompts.

In a wheel they lie inside the package, in a checkout (and the editable install that `uv run`
makes) beside it.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(*parts: str) -> Path:
    """The path of one shipped file or folder; it need not exist.

    Args:
        parts: the path below `resources/`, for example ``("icons", "copy.svg")``.
    """
    inside = _PACKAGE / "resources"
    root = inside if inside.is_dir() else _PACKAGE.parent / "resources"
    return root.joinpath(*parts)
