"""Which variables a chat template reads, and what kind of value each seems to be.

A template says so only by how it uses a variable: in a condition, compared with texts, written out.
What it merely sets for itself is no input, unless it first asks whether somebody gave it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Environment, meta, nodes

from qwqdesk.template_variables import InputKind, TemplateInput

_MOST = 200
_DEFAULT = ("default", "d")


@dataclass
class _Uses:
    """How one variable is used."""

    in_condition: bool = False
    written: bool = False
    asked_for: bool = False
    texts: list[str] = field(default_factory=list)
    kinds: set[type] = field(default_factory=set)

    def constant(self, value: object) -> None:
        """It is compared with, or set to, this value."""
        self.kinds.add(type(value))
        if isinstance(value, str) and value not in self.texts:
            self.texts.append(value)

    @property
    def kind(self) -> InputKind:
        if str in self.kinds or (self.written and bool not in self.kinds):
            return "text"
        if self.kinds & {int, float}:
            return "number"
        return "switch" if bool in self.kinds or self.in_condition else "any"


def template_inputs(environment: Environment, source: str) -> tuple[TemplateInput, ...]:
    """The variables that the template reads and does not make itself, by name.

    Raises:
        jinja2.TemplateSyntaxError: for a template that is wrong.
    """
    tree = environment.parse(source)
    # It folds constants in the tree that it gets, so it gets one of its own.
    names = meta.find_undeclared_variables(environment.parse(source)) - set(environment.globals)
    stored = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}
    uses = {name: _Uses() for name in names}
    for node in _all(tree):
        _look(node, uses)
    found = (
        TemplateInput(name, use.kind, tuple(use.texts) if use.kind == "text" else ())
        for name, use in sorted(uses.items())
        if name not in stored or use.asked_for
    )
    return tuple(found)[:_MOST]


def _all(tree: nodes.Node) -> Iterator[nodes.Node]:
    """Every node, without recursion: a stranger's template may be nested deeply."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.iter_child_nodes())


def _look(node: nodes.Node, uses: dict[str, _Uses]) -> None:
    for kind, look in _LOOKS.items():
        if isinstance(node, kind):
            look(node, uses)


def _tested(node: nodes.Test, uses: dict[str, _Uses]) -> None:
    use = _use(node.node, uses)
    if use is not None and node.name in ("defined", "undefined", "none"):
        use.asked_for = True
    elif use is not None and node.name in ("true", "false", "boolean"):
        use.kinds.add(bool)


def _filtered(node: nodes.Filter, uses: dict[str, _Uses]) -> None:
    use = _use(node.node, uses)
    if use is None or node.name not in _DEFAULT:
        return
    use.asked_for = True
    if node.args and isinstance(node.args[0], nodes.Const):
        use.constant(node.args[0].value)


def _assigned(node: nodes.Assign, uses: dict[str, _Uses]) -> None:
    use = _use(node.target, uses)
    if use is not None and isinstance(node.node, nodes.Const):
        use.constant(node.node.value)


def _condition(node: nodes.Node | None, uses: dict[str, _Uses]) -> None:
    use = _use(node, uses)
    if use is not None:
        use.in_condition = True


def _conditions(node: nodes.And | nodes.Or, uses: dict[str, _Uses]) -> None:
    _condition(node.left, uses)
    _condition(node.right, uses)


def _compared(node: nodes.Compare, uses: dict[str, _Uses]) -> None:
    sides = [node.expr, *(operand.expr for operand in node.ops)]
    for use in filter(None, (_use(side, uses) for side in sides)):
        for side in sides:
            items = side.items if isinstance(side, (nodes.List, nodes.Tuple)) else [side]
            for item in items:
                if isinstance(item, nodes.Const) and item.value is not None:
                    use.constant(item.value)


def _written(parts: list[nodes.Expr], uses: dict[str, _Uses]) -> None:
    for part in parts:
        use = _use(part, uses)
        if use is not None:
            use.written = True


def _use(node: nodes.Node | None, uses: dict[str, _Uses]) -> _Uses | None:
    """The uses of the variable that this node is, filters such as ``lower`` looked through."""
    while isinstance(node, nodes.Filter) and node.name not in _DEFAULT:
        node = node.node
    return uses.get(node.name) if isinstance(node, nodes.Name) else None


_LOOKS: dict[type[nodes.Node], Callable[[Any, dict[str, _Uses]], None]] = {
    nodes.If: lambda node, uses: _condition(node.test, uses),
    nodes.CondExpr: lambda node, uses: _condition(node.test, uses),
    nodes.And: _conditions,
    nodes.Or: _conditions,
    nodes.Not: lambda node, uses: _condition(node.node, uses),
    nodes.Compare: _compared,
    nodes.Test: _tested,
    nodes.Filter: _filtered,
    nodes.Assign: _assigned,
    nodes.Output: lambda node, uses: _written(node.nodes, uses),
    nodes.Concat: lambda node, uses: _written(node.nodes, uses),
    nodes.Add: lambda node, uses: _written([node.left, node.right], uses),
}
