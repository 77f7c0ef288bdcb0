"""Small experiments with a known effect."""

from typing import NamedTuple

import numpy as np

from attribution_dagster.core.uplift.base_models import Floats, Ints


class Trial(NamedTuple):
    x: Floats
    treated: Ints
    y: Ints
    effect: Floats


def trial(n: int = 6000, *, seed: int = 0, strength: float = 0.3) -> Trial:
    """The first feature decides the effect (up to `strength` where it is 1, none where it is -1), the second the base rate."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(-1, 1, (n, 3))
    base = 0.2 + 0.1 * x[:, 1]
    effect = strength * (x[:, 0] + 1) / 2
    treated = generator.integers(0, 2, n)
    y = (generator.random(n) < base + treated * effect).astype(np.int64)
    return Trial(x, treated, y, effect)
