"""What an import could not take over, in sentences; no Qt."""

from __future__ import annotations

from collections.abc import Sequence

from qwqdesk.sampling.formats.foreign import Imported

_MOST_NAMED = 12
_MOST_REASONS = 5


def said_of(found: Imported) -> str:
    """What could not be taken over and what to know of the rest, in sentences."""
    sentences = [left_out(found.without_counterpart)] if found.without_counterpart else []
    warnings = [_sentence(warning.text) for warning in found.warnings]
    sentences += warnings[:_MOST_REASONS]
    if len(warnings) > _MOST_REASONS:
        sentences.append(f"And {len(warnings) - _MOST_REASONS} more.")
    return " ".join(sentences)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def left_out(names: Sequence[str]) -> str:
    """What could not be taken over, in a sentence."""
    shown = ", ".join(names[:_MOST_NAMED])
    rest = len(names) - _MOST_NAMED
    return f"Left out: {shown}{f' and {rest} more' if rest > 0 else ''}."
