"""Opens the SQLite file and turns SQLite's errors into words.

One connection on one thread. WAL with synchronous=NORMAL: what was committed survives the death
of the process at any moment. A second program on the same file waits for a few seconds at most.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from qwqdesk.errors import UserError
from qwqdesk.paths import create_folder
from qwqdesk.store.migrations import MIGRATIONS, Migration, apply, version_of

BUSY_SECONDS = 5.0
_IMPATIENT_MS = 50
CHECKED_BYTES = 16 << 20
_VERSION_AT = 60  # offset of user_version in the file's header, 4 bytes, big-endian
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_FORBIDDEN = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


class Database:
    """An open database, migrated to this program's version.

    `notices` are sentences for the user about what opening had to do.

    Raises:
        UserError: on opening and on every call: "newer", "read_only", "disk_full", "disk", "busy"
            or "corrupt". A corrupt file found on opening is moved aside instead.
    """

    def __init__(self, path: Path | None, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
        """Open `path`, or a database in memory when it is None."""
        self.path = path
        self.notices: list[str] = []
        self._migrations = migrations
        if path is not None:
            create_folder(path.parent)
        with self._words():
            try:
                self._connection = self._open()
            except sqlite3.DatabaseError as error:
                if path is None or _code(error) not in _BROKEN:
                    raise
                self.notices.append(_move_aside(path))
                self._connection = self._open()
        self._identity = _identity(path) if path is not None else None

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._words():
            return self._connection.execute(sql, values).fetchall()

    def write(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement; the id of the row that an INSERT made."""
        with self._words():
            self._require_in_place()
            return self._connection.execute(sql, values).lastrowid or 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; committed when the block ends without an exception."""
        with self._words():
            self._require_in_place()
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            with self._words():
                self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read inside belongs together, whatever other programs write meanwhile."""
        if self._connection.in_transaction:
            yield
            return
        with self._words():
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            with suppress(sqlite3.Error):
                self._connection.execute("COMMIT")

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """Inside, a file that another program holds is "busy" at once."""
        self._connection.execute(f"PRAGMA busy_timeout = {_IMPATIENT_MS}")
        try:
            yield
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")

    def close(self) -> None:
        """Close; SQLite folds the WAL into the file when this was the last program on it."""
        self._connection.close()

    def _open(self) -> sqlite3.Connection:
        self._refuse_newer(_version_in_header(self.path))
        connection = sqlite3.connect(
            self.path or ":memory:", timeout=BUSY_SECONDS, isolation_level=None
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.text_factory = _text
            self._refuse_newer(version_of(connection))
            _set_up(connection)
            self._check(connection)
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _require_in_place(self) -> None:
        """What is written into a file that was moved or deleted under us is lost without a word."""
        if self.path is not None and _identity(self.path) != self._identity:
            raise UserError(
                f"The history {self.path} was moved or deleted while the program was running.",
                "Put it back, or start the program again.",
                code="moved",
            )

    def _refuse_newer(self, version: int) -> None:
        if version > len(self._migrations):
            raise UserError(
                f"The history {self.path} was written by a newer version of QwQ Desk.",
                "Update the program, or choose another place with --data-dir. "
                "The file was not touched.",
                code="newer",
            )

    def _check(self, connection: sqlite3.Connection) -> None:
        """Find damage early, where that takes no time or was met in the run before."""
        if self.path is None:
            return
        suspect = _suspicion(self.path).exists()
        if self.path.stat().st_size > CHECKED_BYTES and not suspect:
            return
        _suspicion(self.path).unlink(missing_ok=True)
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            error = sqlite3.DatabaseError(str(found))
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error

    def _migrate(self, connection: sqlite3.Connection) -> None:
        version = version_of(connection)
        if version == len(self._migrations):
            return
        if version > 0 and self.path is not None:
            _back_up(connection, self.path, version)
        apply(connection, self._migrations)

    @contextmanager
    def _words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            known = _explain(error, self.path)
            if known is None:
                raise
            if known.code == "corrupt" and self.path is not None:
                with suppress(OSError):
                    _suspicion(self.path).touch()
            raise known from error


def _text(raw: bytes) -> str:
    """One text that is not UTF-8 must not cost the whole list it stands in."""
    return raw.decode("utf-8", "replace")


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies at a path; None where none does."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino


def _suspicion(path: Path) -> Path:
    """An empty file that makes the next start check the whole database."""
    return path.with_name(f"{path.name}.check")


def _set_up(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")


def _version_in_header(path: Path | None) -> int:
    """The version without opening the database, so that a newer one stays untouched."""
    try:
        with (path or Path(os.devnull)).open("rb") as file:
            head = file.read(_VERSION_AT + 4)
    except OSError:
        return 0  # SQLite will say it better
    if not head.startswith(b"SQLite format 3\0"):
        return 0
    return int.from_bytes(head[_VERSION_AT:], "big")


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """A copy beside the file, before a migration changes anything."""
    copy = sqlite3.connect(path.with_name(f"{path.name}.backup-v{version}"))
    try:
        connection.backup(copy)
    finally:
        copy.close()


def _move_aside(path: Path) -> str:
    """Rename the broken file and its companions; the sentence that tells the user."""
    aside = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        for suffix in ("-wal", "-shm", ""):
            old = path.with_name(path.name + suffix)
            if old.exists():
                old.replace(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise UserError(
            f"The history {path} is damaged and cannot be moved aside: {error.strerror}.",
            "Move the file away yourself, or choose another place with --data-dir.",
            code="corrupt",
        ) from error
    return (
        f"The history was damaged. It was kept as {aside.name} beside the new, empty one; "
        "a copy from a backup can be put back in its place."
    )


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 if the error is not from SQLite itself."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _explain(error: sqlite3.Error, path: Path | None) -> UserError | None:
    """The user's side of an SQLite error; None when it is a bug of ours."""
    code = _code(error)
    if code == sqlite3.SQLITE_FULL:
        return UserError(
            "The disk is full: the history could not be saved.",
            "Free some space, then try again; nothing saved before is lost.",
            code="disk_full",
        )
    if code in _FORBIDDEN:
        return UserError(
            f"The history {path} cannot be written: {error}.",
            "Check the folder's permissions, or choose another place with --data-dir.",
            code="read_only",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return UserError(
            "Another program is using the history.",
            "Close it, or try again in a moment.",
            code="busy",
        )
    if code == sqlite3.SQLITE_IOERR:
        return UserError(
            f"The disk reports an error on the history: {error}.",
            "Check the disk, then try again.",
            code="disk",
        )
    if code in _BROKEN:
        return UserError(
            f"The history {path} is damaged.",
            "Start the program again: it moves the file aside and begins a new one.",
            code="corrupt",
        )
    return None
