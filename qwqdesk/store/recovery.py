"""Reads what can be read of a damaged database into a new one, row by row.

First SQLite reads the tables, past rows at which it fails. Where it fails, the file's pages are
read by themselves: a table's rows lie in leaf pages that name nothing but their own cells, so that
they are found without header, schema and inner pages. A row belongs to the table whose columns it
fits. The layout is that of https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import logging
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

_log = logging.getLogger(__name__)
Value = None | int | float | str | bytes

# The columns that each table began with; a later version's row may have more, never fewer.
_TABLES: Final = {"conversations": 7, "messages": 5, "replies": 19, "reply_pieces": 9}
_SECONDS: Final = 60.0  # for each of the two ways to read
_MOST_FAILURES: Final = 200
_MOST_ID: Final = 1 << 62
_LOST_TEXT: Final = "(This message could not be read.)"
_LOST_TITLE: Final = "Recovered chat"


@dataclass(frozen=True)
class Recovered:
    """How many rows are in the new database; `complete` when nothing is known to be missing."""

    conversations: int = 0
    messages: int = 0
    replies: int = 0
    complete: bool = False


@dataclass(frozen=True)
class _Column:
    name: str
    kind: str  # as declared: INTEGER, REAL, TEXT or BLOB
    required: bool


@dataclass(frozen=True)
class _Table:
    name: str
    columns: tuple[_Column, ...]

    def row(self, number: int, values: Sequence[Value]) -> dict[str, Value] | None:
        """The values by their columns, None where they do not fit this table."""
        if not _TABLES[self.name] <= len(values) <= len(self.columns) or values[0] is not None:
            return None
        found: dict[str, Value] = {"id": number}
        for column, value in zip(self.columns[1:], values[1:], strict=False):
            if not _fits(column, value):
                return None
            found[column.name] = value
        return found


Rows = dict[str, dict[int, Mapping[str, Value]]]


def recover(damaged: Path, new: sqlite3.Connection) -> Recovered:
    """Copy what can be read of `damaged` into `new`, an empty database of this version.

    The damaged file is only read. Chats and messages that are missing, but to which others belong,
    get a placeholder.
    """
    tables = [_table(new, name) for name in _TABLES]
    rows: Rows = {table.name: {} for table in tables}
    whole = _read_by_sql(damaged, tables, rows)
    if not whole:
        for table, row in _read_pages(damaged, tables):
            rows[table.name].setdefault(int(row["id"] or 0), row)
    new.execute("PRAGMA foreign_keys = OFF")
    new.execute("BEGIN IMMEDIATE")
    _insert(new, rows)
    _adopt(new)
    new.execute("COMMIT")
    new.execute("PRAGMA foreign_keys = ON")
    counts = {name: _count(new, name) for name in ("conversations", "messages", "replies")}
    return Recovered(**counts, complete=whole)


def _table(new: sqlite3.Connection, name: str) -> _Table:
    found = new.execute(f"PRAGMA table_info({name})").fetchall()
    return _Table(name, tuple(_Column(row[1], row[2], bool(row[3])) for row in found))


def _count(new: sqlite3.Connection, table: str) -> int:
    return int(new.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _fits(column: _Column, value: Value) -> bool:
    if value is None:
        return not column.required
    wanted: Mapping[str, type | tuple[type, ...]] = {
        "INTEGER": int, "REAL": (int, float), "TEXT": str, "BLOB": bytes,
    }  # fmt: skip
    return isinstance(value, wanted.get(column.kind, object))


# ---------------------------------------------------------------- with SQLite


def _read_by_sql(damaged: Path, tables: Sequence[_Table], rows: Rows) -> bool:
    """Fill `rows`; whether every table was read to its end."""
    whole = True
    with suppress(Exception), closing(_open(damaged)) as connection:
        for table in tables:
            whole = _read_table(connection, table, rows[table.name]) and whole
        return whole
    return False


def _open(damaged: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(damaged.absolute()))}?mode=ro", uri=True)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    # Broken entries of the schema are passed over instead of refusing the whole file.
    connection.execute("PRAGMA writable_schema = ON")
    end = time.monotonic() + _SECONDS
    connection.set_progress_handler(lambda: int(time.monotonic() > end), 10_000)
    return connection


def _read_table(
    connection: sqlite3.Connection, table: _Table, rows: dict[int, Mapping[str, Value]]
) -> bool:
    """Read on behind each row at which SQLite fails. False when anything failed."""
    last, step, failures = -_MOST_ID, 1, 0
    while failures < _MOST_FAILURES and last < _MOST_ID:
        try:
            cursor = connection.execute(
                f"SELECT * FROM {table.name} WHERE id > ? ORDER BY id", (last,)
            )
            names = [column[0] for column in cursor.description]
            for values in cursor:
                row = dict(zip(names, values, strict=True))
                last, step = int(row["id"]), 1
                rows.setdefault(last, row)
        except Exception:
            # Also UnicodeDecodeError: SQLite's own message may hold the damaged bytes.
            failures, last, step = failures + 1, max(last, 0) + step, 2 * step
        else:
            return failures == 0
    return False


# ---------------------------------------------------------------- without SQLite


def _read_pages(
    damaged: Path, tables: Sequence[_Table]
) -> Iterator[tuple[_Table, Mapping[str, Value]]]:
    """Every row of a leaf page that fits one of the tables."""
    with suppress(OSError):
        pages = _Pages(damaged)
        free, end = pages.free(), time.monotonic() + _SECONDS
        for number in range(1, pages.count + 1):
            if number in free or time.monotonic() > end:
                continue
            for row_id, values in pages.rows(number):
                for table in tables:
                    row = table.row(row_id, values)
                    if row is not None:
                        yield table, row
                        break


class _Pages:
    """The pages of a database file, with what its write-ahead log has newer."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        (size,) = struct.unpack(">H", self._data[16:18].ljust(2, b"\0"))
        size = 65536 if size == 1 else size
        good = self._data.startswith(b"SQLite format 3\0") and size >= 512 and not size & (size - 1)
        self._size = size if good else 4096
        self._newer = self._log(path.with_name(f"{path.name}-wal"))
        self.count = max([len(self._data) // self._size, *self._newer])

    def page(self, number: int) -> bytes:
        """A page by its number from 1; empty where there is none."""
        if number in self._newer:
            return self._newer[number]
        return self._data[(number - 1) * self._size : number * self._size] if number > 0 else b""

    def free(self) -> set[int]:
        """Pages that are not in use; they may hold what was deleted."""
        (trunk,) = struct.unpack(">I", self.page(1)[32:36].ljust(4, b"\0"))
        found: set[int] = set()
        while 0 < trunk <= self.count and trunk not in found:
            found.add(trunk)
            page = self.page(trunk)
            if len(page) < self._size:
                break
            trunk, leaves = struct.unpack(">II", page[:8])
            if leaves > self._size // 4 - 2:
                return set()  # the list is damaged: better too much than too little
            found.update(struct.unpack(f">{leaves}I", page[8 : 8 + 4 * leaves]))
        return found

    def rows(self, number: int) -> Iterator[tuple[int, list[Value]]]:
        """The rows of a table's leaf page; a cell that makes no sense is passed over."""
        page = self.page(number)
        head = 100 if number == 1 else 0
        if len(page) < self._size or page[head] != 0x0D:
            return
        (cells,) = struct.unpack(">H", page[head + 3 : head + 5])
        for cell in range(min(cells, self._size // 4)):
            place = page[head + 8 + 2 * cell : head + 10 + 2 * cell]
            with suppress(ValueError, IndexError, struct.error):
                yield self._row(page, *struct.unpack(">H", place))

    def _row(self, page: bytes, at: int) -> tuple[int, list[Value]]:
        size, at = _varint(page, at)
        row_id, at = _varint(page, at)
        if size > len(self._data) + len(self._newer) * self._size:
            raise ValueError("larger than the file")
        return row_id, _record(self._payload(page, at, size))

    def _payload(self, page: bytes, at: int, size: int) -> bytes:
        most = self._size - 35
        if size <= most:
            return page[at : at + size]
        least = (self._size - 12) * 32 // 255 - 23
        local = least + (size - least) % (self._size - 4)
        local = local if local <= most else least
        parts, got = [page[at : at + local]], local
        (following,) = struct.unpack(">I", page[at + local : at + local + 4])
        while got < size:
            further = self.page(following)
            if len(further) < self._size:
                raise ValueError("the chain is broken")
            parts.append(further[4 : 4 + size - got])
            got += len(parts[-1])
            (following,) = struct.unpack(">I", further[:4])
        return b"".join(parts)

    def _log(self, path: Path) -> dict[int, bytes]:
        """Pages of the write-ahead log up to its last commit."""
        try:
            log = path.read_bytes()
        except OSError:
            return {}
        if len(log) < 32 or log[:3] != b"\x37\x7f\x06":
            return {}
        salts, pending, done = log[16:24], dict[int, bytes](), dict[int, bytes]()
        for at in range(32, len(log) - self._size - 23, self._size + 24):
            number, commit = struct.unpack(">II", log[at : at + 8])
            if log[at + 8 : at + 16] != salts:
                break
            if 0 < number < 1 << 31:
                pending[number] = log[at + 24 : at + 24 + self._size]
            if commit:
                done.update(pending)
                pending.clear()
        return {number: page for number, page in done.items() if number < 1 << 24}


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of 1 to 9 bytes, and where it ends."""
    value = 0
    for count in range(9):
        byte = data[at + count]
        if count == 8:
            value = value << 8 | byte
            break
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return (value - (1 << 64) if value >> 63 else value), at + count + 1


def _record(payload: bytes) -> list[Value]:
    """The values of a record; ValueError where it makes no sense."""
    end, at = _varint(payload, 0)
    if not 0 < end <= len(payload):
        raise ValueError("no record")
    kinds = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Value] = []
    for kind in kinds:
        value, at = _value(payload, at, kind)
        values.append(value)
    return values


def _value(payload: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind in (0, 8, 9):
        return (None, 0, 1)[(0, 8, 9).index(kind)], at
    if 1 <= kind <= 6:
        size = (1, 2, 3, 4, 6, 8)[kind - 1]
        return int.from_bytes(_piece(payload, at, size), "big", signed=True), at + size
    if kind == 7:
        return struct.unpack(">d", _piece(payload, at, 8))[0], at + 8
    if kind < 12:
        raise ValueError("no kind of value")
    size = (kind - 12) // 2
    raw = _piece(payload, at, size)
    return raw if kind % 2 == 0 else raw.decode("utf-8", "replace"), at + size


def _piece(payload: bytes, at: int, size: int) -> bytes:
    if at + size > len(payload):
        raise ValueError("cut off")
    return payload[at : at + size]


# ---------------------------------------------------------------- into the new one


def _insert(new: sqlite3.Connection, rows: Rows) -> None:
    for table, found in rows.items():
        known = {column[1] for column in new.execute(f"PRAGMA table_info({table})")}
        for row in found.values():
            names = [name for name in row if name in known]
            marks = ", ".join("?" * len(names))
            # Values of a wrong kind are the readers' business: they take any.
            with suppress(sqlite3.Error, OverflowError, UnicodeError):
                new.execute(
                    f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({marks})",
                    [row[name] for name in names],
                )


def _adopt(new: sqlite3.Connection) -> None:
    """Give what has lost its place a new one: nothing that was read is left out."""
    now = time.time()
    new.execute(
        "INSERT INTO messages (id, conversation_id, text, created) "
        "SELECT DISTINCT message_id, -1, ?, ? FROM replies "
        "WHERE typeof(message_id) = 'integer' AND message_id NOT IN (SELECT id FROM messages)",
        (_LOST_TEXT, now),
    )
    lost = new.execute("SELECT count(*) FROM messages WHERE conversation_id = -1").fetchone()[0]
    if lost:
        chat = new.execute("SELECT max(0, coalesce(max(id), 0)) + 1 FROM conversations").fetchone()
        new.execute("UPDATE messages SET conversation_id = ? WHERE conversation_id = -1", chat)
    new.execute(
        "INSERT INTO conversations (id, title, created, updated, system_prompt, lanes, tips) "
        "SELECT DISTINCT conversation_id, ?, ?, ?, '', '[]', '{}' FROM messages "
        "WHERE typeof(conversation_id) = 'integer' "
        "AND conversation_id NOT IN (SELECT id FROM conversations)",
        (_LOST_TITLE, now, now),
    )
    for _ in range(3):  # what hangs on a removed row is removed with the next look
        broken = new.execute("PRAGMA foreign_key_check").fetchall()
        for table, row_id, _parent, key in broken:
            column = _key_column(new, table, key)
            try:
                new.execute(f"UPDATE {table} SET {column} = NULL WHERE rowid = ?", (row_id,))
            except sqlite3.IntegrityError:
                new.execute(f"DELETE FROM {table} WHERE rowid = ?", (row_id,))


def _key_column(new: sqlite3.Connection, table: str, key: int) -> str:
    keys = new.execute(f"PRAGMA foreign_key_list({table})").fetchall()
    return next(str(row[3]) for row in keys if row[0] == key)


Build = Callable[[sqlite3.Connection], object]


def rebuild(path: Path, build: Build, index: Build) -> Recovered:
    """Make `path`.new out of `path`: `build` makes its tables, `index` what is derived of them.

    Raises:
        Exception: what `build` raises; nothing is left behind then.
    """
    new = new_path(path)
    _remove(new)
    try:
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            build(connection)
            found = Recovered()
            try:
                found = recover(path, connection)
                index(connection)
            except Exception:  # damage that nobody has thought of: the file is kept aside
                _log.exception("the history could not be recovered")
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
    except BaseException:
        _remove(new)
        raise
    return found


def new_path(path: Path) -> Path:
    """Where the new database is made."""
    return path.with_name(f"{path.name}.new")


def _remove(new: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(OSError):
            new.with_name(new.name + suffix).unlink()
