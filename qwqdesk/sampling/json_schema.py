"""JSON schemas as GBNF grammars, so that an answer is JSON of that shape.

The accepted texts are those of llama.cpp's own converter (common/json-schema-to-grammar.cpp,
0c1e57098) for the keywords that both know, so that its programs draw the same tokens with
``--json-schema``. Keywords without effect are listed, never dropped silently.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from qwqdesk.sampling.grammar import MAX_TEXT, check_grammar
from qwqdesk.sampling.grammar_reader import MAX_NESTING
from qwqdesk.sampling.json_numbers import integer_range
from qwqdesk.sampling.json_object import Member, object_body
from qwqdesk.sampling.json_places import Path, path_text, place, read_json
from qwqdesk.sampling.json_rules import Rules, literal, repeated
from qwqdesk.sampling.param import shown
from qwqdesk.sampling.text_error import TextError

CODE: Final = "json_schema"
_MAX_DEPTH: Final = 100
_MAX_TOLD_APART: Final = MAX_NESTING - 10
"""Characters of a name that other names are told from: each is a group inside the last one."""

# Words about a value that do not limit it.
_ANNOTATIONS: Final = frozenset(
    (
        *("$schema", "$id", "$comment", "$anchor", "$defs", "definitions", "title", "description"),
        *("default", "examples", "deprecated", "readOnly", "writeOnly"),
    )
)
_ANY_OF: Final = ("oneOf", "anyOf")
_FORMATS: Final = ("date", "time", "date-time", "uuid")
_BOUNDS: Final = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


@dataclass(frozen=True)
class SchemaGrammar:
    """A schema's grammar; `without_effect` are the paths of keywords that it does not carry."""

    text: str
    without_effect: tuple[str, ...] = ()


@lru_cache(maxsize=16)
def schema_grammar(text: str) -> SchemaGrammar:
    """The grammar of a JSON schema.

    Raises:
        TextError: code "json_schema", with the path and its line and column.
    """
    if len(text) > MAX_TEXT:
        what = f"The JSON schema has {len(text)} characters, at most {MAX_TEXT} can be read."
        raise TextError(what, "Shorten it.", code=CODE)
    schema = read_json(text, code=CODE, what="The JSON schema")
    converter = _Converter(text, schema)
    try:
        converter.convert()
    except RecursionError:  # a constant that could just be read cannot always be written again
        raise TextError("The JSON schema is nested too deep.", "Flatten it.", code=CODE) from None
    grammar = converter.rules.text()
    try:
        check_grammar(grammar)
    except TextError as error:
        what = f"The JSON schema makes a grammar that llama.cpp cannot use: {error.what}"
        raise TextError(what, "Use fewer or smaller parts.", code=CODE) from None
    return SchemaGrammar(grammar, tuple(dict.fromkeys(converter.without_effect)))


