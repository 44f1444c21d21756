"""Flappy Bird with classes: one for the whole game, or one for the bird and one for the pipes."""

from __future__ import annotations

import random
from string import Template

import flappy_parts as parts

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
        + parts.hit(r, f"{pipe}[0]", f"{pipe}[1]", "self.y", s, "            ")
        + f"                self.{over} = True\n"
        + parts.comment(r, f"add a new {pipe}", "        ")
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
        + parts.draw_shape(r, s, "self.", "        ")
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
    return f"{parts.head(r, s)}\n\n\n{parts.light(r, s)}\n\n\nclass Game:\n{body}\n\n\n{end}"


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
        + parts.draw_shape(r, s, "self.", "        ")
    )
    pieces = [parts.light(r, s), bird, PIPE_CLASS.substitute(s)]
    return f"{parts.head(r, s)}\n\n\n{parts.join(r, pieces)}\n\n\n{OBJECTS_MAIN.substitute(s)}"
