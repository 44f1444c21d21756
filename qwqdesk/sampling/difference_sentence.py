"""What differs between lanes as one sentence: "B runs penalties first and has no dry"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.difference_words import (
    WordedDifference,
    acting_steps,
    acting_values,
    param_title,
    shown_value,
    worded_differences,
)
from qwqdesk.sampling.differences import counts
from qwqdesk.sampling.param import Param
from qwqdesk.sampling.samplers import PARAMS, sampler_named

Style = Literal["plain", "lane", "name"]
_RUN_TOPICS: Final = {"n_predict": "the length limit", "seed": "the seed"}


@dataclass(frozen=True)
class Word:
    """A piece of the sentence: words, a lane's letter, or one of llama.cpp's names."""

    text: str
    style: Style = "plain"


Sentence = tuple[Word, ...]
Lane = tuple[str, SamplerChain]


@dataclass(frozen=True)
class OtherDifference:
    """A difference from the first lane that is none of the chains: in what, and what is here.

    `first` is what the first lane has, "" where that goes without saying.
    """

    topic: str
    here: str
    first: str = ""


def plain(sentence: Sentence) -> str:
    """The sentence as text."""
    return "".join(word.text for word in sentence)


def difference_sentences(
    lanes: Sequence[Lane],
    *,
    same_model: bool = True,
    same_history: bool = True,
    others: Sequence[OtherDifference] = (),
) -> tuple[Sentence, ...]:
    """How the lanes differ, once in full and once short; a lane is its letter and its chain.

    With two lanes it says what the second does; with more only in what they differ. Without
    `same_history` each lane goes on from its own earlier reply, so that only the message is the
    same. `others`: what differs beside the chains, of all lanes together.
    """
    if len(lanes) < 2:
        return ()
    if same_model and same_settings(lanes, others):
        where = f"in {'both' if len(lanes) == 2 else 'all'} lanes"
        return (
            (Word(f"Same settings{f' {where}' if same_history else ', different histories'}."),),
        )
    found = [worded_differences(lanes[0][1], chain) for _, chain in lanes[1:]]
    if same_model and len(lanes) == 2:
        return _with_history(_two(lanes[0], lanes[1], found[0], others), same=same_history)
    every = [worded for words in found for worded in words]
    return _topics(every, others, same_model=same_model, same_history=same_history)


def same_settings(lanes: Sequence[Lane], others: Sequence[OtherDifference] = ()) -> bool:
    """Whether nothing differs that has an effect; models are not looked at."""
    first = lanes[0][1]
    return not others and not any(worded_differences(first, chain) for _, chain in lanes[1:])


def _with_history(sentence: Sentence, *, same: bool) -> tuple[Sentence, ...]:
    """With a word about the histories, where there is room for it."""
    if same:
        return (sentence,)
    return (_merged([*sentence, Word(" The histories differ.")]), sentence)


# ---------------------------------------------------------------- two lanes


def _two(
    first: Lane,
    second: Lane,
    found: Sequence[WordedDifference],
    others: Sequence[OtherDifference],
) -> Sentence:
    """Steps that it runs, then steps that it has not, then its values: each with one verb."""
    groups: dict[str, list[Sentence]] = {"runs ": [], "has no ": [], "has ": []}
    for worded in found:
        verb, phrase = _phrase(worded, first, second)
        groups[verb].append(phrase)
    for other in others:
        there = f" ({first[0]}: {other.first})" if other.first else ""
        groups["has "].append((Word(f"{other.here}{there}"),))
    phrases = []
    for verb, parts in groups.items():
        if parts:
            last = "or" if verb == "has no " else "and"
            phrases.append((Word(verb), *_joined(parts, last)))
    words = [Word(second[0], "lane"), Word(" "), *_joined(phrases)]
    steps = [worded.difference.step for worded in found]
    new = [step for step in acting_steps(second[1]) if step not in acting_steps(first[1])]
    names = [(Word(step, "name"),) for step in new if step in steps]
    if names:
        words += [Word("; "), Word(first[0], "lane"), Word(" has no "), *_joined(names, "or")]
    return _merged([*words, Word(".")])


def _phrase(worded: WordedDifference, first: Lane, second: Lane) -> tuple[str, Sentence]:
    """What the second lane does: the verb, and the rest."""
    step = worded.difference.step
    acts = step in acting_steps(first[1]), step in acting_steps(second[1])
    if acts == (True, False):
        return "has no ", (Word(step, "name"),)
    if acts == (False, True):
        return "runs ", tuple(_added(step, second[1]))
    if worded.difference.kind == "order":
        return "runs ", tuple(_order(first[1], second[1]))
    return "has ", (_value(worded, first, second),)


def _added(step: str, chain: SamplerChain) -> Iterator[Word]:
    yield Word(step, "name")
    sampler = sampler_named(step)
    values = list(acting_values(sampler, chain))
    if values and step != "penalties":  # "dry 0.5": the main value follows the name
        yield Word(f" {shown_value(sampler.params[0], chain)}")
        values = values[1:]
    acting = acting_steps(chain)
    at = acting.index(step)
    if len(acting) > 1:
        if at in (0, len(acting) - 1):
            yield Word(" last" if at else " first")
        else:
            yield from (Word(" after "), Word(acting[at - 1], "name"))
    if values:
        yield Word(f" with {_and(values)}")


def _order(first: SamplerChain, second: SamplerChain) -> Iterator[Word]:
    """One pair of steps that stands the other way round."""
    theirs = acting_steps(first)
    mine = [name for name in acting_steps(second) if name in theirs]
    other = [name for name in theirs if name in mine]
    pairs = ((a, b) for a, b in zip(other, mine, strict=True) if a != b)
    before, after = next(pairs)
    yield from (Word(after, "name"), Word(" before "), Word(before, "name"))


def _value(worded: WordedDifference, first: Lane, second: Lane) -> Word:
    param = PARAMS.get(worded.difference.name)
    if param is None:
        return Word(worded.difference.text)
    sides = [_side(param, chain) for _, chain in (first, second)]
    if sides[0] == sides[1]:  # long lists that differ behind what is shown
        sides[1] = "others"
    return Word(f"{param_title(param)} {sides[1]} ({first[0]}: {sides[0]})")


def _side(param: Param, chain: SamplerChain) -> str:
    neutral = param.neutral is not None and chain[param.name] == param.neutral
    off = neutral or not counts(param.name, chain)
    return "off" if off and param.kind not in ("strings", "bias") else shown_value(param, chain)


def _joined(phrases: Sequence[tuple[Word, ...]], word: str = "and") -> Iterator[Word]:
    for number, phrase in enumerate(phrases):
        if number:
            yield Word(f" {word} " if number == len(phrases) - 1 else ", ")
        yield from phrase


def _and(values: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(values[:-1]), values[-1])))


def _merged(words: Sequence[Word]) -> Sentence:
    """Neighbours of one style become one word."""
    merged: list[Word] = []
    for word in words:
        if merged and merged[-1].style == word.style:
            merged[-1] = Word(merged[-1].text + word.text, word.style)
        else:
            merged.append(word)
    return tuple(merged)


# ---------------------------------------------------------------- more lanes


def _topics(
    found: Sequence[WordedDifference],
    others: Sequence[OtherDifference],
    *,
    same_model: bool,
    same_history: bool,
) -> tuple[Sentence, Sentence]:
    ranked = sorted(found, key=lambda worded: worded.difference.kind != "order")
    topics = [] if same_model else ["the model"]
    topics += [_topic(worded) for worded in ranked]
    topics += [other.topic for other in others]
    topics = list(dict.fromkeys(topics if same_history else [*topics, "the history"]))
    asked = "prompt" if same_history else "message"
    shared = [asked, *(name for name in ("model", "seed") if f"the {name}" not in topics)]
    long = _and(["the order of the chain" if topic == "the order" else topic for topic in topics])
    short = _and([topic.removeprefix("the ") for topic in topics])
    short = short[:1].upper() + short[1:]
    verb = "differs" if len(topics) == 1 and not short.endswith("s") else "differ"
    return (
        (Word(f"Same {_and(shared)}. The lanes differ in {long}."),),
        (Word(f"Same {_and(shared)}. {short} {verb}."),),
    )


def _topic(worded: WordedDifference) -> str:
    difference = worded.difference
    if difference.kind == "order":
        return "the order"
    if difference.step:
        title = sampler_named(difference.step).title
        plain_word = title[1:].islower() and "-" not in title
        return f"the {title.lower()}" if plain_word else _lowered(title)
    param = PARAMS.get(difference.name)
    known = _RUN_TOPICS.get(difference.name)
    return known or (f"the {param_title(param)}" if param is not None else difference.text)


def _lowered(title: str) -> str:
    return title if title.isupper() else title[:1].lower() + title[1:]
