"""From tokens to what Qt understands: the palette, the style sheet, and its few image files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtGui import QColor, QPalette

from qwqdesk.resources import resource
from qwqdesk.ui.theme_tokens import Tokens

_PIXELS = re.compile(r"\{(\d+(?:\.\d+)?)(-\d+)?\}")
_NAME = re.compile(r"\{([a-z][a-z0-9_]*(?::[a-z-]+)?)\}")

# What the style sheet draws with images, and in which colour.
_ASSETS = {"chevron-down": ("chevron-down", "text2"), "chevron-up": ("chevron-up", "text2"),
           "check": ("check", "on_accent"),
           "check-text": ("check", "text2"), "dot": ("", "accent")}  # fmt: skip
_DOT = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">{}</svg>'.format(
    '<circle cx="12" cy="12" r="7" fill="currentColor"/>'
)


def palette(tokens: Tokens) -> QPalette:
    """The palette of one theme, for everything that the style sheet does not reach."""
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    result = QPalette()
    for target, colour in {
        role.Window: tokens.window,
        role.Base: tokens.surface,
        role.AlternateBase: tokens.sunken,
        role.Button: tokens.raised,
        role.Text: tokens.text,
        role.WindowText: tokens.text,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.bad,
        role.PlaceholderText: tokens.text3,
        role.Highlight: tokens.accent_tint,
        role.HighlightedText: tokens.text,
        role.Link: tokens.accent_text,
        role.LinkVisited: tokens.accent_text,
        role.Accent: tokens.accent,
        role.ToolTipBase: tokens.raised,
        role.ToolTipText: tokens.text,
        role.Light: tokens.raised,
        role.Midlight: tokens.hover,
        role.Mid: tokens.line,
        role.Dark: tokens.line_strong,
        role.Shadow: tokens.line_strong,
    }.items():
        result.setColor(target, QColor(colour))
    for target in (role.Text, role.WindowText, role.ButtonText, role.HighlightedText):
        result.setColor(group.Disabled, target, QColor(tokens.text3))
    return result


def write_assets(folder: Path, tokens: Tokens) -> dict[str, str]:
    """Write the images of the style sheet in the theme's colours; returns field names to paths."""
    colours = tokens.as_dict()
    fields = {}
    for name, (icon, token) in _ASSETS.items():
        svg = resource("icons", f"{icon}.svg").read_text("utf-8") if icon else _DOT
        # The colour is in the name, because Qt caches images by their path.
        file = folder / f"{name}-{colours[token][1:]}.svg"
        file.write_text(svg.replace("currentColor", colours[token]), "utf-8")
        fields[f"asset:{name}"] = file.as_posix()
    return fields


def style_sheet(template: str, fields: Mapping[str, str], scale: float) -> str:
    """Fill a style sheet template; an unknown field is a KeyError.

    Args:
        template: text with `{name}`, `{32}` and `{32-2}` fields.
        fields: what the names stand for.
        scale: text size, 1.0 for 100 %; numbers are multiplied by it and rounded.
    """

    def pixels(match: re.Match[str]) -> str:
        return str(round(float(match[1]) * scale) + int(match[2] or 0))

    return _NAME.sub(lambda match: fields[match[1]], _PIXELS.sub(pixels, template))


def style_fields(tokens: Tokens) -> dict[str, str]:
    """The colours, and those derived from them: the primary button under the pointer."""
    accent = QColor(tokens.accent)
    return tokens.as_dict() | {
        "accent_hover": accent.lighter(112).name(),
        "accent_pressed": accent.darker(112).name(),
    }
