"""Between rows and the dataclasses of conversation.py; tolerant of what a row holds."""

from __future__ import annotations

import json
import sqlite3
import sys
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, Final, TypeVar, cast, get_args

from qwqdesk.conversation import (
    Conversation,
    FinishReason,
    LaneFailure,
    Loop,
    Reply,
    Timing,
    Usage,
    UserMessage,
)

T = TypeVar("T", Usage, Timing, Loop)
N = TypeVar("N", int, float)
_LAST_TIME: Final = 253_402_214_400.0  # the end of the year 9999: there is no date behind it


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


def unpack_tokens(blob: object) -> tuple[int, ...]:
    """The reverse of `pack_tokens`; a torn last number is dropped."""
    numbers = array("I")
    numbers.frombytes(_whole_numbers(blob))
    return tuple(_little_endian(numbers))


def pack_shares(shares: Iterable[float]) -> bytes:
    """Probabilities as little-endian numbers of single precision."""
    return _little_endian(array("f", shares)).tobytes()


def unpack_shares(blob: object) -> tuple[float, ...]:
    """The reverse of `pack_shares`; a torn last number is dropped."""
    numbers = array("f")
    numbers.frombytes(_whole_numbers(blob))
    return tuple(_little_endian(numbers))


def _whole_numbers(blob: object) -> bytes:
    return blob[: len(blob) // 4 * 4] if isinstance(blob, bytes) else b""


# What a column holds need not be what its table says: a damaged file, or another program's hand.


def text_of(value: object) -> str:
    """A text column, as text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else "" if value is None else str(value)


def text_or_none(value: object) -> str | None:
    """A text column that may be empty."""
    return None if value is None else text_of(value)


def whole_of(value: object) -> int:
    """A column of whole numbers; 0 for anything else."""
    return value if isinstance(value, int) else 0


def time_of(value: object) -> float:
    """Seconds since 1970 that have a date; 0 for anything else."""
    good = isinstance(value, int | float) and 0 <= value <= _LAST_TIME
    return float(value) if good and isinstance(value, int | float) else 0.0


def usage_of(text: object) -> Usage:
    """The counts of a reply; none where they cannot be read."""
    return _restore(Usage, text) or Usage()


def _little_endian(numbers: array[N]) -> array[N]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def reply_of(row: sqlite3.Row) -> Reply:
    """One row of `replies`."""
    return Reply(
        id=row["id"],
        message_id=row["message_id"],
        lane=text_of(row["lane"]),
        text=text_of(row["text"]),
        reasoning=text_or_none(row["reasoning"]),
        answer=text_of(row["answer"]),
        tokens=unpack_tokens(row["tokens"]),
        finish_reason=_finish_reason(row["finish_reason"]),
        finish_detail=text_or_none(row["finish_detail"]),
        mode="fast" if row["mode"] == "fast" else "exact",
        recipe=text_or_none(row["recipe"]),
        sampling=_mapping(row["sampling"]),
        sources=_mapping(row["sources"]),
        usage=usage_of(row["usage"]),
        timing=_restore(Timing, row["timing"]) or Timing(),
        loop=_restore(Loop, row["loop"]) if row["loop"] else None,
        manifest=_mapping(row["manifest"]),
        created=time_of(row["created"]),
        ends=unpack_tokens(row["ends"]),
        probabilities=unpack_shares(row["probabilities"]),
        answer_sampling=_mapping(row["answer_sampling"]),
        answer_sources=_mapping(row["answer_sources"]),
        parent_id=row["parent_reply_id"],
    )


def message_of(row: sqlite3.Row, replies: tuple[Reply, ...]) -> UserMessage:
    """One row of `messages` with its replies."""
    return UserMessage(
        id=row["id"],
        conversation_id=row["conversation_id"],
        parent_id=row["parent_reply_id"] if type(row["parent_reply_id"]) is int else None,
        text=text_of(row["text"]),
        created=time_of(row["created"]),
        replies=replies,
        failures=failures_of(row["failures"]),
    )


def failures_of(text: object) -> dict[str, LaneFailure]:
    """Why lanes could not answer a message, by label; what cannot be read is left out."""
    found: dict[str, LaneFailure] = {}
    for label, entry in _mapping(text).items():
        if isinstance(entry, dict) and isinstance(entry.get("code"), str):
            arguments = entry.get("arguments")
            found[label] = LaneFailure(
                entry["code"], arguments if isinstance(arguments, dict) else {}
            )
    return found


def dump_failures(failures: Mapping[str, LaneFailure]) -> str:
    """The reverse of `failures_of`."""
    return dump({label: asdict(failure) for label, failure in failures.items()})


def conversation_of(row: sqlite3.Row, messages: tuple[UserMessage, ...]) -> Conversation:
    """One row of `conversations` with its messages."""
    tips = {key: value for key, value in _mapping(row["tips"]).items() if type(value) is int}
    return Conversation(
        id=row["id"],
        title=text_of(row["title"]),
        created=time_of(row["created"]),
        updated=time_of(row["updated"]),
        system_prompt=text_of(row["system_prompt"]),
        lanes=mappings_of(row["lanes"]),
        tips=tips,
        messages=messages,
        template_variables=_mapping(row["template_variables"]),
    )


def _finish_reason(value: object) -> FinishReason | None:
    if value is None:
        return None
    return cast("FinishReason", value) if value in get_args(FinishReason) else "error"


def _parse(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


def _mapping(text: object) -> Mapping[str, Any]:
    value = _parse(text)
    return value if isinstance(value, dict) else {}


def mappings_of(text: object) -> tuple[Mapping[str, Any], ...]:
    """The objects of a column with a JSON array of them."""
    value = _parse(text)
    return (
        tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
    )


def _restore(kind: type[T], text: object) -> T | None:
    """A dataclass from its JSON object; unknown names are left out, None if it does not fit."""
    found = _mapping(text)
    known: dict[str, Any] = {}
    for item in fields(kind):
        if item.name in found:
            value = found[item.name]
            wanted = {"int": int, "float": int | float, "str": str}[str(item.type)]
            if isinstance(value, bool) or not isinstance(value, wanted):
                return None
            known[item.name] = value
    try:
        return kind(**known)
    except TypeError:
        return None
