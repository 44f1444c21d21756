"""An object of a JSON schema as a GBNF expression.

Members come in the schema's order, as llama.cpp's converter has it: the required ones, then any
of the optional ones, then, where the schema allows them, members with other names.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from qwqdesk.sampling.json_rules import Rules, literal

_COMMA = '"," space'
_IN_BRACKETS = {"\n": "\\n", "\r": "\\r", "]": "\\]", "-": "\\-", "\\": "\\\\", "\0": "\\x00"}


@dataclass(frozen=True)
class Member:
    """One property; `value` is the name of its value's rule."""

    name: str
    value: str
    required: bool


def object_body(rules: Rules, members: Sequence[Member], others: str | None, name: str) -> str:
    """The expression for an object; `others` is the rule for values under other names."""
    required = [_pair(rules, member, name) for member in members if member.required]
    optional = [_pair(rules, member, name) for member in members if not member.required]
    inner = f" {_COMMA} ".join(required)
    if others is not None:
        key = _other_key(rules, [member.name for member in members])
        other = rules.add(f"{name}-other", f'{key} ":" space {others}')
        optional.append(f"{other} ({_COMMA} {other})*")
        rest = f"({_COMMA} {other})*"
    else:
        rest = ""
    if optional:
        chosen = _chosen(rules, optional, rest, name)
        inner += f" ({_COMMA} ({chosen}))?" if required else f"({chosen})?"
    return f'"{{" space {inner} space "}}"'


def _pair(rules: Rules, member: Member, name: str) -> str:
    key = literal(json.dumps(member.name, ensure_ascii=False))
    return rules.add(f"{name}-{member.name}-pair", f'{key} space ":" space {member.value}')


def _chosen(rules: Rules, optional: Sequence[str], rest: str, name: str) -> str:
    """One of the optional members first, then any of those that come after it."""
    following = ""
    parts: list[str] = []
    for index in range(len(optional) - 1, -1, -1):
        last = index == len(optional) - 1
        parts.append(f"{optional[index]} {following}".strip())
        part = rest if last and rest else f"({_COMMA} {optional[index]})?"
        following = rules.add(f"{name}-rest", f"{part} {following}".strip()) if index else ""
    return " | ".join(reversed(parts))


@dataclass
class _Node:
    """Names that begin alike: what may follow."""

    children: dict[str, _Node] = field(default_factory=dict)


def _other_key(rules: Rules, names: Sequence[str]) -> str:
    """A JSON text that is none of the names."""
    if not names:
        return rules.common("string")
    root = _Node()
    for name in names:
        node = root
        for sign in name:
            node = node.children.setdefault(sign, _Node())
    may_be_empty = "" if "" in names else "?"
    return rules.add("other-key", f'"\\"" ({_unlike(rules, root)}){may_be_empty} "\\""')


def _unlike(rules: Rules, node: _Node) -> str:
    char = rules.common("char")
    parts: list[str] = []
    for sign, child in node.children.items():
        rest = f"({_unlike(rules, child)})" if child.children else f"{char}+"
        parts.append(f"[{_bracketed(sign)}] {rest}")
    signs = "".join(_bracketed(sign) for sign in node.children)
    parts.append(f'[^"{signs}] {char}*')
    return " | ".join(parts)


def _bracketed(sign: str) -> str:
    return _IN_BRACKETS.get(sign, sign)
