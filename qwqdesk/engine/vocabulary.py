"""A model's real tokenizer, in a child process: a file that crashes native code ends only that.

The child loads the vocabulary without the weights, so it takes under a second and little memory,
and the loaded model and its runs are not disturbed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qwqdesk.child_process import start_child
from qwqdesk.errors import UserError

MAX_TEXT = 50_000
_START_S, _ANSWER_S = 60.0, 20.0
_MAX_LINE = 64 << 20


@dataclass(frozen=True)
class Token:
    """One token of a text; `piece` are its bytes, which need not be whole letters.

    `special`: the vocabulary marks it as one that is no text.
    """

    id: int
    piece: bytes
    special: bool


@dataclass(frozen=True)
class VocabularyFacts:
    """What llama.cpp says of a vocabulary. `named` are tokens by what they mean (eos, pad, ...);
    `ends` are the ids that end a reply.
    """

    kind: str
    count: int
    adds_bos: bool
    adds_eos: bool
    named: Mapping[str, Token] = field(default_factory=dict)
    ends: tuple[int, ...] = ()


class Vocabulary:
    """One child process. Its calls block and may come from any thread, one after another."""

    def __init__(self, path: Path, python: str = sys.executable) -> None:
        self._path = path
        self._python = python
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._facts: VocabularyFacts | None = None

    def facts(self) -> VocabularyFacts:
        """Start the child, if it does not run, and say what it found.

        Raises:
            UserError: code "load": refused in words, crashed, or no answer in time.
        """
        with self._lock:
            return self._start()

    def cut(self, text: str, *, add_special: bool, parse_special: bool) -> tuple[Token, ...]:
        """The tokens of a text, of its first 50,000 characters.

        Args:
            add_special: BOS and EOS as the vocabulary wants them.
            parse_special: read ``<|im_end|>`` as one token, not as letters.

        Raises:
            UserError: as `facts`.
        """
        asked = {"text": text[:MAX_TEXT], "add": add_special, "parse": parse_special}
        with self._lock:
            self._start()
            answer = self._ask(asked)
        return tuple(Token(int(row[0]), bytes.fromhex(row[1]), bool(row[2]))
                     for row in answer.get("tokens", []))  # fmt: skip

    def close(self) -> None:
        """End the child, also while a call waits for it. Does not wait itself for long."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
        with self._lock:
            self._forget()

    # ------------------------------------------------------------ under the lock

    def _start(self) -> VocabularyFacts:
        if self._facts is not None and self._process is not None:
            return self._facts
        if self._closed:
            raise self._failed("was closed")
        try:
            self._process = start_child(
                "qwqdesk.engine.vocabulary_child",
                str(self._path),
                python=self._python,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError as error:
            raise self._failed(f"did not start: {error.strerror or error}") from error
        if self._closed:  # meanwhile, when there was no process to end
            raise self._ended()
        answer = self._read(_START_S)
        if "error" in answer:
            self._forget()
            what, todo, code = answer["error"]
            raise UserError(what, todo, code=code)
        found = answer["facts"]
        self._facts = VocabularyFacts(
            found["kind"], found["count"], found["adds_bos"], found["adds_eos"],
            {name: Token(row[0], bytes.fromhex(row[1]), True)
             for name, row in found["named"].items()},
            tuple(found["ends"]),
        )  # fmt: skip
        return self._facts

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(question).encode("ascii") + b"\n")
            process.stdin.flush()
        except OSError:
            raise self._ended() from None
        return self._read(_ANSWER_S)

    def _read(self, seconds: float) -> dict[str, Any]:
        """One line of the child; a child that says nothing in time is ended."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        killer = threading.Timer(seconds, process.kill)
        killer.daemon = True
        killer.start()
        try:
            line = process.stdout.readline(_MAX_LINE)
            answer = json.loads(line) if line.endswith(b"\n") else None
        except (OSError, ValueError):
            answer = None
        finally:
            killer.cancel()
            killer.join()
        if not isinstance(answer, dict):
            raise self._ended()
        return answer

    def _ended(self) -> UserError:
        self._forget()
        return self._failed("ended without an answer")

    def _failed(self, how: str) -> UserError:
        return UserError(
            f"The tokenizer of {self._path.name} {how}.",
            "The file may be damaged, or not meant for this llama.cpp.",
            code="load",
        )

    def _forget(self) -> None:
        process, self._process, self._facts = self._process, None, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
