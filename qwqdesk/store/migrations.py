"""The database's schema as a list of small steps; the length of the list is its version.

A step is never changed once it was released: a new one is appended.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from qwqdesk.store.reply_parents import find_parents
from qwqdesk.store.search_index import CREATE_GRAMS, enqueue_all

Migration = Callable[[sqlite3.Connection], None]


def create_tree(connection: sqlite3.Connection) -> None:
    """Conversations, the users' messages, and one reply for each lane of each run."""
    connection.execute(
        """CREATE TABLE conversations (
            id INTEGER PRIMARY KEY, title TEXT NOT NULL, created REAL NOT NULL,
            updated REAL NOT NULL, system_prompt TEXT NOT NULL, lanes TEXT NOT NULL,
            tips TEXT NOT NULL)"""
    )
    connection.execute("CREATE INDEX conversations_by_time ON conversations (updated)")
    connection.execute(
        """CREATE TABLE messages (
            id INTEGER PRIMARY KEY,
            conversation_id INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
            parent_reply_id INTEGER REFERENCES replies (id) ON DELETE SET NULL,
            text TEXT NOT NULL, created REAL NOT NULL)"""
    )
    connection.execute("CREATE INDEX messages_by_conversation ON messages (conversation_id)")
    connection.execute("CREATE INDEX messages_by_parent ON messages (parent_reply_id)")
    connection.execute(
        """CREATE TABLE replies (
            id INTEGER PRIMARY KEY,
            message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
            lane TEXT NOT NULL, recipe TEXT, text TEXT NOT NULL, reasoning TEXT,
            answer TEXT NOT NULL, tokens BLOB NOT NULL, finish_reason TEXT, finish_detail TEXT,
            mode TEXT NOT NULL, sampling TEXT NOT NULL, sources TEXT NOT NULL,
            usage TEXT NOT NULL, timing TEXT NOT NULL, loop TEXT, manifest TEXT NOT NULL,
            created REAL NOT NULL, writer TEXT NOT NULL)"""
    )
    connection.execute("CREATE INDEX replies_by_message ON replies (message_id)")
    connection.execute(
        "CREATE INDEX replies_unfinished ON replies (writer) WHERE finish_reason IS NULL"
    )


def create_search(connection: sqlite3.Connection) -> None:
    """Full text by the beginnings of words; `add_part_search` took its place."""
    connection.execute(
        "CREATE VIRTUAL TABLE search USING fts5 (body, conversation_id UNINDEXED, "
        "tokenize = 'unicode61 remove_diacritics 2')"
    )


def add_token_columns(connection: sqlite3.Connection) -> None:
    """For every token where its text ends and how likely it was; the answer's own chain."""
    for column in (
        "ends BLOB NOT NULL DEFAULT x''",
        "probabilities BLOB NOT NULL DEFAULT x''",
        "answer_sampling TEXT NOT NULL DEFAULT '{}'",
        "answer_sources TEXT NOT NULL DEFAULT '{}'",
    ):
        connection.execute(f"ALTER TABLE replies ADD COLUMN {column}")


def add_deletion_time(connection: sqlite3.Connection) -> None:
    """When a conversation was put away (seconds since 1970); it can come back for a while."""
    connection.execute("ALTER TABLE conversations ADD COLUMN deleted REAL")


def add_reply_pieces(connection: sqlite3.Connection) -> None:
    """What an unfinished reply has got since the last piece (see pieces.py)."""
    connection.execute(
        """CREATE TABLE reply_pieces (
            id INTEGER PRIMARY KEY, text TEXT NOT NULL, reasoning TEXT, answer TEXT NOT NULL,
            tokens BLOB NOT NULL, ends_kept INTEGER NOT NULL, ends BLOB NOT NULL,
            probabilities BLOB NOT NULL, usage TEXT NOT NULL)"""
    )


def add_reply_parents(connection: sqlite3.Connection) -> None:
    """Which reply each reply continued from: lanes of one message may differ in it."""
    connection.execute(
        "ALTER TABLE replies ADD COLUMN parent_reply_id INTEGER "
        "REFERENCES replies (id) ON DELETE SET NULL"
    )
    connection.execute("CREATE INDEX replies_by_parent ON replies (parent_reply_id)")
    connection.execute(
        "UPDATE replies SET parent_reply_id = (SELECT parent.id FROM messages "
        "JOIN replies AS parent ON parent.id = messages.parent_reply_id "
        "WHERE messages.id = replies.message_id)"
    )
    find_parents(connection)


def add_part_search(connection: sqlite3.Connection) -> None:
    """Parts of words are found too: another index, which is filled later (see search_index.py)."""
    connection.execute("DROP TABLE search")
    connection.execute(
        """CREATE TABLE search_texts (
            id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL,
            source_id INTEGER NOT NULL, conversation_id INTEGER NOT NULL,
            indexed INTEGER NOT NULL DEFAULT 0)"""
    )
    for index in (
        "UNIQUE INDEX search_texts_by_source ON search_texts (kind, source_id)",
        "INDEX search_texts_by_conversation ON search_texts (conversation_id)",
        "INDEX search_texts_waiting ON search_texts (id) WHERE indexed = 0",
    ):
        connection.execute(f"CREATE {index}")
    connection.execute(CREATE_GRAMS)
    enqueue_all(connection)


def add_lane_failures(connection: sqlite3.Connection) -> None:
    """Which lanes could not begin to answer a message, and why."""
    connection.execute("ALTER TABLE messages ADD COLUMN failures TEXT NOT NULL DEFAULT '{}'")


def add_template_variables(connection: sqlite3.Connection) -> None:
    """What a conversation gives its chat template beside the messages, a JSON object."""
    connection.execute(
        "ALTER TABLE conversations ADD COLUMN template_variables TEXT NOT NULL DEFAULT '{}'"
    )


MIGRATIONS: tuple[Migration, ...] = (
    create_tree,
    create_search,
    add_token_columns,
    add_deletion_time,
    add_reply_pieces,
    add_reply_parents,
    add_part_search,
    add_lane_failures,
    add_template_variables,
)


def apply(connection: sqlite3.Connection, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Bring the schema up to date inside one transaction; on an error nothing has changed."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = version_of(connection)  # another program may have been faster
        for step in migrations[done:]:
            step(connection)
        if done < len(migrations):
            connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """How many steps this database has seen."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
