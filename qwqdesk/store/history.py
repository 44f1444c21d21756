"""The conversations on disk: a tree of messages and replies.

A user's message hangs on the reply that it follows (or on nothing); its replies, one for each lane
of each run, hang on it. Every method is one committed transaction: what it wrote survives the
death of the process. One object belongs to one thread.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qwqdesk.conversation import (
    Conversation,
    FinishReason,
    LaneFailure,
    Loop,
    Mode,
    Reply,
    Timing,
    Usage,
)
from qwqdesk.errors import UserError
from qwqdesk.store import history_search, pieces, rows, search_index, writers
from qwqdesk.store.database import Database
from qwqdesk.store.history_search import SearchHit
from qwqdesk.store.pieces import Written

CUT_DETAIL = "The program ended while this was written."
_TITLE_LENGTH = 60
_SUMMARY = (
    "SELECT id, title, created, updated, CASE WHEN typeof(lanes) = 'text' AND json_valid(lanes) "
    "THEN json_array_length(lanes) ELSE 0 END AS lanes FROM conversations"
)


@dataclass(frozen=True)
class ConversationSummary:
    """A line of the conversation list; `lanes` is how many lanes the conversation has now."""

    id: int
    title: str
    created: float
    updated: float
    lanes: int


class History:
    """All conversations. `notices` are sentences about what opening had to do.

    Raises:
        UserError: every method, as `Database` says; "not_found" for an id that is not there.
    """

    def __init__(self, path: Path | None, *, copy_of: Path | None = None) -> None:
        """Open the database at `path` (None: in memory, lost at the end) and mark cut replies.

        `copy_of`: what the one in memory begins with, a file that cannot be written.
        """
        self._db = Database(path, copy_of=copy_of)
        self._writer = writers.this_writer()
        self._written: dict[int, Written] = {}  # this object's replies that still stream
        notices = list(self._db.notices)
        self.cut: tuple[int, ...] = ()
        try:
            self.cut = tuple(self.cut_replies())
        except UserError as error:  # a full disk, say: what is there can be read all the same
            notices.append(f"{error.what} {error.what_to_do}")
        self.notices = tuple(notices)

    @property
    def path(self) -> Path | None:
        """Where the database is; None in memory."""
        return self._db.path

    def close(self) -> None:
        """Close; replies that this object left unfinished are marked as cut.

        Where that cannot be saved (a full disk, say) the next start marks them.
        """
        with suppress(UserError):
            self._cut("writer = ?", (self._writer,))
        self._db.close()

    # ------------------------------------------------------------ conversations

    def create_conversation(
        self,
        title: str = "",
        *,
        system_prompt: str = "",
        lanes: Sequence[Mapping[str, Any]] = (),
        template_variables: Mapping[str, Any] | None = None,
    ) -> int:
        """A new conversation; without a title it takes one from its first message."""
        now = time.time()
        with self._db.transaction():
            new = self._db.write(
                "INSERT INTO conversations "
                "(title, created, updated, system_prompt, lanes, tips, template_variables) "
                "VALUES (?, ?, ?, ?, ?, '{}', ?)",
                (
                    rows.clean(title),
                    now,
                    now,
                    rows.clean(system_prompt),
                    rows.dump(list(lanes)),
                    rows.dump(dict(template_variables or {})),
                ),
            )
            if title:
                self._enqueue("title", new, new)
        return new

    def conversations(self, limit: int = 200, offset: int = 0) -> list[ConversationSummary]:
        """The conversations, last changed first."""
        try:
            found = self._db.read(
                f"{_SUMMARY} WHERE deleted IS NULL ORDER BY updated DESC, id DESC LIMIT ? OFFSET ?",
                (limit, offset),
            )
        except UserError as error:
            if error.code != "corrupt":
                raise
            found = self._summaries_one_by_one()[offset : offset + limit]
        return [
            ConversationSummary(
                row["id"],
                rows.text_of(row["title"]),
                rows.time_of(row["created"]),
                rows.time_of(row["updated"]),
                row["lanes"],
            )
            for row in found
        ]

    def _summaries_one_by_one(self) -> list[sqlite3.Row]:
        """The same from a damaged file: a row that cannot be read costs only itself."""
        found: list[sqlite3.Row] = []
        for row in self._db.read("SELECT id FROM conversations ORDER BY updated DESC, id DESC"):
            with suppress(UserError):
                found += self._db.read(f"{_SUMMARY} WHERE deleted IS NULL AND id = ?", (row["id"],))
        return found

    def load(self, conversation_id: int) -> Conversation:
        """A whole conversation with all its branches, messages and replies oldest first."""
        with self._db.snapshot():
            return self._load(conversation_id)

    def _load(self, conversation_id: int) -> Conversation:
        head = self._db.read(
            "SELECT * FROM conversations WHERE id = ? AND deleted IS NULL", (conversation_id,)
        )
        if not head:
            raise _no_conversation(conversation_id)
        replies: dict[int, list[Reply]] = {}
        for row in self._db.read_each(
            "replies",
            "SELECT replies.id FROM replies JOIN messages ON messages.id = replies.message_id "
            "WHERE messages.conversation_id = ?",
            (conversation_id,),
        ):
            replies.setdefault(row["message_id"], []).append(self._whole(rows.reply_of(row)))
        messages = tuple(
            rows.message_of(row, tuple(replies.get(row["id"], ())))
            for row in self._db.read_each(
                "messages", "SELECT id FROM messages WHERE conversation_id = ?", (conversation_id,)
            )
        )
        return rows.conversation_of(head[0], messages)

    def reply(self, reply_id: int) -> Reply:
        """One reply."""
        with self._db.snapshot():
            found = self._db.read("SELECT * FROM replies WHERE id = ?", (reply_id,))
            if found:
                return self._whole(rows.reply_of(found[0]))
        raise UserError(
            f"Reply {reply_id} is not in the history.", "It was deleted.", code="not_found"
        )

    def _whole(self, reply: Reply) -> Reply:
        """With the pieces of a reply that still streams, here or in another program."""
        if reply.finish_reason is not None:
            return reply
        return pieces.joined(reply, pieces.of(self._db, reply.id))

    def rename(self, conversation_id: int, title: str) -> None:
        """Give a conversation a title."""
        with self._db.transaction():
            self._forget("title", conversation_id)
            self._set(conversation_id, "title", rows.clean(title))
            self._enqueue("title", conversation_id, conversation_id)

    def delete(self, conversation_id: int) -> None:
        """Delete a conversation with all that belongs to it; no error if it is gone already."""
        with self._db.transaction():
            self._db.using(lambda c: search_index.forget_conversation(c, conversation_id))
            for row in self._db.read(
                "SELECT replies.id FROM replies JOIN messages ON messages.id = replies.message_id "
                "WHERE conversation_id = ? AND finish_reason IS NULL",
                (conversation_id,),
            ):
                pieces.remove(self._db, row["id"])
            self._db.write("DELETE FROM conversations WHERE id = ?", (conversation_id,))

    def put_away(self, conversation_id: int) -> None:
        """Hide a conversation as deleted; `restore` brings it back until `purge` deletes it."""
        with self._db.transaction():
            self._db.write(
                "UPDATE conversations SET deleted = ? WHERE id = ? AND deleted IS NULL",
                (time.time(), conversation_id),
            )

    def restore(self, conversation_id: int) -> bool:
        """Bring back what was put away; False when it is gone for good."""
        with self._db.transaction():
            self._db.write(
                "UPDATE conversations SET deleted = NULL WHERE id = ?", (conversation_id,)
            )
        found = self._db.read("SELECT 1 FROM conversations WHERE id = ?", (conversation_id,))
        return bool(found)

    def purge(self, seconds: float, among: Collection[int] | None = None) -> None:
        """Delete for good what was put away at least so many seconds ago (`among` these)."""
        for row in self._db.read(
            "SELECT id FROM conversations WHERE deleted <= ?", (time.time() - seconds,)
        ):
            if among is None or row["id"] in among:
                self.delete(row["id"])

    def search(self, query: str, limit: int = 50) -> list[SearchHit]:
        """Conversations that have a text with every part of `query` in its words, the newest first.

        Any text is a valid query. The window does this beside itself, on a connection of its own.
        """
        found = self._db.using(lambda c: history_search.find(c, rows.clean(query), limit))
        return list(found.hits)

    def set_tips(self, conversation_id: int, tips: Mapping[str, int]) -> None:
        """Say which reply each lane continues from."""
        with self._db.transaction():
            self._set(conversation_id, "tips", rows.dump(dict(tips)))

    def set_lanes(self, conversation_id: int, lanes: Sequence[Mapping[str, Any]]) -> None:
        """Save the lanes' set-up (what they hold is the session's business)."""
        with self._db.transaction():
            self._set(conversation_id, "lanes", rows.dump(list(lanes)))

    def lanes(self, conversation_id: int) -> tuple[Mapping[str, Any], ...]:
        """The lanes' set-up as `set_lanes` saved it; none where the conversation is gone."""
        found = self._db.read("SELECT lanes FROM conversations WHERE id = ?", (conversation_id,))
        return rows.mappings_of(found[0]["lanes"]) if found else ()

    def set_system_prompt(self, conversation_id: int, text: str) -> None:
        """Save the system prompt."""
        with self._db.transaction():
            self._set(conversation_id, "system_prompt", rows.clean(text))

    def set_template_variables(self, conversation_id: int, values: Mapping[str, Any]) -> None:
        """Save what the chat template is given beside the messages."""
        with self._db.transaction():
            self._set(conversation_id, "template_variables", rows.dump(dict(values)))

    # ------------------------------------------------------------ messages and replies

    def add_user_message(self, conversation_id: int, parent_id: int | None, text: str) -> int:
        """Save what the user sent; `parent_id` is the reply it follows. Durable on return.

        A conversation that was put away (by another window) comes back with it.
        """
        text, now = rows.clean(text), time.time()
        with self._db.transaction():
            titles = self._db.read(
                "SELECT title FROM conversations WHERE id = ?", (conversation_id,)
            )
            if not titles:
                raise _no_conversation(conversation_id)
            new = self._db.write(
                "INSERT INTO messages (conversation_id, parent_reply_id, text, created) "
                "VALUES (?, ?, ?, ?)",
                (conversation_id, parent_id, text, now),
            )
            title = titles[0]["title"] or title_from(text)
            self._db.write(
                "UPDATE conversations SET updated = ?, title = ?, deleted = NULL WHERE id = ?",
                (now, title, conversation_id),
            )
            if title != titles[0]["title"]:
                self._enqueue("title", conversation_id, conversation_id)
            self._enqueue("message", new, conversation_id)
        return new

    def set_failures(self, message_id: int, failures: Mapping[str, LaneFailure]) -> None:
        """Note why lanes (by label) could not begin to answer a message.

        It is forgotten as soon as the lane begins a reply to the message.
        """
        with self._db.transaction():
            self._write_failures(message_id, {**self._failures(message_id), **failures})

    def _failures(self, message_id: int) -> dict[str, LaneFailure]:
        found = self._db.read("SELECT failures FROM messages WHERE id = ?", (message_id,))
        return rows.failures_of(found[0]["failures"]) if found else {}

    def _write_failures(self, message_id: int, failures: Mapping[str, LaneFailure]) -> None:
        self._db.write(
            "UPDATE messages SET failures = ? WHERE id = ?",
            (rows.dump_failures(failures), message_id),
        )

    def add_reply(
        self,
        message_id: int,
        lane: str,
        *,
        recipe: str | None = None,
        mode: Mode = "exact",
        sampling: Mapping[str, Any] | None = None,
        sources: Mapping[str, str] | None = None,
        manifest: Mapping[str, Any] | None = None,
        answer_sampling: Mapping[str, Any] | None = None,
        answer_sources: Mapping[str, str] | None = None,
        parent_id: int | None = None,
    ) -> int:
        """Begin a reply: it has no finish reason until `finish_reply`.

        `parent_id` is the reply that it continues from, None in a first turn.
        """
        with self._db.transaction():
            new = self._db.write(
                "INSERT INTO replies (message_id, lane, recipe, text, answer, tokens, mode, "
                "sampling, sources, usage, timing, manifest, answer_sampling, answer_sources, "
                "created, writer, parent_reply_id) "
                "VALUES (?, ?, ?, '', '', x'', ?, ?, ?, '{}', '{}', ?, ?, ?, ?, ?, ?)",
                (
                    message_id,
                    lane,
                    recipe,
                    mode,
                    rows.dump(dict(sampling or {})),
                    rows.dump(dict(sources or {})),
                    rows.dump(dict(manifest or {})),
                    rows.dump(dict(answer_sampling or {})),
                    rows.dump(dict(answer_sources or {})),
                    time.time(),
                    self._writer,
                    parent_id,
                ),
            )
            pieces.remove(self._db, new)  # of a reply that had this number and was deleted
            failures = self._failures(message_id)
            if failures.pop(lane, None) is not None:
                self._write_failures(message_id, failures)
        self._written[new] = Written()
        return new

    def update_reply(
        self,
        reply_id: int,
        *,
        text: str,
        reasoning: str | None,
        answer: str,
        tokens: Sequence[int],
        usage: Usage,
        ends: Sequence[int] = (),
        probabilities: Sequence[float] = (),
    ) -> None:
        """Save what a streaming reply has so far; called each second for every lane.

        Only what is new since the last call is written. Another program that holds the file is
        not waited for: the next call saves it all.
        """
        now = Written(
            text, reasoning, answer, tuple(tokens), tuple(ends), tuple(probabilities), usage
        )
        before = self._written.get(reply_id)
        with self._db.impatient():
            if before is not None and before.followed_by(now):
                self._written[reply_id] = pieces.add(self._db, reply_id, before, now)
                return
            with self._db.transaction():
                self._write_whole(reply_id, now)
        self._written[reply_id] = now

    def _write_whole(self, reply_id: int, now: Written) -> None:
        pieces.remove(self._db, reply_id)
        self._forget("answer", reply_id)
        self._db.write(
            "UPDATE replies SET text = ?, reasoning = ?, answer = ?, tokens = ?, ends = ?, "
            "probabilities = ?, usage = ? WHERE id = ?",
            (
                *_content(now.text, now.reasoning, now.answer),
                *_numbers(now.tokens, now.ends, now.probabilities),
                rows.dump(now.usage),
                reply_id,
            ),
        )

    def finish_reply(
        self,
        reply_id: int,
        *,
        text: str,
        reasoning: str | None,
        answer: str,
        tokens: Sequence[int],
        finish_reason: FinishReason,
        finish_detail: str | None = None,
        usage: Usage | None = None,
        timing: Timing | None = None,
        loop: Loop | None = None,
        manifest: Mapping[str, Any] | None = None,
        ends: Sequence[int] = (),
        probabilities: Sequence[float] = (),
    ) -> None:
        """Save a reply's end; `manifest` replaces the one of `add_reply` unless it is None."""
        with self._db.transaction():
            self._forget("answer", reply_id)
            self._db.write(
                "UPDATE replies SET text = ?, reasoning = ?, answer = ?, tokens = ?, ends = ?, "
                "probabilities = ?, finish_reason = ?, finish_detail = ?, usage = ?, timing = ?, "
                "loop = ?, manifest = COALESCE(?, manifest) WHERE id = ?",
                (
                    *_content(text, reasoning, answer),
                    *_numbers(tokens, ends, probabilities),
                    finish_reason,
                    finish_detail,
                    rows.dump(usage or Usage()),
                    rows.dump(timing or Timing()),
                    rows.dump(loop) if loop else None,
                    None if manifest is None else rows.dump(dict(manifest)),
                    reply_id,
                ),
            )
            pieces.remove(self._db, reply_id)
            self._index_answer(reply_id)
        self._written.pop(reply_id, None)

    def set_manifest(self, reply_id: int, manifest: Mapping[str, Any]) -> None:
        """Replace what is known of a reply's conditions: checksums come after its run."""
        with self._db.transaction():
            self._db.write(
                "UPDATE replies SET manifest = ? WHERE id = ?",
                (rows.dump(dict(manifest)), reply_id),
            )

    def cut_replies(self) -> list[int]:
        """Mark the unfinished replies of programs that no longer run; their ids.

        Replies that another living program is writing are left alone.
        """
        found = self._db.read("SELECT DISTINCT writer FROM replies WHERE finish_reason IS NULL")
        dead = [row["writer"] for row in found if not writers.is_alive(row["writer"])]
        return [cut for writer in dead for cut in self._cut("writer = ?", (writer,))]

    # ------------------------------------------------------------ inside

    def _cut(self, where: str, values: tuple[str, ...]) -> list[int]:
        condition = f"finish_reason IS NULL AND {where}"
        with self._db.transaction():
            found = self._db.read(f"SELECT * FROM replies WHERE {condition}", values)
            for row in found:
                whole = self._whole(rows.reply_of(row))
                self._write_whole(whole.id, _as_written(whole))
                self._written.pop(whole.id, None)
            self._db.write(
                f"UPDATE replies SET finish_reason = 'error', finish_detail = ? WHERE {condition}",
                (CUT_DETAIL, *values),
            )
            for row in found:
                self._index_answer(row["id"])
        return [row["id"] for row in found]

    def _enqueue(self, kind: search_index.Kind, source_id: int, conversation_id: int) -> None:
        self._db.using(lambda c: search_index.enqueue(c, kind, source_id, conversation_id))

    def _forget(self, kind: search_index.Kind, source_id: int) -> None:
        self._db.using(lambda c: search_index.forget(c, kind, source_id))

    def _index_answer(self, reply_id: int) -> None:
        for row in self._db.read(
            "SELECT conversation_id FROM replies JOIN messages "
            "ON messages.id = replies.message_id WHERE replies.id = ?",
            (reply_id,),
        ):
            self._enqueue("answer", reply_id, row["conversation_id"])
            self._db.write(
                "UPDATE conversations SET updated = ? WHERE id = ?",
                (time.time(), row["conversation_id"]),
            )

    def _set(self, conversation_id: int, column: str, value: str) -> None:
        self._db.write(
            f"UPDATE conversations SET {column} = ? WHERE id = ?", (value, conversation_id)
        )


