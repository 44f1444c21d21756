"""Flappy Bird programs of varied structure, names, constants and comments.

Four structures: functions around a dictionary, one class for everything, classes for the bird
and the pipes, and one flat script. All of them meet the points of
`resources/prompts/flappy_bird.txt`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from string import Template

PROMPT_FILE = Path(__file__).parents[2] / "resources" / "prompts" / "flappy_bird.txt"

SHORT_PROMPTS = (
    "Create a Flappy Bird game in Python.",
    "Write a Flappy Bird game with pygame.",
    "Write Flappy Bird in Python.",
    "Please write a Flappy Bird game in Python with pygame.",
    "Can you write a Flappy Bird clone in Python?",
)

DARK = ("(139, 0, 0)", "(0, 0, 139)", "(0, 100, 0)", "(75, 0, 130)", "(60, 60, 20)", "(40, 40, 40)")
LAND = ("(101, 67, 33)", "(90, 60, 30)", "(80, 50, 20)")
YELLOW = ("(204, 170, 0)", "(218, 165, 32)", "(230, 200, 40)")
SKY = ("(173, 216, 230)", "(135, 206, 235)", "(180, 220, 250)", "(176, 224, 255)")


@dataclass(frozen=True)
class Program:
    """A program and the plan that the reasoning tells before it."""

    plan: str
    code: str


def _constants(r: random.Random, s: dict[str, str]) -> str:
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


def _names(r: random.Random) -> dict[str, str]:
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


def _comment(r: random.Random, text: str, indent: str) -> str:
    return f"{indent}# {text}\n" if r.random() < 0.3 else ""


def _imports(r: random.Random) -> str:
    lines = ["import random", "import sys"]
    if r.random() < 0.3:
        lines.reverse()
    return "\n".join(
        [*lines, "", "import pygame"] if r.random() < 0.7 else ["import pygame", *lines]
    )


def _head(r: random.Random, s: dict[str, str]) -> str:
    opening = [
        f"{s['screen']} = pygame.display.set_mode((WIDTH, HEIGHT))",
        "clock = pygame.time.Clock()",
        f"font = pygame.font.SysFont(None, {r.choice((30, 32, 36, 40))})",
    ]
    if r.random() < 0.5:
        opening.append('pygame.display.set_caption("Flappy Bird")')
    r.shuffle(opening)
    return "\n".join([_imports(r), "", "pygame.init()", _constants(r, s), "", *opening])


def _light(r: random.Random, s: dict[str, str]) -> str:
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


def _best_text(r: random.Random, best: str) -> str:
    """The expression for the text with the best score."""
    words = r.choice(("Best score", "Best", "Game over! Best score"))
    return r.choice((f'"{words}: " + str({best})', f'f"{words}: {{{best}}}"'))


def _draw_shape(r: random.Random, s: dict[str, str], where: str, indent: str) -> str:
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


def _join(r: random.Random, functions: list[str], shuffle: bool = True) -> str:
    if shuffle:
        r.shuffle(functions)
    return "\n\n\n".join(functions)


def _quit_keys(r: random.Random) -> str:
    return r.choice(
        (
            "event.key in (pygame.K_q, pygame.K_ESCAPE)",
            "event.key == pygame.K_q or event.key == pygame.K_ESCAPE",
            "event.key in [pygame.K_ESCAPE, pygame.K_q]",
        )
    )


def _leave(r: random.Random, indent: str) -> str:
    return r.choice((f"{indent}sys.exit()", f"{indent}pygame.quit()\n{indent}sys.exit()"))


def _hit(r: random.Random, x: str, top: str, y: str, s: dict[str, str], indent: str) -> str:
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


FUNCTIONS_MAIN = Template("""\
def main():
    $best = 0
    $back = LIGHT_BLUE
    game = new_game()
    while True:
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
$leave4
            if event.type == pygame.KEYDOWN:
                if $quit_keys:
