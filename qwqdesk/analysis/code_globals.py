"""Names that a `global` statement declares and nothing ever binds.

pyflakes takes a `global` statement for a definition, so it misses the guide's example:
`global pipes` and then `pipes.clear()` in a program that never makes `pipes`. This pass reads the
whole tree for what binds a global name, then reports each use of one that nothing binds.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from qwqdesk.analysis.code_problem import MOST_FOUND, CodeProblem, column_of

_Kind = Literal["module", "class", "function", "comprehension"]
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_BINDING_CALLS = frozenset({"globals", "exec", "vars"})


@dataclass
class _Scope:
    """One function, class or module: what it binds, declares global and uses."""

    kind: _Kind
    parent: _Scope | None
    bound: set[str] = field(default_factory=set)
    declared: set[str] = field(default_factory=set)
    uses: list[tuple[str, ast.expr]] = field(default_factory=list)


def bound_names(tree: ast.Module) -> frozenset[str]:
    """The names that a module's code binds at its top level, also through `global`."""
    try:
        reader = _Reader()
        reader.read(tree)
    except RecursionError:
        return frozenset()
    module, *inner = reader.scopes
    return frozenset(module.bound.union(*(scope.bound & scope.declared for scope in inner)))


def unbound_globals(
    tree: ast.Module, source: str, known: frozenset[str] = frozenset()
) -> tuple[CodeProblem, ...]:
    """Each use of a name that is declared global, is no built-in and is bound nowhere.

    `known` are names that exist outside of this code. Code that imports everything from a module,
    or writes into `globals()`, gets no verdict.
    """
    try:
        reader = _Reader()
        reader.read(tree)
    except RecursionError:
        return ()
    if reader.imports_everything or any(
        name in _BINDING_CALLS for scope in reader.scopes for name, _ in scope.uses
    ):
        return ()
    module, *inner = reader.scopes
    declared = {name for scope in inner for name in scope.declared} | module.declared
    bound = set(module.bound).union(*(scope.bound & scope.declared for scope in inner))
    missing = declared - bound - known - set(dir(builtins))
    missing -= {"__file__", "__name__", "__doc__"}
    lines = source.split("\n")
    uses = [
        (name, node)
        for scope in reader.scopes
        for name, node in scope.uses
        if name in missing and _is_global(name, scope)
    ]
    uses.sort(key=lambda use: (use[1].lineno, use[1].col_offset))
    return tuple(
        CodeProblem(node.lineno, column_of(lines, node), "undefined-global", _sentence(name))
        for name, node in uses[:MOST_FOUND]
    )


def _sentence(name: str) -> str:
    return f"{name} is used here but never assigned: NameError when this line runs"


def _is_global(name: str, scope: _Scope) -> bool:
    """Whether the name means the module's: no function around binds it as its own."""
    if scope.kind != "module" and name in scope.bound and name not in scope.declared:
        return False
    at: _Scope | None = scope
    while at is not None and at.kind != "module":
        if name in at.declared:
            return True
        if name in at.bound and at.kind != "class":
            return False
        at = at.parent
    return True


class _Reader:
    """Walks a tree scope by scope."""

    def __init__(self) -> None:
        self.scopes = [_Scope("module", None)]
        self.imports_everything = False

    def read(self, tree: ast.Module) -> None:
        self._children(tree, self.scopes[0])

    def _children(self, node: ast.AST, scope: _Scope) -> None:
        for child in ast.iter_child_nodes(node):
            self._node(child, scope)

    def _node(self, node: ast.AST, scope: _Scope) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            self._function(node, scope)
        elif isinstance(node, ast.ClassDef):
            scope.bound.add(node.name)
            for outside in (*node.decorator_list, *node.bases, *node.keywords):
                self._node(outside, scope)
            inner = self._opened("class", scope)
            for statement in node.body:
                self._node(statement, inner)
        elif isinstance(node, _COMPREHENSIONS):
            self._children(node, self._opened("comprehension", scope))
        elif isinstance(node, ast.NamedExpr):
            _around(scope).bound.add(node.target.id)
            self._node(node.value, scope)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            # `score += 1` reads the name before it binds it.
            scope.uses.append((node.target.id, node.target))
            if scope.kind == "function" and node.target.id not in scope.declared:
                scope.bound.add(node.target.id)
            self._node(node.value, scope)
        else:
            self._plain(node, scope)
            self._children(node, scope)

    def _plain(self, node: ast.AST, scope: _Scope) -> None:
        """What a node binds, declares or uses by itself."""
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                scope.bound.add(node.id)
            else:
                scope.uses.append((node.id, node))
        elif isinstance(node, ast.Global):
            scope.declared.update(node.names)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            scope.bound.update(_imported(node))
            self.imports_everything |= any(alias.name == "*" for alias in node.names)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            scope.bound.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            scope.bound.add(node.rest)

    def _function(self, node: _Function, scope: _Scope) -> None:
        arguments = node.args
        outside: list[ast.expr | None] = [*arguments.defaults, *arguments.kw_defaults]
        if not isinstance(node, ast.Lambda):
            scope.bound.add(node.name)
            outside += node.decorator_list
        for expression in outside:
            if expression is not None:
                self._node(expression, scope)
        inner = self._opened("function", scope)
        inner.bound.update(argument.arg for argument in _arguments(arguments))
        for statement in [node.body] if isinstance(node, ast.Lambda) else node.body:
            self._node(statement, inner)

    def _opened(self, kind: _Kind, parent: _Scope) -> _Scope:
        self.scopes.append(_Scope(kind, parent))
        return self.scopes[-1]


def _around(scope: _Scope) -> _Scope:
    """Where `:=` binds: comprehensions hand it to the scope around them."""
    while scope.kind == "comprehension" and scope.parent is not None:
        scope = scope.parent
    return scope


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    for alias in node.names:
        yield alias.asname or alias.name.split(".")[0]


def _arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    if arguments.vararg is not None:
        yield arguments.vararg
    if arguments.kwarg is not None:
        yield arguments.kwarg
