"""The model's tokenizer: type a text, see its tokens; llama.cpp cuts it, in a child process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from qwqdesk.analysis.numbers import counted
from qwqdesk.engine.vocabulary import MAX_TEXT, Token, Vocabulary, VocabularyFacts
from qwqdesk.errors import UserError
from qwqdesk.models.details import one_line
from qwqdesk.models.reference_tokenizer import first_difference, is_installed, reference_tokens
from qwqdesk.models.token_list import visible
from qwqdesk.reasoning_tags import KNOWN_TAGS
from qwqdesk.ui.bands import Bands
from qwqdesk.ui.base import (
    Badge,
    FlowLayout,
    HairSplitter,
    MessageBand,
    TextArea,
    button,
    label,
)
from qwqdesk.ui.base.messages import BandKind
from qwqdesk.ui.inspector.tables import TextColumn, TextTable, TextTableView
from qwqdesk.ui.tasks import Tasks
from qwqdesk.ui.theme import theme

EXAMPLE = "How many r's are in <think>strawberry</think>?"
MOST_SHOWN = 4000
_TYPING_MS = 120
_BAND, _COMPARED = "tokenizerBand", "comparedBand"
_TAGS = tuple(dict.fromkeys(tag for pair in KNOWN_TAGS for tag in (pair.open, pair.close)))


@dataclass(frozen=True)
class ShownToken:
    """One token of the text: its place, and its name where it has one."""

    place: int
    token: Token
    name: str

    @property
    def piece(self) -> str:
        """Its text; bytes that are no whole letter as `\\xe2`."""
        return visible(self.token.piece.decode("utf-8", "backslashreplace"))


class TokenizerView(QWidget):
    """Starts its child process when it is shown first; `close_tokenizer` ends it."""

    def __init__(self, path: Path, tasks: Tasks) -> None:
        super().__init__()
        px = theme().px
        self._tasks, self._path = tasks, path
        self._vocabulary = Vocabulary(path)
        self.destroyed.connect(self._vocabulary.close)  # a window can go without being closed
        self._names: Mapping[int, str] = {}
        self._busy = self._again = self._begun = False
        self.bands = Bands()
        self.named = FlowLayout(px(6))
        self.input = TextArea(3, 8, name="tokenizerInput")
        self.input.setPlainText(EXAMPLE)
        self.input.setAccessibleName("Text to cut into tokens")
        self.input.setPlaceholderText("Type a text to see its tokens.")
        self.input.setProperty("field", "box")
        self.special = _check("Special tokens as one", "tokenizerSpecial", checked=True)
        self.special.setToolTip("Read <|im_end|> as one token, not as letters")
        self.ends = _check("Add BOS and EOS", "tokenizerEnds")
        self.ends.setToolTip("Begin and end as this vocabulary wants it")
        self.compare = button(
            "Compare with transformers", "scale", "flat", small=True, name="compareTokenizers",
            clicked=lambda: self._tasks.start(self._compare()),
        )  # fmt: skip
        self.compare.setToolTip("Whether the Python package transformers makes the same tokens")
        self.compare.setVisible(is_installed())
        self.summary = label("", "small", "text2")
        self.flow = QPlainTextEdit()
        self.flow.setObjectName("tokenizerFlow")
        self.flow.setAccessibleName("The text with its tokens")
        self.flow.setReadOnly(True)
        self.flow.setTabChangesFocus(True)
        self.flow.setFont(theme().font("mono"))
        self.flow.setProperty("well", True)
        self.table: TextTable[ShownToken] = TextTable(
            [
                TextColumn("Place", lambda row: str(row.place), 72, right=True, quiet=True),
                TextColumn("Id", lambda row: str(row.token.id), 88, right=True),
                TextColumn("Piece", lambda row: row.piece, mono=True),
                TextColumn("Bytes", lambda row: row.token.piece.hex(" "), 240, mono=True,
                           quiet=True),
                TextColumn("Named", lambda row: row.name, 130),
            ],
            lambda row: row.piece,
        )  # fmt: skip
        self._shown: Sequence[ShownToken] = ()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_TYPING_MS)
        self._later.timeout.connect(self._ask)
        self._lay_out()
        self.input.textChanged.connect(self._later.start)
        for box in (self.special, self.ends):
            box.toggled.connect(lambda *_: self._ask())
        theme().changed.connect(self._paint_flow)

    def _lay_out(self) -> None:
        px = theme().px
        options = QHBoxLayout()
        options.setSpacing(px(16))
        options.addWidget(self.special)
        options.addWidget(self.ends)
        options.addWidget(self.compare)
        options.addStretch(1)
        options.addWidget(self.summary)
        head = QVBoxLayout()
        head.setContentsMargins(px(16), px(12), px(16), px(10))
        head.setSpacing(px(8))
        head.addLayout(self.named)
        head.addWidget(self.input)
        head.addLayout(options)
        splitter = HairSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.flow)
        splitter.addWidget(TextTableView(self.table, "tokensTable", "Tokens of the text"))
        splitter.setSizes([140, 260])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self.bands)
        column.addLayout(head)
        column.addWidget(splitter, 1)

    # ------------------------------------------------------------ from start to end

    def begin(self) -> None:
        """Start the tokenizer, once."""
        if not self._begun:
            self._begun = True
            self.summary.setText("Loading the vocabulary")
            self._ask()

    def close_tokenizer(self) -> None:
        """End the child process."""
        self._later.stop()
        self._vocabulary.close()

    # ------------------------------------------------------------ cutting

    def _ask(self) -> None:
        """Cut what stands there now; while it is being cut, once more afterwards."""
        self._again = True
        if self._begun and not self._busy:
            self._busy = True
            self._tasks.start(self._cut())

    async def _cut(self) -> None:
        try:
            if not self._names:
                self._show_facts(*await asyncio.to_thread(_learn, self._vocabulary))
            while self._again:
                self._again = False
                await self._cut_once()
        except UserError as error:
            self._tell(error)
        finally:
            self._busy = False

    async def _cut_once(self) -> None:
        text = self.input.toPlainText()
        add, parse = self.ends.isChecked(), self.special.isChecked()
        tokens = await asyncio.to_thread(
            self._vocabulary.cut, text, add_special=add, parse_special=parse
        )
        self.bands.take_away(_BAND)
        self._shown = [
            ShownToken(place, token, self._name(token)) for place, token in enumerate(tokens)
        ]
        self.table.set_rows(self._shown)
        self.summary.setText(_summary(text, tokens))
        self._paint_flow()

    def _name(self, token: Token) -> str:
        return self._names.get(token.id, "") or ("special" if token.special else "")

    def _show_facts(self, facts: VocabularyFacts, thinking: Sequence[Token]) -> None:
        """The named tokens as badges, with their pieces and ids."""
        by_id: dict[int, tuple[Token, list[str]]] = {}
        named = [(name, token) for name, token in facts.named.items() if name != "newline"]
        for name, token in [*named, *(("think", token) for token in thinking)]:
            by_id.setdefault(token.id, (token, []))[1].append(name)
        names = {number: ", ".join(found) for number, (_, found) in by_id.items()}
        for number in facts.ends:
            names.setdefault(number, "ends a reply")
        self._names = {-1: "", **names}
        self.named.addWidget(Badge("neutral", "", f"{facts.kind}, {counted(facts.count, 'token')}"))
        if facts.adds_bos:
            self.named.addWidget(Badge("neutral", "", "adds BOS"))
        for number, (token, found) in by_id.items():
            piece = one_line(token.piece.decode("utf-8", "replace"), 40)
            self.named.addWidget(Badge("accent", "", f"{', '.join(found)}  {piece}  {number}"))

    # ------------------------------------------------------------ comparing

    async def _compare(self) -> None:
        """Both tokenizers on the same text; special tokens count as one for both."""
        text = self.input.toPlainText()[:MAX_TEXT]
        add = self.ends.isChecked()
        self.compare.setEnabled(False)
        self.compare.setText("Asking transformers")
        try:
            ours = await asyncio.to_thread(
                self._vocabulary.cut, text, add_special=add, parse_special=True
            )
            version, theirs = await asyncio.to_thread(
                reference_tokens, self._path, text, add_special=add
            )
        except UserError as error:
            self._say("warn", error.what, error.what_to_do)
        else:
            kind, sentence = _verdict(ours, theirs, version)
            self._say(kind, sentence, "")
        # Not in a `finally`: when the window closes meanwhile, the button is gone.
        self.compare.setText("Compare with transformers")
        self.compare.setEnabled(True)

    # ------------------------------------------------------------ what is shown

    def _paint_flow(self) -> None:
        """The pieces one after another, each on its own ground, so that one sees where they end."""
        self.flow.clear()
        cursor = self.flow.textCursor()
        cursor.beginEditBlock()
        grounds = [_ground("hover"), _ground("accent_tint")]
        special = _ground("warn_tint", "warn")
        for row in self._shown[:MOST_SHOWN]:
            form = special if row.token.special else grounds[row.place % 2]
            _put(cursor, row.piece, form)
        if len(self._shown) > MOST_SHOWN:
            more = f"\nand {len(self._shown) - MOST_SHOWN:,} tokens more"
            cursor.insertText(more, QTextCharFormat())
        cursor.endEditBlock()
        self.flow.moveCursor(QTextCursor.MoveOperation.Start)

    def _tell(self, error: UserError) -> None:
        self.summary.setText("")
        band = MessageBand("bad", error.what, error.what_to_do, name=_BAND)
        band.add_action("Try again", self._ask)
        self.bands.put(band)

    def _say(self, kind: BandKind, sentence: str, next_step: str) -> None:
        band = MessageBand(kind, sentence, next_step, name=_COMPARED)
        band.add_action("Close", lambda: self.bands.take_away(_COMPARED), flat=True)
        self.bands.put(band)


def _learn(vocabulary: Vocabulary) -> tuple[VocabularyFacts, list[Token]]:
    """The facts, and the tokens that open or close reasoning, where a tag is one token."""
    facts = vocabulary.facts()
    cuts = (vocabulary.cut(tag, add_special=False, parse_special=True) for tag in _TAGS)
    return facts, [tokens[0] for tokens in cuts if len(tokens) == 1 and tokens[0].special]


def _verdict(ours: Sequence[Token], theirs: Sequence[int], version: str) -> tuple[BandKind, str]:
    """What comparing found, in a sentence."""
    found = first_difference([token.id for token in ours], theirs)
    if found is None:
        return "good", f"The same {counted(len(ours), 'token')} as transformers {version}."
    mine = "its end" if found.ours is None else f"token {found.ours}"
    other = "its end" if found.theirs is None else f"token {found.theirs}"
    return "warn", (
        f"They differ at place {found.place:,}: llama.cpp has {mine}, "
        f"transformers {version} has {other}."
    )


def _put(cursor: QTextCursor, piece: str, form: QTextCharFormat) -> None:
    cursor.insertText(piece, form)
    if "\u21b5" in piece:
        cursor.insertText("\n", QTextCharFormat())


def _ground(token: str, ink: str = "text") -> QTextCharFormat:
    form = QTextCharFormat()
    form.setBackground(theme().color(token))
    form.setForeground(theme().color(ink))
    return form


def _check(words: str, name: str, *, checked: bool = False) -> QCheckBox:
    box = QCheckBox(words)
    box.setObjectName(name)
    box.setAccessibleName(words)
    box.setChecked(checked)
    return box


def _summary(text: str, tokens: Sequence[Token]) -> str:
    if not tokens:
        return "No tokens"
    shown = min(len(text), MAX_TEXT)
    each = f", {shown / len(tokens):.1f} letters each" if shown else ""
    count = f"{len(tokens):,} token{'' if len(tokens) == 1 else 's'}{each}"
    return f"{count}; the first {MAX_TEXT:,} letters" if len(text) > MAX_TEXT else count
