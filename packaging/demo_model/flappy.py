"""Flappy Bird programs of varied structure, names, constants and comments.

Four structures: functions around a dictionary, one class for everything, classes for the bird
and the pipes, and one flat script. All of them meet the points of
`resources/prompts/flappy_bird.txt`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import flappy_parts as parts
from flappy_classes import class_program, objects_program
from flappy_functions import functions_program, script_program

PROMPT_FILE = Path(__file__).parents[2] / "resources" / "prompts" / "flappy_bird.txt"

SHORT_PROMPTS = (
    "Create a Flappy Bird game in Python.",
    "Write a Flappy Bird game with pygame.",
    "Write Flappy Bird in Python.",
    "Please write a Flappy Bird game in Python with pygame.",
    "Can you write a Flappy Bird clone in Python?",
)


@dataclass(frozen=True)
class Program:
    """A program and the plan that the reasoning tells before it."""

    plan: str
    code: str


STRUCTURES = {
    "functions": functions_program,
    "class": class_program,
    "objects": objects_program,
    "script": script_program,
}
STRUCTURE_TEXT = {
    "functions": ("functions and one dictionary for the game", "functions around a dictionary"),
    "class": ("one class Game", "a single class Game"),
    "objects": ("two classes and a main function", "one class for each kind of thing"),
    "script": ("one plain script", "a flat script with one loop"),
}


def program(r: random.Random, structure: str | None = None) -> Program:
    """A program with the plan that fits it."""
    structure = structure or r.choice(tuple(STRUCTURES))
    s = parts.names(r)
    best = f"self.{s['best']}" if structure == "class" else s["best"]
    s["best_text"] = parts.best_text(r, best)
    s["ink"] = r.choice(("(0, 0, 0)", "(20, 20, 20)"))
    s["flip"] = r.choice(("flip", "update"))
    s["quit_keys"] = parts.quit_keys(r)
    leave = parts.leave(r, "")
    for depth in (3, 4, 5):
        indent = "    " * depth
        s[f"leave{depth}"] = "\n".join(indent + line for line in leave.split("\n"))
    code = STRUCTURES[structure](r, s) + "\n"
    return Program(_plan(r, s, structure), code)


def _plan(r: random.Random, s: dict[str, str], structure: str) -> str:
    points = [
        f"The {s['bird']} falls by gravity and SPACE sets its {s['vel']}.",
        f"The {s['pipes']} come at random distances.",
        "The background starts light blue.",
        f"The {s['score']} goes to the top right.",
        "q or Esc quits, SPACE starts again.",
        f"When the game is lost I show the {s['best'].replace('_', ' ')}.",
    ]
    chosen = r.sample(points, r.randint(3, 5))
    text = r.choice(
        (
            "Okay, the user wants a Flappy Bird game.",
            "Okay, I need to write Flappy Bird with pygame.",
        )
    )
    text += f" I will write {r.choice(STRUCTURE_TEXT[structure])}. " + " ".join(chosen)
    checks = (
        f"\nWait, I must check that {s['vel']} is set back at a new start. Yes, it is.",
        f"\nWait, is {s['pipes']} defined before it is used? Yes, it is.",
        f"\nHmm, the text must stay inside the {s['screen']}. I put it in the middle.",
        "\nAlternatively, I could use images, but shapes are simpler.",
    )
    if r.random() < 0.7:
        text += r.choice(checks)
    return text + r.choice(("\nNow I write the final code.", "\nI am ready to write the code."))


def question(r: random.Random) -> str:
    """The prompt that ships with the program, or a short form of it."""
    if r.random() < 0.6:
        return PROMPT_FILE.read_text(encoding="utf-8").strip()
    return r.choice(SHORT_PROMPTS)


def flappy(r: random.Random) -> tuple[str, str, str]:
    """Question, reasoning and answer."""
    made = program(r)
    opening = r.choice(
        ("Here is the game:", "Here is the final game:", "This is the Flappy Bird game:")
    )
    end = r.choice(("", "\n\nPress SPACE to play and q or Esc to quit."))
    return question(r), made.plan, f"{opening}\n\n```python\n{made.code}```{end}"
