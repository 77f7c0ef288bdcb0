"""How sure a mean over users' events or sessions is: its standard error, 95 % interval, p and q.

One formula of the error, here and in `sql/`: a ratio of sums over users, linearised, each user's residual enlarged for the
user's own pull on the mean (CR2, Bell and McCaffrey 2002). docs/method.md has it, and why it and not the factor G / (G - 1).
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from attribution_dagster.core.signals import p_values, q_values

Z_95 = 1.96
"""Standard errors on either side of a 95 % interval; `sql/` writes the same two decimals."""
_Floats = npt.NDArray[np.float64]


def clustered_standard_error(values: npt.ArrayLike, clusters: npt.ArrayLike) -> float:
    """Return the standard error of the mean of values (N,) that come in clusters; infinite with one cluster."""
    each = np.asarray(values, dtype=np.float64)
    _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    sums, counts = np.bincount(cluster, each - each.mean()), np.bincount(cluster)
    if len(counts) < 2:
        return float("inf")
    return float(np.sqrt(np.sum(sums**2 / (1 - counts / len(each)))) / len(each))


def with_test(rows: pa.Table, value: str, error: str, bounds: tuple[str, str]) -> pa.Table:
    """Return the rows with four columns more: a value's 95 % interval by its standard error, `p_value` and `q_value`.

    p is by the normal distribution (`core/signals.p_values`); q is Benjamini and Hochberg's among the rows with
    `has_minimum_support`, NULL in the others. All are NULL where value or error is.
    """
    of_value, of_error = rows[value].to_pylist(), rows[error].to_pylist()
    is_known = [None not in pair for pair in zip(of_value, of_error, strict=True)]
    centre, reach = (np.array([x or 0.0 for x in column], dtype=np.float64) for column in (of_value, of_error))
    is_tested = np.array(is_known, dtype=bool) & np.array(rows["has_minimum_support"].to_pylist(), dtype=bool)
    tested = [e if chosen else None for e, chosen in zip(of_error, is_tested.tolist(), strict=True)]
    unknown = ~np.array(is_known, dtype=bool)
    found = {
        bounds[0]: pa.array(centre - Z_95 * reach, mask=unknown),
        bounds[1]: pa.array(centre + Z_95 * reach, mask=unknown),
        "p_value": pa.array(p_values(centre, reach), mask=unknown),
        "q_value": pa.array(q_values(centre.tolist(), tested), pa.float64()),
    }
    for name, column in found.items():
        rows = rows.append_column(name, column)
    return rows
