"""Any file of settings at all: a recipe or words, never a traceback, and never for long."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from qwqdesk.errors import UserError
from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.formats.importing import SeveralPartsError, import_file, import_text
from qwqdesk.sampling.formats.programs import PROGRAMS
from qwqdesk.sampling.formats.settings_text import MAX_YAML, read_ini, read_json, read_yaml

FOLDER = Path(__file__).parents[1] / "unit" / "sampling" / "formats" / "presets"
FILES = tuple(sorted(FOLDER.iterdir()))
NAMES = sorted(
    {name for program in PROGRAMS for name in (*program.places, *program.special, *program.orders)}
    | {"options", "params", "extra_body", "fields", "operation", "preset", "gendefaults", "cmd"}
    | {"logit_bias", "response_format", "grammar", "json_schema", "name", "format", "sampling"}
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["", "0.5", "-1", "none", "kt", "top_k;tfs", "--temp 1", '{"temp": 1}', "[]"])
)
ENTRIES = st.fixed_dictionaries({"key": st.sampled_from(NAMES), "value": SCALARS})


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(inner, max_size=4)
        | st.lists(ENTRIES, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=6)
    )


VALUES = st.recursive(SCALARS, _objects, max_leaves=25)


def _import(text: str) -> None:
    try:
        found = import_text(text, "x")
    except SeveralPartsError as error:
        for part in error.parts[:3]:
            with suppress(UserError):
                import_text(text, "x", part)
        return
    except UserError:
        return
    assert SamplerChain.from_json(found.recipe.chain.to_json()) == found.recipe.chain
    assert all(warning.text for warning in found.warnings)
    json.dumps(found.to_json(), allow_nan=False)


@settings(max_examples=50)
@given(VALUES)
def test_any_json(data: object) -> None:
    _import(json.dumps(data))


@settings(max_examples=50)
@given(VALUES)
def test_any_yaml(data: object) -> None:
    try:
        text = yaml.safe_dump(data)
    except yaml.YAMLError:
        return
    _import(text)
    _import(f"temperature: 1\nmore: {json.dumps(data)}\n")


@settings(max_examples=50)
@given(st.dictionaries(st.text("ab*x-", min_size=1, max_size=3), VALUES, max_size=4))
def test_any_ini(sections: Mapping[str, Any]) -> None:
    lines = ["temp = 0.5"]
    for name, values in sections.items():
        lines.append(f"[{name}]")
        pairs = values.items() if isinstance(values, Mapping) else ()
        lines += [f"{key} = {value}" for key, value in pairs]
    _import("\n".join(lines))


@given(st.binary(max_size=200))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    file.write_bytes(raw)
    with suppress(UserError):
        import_file(file)


PIECES = (
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    " ",
    "-",
    "#",
    "'",
    '"',
    "&a",
    "*a",
    "!!int",
    "<<",
    "|",
)


@given(st.lists(st.sampled_from([*PIECES, *NAMES[:40], "0.5", "=", "//", "FROM x", "--temp"])))
def test_any_signs(pieces: list[str]) -> None:
    text = "".join(pieces)
    _import(text)
    for read in (read_json, read_yaml, read_ini):
        with suppress(UserError):
            read(text)


@settings(max_examples=50)
@given(st.data())
def test_any_damage_to_a_real_file(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(FILES)).read_text(encoding="utf-8")
    at = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(at, min(len(text), at + 20)))
    _import(text[:at] + data.draw(st.sampled_from(["", "\n", "{", '"', "null", "\0"])) + text[end:])


# ---------------------------------------------------------------- bombs


def _refused(text: str) -> UserError:
    began = time.thread_time()
    with pytest.raises(UserError) as caught:
        import_text(text, "x")
    assert time.thread_time() - began < 5.0
    return caught.value


def test_aliases_that_multiply_are_refused_or_cost_nothing() -> None:
    levels = ["a0: &a0 [x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 7)]
    assert "no sampling setting" in _refused("\n".join(levels)).what
    more = "\n".join([*levels, *(f"b{n}: [*a6, *a6, *a6]" for n in range(20))])
    assert "too many aliases" in _refused(more).what


def test_merges_that_multiply_are_refused_or_cost_nothing() -> None:
    levels = ["a0: &a0 {a: 1, b: 2, c: 3, d: 4}"]
    levels += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 7)]
    _refused("\n".join(levels))  # newer releases of PyYAML take each pair once
    assert "too many keys" in _refused("\n".join(f"k{n}: 1" for n in range(6000))).what


def test_an_object_that_holds_itself_is_walked_once() -> None:
    found = import_text("temperature: 0.5\nmore: &a [*a, *a]\n", "x")
    assert found.unmapped == ("more",)
    _refused("more: &a {b: *a, c: *a}\n")


def test_texts_that_are_too_long_or_deep_are_refused() -> None:
    assert "characters" in _refused("temperature: 1\n" + "# \n" * MAX_YAML).what
    assert "deep" in _refused("temperature: " + "[" * 3000 + "]" * 3000).what
    deep = '{"a":' * 400 + '{"temperature": 0.5}' + "}" * 400
    _refused(deep)


def test_a_file_with_very_many_parts_lists_some() -> None:
    rows = [{"name": f"m{n}", "params": {"temperature": 0.5, "top_k": n}} for n in range(3000)]
    error = _refused(json.dumps(rows))
    assert isinstance(error, SeveralPartsError)
    assert len(error.what) < 500
