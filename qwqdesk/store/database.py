"""Opens the SQLite file and turns SQLite's errors into words.

One connection, on one thread at a time: the window lets a worker open it, which may take a while.
WAL with synchronous=NORMAL: what was committed survives the death
of the process at any moment. A second program on the same file waits for a few seconds at most.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from urllib.parse import quote

from qwqdesk.errors import UserError
from qwqdesk.paths import create_folder
from qwqdesk.shared_file import alone_with
from qwqdesk.store import recovery, search_index
from qwqdesk.store.migrations import MIGRATIONS, Migration, apply, version_of
from qwqdesk.store.recovery import Recovered
from qwqdesk.whole_file import replace_file

T = TypeVar("T")
BUSY_SECONDS = 5.0
_IMPATIENT_MS = 300
CHECKED_BYTES = 16 << 20
_MOST_VERSIONS = 10_000  # a higher one was written by no program
_VERSION_AT = 60  # offset of user_version in the file's header, 4 bytes, big-endian
_log = logging.getLogger(__name__)
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_FORBIDDEN = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


class Database:
    """An open database, migrated to this program's version.

    `notices` are sentences for the user about what opening had to do.

    Raises:
        UserError: on opening and on every call: "newer", "read_only", "disk_full", "disk", "busy"
            or "corrupt". A corrupt file found on opening is moved aside instead.
    """

    def __init__(
        self,
        path: Path | None,
        migrations: tuple[Migration, ...] = MIGRATIONS,
        *,
        copy_of: Path | None = None,
    ) -> None:
        """Open `path`, or a database in memory when it is None.

        Args:
            path: the file.
            migrations: all steps of the schema.
            copy_of: a file that cannot be written; the one in memory begins with what is in it.
        """
        self.path = path
        self.notices: list[str] = []
        self._migrations = migrations
        self._copy_of = copy_of
        if path is not None:
            create_folder(path.parent)
            _require_files(path)
            _require_writable(path)
        with self._words():
            try:
                self._connection = self._open()
            except UserError:
                raise
            except Exception as error:
                # Damage has more faces than SQLite's own word for it: a broken table definition
                # is a UnicodeDecodeError, a changed name an ordinary SQL error.
                if path is None or _is_said(error, path):
                    raise
                _log.warning("the history cannot be opened", exc_info=True)
                self._connection = self._begin_anew(path)
        self._identity = _identity(path) if path is not None else None

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._words():
            return self._connection.execute(sql, values).fetchall()

    def using(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Let a function of this package work on the connection; its errors are said in words."""
        with self._words():
            return work(self._connection)

    def read_each(self, table: str, ids: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """The rows of a table with these ids (a query); one that is damaged costs only itself."""
        try:
            return self.read(f"SELECT * FROM {table} WHERE id IN ({ids}) ORDER BY id", values)
        except UserError as error:
            if error.code != "corrupt":
                raise
        found: list[sqlite3.Row] = []
        for row in self.read(f"SELECT id FROM {table} WHERE id IN ({ids}) ORDER BY id", values):
            with suppress(UserError):
                found += self.read(f"SELECT * FROM {table} WHERE id = ?", (row["id"],))
        return found

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
            self.path or ":memory:",
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            if self._copy_of is not None:
                _require_files(self._copy_of)
                _copy_into(connection, self._copy_of)
            connection.row_factory = sqlite3.Row
            connection.text_factory = _text
            self._refuse_newer(version_of(connection))
            _set_up(connection)
            self._check(connection)
            self._migrate(connection)
            _require_columns(connection, self._migrations)
        except BaseException:
            connection.close()
            raise
        return connection

    def _begin_anew(self, path: Path) -> sqlite3.Connection:
        """Recover what can be read into a new file, and keep the damaged one aside.

        Nothing is moved before the new one is whole: a fault of ours leaves everything in place.
        """
        with _alone(path):
            with suppress(OSError):
                _suspicion(path).touch()  # the whole file is looked at
            with suppress(Exception):  # another program was faster
                return self._open()
            found = recovery.rebuild(path, self._build, search_index.enqueue_all)
            aside = _move_aside(path)
            replace_file(recovery.new_path(path), path)
            _suspicion(path).unlink(missing_ok=True)
        self.notices.append(_recovered(found, aside))
        return self._open()

    def _build(self, connection: sqlite3.Connection) -> None:
        _set_up(connection)
        apply(connection, self._migrations)

    def _require_in_place(self) -> None:
        """What is written into a file that was moved or deleted under us is lost without a word."""
        if self.path is not None and _identity(self.path) != self._identity:
            raise UserError(
                f"The history {self.path} was moved or deleted while the program was running.",
                "Put it back, or start the program again.",
                code="moved",
            )

    def _refuse_newer(self, version: int) -> None:
        if len(self._migrations) < version <= _MOST_VERSIONS:
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
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise _corrupt(str(found))
        if suspect:  # a row that cannot be read is no fault of the tree it hangs in
            for table in _tables(connection):
                for _ in connection.execute(f"SELECT * FROM {table}"):
                    pass
            _suspicion(self.path).unlink(missing_ok=True)

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
        except UnicodeError as error:  # SQLite's message holds the damaged bytes
            raise self._damaged(_explain(_corrupt("no UTF-8"), self.path)) from error
        except sqlite3.Error as error:
            known = _explain(error, self.path)
            if known is None:
                raise
            raise self._damaged(known) from error

    def _damaged(self, known: UserError | None) -> UserError:
        """The error; where it is damage, the next start looks at the whole file."""
        assert known is not None
        if known.code == "corrupt" and self.path is not None:
            with suppress(OSError):
                _suspicion(self.path).touch()
        return known


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
    """The version without opening the database, so that a newer one stays untouched.

    Raises:
        sqlite3.DatabaseError: a byte of the header is none that SQLite writes here; with some of
            them it would take the file for a read-only one, or for texts in UTF-16.
    """
    try:
        with (path or Path(os.devnull)).open("rb") as file:
            head = file.read(_VERSION_AT + 4)
    except OSError:
        return 0  # SQLite will say it better
    if not head.startswith(b"SQLite format 3\0"):
        return 0
    version = int.from_bytes(head[_VERSION_AT:], "big")
    if version <= _MOST_VERSIONS and (
        not {head[18], head[19]} <= {1, 2} or head[56:60] not in (b"\0\0\0\1", bytes(4))
    ):
        raise _corrupt("the header is damaged")
    return version


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """A copy beside the file, before a migration changes anything."""
    copy = sqlite3.connect(path.with_name(f"{path.name}.backup-v{version}"))
    try:
        connection.backup(copy)
    finally:
        copy.close()


def _require_columns(connection: sqlite3.Connection, migrations: tuple[Migration, ...]) -> None:
    """The tables have the columns that the migrations make; one damaged letter is a new name."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as wanted:
        apply(wanted, migrations)
        for table in _tables(wanted):
            if _columns(wanted, table) - _columns(connection, table):
                raise _corrupt(f"the table {table} is not as it was made")


def _tables(connection: sqlite3.Connection) -> list[str]:
    """The tables of rows, without those of the search index."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [row[0] for row in found.fetchall() if _has_rows(row[0])]


def _has_rows(table: str) -> bool:
    return table == "search_texts" or not table.startswith(("search", "sqlite"))


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def _corrupt(found: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(found)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    try:
        with alone_with(path):
            yield
    except TimeoutError as error:
        raise UserError(
            "Another window is recovering the history.", "Try again in a moment.", code="busy"
        ) from error


def _is_said(error: Exception, path: Path) -> bool:
    """Whether this is no damage, but something that has words of its own."""
    if not isinstance(error, sqlite3.Error):
        return isinstance(error, OSError)
    known = _explain(error, path)
    return known is not None and known.code != "corrupt"


def _recovered(found: Recovered, aside: Path) -> str:
    """What the user is told."""
    kept = f"The damaged file was kept as {aside.name}."
    if not found.conversations:
        return f"The history was damaged and no chat in it could be read. {kept}"
    counts = (
        _counted(found.conversations, "chat", "chats"),
        _counted(found.messages, "message", "messages"),
        _counted(found.replies, "reply", "replies"),
    )
    rest = "Everything in it could be read." if found.complete else "Some of it may be missing."
    said = f"{counts[0]} with {counts[1]} and {counts[2]} were recovered"
    return f"The history was damaged: {said}. {rest} {kept}"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _move_aside(path: Path) -> Path:
    """Rename the broken file and its companions; its new name."""
    aside = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        for suffix in ("-wal", "-shm", ""):
            old = path.with_name(path.name + suffix)
            if suffix and old.exists() and (suffix == "-shm" or not old.stat().st_size):
                old.unlink()  # derived from the log, or a log of nothing
            elif old.exists():
                replace_file(old, aside.with_name(aside.name + suffix))
    except OSError as error:
        raise UserError(
            f"The history {path} is damaged and cannot be moved aside: {error.strerror}.",
            "Move the file away yourself, or choose another place with --data-dir.",
            code="corrupt",
        ) from error
    return aside


def _require_files(path: Path) -> None:
    """Refuse what is no ordinary file: SQLite would wait for a pipe, and says of the rest only
    that it cannot be opened.

    Raises:
        UserError: code "read_only"; nothing is touched, since it was put there on purpose.
    """
    for each in (path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")):
        kind = _kind_of(each)
        if kind is not None:
            raise UserError(
                f"The history {each} is {kind}, not a file.",
                "Move it away, or choose another place with --data-dir.",
                code="read_only",
            )


def _require_writable(path: Path) -> None:
    """SQLite opens a file that it may not write, and says so with the first message to be saved.

    Raises:
        UserError: code "read_only".
    """
    own = os.access in os.supports_effective_ids
    for place in (path, path.parent) if path.exists() else ():
        if not os.access(place, os.W_OK, effective_ids=own):
            raise UserError(
                f"The history {path} is read-only.",
                "Check the permissions of the file and its folder, or choose another place with "
                "--data-dir.",
                code="read_only",
            )


def _copy_into(connection: sqlite3.Connection, path: Path) -> None:
    """Fill an empty database with a file that cannot be written, perhaps nor its folder."""
    try:
        uri = f"file:{quote(str(path.absolute()))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as source:
            source.backup(connection)
    except sqlite3.OperationalError:
        # Reading in WAL mode needs files beside the database, and this folder takes none.
        with TemporaryDirectory(prefix="qwqdesk-") as folder:
            copy = Path(folder) / path.name
            for each in (path, path.with_name(f"{path.name}-wal")):
                if each.exists():
                    copyfile(each, copy.with_name(each.name))
            with closing(sqlite3.connect(copy)) as source:
                source.backup(connection)


def _kind_of(path: Path) -> str | None:
    """What lies at a path where a file should be; None for a file and for nothing."""
    if path.is_file() or not (path.exists() or path.is_symlink()):
        return None
    if path.is_dir():
        return "a folder"
    if not path.exists():
        return "a link to nothing"
    return "a pipe, a socket or a device"


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
    if code == sqlite3.SQLITE_PROTOCOL:
        return UserError(
            f"The history {path} cannot be locked: its folder does not keep locks as a disk does.",
            "Choose a folder on a disk of this machine with --data-dir.",
            code="locks",
        )
    if code == sqlite3.SQLITE_NOMEM:
        return UserError(
            "There is not enough memory to read or write the history.",
            "Close other programs or unload the model, then try again.",
            code="memory",
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
            "Start the program again: it recovers what can be read and keeps the damaged file.",
            code="corrupt",
        )
    return None
