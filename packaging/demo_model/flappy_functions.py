"""Flappy Bird without classes: functions around a dictionary, and one flat script."""

from __future__ import annotations

import random
from string import Template

import flappy_parts as parts

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
        + parts.comment(r, f"check if the {s['bird']} hits the {pipe}", "        ")
        + parts.hit(r, f'{pipe}["x"]', f'{pipe}["top"]', y, s, "        ")
        + f'            game["{over}"] = True\n'
        + parts.comment(r, f"add a new {pipe}", "    ")
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
        + parts.draw_shape(r, s, "game", "    ")
        + f'\n    text = font.render(str(game["{s["score"]}"]), True, {s["ink"]})\n'
        f"    {screen}.blit(text, (WIDTH - text.get_width() - 10, 10))"
    )
    main = FUNCTIONS_MAIN.substitute(s)
    functions = [parts.light(r, s), new_pipe, new_game, update, draw]
    return parts.head(r, s) + "\n\n\n" + parts.join(r, functions) + "\n\n\n" + main


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
    hit = parts.hit(r, f"{s['pipe']}[0]", f"{s['pipe']}[1]", "y", s, "            ")
    shapes = parts.draw_shape(r, s, "", "    ")
    body = SCRIPT.substitute(s, far=far, far2=far + 100, hit=hit, shapes=shapes)
    return f"{parts.head(r, s)}\n\n\n{parts.light(r, s)}\n\n\n{body}"
