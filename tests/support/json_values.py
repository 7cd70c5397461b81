"""Any JSON value, as hypothesis draws it."""

from hypothesis import strategies as st

TEXT = st.text(
    st.characters(codec="utf-8"), max_size=20
)  # without lone surrogates, which no JSON text may hold
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
