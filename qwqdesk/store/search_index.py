"""Making the search index anew, out of the tables that it is derived from."""

from __future__ import annotations

import sqlite3


def index_all(connection: sqlite3.Connection) -> None:
    """Index everything that is there, in an index that is empty."""
    for number, texts in enumerate(
        (
            "SELECT id, title, id FROM conversations",
            "SELECT id, text, conversation_id FROM messages",
            "SELECT replies.id, answer, conversation_id FROM replies "
            "JOIN messages ON messages.id = message_id WHERE finish_reason IS NOT NULL",
        )
    ):
        connection.execute(
            "INSERT INTO search (rowid, body, conversation_id) "
            f"SELECT 3 * a + {number}, b, c FROM (SELECT 0 AS a, '' AS b, 0 AS c WHERE 0 "
            f"UNION ALL {texts}) WHERE trim(b) <> ''"
        )
