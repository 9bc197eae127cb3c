"""Values that nobody should give, and values that anybody may."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# Always the same examples, so that what fails once fails again.
SEEDED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Silent:
    """An object that cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


# Characters of every kind: lone surrogates, U+0000, what paths and queries are made of, other planes.
CHARACTERS = st.one_of(
    st.characters(),
    st.characters(categories=("Cs",)),
    st.sampled_from("\0\x7f\n\r\t /?#%&=+:.\"'\\éß漢\u2028\ufeff\U0001f600"),
)
TEXTS = st.text(CHARACTERS, max_size=12)
# As TEXTS, but for what no server can hold.
STORABLE = st.text(
    st.one_of(
        st.characters(exclude_categories=("Cs",), exclude_characters="\0"),
        st.sampled_from("\x7f\n\r\t /?#%&=+:.\"'\\éß漢\u2028\ufeff\U0001f600"),
    ),
    max_size=12,
)
MOMENTS = st.datetimes(
    timezones=st.one_of(
        st.none(),
        st.just(timezone.utc),
        st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
)
INTEGERS = st.one_of(st.integers(), st.sampled_from([10**400, -(10**400), 10**5000, 2**31, 2**31 - 1, 2**63, 2**64, 0]))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    INTEGERS,
    st.floats(),
    TEXTS,
    st.binary(max_size=8),
    MOMENTS,
    st.sampled_from(
        [Silent(), object(), Silent, math, "x" * 256, "é" * 256, "\ud800", "now", "null", "..", datetime.max]
    ),
)
ANYTHING: st.SearchStrategy[Any] = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.tuples(SCALARS),
    st.dictionaries(TEXTS, SCALARS, max_size=3),
    st.dictionaries(st.one_of(st.integers(), st.none(), st.binary(max_size=3)), SCALARS, max_size=2),
)

# What JSON and the servers hold, in the forms in which it comes back.
PAYLOADS: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        STORABLE,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(STORABLE, inner, max_size=4)),
    max_leaves=12,
)