$leave5
                if event.key == pygame.K_SPACE:
                    if game["$over"]:
                        game = new_game()
                        $back = $light()
                    else:
                        game["$vel"] = $FLAP
        if not game["$over"]:
            update(game)
            $best = max($best, game["$score"])
        $screen.fill($back)
        draw(game)
        if game["$over"]:
            text = font.render($best_text, True, $ink)
            $screen.blit(text, (WIDTH // 2 - text.get_width() // 2, HEIGHT // 2))
        pygame.display.$flip()
        clock.tick(60)


if __name__ == "__main__":
    main()""")


def functions_program(r: random.Random, s: dict[str, str]) -> str:
    """Functions around one dictionary."""
    pipe, pipes, over = s["pipe"], s["pipes"], s["over"]
    state = [
        '"y": HEIGHT // 2,',
        f'"{s["vel"]}": 0,',
        '"shape": random.choice(SHAPES),',
        '"color": random.choice(DARK_COLORS),',
        '"land": random.choice(LAND_COLORS),',
        f'"{pipes}": [new_{pipe}(WIDTH)],',
        f'"{s["score"]}": 0,',
        f'"{over}": False,',
    ]
    r.shuffle(state)
    far = r.choice((180, 200, 220))
    new_pipe = (
        f"def new_{pipe}(x):\n"
        f"    top = random.randint(50, HEIGHT - {s['LAND']} - {s['GAP']} - 50)\n"
        + r.choice(
            (
                '    return {"x": x, "top": top, "color": random.choice(PIPE_COLORS), '
                '"passed": False}',
                "    color = random.choice(PIPE_COLORS)\n"
                '    return {"x": x, "top": top, "color": color, "passed": False}',
            )
        )
    )
    new_game = (
        "def new_game():\n    return {\n" + "".join(f"        {x}\n" for x in state) + "    }"
    )
    y = 'game["y"]'
    update = (
        "def update(game):\n"
        f'    game["{s["vel"]}"] += GRAVITY\n'
        f'    game["y"] += game["{s["vel"]}"]\n'
        f'    for {pipe} in game["{pipes}"]:\n'
        f'        {pipe}["x"] -= {s["SPEED"]}\n'
        f'        if not {pipe}["passed"] and {pipe}["x"] + PIPE_WIDTH < {s["BIRD_X"]}:\n'
        f'            {pipe}["passed"] = True\n'
        f'            game["{s["score"]}"] += 1\n'
        + _comment(r, f"check if the {s['bird']} hits the {pipe}", "        ")
        + _hit(r, f'{pipe}["x"]', f'{pipe}["top"]', y, s, "        ")
        + f'            game["{over}"] = True\n'
        + _comment(r, f"add a new {pipe}", "    ")
        + f'    if game["{pipes}"][-1]["x"] < WIDTH - random.randint({far}, {far + 100}):\n'
        f'        game["{pipes}"].append(new_{pipe}(WIDTH))\n'
        f'    if game["{pipes}"][0]["x"] < -PIPE_WIDTH:\n'
        f'        game["{pipes}"].pop(0)\n'
        f'    if game["y"] > HEIGHT - {s["LAND"]} - SIZE or game["y"] < 0:\n'
        f'        game["{over}"] = True'
    )
    screen = s["screen"]
    draw = (
        "def draw(game):\n"
        f'    for {pipe} in game["{pipes}"]:\n'
        f'        x, top = {pipe}["x"], {pipe}["top"]\n'
        f'        pygame.draw.rect({screen}, {pipe}["color"], (x, 0, PIPE_WIDTH, top))\n'
        f'        pygame.draw.rect({screen}, {pipe}["color"], '
        f"(x, top + {s['GAP']}, PIPE_WIDTH, HEIGHT))\n"
        f'    pygame.draw.rect({screen}, game["land"], '
        f"(0, HEIGHT - {s['LAND']}, WIDTH, {s['LAND']}))\n"
        f'    x, y = {s["BIRD_X"]}, int(game["y"])\n'
        + _draw_shape(r, s, "game", "    ")
        + f'\n    text = font.render(str(game["{s["score"]}"]), True, {s["ink"]})\n'
        f"    {screen}.blit(text, (WIDTH - text.get_width() - 10, 10))"
    )
    main = FUNCTIONS_MAIN.substitute(s)
    functions = [_light(r, s), new_pipe, new_game, update, draw]
    return _head(r, s) + "\n\n\n" + _join(r, functions) + "\n\n\n" + main


CLASS_RUN = Template("""\
    def run(self):
        while True:
            for event in pygame.event.get():
                if event.type == pygame.QUIT:
$leave5
                if event.type == pygame.KEYDOWN:
                    self.key(event)
            if not self.$over:
                self.update()
            self.draw()
            clock.tick(60)""")

CLASS_KEY = Template("""\
    def key(self, event):
        if $quit_keys:
$leave3
        if event.key == pygame.K_SPACE:
            if self.$over:
                self.reset()
                self.$back = $light()
            else:
                self.$vel = $FLAP""")


def class_program(r: random.Random, s: dict[str, str]) -> str:
    """One class that holds the whole game; pipes are lists."""
    pipe, pipes, over, screen = s["pipe"], s["pipes"], s["over"], s["screen"]
    state = [
        "self.y = HEIGHT // 2",
        f"self.{s['vel']} = 0",
        "self.shape = random.choice(SHAPES)",
        "self.color = random.choice(DARK_COLORS)",
        "self.land = random.choice(LAND_COLORS)",
        f"self.{pipes} = []",
        f"self.{s['score']} = 0",
        f"self.{over} = False",
    ]
    r.shuffle(state)
    far = r.choice((180, 200, 220))
    start = [f"self.{s['best']} = 0", f"self.{s['back']} = LIGHT_BLUE", "self.reset()"]
    init = "    def __init__(self):\n" + "\n".join(f"        {x}" for x in start)
    reset = (
        "    def reset(self):\n"
        + "\n".join(f"        {x}" for x in state)
        + f"\n        self.add_{pipe}()"
    )
    add = (
        f"    def add_{pipe}(self):\n"
        f"        top = random.randint(50, HEIGHT - {s['LAND']} - {s['GAP']} - 50)\n"
        "        color = random.choice(PIPE_COLORS)\n"
        f"        self.{pipes}.append([WIDTH, top, color, False])"
    )
    update = (
        "    def update(self):\n"
        f"        self.{s['vel']} += GRAVITY\n"
        f"        self.y += self.{s['vel']}\n"
        f"        for {pipe} in self.{pipes}:\n"
        f"            {pipe}[0] -= {s['SPEED']}\n"
        f"            if not {pipe}[3] and {pipe}[0] + PIPE_WIDTH < {s['BIRD_X']}:\n"
        f"                {pipe}[3] = True\n"
        f"                self.{s['score']} += 1\n"
        + _hit(r, f"{pipe}[0]", f"{pipe}[1]", "self.y", s, "            ")
        + f"                self.{over} = True\n"
        + _comment(r, f"add a new {pipe}", "        ")
        + f"        if self.{pipes}[-1][0] < WIDTH - random.randint({far}, {far + 100}):\n"
        f"            self.add_{pipe}()\n"
        f"        if self.{pipes}[0][0] < -PIPE_WIDTH:\n"
        f"            self.{pipes}.pop(0)\n"
        f"        if self.y > HEIGHT - {s['LAND']} - SIZE or self.y < 0:\n"
        f"            self.{over} = True\n"
        f"        self.{s['best']} = max(self.{s['best']}, self.{s['score']})"
    )
    draw = (
        "    def draw(self):\n"
        f"        {screen}.fill(self.{s['back']})\n"
        f"        for x, top, color, passed in self.{pipes}:\n"
        f"            pygame.draw.rect({screen}, color, (x, 0, PIPE_WIDTH, top))\n"
        f"            pygame.draw.rect({screen}, color, "
        f"(x, top + {s['GAP']}, PIPE_WIDTH, HEIGHT))\n"
        f"        pygame.draw.rect({screen}, self.land, "
        f"(0, HEIGHT - {s['LAND']}, WIDTH, {s['LAND']}))\n"
        f"        x, y = {s['BIRD_X']}, int(self.y)\n"
        + _draw_shape(r, s, "self.", "        ")
        + f"\n        text = font.render(str(self.{s['score']}), True, {s['ink']})\n"
        f"        {screen}.blit(text, (WIDTH - text.get_width() - 10, 10))\n"
        f"        if self.{over}:\n"
        f"            text = font.render({s['best_text']}, True, {s['ink']})\n"
        f"            {screen}.blit(text, (WIDTH // 2 - text.get_width() // 2, HEIGHT // 2))\n"
        f"        pygame.display.{s['flip']}()"
    )
    methods = [reset, add, CLASS_KEY.substitute(s), update, draw]
    r.shuffle(methods)
    body = "\n\n".join([init, *methods, CLASS_RUN.substitute(s)])
    end = r.choice(('if __name__ == "__main__":\n    Game().run()', "Game().run()"))
    return f"{_head(r, s)}\n\n\n{_light(r, s)}\n\n\nclass Game:\n{body}\n\n\n{end}"


OBJECTS_MAIN = Template("""\
def main():
    $best = 0
    $back = LIGHT_BLUE
    $bird, $pipes, $score, land = $Bird(), [$Pipe()], 0, random.choice(LAND_COLORS)
    $over = False
    while True:
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
$leave4
            if event.type == pygame.KEYDOWN:
                if $quit_keys:
$leave5
                if event.key == pygame.K_SPACE and not $over:
                    $bird.$vel = $FLAP
                elif event.key == pygame.K_SPACE:
                    $bird, $pipes, $score, $over = $Bird(), [$Pipe()], 0, False
                    $back, land = $light(), random.choice(LAND_COLORS)
        if not $over:
            $bird.move()
            for $pipe in $pipes:
                if $pipe.move():
                    $score += 1
                if $pipe.hits($bird.y):
                    $over = True
            if $pipes[-1].x < WIDTH - random.randint($far, $far2):
                $pipes.append($Pipe())
            if $pipes[0].x < -PIPE_WIDTH:
                $pipes.pop(0)
            if $bird.y > HEIGHT - $LAND - SIZE or $bird.y < 0:
                $over = True
            $best = max($best, $score)
        $screen.fill($back)
        for $pipe in $pipes:
            $pipe.draw()
        pygame.draw.rect($screen, land, (0, HEIGHT - $LAND, WIDTH, $LAND))
        $bird.draw()
        text = font.render(str($score), True, $ink)
        $screen.blit(text, (WIDTH - text.get_width() - 10, 10))
        if $over:
            text = font.render($best_text, True, $ink)
            $screen.blit(text, (WIDTH // 2 - text.get_width() // 2, HEIGHT // 2))
        pygame.display.$flip()
        clock.tick(60)


main()""")

PIPE_CLASS = Template("""\
class $Pipe:
    def __init__(self):
        self.x = WIDTH
        self.top = random.randint(50, HEIGHT - $LAND - $GAP - 50)
        self.color = random.choice(PIPE_COLORS)
        self.passed = False

    def move(self):
        self.x -= $SPEED
        if self.passed or self.x + PIPE_WIDTH > $BIRD_X:
            return False
        self.passed = True
        return True

    def hits(self, y):
        if self.x > $BIRD_X + SIZE or self.x + PIPE_WIDTH < $BIRD_X - SIZE:
            return False
        return y - SIZE < self.top or y + SIZE > self.top + $GAP

    def draw(self):
        pygame.draw.rect($screen, self.color, (self.x, 0, PIPE_WIDTH, self.top))
        pygame.draw.rect($screen, self.color, (self.x, self.top + $GAP, PIPE_WIDTH, HEIGHT))""")


def objects_program(r: random.Random, s: dict[str, str]) -> str:
    """A class for the bird, a class for the pipes, a main function."""
    far = r.choice((180, 200, 220))
    s = {**s, "Bird": s["bird"].title(), "Pipe": s["pipe"].title()}
    s.update(far=str(far), far2=str(far + 100))
    state = [
        "self.y = HEIGHT // 2",
        f"self.{s['vel']} = 0",
        "self.shape = random.choice(SHAPES)",
        "self.color = random.choice(DARK_COLORS)",
    ]
    r.shuffle(state)
    bird = (
        f"class {s['Bird']}:\n    def __init__(self):\n"
        + "\n".join(f"        {x}" for x in state)
        + f"\n\n    def move(self):\n        self.{s['vel']} += GRAVITY\n"
        f"        self.y += self.{s['vel']}\n\n"
        f"    def draw(self):\n        x, y = {s['BIRD_X']}, int(self.y)\n"
        + _draw_shape(r, s, "self.", "        ")
    )
    parts = [_light(r, s), bird, PIPE_CLASS.substitute(s)]
    return f"{_head(r, s)}\n\n\n{_join(r, parts)}\n\n\n{OBJECTS_MAIN.substitute(s)}"


SCRIPT = Template("""\
$best = 0
$back = LIGHT_BLUE
$over = True
first = True
while True:
    if first:
        y, $vel, $score, $over, first = HEIGHT // 2, 0, 0, False, False
        shape, color = random.choice(SHAPES), random.choice(DARK_COLORS)
        land, $pipes = random.choice(LAND_COLORS), []
    for event in pygame.event.get():
        if event.type == pygame.QUIT:
$leave3
        if event.type == pygame.KEYDOWN:
            if $quit_keys:
$leave4
            if event.key == pygame.K_SPACE:
                if $over:
                    first = True
                    $back = $light()
                else:
                    $vel = $FLAP
    if not $over:
        $vel += GRAVITY
        y += $vel
        if not $pipes or $pipes[-1][0] < WIDTH - random.randint($far, $far2):
            top = random.randint(50, HEIGHT - $LAND - $GAP - 50)
            $pipes.append([WIDTH, top, random.choice(PIPE_COLORS)])
        for $pipe in $pipes:
            $pipe[0] -= $SPEED
$hit                $over = True
        if $pipes[0][0] < -PIPE_WIDTH:
            $pipes.pop(0)
            $score += 1
            $best = max($best, $score)
        if y > HEIGHT - $LAND - SIZE or y < 0:
            $over = True
    $screen.fill($back)
    for x, top, pipe_color in $pipes:
        pygame.draw.rect($screen, pipe_color, (x, 0, PIPE_WIDTH, top))
        pygame.draw.rect($screen, pipe_color, (x, top + $GAP, PIPE_WIDTH, HEIGHT))
    pygame.draw.rect($screen, land, (0, HEIGHT - $LAND, WIDTH, $LAND))
    x = $BIRD_X
$shapes
    text = font.render(str($score), True, $ink)
    $screen.blit(text, (WIDTH - text.get_width() - 10, 10))
    if $over:
        text = font.render($best_text, True, $ink)
        $screen.blit(text, (WIDTH // 2 - text.get_width() // 2, HEIGHT // 2))
    pygame.display.$flip()
    clock.tick(60)""")


def script_program(r: random.Random, s: dict[str, str]) -> str:
    """One flat script with one helper function."""
    far = r.choice((180, 200, 220))
    hit = _hit(r, f"{s['pipe']}[0]", f"{s['pipe']}[1]", "y", s, "            ")
    shapes = _draw_shape(r, s, "", "    ")
    body = SCRIPT.substitute(s, far=far, far2=far + 100, hit=hit, shapes=shapes)
    return f"{_head(r, s)}\n\n\n{_light(r, s)}\n\n\n{body}"


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
    s = _names(r)
    best = f"self.{s['best']}" if structure == "class" else s["best"]
    s["best_text"] = _best_text(r, best)
    s["ink"] = r.choice(("(0, 0, 0)", "(20, 20, 20)"))
    s["flip"] = r.choice(("flip", "update"))
    s["quit_keys"] = _quit_keys(r)
    leave = _leave(r, "")
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
