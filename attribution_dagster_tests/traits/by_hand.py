"""Four tokens with vectors, and customers made of them, whose answers can be computed by hand."""

from dataclasses import replace
from typing import Any

import numpy as np

from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.vectors import ItemVectors

VECTORS = ItemVectors(
    actions=("view", "view", "view", "buy"),
    items=("a", "b", "c", "a"),
    categories=("x", "x", "y", "x"),
    counts=np.array([4, 3, 2, 1]),
    vectors=np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]], dtype=np.float32),
)
TOKENS = list(zip(VECTORS.actions, VECTORS.items, strict=True))


def customers(*histories: dict[str, float], **entries: Any) -> CustomerTokens:
    """One customer for each history, such as {"view a": 2}: token -> events, all fresh, in the order given."""
    rows = [
        (user, TOKENS.index((t.split()[0], t.split()[1])), n) for user, h in enumerate(histories) for t, n in h.items()
    ]
    user, token, n = (np.array(column) for column in zip(*rows, strict=True))
    made = CustomerTokens(
        users=tuple(f"u{number}" for number in range(len(histories))), actions=VECTORS.actions, items=VECTORS.items,
        categories=VECTORS.categories, user=user, token=token, half=np.zeros(len(rows), int), n_events=n.astype(float),
        recency=n.astype(float), last_at_us=np.arange(len(rows)), price_sum_usd=np.zeros(len(rows)), n_priced=np.zeros(len(rows)),
    )  # fmt: skip
    return replace(made, **{name: np.array(values) for name, values in entries.items()})
