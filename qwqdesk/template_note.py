"""What has to be known about the chat template that made a prompt: codes, and their words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, cast, get_args

from qwqdesk.engine.template_builtin import BY_NAME, FALLBACK
from qwqdesk.sampling.effective import ChainWarning

TemplateCause = Literal["", "missing", "empty", "not-text", "broken"]

_MOST: Final = 20
_LONGEST: Final = 400
_CAUSES: Final[Mapping[str, str]] = {
    "missing": "This file has no chat template.",
    "empty": "The chat template of this file is empty.",
    "not-text": "The chat template of this file is not text.",
}


@dataclass(frozen=True)
class TemplateNote:
    """Why the file's own template was not used, what was used, and where its replies end.

    Args:
        used: the built-in template's name; "" where the file's own or the user's was used.
        cause: why the file's own was not used; "" where it was, or where the user chose another.
        fault: what was wrong with a broken one, as a sentence.
        architecture: the model's `general.architecture`.
        known: whether `used` is for that architecture or its tags are all in the vocabulary; else
            it is what llama.cpp takes where it knows nothing.
        base: nothing in the model's names says that it was trained for chats.
        strange: tags of `used` that are no tokens of the model's vocabulary.
        ends: what ends a reply although it is only text: stop strings.
    """

    used: str = ""
    cause: TemplateCause = ""
    fault: str = ""
    architecture: str = ""
    known: bool = False
    base: bool = False
    strange: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()

    @property
    def says_something(self) -> bool:
        """Whether the user has to know anything."""
        return bool(self.cause or self.ends)

    def to_json(self) -> dict[str, Any]:
        """As it stands in a manifest's `prompt.template`."""
        return {**asdict(self), "strange": list(self.strange), "ends": list(self.ends)}

    @classmethod
    def from_json(cls, value: object) -> TemplateNote | None:
        """From a manifest, which may come from a stranger; None where it says nothing."""
        if not isinstance(value, Mapping):
            return None
        cause = value.get("cause")
        note = cls(
            used=_line(value.get("used")),
            cause=cast("TemplateCause", cause) if cause in get_args(TemplateCause) else "",
            fault=_line(value.get("fault")),
            architecture=_line(value.get("architecture")),
            known=value.get("known") is True,
            base=value.get("base") is True,
            strange=_texts(value.get("strange")),
            ends=_texts(value.get("ends")),
        )
        return note if note.says_something else None


def _line(value: object) -> str:
    return " ".join(value.split())[:_LONGEST] if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(text for text in value[:_MOST] if isinstance(text, str) and 0 < len(text) <= 200)


# ---------------------------------------------------------------- words


def template_words(note: TemplateNote) -> tuple[str, str]:
    """A sentence that says what is the matter, and what is done about it."""
    if not note.cause:
        return (
            f"This chat template ends a turn with {_listed(note.ends[:1])}, which is not a token "
            "of this vocabulary.",
            "A reply ends where the model writes it as text.",
        )
    words = [_used_words(note), _token_words(note)]
    if note.base:
        words.append("If this is a base model, it continues a text rather than answering.")
    return _CAUSES.get(note.cause, note.fault), " ".join(words)


def template_warnings(note: TemplateNote | None) -> tuple[ChainWarning, ...]:
    """As a lane's warnings: `no-chat-template`, `broken-chat-template`, `turn-end-not-a-token`."""
    if note is None or not note.says_something:
        return ()
    code = "turn-end-not-a-token"
    if note.cause:
        code = "broken-chat-template" if note.cause == "broken" else "no-chat-template"
    return (ChainWarning(code, " ".join(template_words(note))),)


def _used_words(note: TemplateNote) -> str:
    title = BY_NAME.get(note.used, FALLBACK).title
    architecture = note.architecture or "none"
    if note.known and note.architecture in BY_NAME.get(note.used, FALLBACK).architectures:
        return f"{title}'s format is used, chosen by the architecture {architecture}."
    if note.known:
        return f"{title}'s format is used, chosen by the vocabulary."
    return (
        f"{title}'s format is used, as in llama.cpp: none is known for the architecture "
        f"{architecture}."
    )


def _token_words(note: TemplateNote) -> str:
    if not note.strange:
        said = "Its tags are tokens of this vocabulary."
    else:
        verb = "is not a token" if len(note.strange) == 1 else "are not tokens"
        said = f"{_listed(note.strange[:3])} {verb} of this vocabulary."
    if note.ends:
        said += f" A reply ends where the model writes {_listed(note.ends[:1])} as text."
    return said


def _listed(texts: Sequence[str]) -> str:
    shown = [text.strip() for text in texts]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
