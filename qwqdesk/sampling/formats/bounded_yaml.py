"""PyYAML's safe loader with bounds: YAML from anywhere costs no more than its length is worth.

The loader in C recurses without a bound, so it is the one in Python. Aliases are counted, since an
object that names another one often multiplies with every level; merges are bounded for the same
reason.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import yaml

from qwqdesk.errors import UserError
from qwqdesk.sampling.param import shown

_MOST_ALIASES: Final = 64
_MOST_PAIRS: Final = 5_000
_MOST_BRACKETS: Final = 50


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """The safe loader; `twice` collects keys that one object has several times."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.twice: list[str] = []
        self._aliases = 0

    def fetch_flow_collection_start(self, kind: Any) -> None:  # noqa: ANN401 - as PyYAML has it
        if self.flow_level >= _MOST_BRACKETS:  # each token costs a look at every open bracket
            raise yaml.YAMLError("it is nested too deep")
        super().fetch_flow_collection_start(kind)

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - as PyYAML has it
        if self.check_event(yaml.events.AliasEvent):
            self._aliases += 1
            if self._aliases > _MOST_ALIASES:
                raise yaml.YAMLError("it has too many aliases")
        return super().compose_node(parent, index)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > _MOST_PAIRS:
            raise yaml.YAMLError("an object has too many keys")

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401
        if isinstance(node, yaml.MappingNode):  # before merges, which repeat keys by design
            names = Counter(key.value for key, _ in node.value if isinstance(key.value, str))
            self.twice += [name for name, count in names.items() if count > 1 and name != "<<"]
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def load_yaml(text: str) -> tuple[Any, tuple[str, ...]]:
    """A text's first document or the list of all, and the keys that one object has twice.

    Raises:
        UserError: naming the line that is wrong.
    """
    try:
        # The reader reads no more than it needs, and checks signs as it reads.
        loader = _Loader(text)
    except yaml.YAMLError as error:
        raise _not_yaml(error) from None
    documents: list[Any] = []
    try:
        while loader.check_data():
            documents.append(loader.get_data())
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise _not_yaml(error) from None
    finally:
        loader.dispose()
    return documents[0] if len(documents) == 1 else documents, tuple(loader.twice)


def _not_yaml(error: Exception) -> UserError:
    mark = getattr(error, "problem_mark", None)
    where = "" if mark is None else f" in line {mark.line + 1}, column {mark.column + 1}"
    if isinstance(error, RecursionError):
        fault = "it is nested too deep"
    elif isinstance(error, yaml.YAMLError):
        fault = shown(getattr(error, "problem", None) or str(error).partition("\n")[0])
    else:
        fault = "a value in it cannot be read"
    what = f"It is not valid YAML: {fault}{where}."
    return UserError(what, "Write one 'name: value' in a line.", code="yaml")
