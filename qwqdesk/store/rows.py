"""Between rows and the dataclasses of conversation.py; tolerant of what a row holds."""

from __future__ import annotations

import json
import sqlite3
import sys
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar, cast

from qwqdesk.conversation import (
    Conversation,
    FinishReason,
    Loop,
    Mode,
    Reply,
    Timing,
    Usage,
    UserMessage,
)

T = TypeVar("T", Usage, Timing, Loop)
N = TypeVar("N", int, float)


def clean(text: str) -> str:
    """Text that SQLite can store: lone surrogates (undecodable arguments) are replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def dump(value: object) -> str:
    """JSON for a column; dataclasses become objects."""
    if isinstance(value, Usage | Timing | Loop):
        value = asdict(value)
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=str)


def pack_tokens(tokens: Iterable[int]) -> bytes:
    """Token ids, or other counts, as little-endian 32-bit numbers."""
    return _little_endian(array("I", tokens)).tobytes()


def unpack_tokens(blob: bytes) -> tuple[int, ...]:
    """The reverse of `pack_tokens`; a torn last number is dropped."""
    numbers = array("I")
    numbers.frombytes(blob[: len(blob) // 4 * 4])
    return tuple(_little_endian(numbers))


def pack_shares(shares: Iterable[float]) -> bytes:
    """Probabilities as little-endian numbers of single precision."""
    return _little_endian(array("f", shares)).tobytes()


def unpack_shares(blob: bytes) -> tuple[float, ...]:
    """The reverse of `pack_shares`; a torn last number is dropped."""
    numbers = array("f")
    numbers.frombytes(blob[: len(blob) // 4 * 4])
    return tuple(_little_endian(numbers))


def _little_endian(numbers: array[N]) -> array[N]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def reply_of(row: sqlite3.Row) -> Reply:
    """One row of `replies`."""
    return Reply(
        id=row["id"],
        message_id=row["message_id"],
        lane=row["lane"],
        text=row["text"],
        reasoning=row["reasoning"],
        answer=row["answer"],
        tokens=unpack_tokens(row["tokens"]),
        finish_reason=cast("FinishReason | None", row["finish_reason"]),
        finish_detail=row["finish_detail"],
        mode=cast("Mode", row["mode"]),
        recipe=row["recipe"],
        sampling=_mapping(row["sampling"]),
        sources=_mapping(row["sources"]),
        usage=_restore(Usage, row["usage"]) or Usage(),
        timing=_restore(Timing, row["timing"]) or Timing(),
        loop=_restore(Loop, row["loop"]) if row["loop"] else None,
        manifest=_mapping(row["manifest"]),
        created=row["created"],
        ends=unpack_tokens(row["ends"]),
        probabilities=unpack_shares(row["probabilities"]),
        answer_sampling=_mapping(row["answer_sampling"]),
        answer_sources=_mapping(row["answer_sources"]),
    )


def message_of(row: sqlite3.Row, replies: tuple[Reply, ...]) -> UserMessage:
    """One row of `messages` with its replies."""
    return UserMessage(
        id=row["id"],
        conversation_id=row["conversation_id"],
        parent_id=row["parent_reply_id"],
        text=row["text"],
        created=row["created"],
        replies=replies,
    )


def conversation_of(row: sqlite3.Row, messages: tuple[UserMessage, ...]) -> Conversation:
    """One row of `conversations` with its messages."""
    tips = {key: value for key, value in _mapping(row["tips"]).items() if type(value) is int}
    return Conversation(
        id=row["id"],
        title=row["title"],
        created=row["created"],
        updated=row["updated"],
        system_prompt=row["system_prompt"],
        lanes=_mappings(row["lanes"]),
        tips=tips,
        messages=messages,
    )


def _parse(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


def _mapping(text: object) -> Mapping[str, Any]:
    value = _parse(text)
    return value if isinstance(value, dict) else {}


def _mappings(text: object) -> tuple[Mapping[str, Any], ...]:
    value = _parse(text)
    return (
        tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
    )


def _restore(kind: type[T], text: object) -> T | None:
    """A dataclass from its JSON object; unknown names are left out, None if it does not fit."""
    known = {field.name for field in fields(kind)}
    try:
        return kind(**{key: value for key, value in _mapping(text).items() if key in known})
    except TypeError:
        return None