def title_from(text: str) -> str:
    """A title out of a first message: its first line that has words, shortened at a word."""
    line = next((line.strip() for line in text[:2000].splitlines() if line.strip()), "")
    line = " ".join(line.split())
    if len(line) <= _TITLE_LENGTH:
        return line
    head, space, _ = line[:_TITLE_LENGTH].rpartition(" ")
    return (head if space and len(head) > _TITLE_LENGTH // 2 else line[:_TITLE_LENGTH]) + "…"


def _content(text: str, reasoning: str | None, answer: str) -> tuple[str, str | None, str]:
    thoughts = None if reasoning is None else rows.clean(reasoning)
    return rows.clean(text), thoughts, rows.clean(answer)


def _as_written(reply: Reply) -> Written:
    return Written(
        reply.text,
        reply.reasoning,
        reply.answer,
        reply.tokens,
        reply.ends,
        reply.probabilities,
        reply.usage,
    )


def _numbers(
    tokens: Sequence[int], ends: Sequence[int], probabilities: Sequence[float]
) -> tuple[bytes, bytes, bytes]:
    return rows.pack_tokens(tokens), rows.pack_tokens(ends), rows.pack_shares(probabilities)


def _no_conversation(conversation_id: int) -> UserError:
    return UserError(
        f"Conversation {conversation_id} is not in the history.",
        "It was deleted, perhaps by another window.",
        code="not_found",
    )
