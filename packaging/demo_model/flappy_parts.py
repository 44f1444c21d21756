"""Parts that all Flappy Bird programs are made of: names, constants, shapes, small choices."""

from __future__ import annotations

import random

DARK = ("(139, 0, 0)", "(0, 0, 139)", "(0, 100, 0)", "(75, 0, 130)", "(60, 60, 20)", "(40, 40, 40)")
LAND = ("(101, 67, 33)", "(90, 60, 30)", "(80, 50, 20)")
YELLOW = ("(204, 170, 0)", "(218, 165, 32)", "(230, 200, 40)")
SKY = ("(173, 216, 230)", "(135, 206, 235)", "(180, 220, 250)", "(176, 224, 255)")


def constants(r: random.Random, s: dict[str, str]) -> str:
    """The constants, in random order after the size of the screen."""
    width, height = r.choice(((400, 600), (480, 640), (600, 800), (800, 600), (500, 700)))
    dark = ", ".join(r.sample(DARK, 3))
    land = [r.choice(LAND), r.choice(YELLOW)]
    pipes = [
        "(0, 100, 0)",
        r.choice(("(181, 101, 29)", "(196, 164, 132)")),
        r.choice(("(105, 105, 105)", "(70, 70, 70)")),
    ]
    shapes = ['"square"', '"circle"', '"triangle"']
    for values in (land, pipes, shapes):
        r.shuffle(values)
    lines = [
        f"GRAVITY = {r.choice(('0.4', '0.5', '0.6'))}",
        f"{s['FLAP']} = -{r.choice((7, 8, 9))}",
        f"{s['GAP']} = {r.choice((140, 150, 160, 170, 180))}",
        f"{s['SPEED']} = {r.choice((3, 4, 5))}",
        f"PIPE_WIDTH = {r.choice((50, 60, 70))}",
        f"{s['LAND']} = {r.choice((40, 50, 60, 80))}",
        f"SIZE = {r.choice((12, 14, 16))}",
        f"{s['BIRD_X']} = {r.choice((60, 80, 100))}",
        f"DARK_COLORS = [{dark}]",
        f"LAND_COLORS = [{', '.join(land)}]",
        f"PIPE_COLORS = [{', '.join(pipes)}]",
        f"SHAPES = [{', '.join(shapes)}]",
        f"LIGHT_BLUE = {r.choice(SKY)}",
    ]
    r.shuffle(lines)
    size = r.choice((f"WIDTH, HEIGHT = {width}, {height}", f"WIDTH = {width}\nHEIGHT = {height}"))
    return "\n".join([size, *lines])


def names(r: random.Random) -> dict[str, str]:
    pipe, pipes = r.choice((("pipe", "pipes"), ("column", "columns"), ("obstacle", "obstacles")))
    return {
        "bird": r.choice(("bird", "player", "flyer")),
        "vel": r.choice(("velocity", "speed", "vy")),
        "pipe": pipe,
        "pipes": pipes,
        "score": r.choice(("score", "points")),
        "best": r.choice(("best", "best_score", "record")),
        "over": r.choice(("over", "lost", "game_over")),
        "back": r.choice(("background", "sky", "back_color")),
        "light": r.choice(("light_color", "random_light", "new_background")),
        "FLAP": r.choice(("FLAP", "JUMP", "LIFT")),
        "GAP": r.choice(("GAP", "PIPE_GAP", "HOLE")),
        "SPEED": r.choice(("SPEED", "SCROLL", "PIPE_SPEED")),
        "LAND": r.choice(("LAND_HEIGHT", "GROUND", "FLOOR")),
        "BIRD_X": r.choice(("BIRD_X", "START_X")),
        "screen": r.choice(("screen", "window")),
    }


def comment(r: random.Random, text: str, indent: str) -> str:
    return f"{indent}# {text}\n" if r.random() < 0.3 else ""


