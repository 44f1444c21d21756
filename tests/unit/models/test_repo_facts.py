"""What a listing says beside its files is not believed."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.models.hub_files import RepoFacts, repo_facts

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def test_facts_are_read() -> None:
    when = datetime(2026, 1, 2, tzinfo=UTC)
    gguf = {"total": 32_763_876_352, "architecture": "qwen2", "context_length": 131_072}
    info = SimpleNamespace(downloads=82_400, likes=311, last_modified=when, gguf=gguf)
    assert repo_facts(info) == RepoFacts(
        82_400, 311, "2026-01-02T00:00:00+00:00", "qwen2", 32_763_876_352, 131_072
    )
    assert repo_facts(SimpleNamespace()) == RepoFacts()


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_nonsense_is_nothing(one: object, two: object, three: object, four: object) -> None:
    gguf = {"total": one, "architecture": two, "context_length": three}
    facts = repo_facts(SimpleNamespace(downloads=four, likes=one, last_modified=two, gguf=gguf))
    assert all(type(n) is int and n >= 0 for n in (facts.downloads, facts.likes, facts.parameters))
    assert facts.updated == ""
    assert len(facts.architecture) <= 32
    assert facts.architecture.isprintable()
    assert repo_facts(SimpleNamespace(gguf=four)).architecture == ""