class _Converter:
    """Walks the schema; each method returns a GBNF expression for one kind of value."""

    def __init__(self, text: str, schema: object) -> None:
        self.rules = Rules()
        self.without_effect: list[str] = []
        self._text = text
        self._schema = schema
        self._references: dict[str, str] = {}
        self._depth = 0

    def convert(self) -> None:
        self.rules.define("root", self._body(self._schema, (), "root"))

    # ------------------------------------------------------------ which kind

    def _named(self, schema: object, path: Path, name: str) -> str:
        """A rule's name for a value: a common one, or one of its own."""
        body = self._body(schema, path, name)
        return body if self.rules.is_name(body) else self.rules.add(name, body)

    def _body(self, schema: object, path: Path, name: str) -> str:
        if schema is True:
            return self.rules.common("value")
        if not isinstance(schema, dict):
            raise self._wrong(path, "a schema must be an object")
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._wrong(path, f"more than {_MAX_DEPTH} schemas inside one another")
        try:
            return self._kind(schema, path, name)
        finally:
            self._depth -= 1

    def _kind(self, schema: dict[str, Any], path: Path, name: str) -> str:
        if "$ref" in schema:
            self._used(schema, path, ("$ref",))
            return self._reference(schema["$ref"], path)
        for word in _ANY_OF:
            if word in schema:
                self._used(schema, path, (word,))
                return self._alternatives(schema[word], (*path, word), name)
        types = schema.get("type")
        if isinstance(types, list):
            return self._types(schema, types, path, name)
        if "const" in schema:
            self._used(schema, path, ("const", "type"))
            return _constant(schema["const"])
        if "enum" in schema:
            self._used(schema, path, ("enum", "type"))
            return self._enum(schema["enum"], (*path, "enum"))
        if types is not None and not isinstance(types, str):
            raise self._wrong((*path, "type"), "type must be a name or a list of names")
        return self._typed(schema, types or _type_of(schema), path, name)

    def _typed(self, schema: dict[str, Any], kind: str, path: Path, name: str) -> str:
        if kind in ("object", "allOf") and "allOf" in schema and "properties" not in schema:
            return self._all_of(schema, path, name)
        if kind == "object":
            return self._object(schema, path, name)
        if kind == "array":
            return self._array(schema, path, name)
        if kind == "string":
            return self._string(schema, path)
        if kind == "integer":
            return self._integer(schema, path)
        if kind in ("number", "boolean", "null", "value"):
            self._used(schema, path, ("type",))
            return self.rules.common(kind)
        raise self._wrong((*path, "type"), f"there is no type {shown(kind)}")

    # ------------------------------------------------------------ each kind

    def _types(self, schema: dict[str, Any], types: list[Any], path: Path, name: str) -> str:
        if not types:
            raise self._wrong((*path, "type"), "type names nothing")
        bodies = [
            self._named({**schema, "type": kind}, path, f"{name}-{index}")
            for index, kind in enumerate(types)
        ]
        return f"({' | '.join(bodies)})"

    def _alternatives(self, schemas: object, path: Path, name: str) -> str:
        if not isinstance(schemas, list) or not schemas:
            raise self._wrong(path, "a list of schemas is needed")
        parts = enumerate(schemas)
        names = [self._named(part, (*path, index), f"{name}-{index}") for index, part in parts]
        return f"({' | '.join(names)})"

    def _enum(self, values: object, path: Path) -> str:
        if not isinstance(values, list) or not values:
            raise self._wrong(path, "enum must be a list with values")
        return f"({' | '.join(_constant(value) for value in values)})"

    def _all_of(self, schema: dict[str, Any], path: Path, name: str) -> str:
        """Objects joined into one; a single schema is that schema."""
        self._used(schema, path, ("allOf", "type"))
        path = (*path, "allOf")
        parts = schema["allOf"]
        if not isinstance(parts, list) or not parts:
            raise self._wrong(path, "a list of schemas is needed")
        if len(parts) == 1:
            return self._body(parts[0], (*path, 0), name)
        properties: dict[str, tuple[Any, Path]] = {}
        required: set[str] = set()
        for index, part in enumerate(parts):
            found, where = self._target(part, (*path, index))
            if not isinstance(found, dict) or not isinstance(found.get("properties"), dict):
                raise self._wrong(where, "allOf can only join objects with properties")
            self._used(found, where, ("type", "properties", "required", "additionalProperties"))
            for key, value in found["properties"].items():
                properties[key] = (value, (*where, "properties", key))
            required.update(self._required(found, where, found["properties"]))
        return object_body(self.rules, self._members(properties, required, name), None, name)

    def _object(self, schema: dict[str, Any], path: Path, name: str) -> str:
        self._used(schema, path, ("type", "properties", "required", "additionalProperties"))
        properties = schema.get("properties", {})
        if not isinstance(properties, dict):
            raise self._wrong((*path, "properties"), "properties must be an object")
        required = self._required(schema, path, properties)
        additional = schema.get("additionalProperties", "properties" not in schema)
        if additional is True and not properties:
            return self.rules.common("object")
        places = {key: (value, (*path, "properties", key)) for key, value in properties.items()}
        members = self._members(places, required, name)
        value: str | None = None
        if additional is not False:
            self._refuse_long_names(properties, path)
            value = self._named(additional, (*path, "additionalProperties"), f"{name}-additional")
        return object_body(self.rules, members, value, name)

    def _refuse_long_names(self, properties: Mapping[str, Any], path: Path) -> None:
        for key in properties:
            if len(key) > _MAX_TOLD_APART:
                raise self._wrong(
                    (*path, "properties", key),
                    f"beside additionalProperties a name has at most {_MAX_TOLD_APART} characters",
                )

    def _members(
        self, properties: Mapping[str, tuple[Any, Path]], required: set[str], name: str
    ) -> list[Member]:
        return [
            Member(key, self._named(value, path, f"{name}-{key}"), key in required)
            for key, (value, path) in properties.items()
        ]

    def _required(
        self, schema: dict[str, Any], path: Path, properties: Mapping[str, Any]
    ) -> set[str]:
        names = schema.get("required", [])
        if not isinstance(names, list) or not all(isinstance(key, str) for key in names):
            raise self._wrong((*path, "required"), "required must be a list of names")
        unknown = (index for index, key in enumerate(names) if key not in properties)
        self.without_effect += [path_text((*path, "required", index)) for index in unknown]
        return set(names)

    def _array(self, schema: dict[str, Any], path: Path, name: str) -> str:
        closed = schema.get("items") is False  # nothing behind those of prefixItems
        if closed and "prefixItems" not in schema:
            return self._empty_array(schema, path)
        key = "items" if "items" in schema and not closed else "prefixItems"
        items = schema.get(key, True)
        if isinstance(items, list):
            self._used(schema, path, ("type", key, *(("items",) if closed else ())))
            parts = enumerate(items)
            names = [self._named(part, (*path, key, i), f"{name}-{i}") for i, part in parts]
            return '"[" space ' + ' "," space '.join(names) + ' space "]"'
        self._used(schema, path, ("type", key, "minItems", "maxItems"))
        least, most = self._counts(schema, path, "minItems", "maxItems")
        if items is True and (least, most) == (0, None):
            return self.rules.common("array")
        item = self._named(items, (*path, key), f"{name}-item")
        if most == 0:
            return '"[" space space "]"'
        more = self.rules.add(f"{name}-more", f'"," space {item}')
        rest = repeated(more, max(least - 1, 0), None if most is None else most - 1)
        inner = f"{item} {rest}" if least else f"({item} {rest})?"
        return f'"[" space {inner} space "]"'

    def _empty_array(self, schema: dict[str, Any], path: Path) -> str:
        self._used(schema, path, ("type", "items", "minItems", "maxItems"))
        least, _ = self._counts(schema, path, "minItems", "maxItems")
        if least:
            found = f"items is false, which allows none, and minItems asks for {least}"
            raise self._wrong((*path, "items"), found)
        return '"[" space space "]"'

    def _string(self, schema: dict[str, Any], path: Path) -> str:
        style = schema.get("format")
        if style in _FORMATS:
            self._used(schema, path, ("type", "format"))
            return self.rules.common(f"{style}-string")
        self._used(schema, path, ("type", "minLength", "maxLength"))
        least, most = self._counts(schema, path, "minLength", "maxLength")
        if (least, most) == (0, None):
            return self.rules.common("string")
        return f'"\\"" {repeated(self.rules.common("char"), least, most)} "\\""'

    def _integer(self, schema: dict[str, Any], path: Path) -> str:
        self._used(schema, path, ("type", *_BOUNDS))
        bounds = {word: self._bound(schema, path, word) for word in _BOUNDS if word in schema}
        lows = [math.ceil(bounds["minimum"])] if "minimum" in bounds else []
        lows += [math.floor(bounds[w]) + 1 for w in bounds if w == "exclusiveMinimum"]
        highs = [math.floor(bounds["maximum"])] if "maximum" in bounds else []
        highs += [math.ceil(bounds[w]) - 1 for w in bounds if w == "exclusiveMaximum"]
        if not bounds:
            return self.rules.common("integer")
        low, high = max(lows, default=None), min(highs, default=None)
        if low is not None and high is not None and low > high:
            raise self._wrong(path, f"no whole number is from {low} to {high}")
        return f"({integer_range(low, high)})"

    # ------------------------------------------------------------ parts

    def _reference(self, reference: object, path: Path) -> str:
        if not isinstance(reference, str):
            raise self._wrong((*path, "$ref"), "$ref must be a text")
        if reference not in self._references:
            found, where = self._target({"$ref": reference}, path)
            name = self.rules.reserve("ref-" + reference.lstrip("#/"))
            self._references[reference] = name
            self.rules.define(name, self._body(found, where, name))
        return self._references[reference]

    def _target(self, schema: object, path: Path) -> tuple[Any, Path]:
        """What a reference points at; the schema itself if it is none."""
        if not isinstance(schema, dict) or "$ref" not in schema:
            return schema, path
        reference = schema["$ref"]
        if not isinstance(reference, str) or (reference != "#" and reference[:2] != "#/"):
            raise self._wrong((*path, "$ref"), "only references into the same text can be followed")
        found: Any = self._schema
        where: Path = ()
        for part in reference.split("/")[1:]:
            key: str | int = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and part.isdecimal() and len(part) < 10:
                key = int(part)
            try:
                found = found[key]
            except (KeyError, IndexError, TypeError):
                raise self._wrong((*path, "$ref"), f"there is no {shown(reference)}") from None
            where = (*where, key)
        return found, where

    def _counts(
        self, schema: dict[str, Any], path: Path, least: str, most: str
    ) -> tuple[int, int | None]:
        """A least and a greatest count; llama.cpp's grammars count to 2000."""
        found: list[int | None] = []
        for word, default in ((least, 0), (most, None)):
            value = schema.get(word, default)
            if value is not default and (
                isinstance(value, bool) or not isinstance(value, int) or value < 0
            ):
                raise self._wrong((*path, word), f"{word} must be a whole number from 0")
            found.append(value)
        low, high = found[0] or 0, found[1]
        if low > 2000:
            raise self._wrong((*path, least), "llama.cpp's grammars count to 2000 at most")
        if high is not None and high < low:
            raise self._wrong((*path, most), f"{most} is less than {least}")
        if high is not None and high > 2000:
            self.without_effect.append(path_text((*path, most)))
            high = None
        return low, high

    def _bound(self, schema: dict[str, Any], path: Path, word: str) -> int | float:
        value = schema[word]
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong((*path, word), f"{word} must be a number")
        if abs(value) >= 10**16:
            raise self._wrong((*path, word), f"{word} must have at most 16 digits")
        return value

    def _used(self, schema: Mapping[str, Any], path: Path, words: Iterable[str]) -> None:
        """List what else the schema says."""
        known = {*words, *_ANNOTATIONS}
        self.without_effect += [path_text((*path, word)) for word in schema if word not in known]

    def _wrong(self, path: Path, found: str) -> TextError:
        line, column = place(self._text, path)
        if not line and path:
            line, column = place(self._text, path[:-1])
        what = (
            f"The JSON schema is wrong at {shown(path_text(path))}, line {line}, column {column}: "
            f"{found}."
        )
        return TextError(what, "Fix the schema there.", code=CODE, line=line, column=column)


def _type_of(schema: Mapping[str, Any]) -> str:
    """The type that a schema without one means, by what it says else."""
    if "properties" in schema or schema.get("additionalProperties", True) is not True:
        return "object"
    if "allOf" in schema:
        return "allOf"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    words = ("pattern", "minLength", "maxLength")
    if any(word in schema for word in words) or schema.get("format") in _FORMATS:
        return "string"
    return "value"


def _constant(value: object) -> str:
    return literal(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
