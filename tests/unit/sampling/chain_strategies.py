"""Random chains and hostile values for the property tests of this folder."""

from __future__ import annotations

import math

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from qwqdesk.sampling.chain import SamplerChain
from qwqdesk.sampling.param import FLOAT32_MAX, Param, Value
from qwqdesk.sampling.samplers import DEFAULT_ORDER, INT32_MAX, PARAMS

# A busy machine is no reason to fail.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
FLOATS = st.floats(-FLOAT32_MAX, FLOAT32_MAX, allow_nan=False)


def _numbers(param: Param) -> st.SearchStrategy[Value]:
    low, high = param.minimum, param.maximum
    if param.kind == "int":
        return st.integers(int(low or 0), int(high or 0))
    floor = -FLOAT32_MAX if low is None else low
    return st.floats(floor, FLOAT32_MAX if high is None else high, allow_nan=False)


def values_of(param: Param) -> st.SearchStrategy[Value]:
    """Allowed values of a parameter."""
    if param.kind == "bool":
        return st.booleans()
    if param.kind == "strings":
        return st.lists(TEXTS, max_size=4).map(tuple)
    if param.kind == "bias":
        bias = FLOATS | st.just(-math.inf)
        pairs = st.tuples(st.integers(0, INT32_MAX), bias)
        return st.lists(pairs, max_size=4).map(tuple)
    return _numbers(param)


ORDERS = st.builds(
    lambda order, count, last: (*order[:count], *(("adaptive_p",) if last else ())),
    st.permutations(DEFAULT_ORDER),
    st.integers(0, len(DEFAULT_ORDER)),
    st.booleans(),
)

CHAINS = st.builds(
    lambda order, values: SamplerChain.of(order, **values),
    ORDERS,
    st.fixed_dictionaries({}, optional={n: values_of(p) for n, p in PARAMS.items()}),
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
