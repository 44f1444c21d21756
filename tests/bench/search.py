"""Search in a large history: how long each kind of query takes, and what the index costs.

    python -m tests.bench.search [MESSAGES]

Makes a history of so many messages (100,000), half of them users' texts, half answers, ten in a
chat, of English and Hangul words with the frequencies of real texts, and prints for each query the
longest of five times on the processor (a busy machine prints the same); then sizes, the time of
the migration from the index of words, and the cost of indexing.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path

from qwqdesk.store import history_search
from qwqdesk.store.database import Database
from qwqdesk.store.history import History
from qwqdesk.store.migrations import MIGRATIONS
from qwqdesk.store.search_index import Indexer, open_beside

_SYLLABLES = tuple("ka to mi re son ba lu ter ing an de ro st ch ou ve wi th el or pa ni".split())  # noqa: SIM905
_HANGUL = [chr(0xAC00 + n * 37 % 11172) for n in range(300)]


def _words(chance: random.Random) -> tuple[list[str], list[float]]:
    """Words and their added weights: the n-th is drawn as often as 1/n, one in ten is Hangul."""
    words = ["the", "of", "and", "model", "a"]
    for n in range(30_000):
        pool, low, high = (_HANGUL, 1, 4) if n % 10 == 0 else (_SYLLABLES, 1, 5)
        words.append("".join(chance.choices(pool, k=chance.randint(low, high))))
    return words, list(accumulate(1 / (n + 2) for n in range(len(words))))


def fill(path: Path, messages: int) -> None:
    """The history as an older version wrote it, with its index of words."""
    old = MIGRATIONS[: [step.__name__ for step in MIGRATIONS].index("add_part_search")]
    Database(path, old).close()
    chance = random.Random(7)
    words, weights = _words(chance)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for number in range(1, messages // 2 + 1):
        chat = (number - 1) // 5 + 1
        if number % 5 == 1:
            connection.execute(
                "INSERT INTO conversations (id, title, created, updated, system_prompt, lanes, "
                "tips) VALUES (?, ?, 1, ?, '', '[]', '{}')",
                (chat, f"chat {chat}", number),
            )
        for kind, size in ((1, 40), (2, 120)):
            text = " ".join(chance.choices(words, cum_weights=weights, k=size))
            if number == 77 and kind == 1:
                text += " zyzzyva 꿻뛣쐙 C++"
            row = 3 * number + kind
            connection.execute("INSERT INTO search (rowid, body, conversation_id) VALUES (?, ?, ?)",
                               (row, text, chat))  # fmt: skip
            if kind == 1:
                connection.execute(
                    "INSERT INTO messages VALUES (?, ?, NULL, ?, 1)", (number, chat, text)
                )
            else:
                connection.execute(
                    "INSERT INTO replies (id, message_id, lane, text, answer, tokens, "
                    "finish_reason, mode, sampling, sources, usage, timing, manifest, created, "
                    "writer) VALUES (?, ?, 'A', ?, ?, ?, 'stop', 'fast', '{}', '{}', '{}', '{}', "
                    "'{}', 1, '')",
                    (number, number, text, text, bytes(600)),
                )
    connection.execute("COMMIT")
    connection.close()


def main() -> None:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.sqlite3"
        fill(path, messages)
        before = path.stat().st_size
        began = time.thread_time()
        History(path).close()
        print(f"{messages:,} messages, {before / 1e6:.0f} MB; opened once (migration with its "
              f"backup) in {time.thread_time() - began:.2f} s")  # fmt: skip
        connection = open_beside(path)
        _measure(connection, "not indexed yet")
        _index(connection, messages)
        print(f"the file with its index: {path.stat().st_size / 1e6:.0f} MB")
        _measure(connection, "indexed")
        connection.close()


def _index(connection: sqlite3.Connection, messages: int) -> None:
    indexer, longest, began = Indexer(connection), 0.0, time.thread_time()
    went_on = True
    while went_on:
        step = time.thread_time()
        went_on = indexer.step()
        longest = max(longest, time.thread_time() - step)
    whole = time.thread_time() - began
    print(f"indexed in {whole:.1f} s, {whole / messages * 1e6:.0f} us a message; longest step "
          f"{longest * 1000:.0f} ms")  # fmt: skip


def _measure(connection: sqlite3.Connection, state: str) -> None:
    long = "kato resonba luter chouve wither orpani stan de"
    queries = {
        "rare word": "zyzzyva", "part of a rare word": "zzyv", "common word": "model",
        "common part": "ing", "no hit, of common pieces": "ingoutherpanisonlu",
        "no hit": "qxqxqx", "1 character": "e", "1 rare character": "+", "2 characters": "th",
        "2 rare characters": "zy", "3 characters": "son", "Hangul 1": _HANGUL[3],
        "Hangul 1 rare": "뛣", "Hangul 2": "".join(_HANGUL[3:5]), "Hangul 2 rare": "꿻뛣",
        "Hangul 3 rare": "꿻뛣쐙", "Hangul 3, no hit": "".join(_HANGUL[5:8]),
        "two common words": "the and", "16 words": f"the of and a model {long} ba lu",
    }  # fmt: skip
    slowest = 0.0
    print(f"-- {state}")
    for name, query in queries.items():
        times = []
        for _ in range(5):
            began = time.thread_time()
            found = history_search.find(connection, query, 50)
            times.append(time.thread_time() - began)
        slowest = max(slowest, *times)
        more = "" if found.complete else ", time was up"
        print(f"{name:26} {max(times) * 1000:7.1f} ms  {len(found.hits):3} chats{more}")
    print(f"slowest {slowest * 1000:.1f} ms, budget {history_search.SECONDS * 1000:.0f} ms")


if __name__ == "__main__":
    main()