def _imports(r: random.Random) -> str:
    lines = ["import random", "import sys"]
    if r.random() < 0.3:
        lines.reverse()
    return "\n".join(
        [*lines, "", "import pygame"] if r.random() < 0.7 else ["import pygame", *lines]
    )


def head(r: random.Random, s: dict[str, str]) -> str:
    opening = [
        f"{s['screen']} = pygame.display.set_mode((WIDTH, HEIGHT))",
        "clock = pygame.time.Clock()",
        f"font = pygame.font.SysFont(None, {r.choice((30, 32, 36, 40))})",
    ]
    if r.random() < 0.5:
        opening.append('pygame.display.set_caption("Flappy Bird")')
    r.shuffle(opening)
    return "\n".join([_imports(r), "", "pygame.init()", constants(r, s), "", *opening])


def light(r: random.Random, s: dict[str, str]) -> str:
    low = r.choice((180, 190, 200))
    body = r.choice(
        (
            f"    return tuple(random.randint({low}, 255) for _ in range(3))",
            f"    red = random.randint({low}, 255)\n    green = random.randint({low}, 255)\n"
            f"    blue = random.randint({low}, 255)\n    return (red, green, blue)",
            f"    return [random.randint({low}, 255) for _ in range(3)]",
        )
    )
    return f"def {s['light']}():\n{body}"


def best_text(r: random.Random, best: str) -> str:
    """The expression for the text with the best score."""
    words = r.choice(("Best score", "Best", "Game over! Best score"))
    return r.choice((f'"{words}: " + str({best})', f'f"{words}: {{{best}}}"'))


def draw_shape(r: random.Random, s: dict[str, str], where: str, indent: str) -> str:
    """The three shapes; `where` is the prefix of the bird's values."""
    form = 'game["{}"]' if where == "game" else f"{where}{{}}"
    shape, color = form.format("shape"), form.format("color")
    screen = s["screen"]
    parts = {
        "square": f"pygame.draw.rect({screen}, {color}, (x - SIZE, y - SIZE, SIZE * 2, SIZE * 2))",
        "circle": f"pygame.draw.circle({screen}, {color}, (x, y), SIZE)",
        "triangle": "corners = [(x, y - SIZE), (x - SIZE, y + SIZE), (x + SIZE, y + SIZE)]\n"
        f"{indent}    pygame.draw.polygon({screen}, {color}, corners)",
    }
    order = list(parts)
    r.shuffle(order)
    lines = []
    for number, name in enumerate(order):
        test = "else:" if number == 2 else f'{"el" if number else ""}if {shape} == "{name}":'
        lines.append(f"{indent}{test}\n{indent}    {parts[name]}")
    return "\n".join(lines)


def join(r: random.Random, functions: list[str], shuffle: bool = True) -> str:
    if shuffle:
        r.shuffle(functions)
    return "\n\n\n".join(functions)


def quit_keys(r: random.Random) -> str:
    return r.choice(
        (
            "event.key in (pygame.K_q, pygame.K_ESCAPE)",
            "event.key == pygame.K_q or event.key == pygame.K_ESCAPE",
            "event.key in [pygame.K_ESCAPE, pygame.K_q]",
        )
    )


def leave(r: random.Random, indent: str) -> str:
    return r.choice((f"{indent}sys.exit()", f"{indent}pygame.quit()\n{indent}sys.exit()"))


def hit(r: random.Random, x: str, top: str, y: str, s: dict[str, str], indent: str) -> str:
    """Lines that set `hit`; the caller uses it."""
    gap, bird_x = s["GAP"], s["BIRD_X"]
    return r.choice(
        (
            f"{indent}inside = {x} - SIZE < {bird_x} < {x} + PIPE_WIDTH + SIZE\n"
            f"{indent}if inside and not {top} + SIZE < {y} < {top} + {gap} - SIZE:\n",
            f"{indent}if {x} < {bird_x} + SIZE and {bird_x} - SIZE < {x} + PIPE_WIDTH:\n"
            f"{indent}    if {y} - SIZE < {top} or {y} + SIZE > {top} + {gap}:\n    ",
        )
    )
