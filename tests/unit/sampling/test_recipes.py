"""Recipes: the built-in ones, files of the user, names from anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.constraints import Constraints, TextBias
from qwqdesk.sampling.formats.exporting import EXPORT_FORMATS, export_recipe
from qwqdesk.sampling.formats.importing import import_file, import_text
from qwqdesk.sampling.recipe_files import delete_recipe, load_recipes, save_recipe
from qwqdesk.sampling.recipes import (
    BUILTIN_RECIPES,
    MAX_ID,
    Recipe,
    free_title,
    recipe_id,
    recipe_named,
)
from qwqdesk.sampling.samplers import DEFAULT_ORDER, PARAMS
from tests.unit.sampling.chain_strategies import CHAINS, JSON

IDS = [
    *("qwen", "unsloth", "unsloth+penalties", "llama.cpp", "llama.cpp+1.1", "llama.cpp+1.5"),
    *("llama.cpp-default+1.1", "llama.cpp-default+1.5"),
]


def builtin(name: str) -> SamplerChain:
    return recipe_named(name, BUILTIN_RECIPES).chain


def test_the_builtin_ids_and_that_they_state_every_value() -> None:
    assert [recipe.id for recipe in BUILTIN_RECIPES] == [*IDS, "greedy"]
    for recipe in BUILTIN_RECIPES:
        assert set(recipe.values) == set(PARAMS)
        assert recipe.title
        assert recipe.source
        assert recipe.meaning


def test_the_guides_values() -> None:
    literal = builtin("unsloth")
    assert literal.order_text == "top_k;top_p;min_p;temperature;dry;typ_p;xtc"
    assert [literal[n] for n in ("temperature", "top_k", "top_p", "min_p")] == [0.6, 40, 0.95, 0.1]
    assert (literal["repeat_penalty"], literal["dry_multiplier"]) == (1.1, 0.5)
    assert literal["seed"] == 3407
    fixed = builtin("unsloth+penalties")
    assert fixed.without_step("penalties") == literal
    failing = builtin("llama.cpp+1.1")
    assert failing.with_samplers(literal.samplers) == literal
    assert failing.samplers == DEFAULT_ORDER
    assert builtin("llama.cpp+1.5")["repeat_penalty"] == 1.5
    assert builtin("llama.cpp") == SamplerChain.of()
    assert builtin("qwen")["repeat_penalty"] == 1.0
    assert (builtin("greedy")["temperature"], builtin("greedy")["top_k"]) == (0.0, 1)


@pytest.mark.parametrize("penalty", [1.1, 1.5])
def test_a_title_says_whose_values_a_recipe_has(penalty: float) -> None:
    guide = recipe_named(f"llama.cpp+{penalty}", BUILTIN_RECIPES)
    assert guide.title == f"Unsloth's values, llama.cpp's order, penalty {penalty}"
    assert guide.chain == builtin("unsloth").with_samplers(DEFAULT_ORDER).with_values(
        repeat_penalty=penalty
    )
    plain = recipe_named(f"llama.cpp-default+{penalty}", BUILTIN_RECIPES)
    assert plain.title == f"llama.cpp default + penalty {penalty}"
    assert plain.chain == SamplerChain.of(repeat_penalty=penalty)


def test_recipes_are_found_by_id_or_title() -> None:
    assert recipe_named(" UNSLOTH ", BUILTIN_RECIPES).id == "unsloth"
    assert recipe_named("greedy", BUILTIN_RECIPES).id == "greedy"
    assert recipe_named("Qwen official", BUILTIN_RECIPES).id == "qwen"
    with pytest.raises(UserError, match="no recipe named 'x'") as caught:
        recipe_named("x", BUILTIN_RECIPES)
    assert "unsloth+penalties" in caught.value.what_to_do


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My recipe!", "my-recipe"),
        ("../../etc/passwd", "etc-passwd"),
        ("C:\\x", "c-x"),
        ("CON", "recipe-con"),
        ("nul.txt", "recipe-nul.txt"),
        ("  ", "recipe"),
        ("-rf", "rf"),
        ("레시피 하나", "레시피-하나"),
        ("a=b", "a-b"),
    ],
)
def test_names_become_safe(text: str, name: str) -> None:
    assert recipe_id(text) == name


@given(st.text())
def test_any_name_is_safe_and_stays_the_same(text: str) -> None:
    name = recipe_id(text)
    assert recipe_id(name) == name
    assert 0 < len(name) <= MAX_ID + len("recipe-")
    assert not set(name) & set('/\\:*?"<>|= \0\n')
    assert not name.startswith((".", "-"))


def test_saving_loading_deleting(tmp_path: Path) -> None:
    folder = tmp_path / "recipes"
    recipe = Recipe.of(SamplerChain.of(top_k=7, logit_bias=[[1, False]]), "Mine\n!", source="me")
    path = save_recipe(folder, recipe)
    assert path.name == f"{recipe.id}.json"
    found = load_recipes(folder)
    assert found.problems == ()
    assert found.recipes[-1] == recipe
    assert found.named(recipe.id).chain["top_k"] == 7
    assert [p.name for p in folder.iterdir()] == [path.name]
    delete_recipe(folder, recipe.id)
    assert load_recipes(folder).recipes == BUILTIN_RECIPES


def test_one_broken_file_never_hides_the_others(tmp_path: Path) -> None:
    save_recipe(tmp_path, Recipe.of(SamplerChain.of(), "good"))
    (tmp_path / "broken.json").write_text("{", "utf-8")
    (tmp_path / "deep.json").write_text("[" * 100_000, "utf-8")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "list.json").write_text("[1]", "utf-8")
    (tmp_path / "digits.json").write_text("1" * 5000, "utf-8")
    (tmp_path / "note.txt").write_text("not a recipe", "utf-8")
    newer = {**Recipe.of(SamplerChain.of(), "newer").to_json(), "version": 2}
    (tmp_path / "newer.json").write_text(json.dumps(newer), "utf-8")
    wrong = Recipe.of(SamplerChain.of(), "wrong").to_json()
    wrong["sampling"]["top_p"] = 7
    (tmp_path / "wrong.json").write_text(json.dumps(wrong), "utf-8")
    builtin_name = Recipe.of(SamplerChain.of(), "x").to_json()
    (tmp_path / "qwen.json").write_text(json.dumps(builtin_name), "utf-8")
    found = load_recipes(tmp_path)
    assert [recipe.id for recipe in found.recipes[len(BUILTIN_RECIPES) :]] == ["good"]
    assert len(found.problems) == 8
    assert any("top_p cannot be 7" in problem for problem in found.problems)


def test_builtin_recipes_cannot_be_replaced_or_deleted(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="built-in"):
        save_recipe(tmp_path, Recipe.of(SamplerChain.of(), "qwen"))
    for name in ("qwen", "../x", ""):
        with pytest.raises(UserError, match="no recipe file"):
            delete_recipe(tmp_path, name)


def test_a_folder_that_cannot_be_written_is_a_user_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", "utf-8")
    with pytest.raises(UserError, match="cannot be saved"):
        save_recipe(blocked, Recipe.of(SamplerChain.of(), "x"))
    assert load_recipes(blocked).problems
    assert load_recipes(None).recipes == BUILTIN_RECIPES


@given(JSON)
def test_hostile_recipes_only_ever_raise_user_errors(data: object) -> None:
    with pytest.raises(UserError):
        Recipe.from_json(data)


@pytest.mark.parametrize("to", EXPORT_FORMATS)
def test_every_builtin_recipe_is_exported(to: str) -> None:
    for recipe in BUILTIN_RECIPES:
        exported = export_recipe(recipe, to)
        assert exported.format == to
        assert exported.text.strip()


@given(CHAINS)
def test_json_and_arguments_come_back_whole(chain: SamplerChain) -> None:
    recipe = Recipe.of(chain, "mine")
    for to in ("json", "llama-args"):
        assert import_text(export_recipe(recipe, to).text, "mine").recipe.chain == chain
    export_recipe(recipe, "modelfile")


def test_what_llama_server_would_refuse_is_lost() -> None:
    chain = SamplerChain.of(repeat_last_n=-1, dry_sequence_breakers=[])
    exported = export_recipe(Recipe.of(chain, "x"), "llama-server")
    assert exported.lost == ("repeat_last_n", "dry_sequence_breakers")
    assert json.loads(exported.text)["logit_bias"] == []


def test_a_modelfile_does_what_the_chain_does() -> None:
    exported = export_recipe(recipe_named("unsloth", BUILTIN_RECIPES), "ollama")
    assert "PARAMETER repeat_penalty 1.0\n" in exported.text
    assert "PARAMETER temperature 0.6\n" in exported.text
    assert "dry_multiplier" in exported.lost
    assert "samplers" in exported.lost
    plain = export_recipe(recipe_named("llama.cpp", BUILTIN_RECIPES), "modelfile")
    assert plain.lost == ("samplers",)
    assert "seed" not in plain.text


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UserError, match="no export format 'pdf'"):
        export_recipe(BUILTIN_RECIPES[0], "pdf")


def test_importing_a_command_line_names_what_has_no_place() -> None:
    imported = import_text("llama-cli -m q.gguf -t 4 --temp 0.7 --samplers temperature", "hot")
    assert imported.recipe.id == "hot"
    assert imported.recipe.chain == SamplerChain.of(["temperature"], temperature=0.7)
    assert imported.unmapped == ("-m", "-t")


def test_an_imported_recipe_never_takes_a_builtin_name(tmp_path: Path) -> None:
    text = export_recipe(recipe_named("unsloth+penalties", BUILTIN_RECIPES), "json").text
    imported = import_text(text, "x").recipe
    assert imported.id == "unsloth+penalties-copy"
    assert save_recipe(tmp_path, imported).is_file()


def test_importing_a_servers_request() -> None:
    body = {"temp": 0.7, "samplers": "kt", "stop": "x", "prompt": "hi", "logit_bias": [[1, False]]}
    imported = import_text(json.dumps(body), "req")
    assert imported.recipe.samplers == ("top_k", "temperature")
    assert imported.recipe.values["stop"] == ("x",)
    assert imported.unmapped == ("prompt",)


def test_importing_what_show_prints() -> None:
    chain = SamplerChain.of(["top_k"], top_k=3)
    shown = {"name": "mine", "title": "Mine", "source": "me", "sampling": chain.to_json()}
    recipe = import_text(json.dumps(shown), "x").recipe
    assert (recipe.id, recipe.title, recipe.source, recipe.chain) == ("mine", "Mine", "me", chain)
    lane = {"label": "A", "sampling": chain.to_json(), "tokens": []}
    assert import_text(json.dumps(lane), "from a run").recipe.id == "from-a-run"


@pytest.mark.parametrize("text", ["{}", "[]", "[1]", "{", "llama-cli -m x", "", "hello world"])
def test_texts_that_are_no_recipe(text: str) -> None:
    with pytest.raises(UserError):
        import_text(text, "x")


def test_importing_files(tmp_path: Path) -> None:
    path = tmp_path / "My line.txt"
    path.write_text("./llama-cli \\\n --temp 0.7", "utf-8")
    assert import_file(path).recipe.id == "my-line"
    path.write_bytes(b"\xff\xff")
    for wrong in (path, tmp_path / "missing", tmp_path):
        with pytest.raises(UserError):
            import_file(wrong)


LIMITS = Constraints(
    grammar='root ::= "yes" | "no"', banned_strings=("it's",), text_biases=(TextBias("a b", -2.0),)
)


@pytest.mark.parametrize("to", EXPORT_FORMATS)
def test_an_export_names_every_constraint_that_it_does_not_carry(to: str) -> None:
    exported = export_recipe(Recipe.of(SamplerChain.of(), "Mine", constraints=LIMITS), to)
    lost = {
        "json": set(),
        "llama-args": {"banned_strings", "logit_bias_text"},
        "llama-server": {"banned_strings"},
    }.get(to, {"grammar", "banned_strings", "logit_bias_text"})
    assert lost == {name for name in exported.lost if name in LIMITS.names}


@pytest.mark.parametrize("to", ["json", "llama-args"])
def test_what_this_program_exports_it_reads_with_its_constraints(to: str) -> None:
    recipe = Recipe.of(SamplerChain.of(), "Mine", constraints=LIMITS)
    assert import_text(export_recipe(recipe, to).text, "Mine").recipe.constraints == LIMITS


def test_recipe_files_without_constraints_are_read(tmp_path: Path) -> None:
    data = Recipe.of(SamplerChain.of(), "Old").to_json()
    assert "constraints" not in data
    (tmp_path / "old.json").write_text(json.dumps(data))
    assert not load_recipes(tmp_path).named("old").constraints


@pytest.mark.parametrize("title", ["Calm", "x" * 300, "\ufdfa" * 60, "..."])
def test_a_free_title_is_found_for_any_title(title: str) -> None:
    recipes: list[Recipe] = []
    for _ in range(3):
        recipes.append(Recipe.of(SamplerChain.of(), free_title(title, recipes)))
    assert len({recipe.id for recipe in recipes}) == 3
    assert recipes[0].title == title
