"""Traits by non-negative matrix factorisation: of shifted embeddings, or of the customer by token TF-IDF matrix.

X (customers by columns) ~ W H, both at least 0 (Lee and Seung 1999). H comes from scikit-learn; W of any customer, in the training or
not, is the exact least-squares answer to H, so that it does not depend on who else is asked about.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file
from scipy import sparse

if TYPE_CHECKING:
    from sklearn.decomposition import NMF

Floats = npt.NDArray[np.float64]
Matrix = Any
"""Customers by columns: `Floats`, or a sparse matrix of scipy, which has no types."""
OPTIONS = ("embeddings", "tokens")
ITERATIONS = 200
_FIT_CUSTOMERS = 20_000
_RIDGE = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Factors:
    """K traits over C columns. Rows of `loadings` sum to 1, so that weights of different traits can be compared."""

    option: str
    loadings: Floats  # (K, C)
    shift: Floats  # (C,) the training minimum of the embeddings; zeros for tokens
    average: Floats  # (K,) mean weights of the training customers, for one of whom nothing can be read

    @property
    def n_traits(self) -> int:
        """K."""
        return len(self.loadings)

    def shifted(self, matrix: Matrix) -> tuple[Matrix, int]:
        """The matrix with the shift, and how many numbers fell below zero and were clipped."""
        if sparse.issparse(matrix):
            return matrix, 0
        moved = matrix - self.shift
        return np.maximum(moved, 0), int((moved < 0).sum())

    def raw_weights(self, matrix: Matrix) -> Floats:
        """W of least squared error, shape (N, K): of the shifted matrix."""
        from scipy.optimize import nnls

        columns, lower = self._prepared
        targets = np.linalg.solve(lower, np.asarray(matrix @ columns).T).T
        return np.array([nnls(lower.T, target)[0] for target in targets]).reshape(len(targets), self.n_traits)

    @cached_property
    def _prepared(self) -> tuple[Floats, Floats]:
        """H', and the Cholesky factor L of H H': min |x - w H| over w >= 0 is the K by K problem min |L' w - inv(L) H x|."""
        gram = self.loadings @ self.loadings.T
        lower = np.linalg.cholesky(gram + _RIDGE * np.trace(gram) * np.eye(len(gram)))
        return np.ascontiguousarray(self.loadings.T), lower

    def weights(self, matrix: Matrix) -> tuple[Floats, npt.NDArray[np.bool_], int]:
        """Rows that sum to 1, shape (N, K); where nothing could be read and the average stands, (N,); and how many numbers were clipped."""
        shifted, clipped = self.shifted(matrix)
        raw = self.raw_weights(shifted)
        # An embedding of zeros is a customer without any vector: its shift would say something.
        size = np.asarray(np.abs(matrix).sum(axis=1)).ravel()
        is_empty = (raw.sum(axis=1) <= 0) | (size == 0)
        raw[is_empty] = self.average
        return raw / raw.sum(axis=1, keepdims=True), is_empty, clipped

    def save(self, folder: Path) -> None:
        """Writes numbers as safetensors, the rest as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in ("loadings", "shift", "average")}
        save_file(arrays, folder / "factors.safetensors")
        (folder / "factors.json").write_text(json.dumps({"option": self.option}))

    @classmethod
    def load(cls, folder: Path) -> "Factors":
        """What `save` wrote."""
        arrays, rest = load_file(folder / "factors.safetensors"), json.loads((folder / "factors.json").read_text())
        return cls(option=rest["option"], **{name: arrays[name] for name in ("loadings", "shift", "average")})


def fit_factors(matrix: Matrix, option: str, traits: int, *, init: str = "nndsvd", seed: int = 0) -> Factors:
    """Traits of these customers, at most 20,000 of them drawn by the seed.

    Raises:
        ValueError: fewer customers or columns than traits.
    """
    from sklearn.decomposition import NMF

    if traits > min(matrix.shape):
        raise ValueError(
            f"{traits} traits of {matrix.shape[0]} customers with {matrix.shape[1]} columns ({option}): use fewer traits or more windows"
        )
    kept = np.sort(np.random.default_rng(seed).permutation(matrix.shape[0])[:_FIT_CUSTOMERS])
    some = matrix[kept]
    is_sparse = sparse.issparse(some)
    shift = np.zeros(some.shape[1]) if is_sparse else some.min(axis=0)
    shifted = some if is_sparse else some - shift
    model = NMF(traits, init=init, max_iter=ITERATIONS, random_state=seed)
    with np.errstate(all="ignore"):
        _ignoring_slow_convergence(model, shifted)
    loadings = model.components_.astype(np.float64) + 0.0
    # A trait that nndsvd left empty would be all zeros: it loads on everything alike, and nobody has it.
    loadings[loadings.sum(axis=1) <= 0] = 1.0
    scaled = loadings / loadings.sum(axis=1, keepdims=True)
    factors = Factors(option=option, loadings=scaled, shift=shift, average=np.full(traits, 1 / traits))
    weights, _, _ = factors.weights(some)
    return Factors(option=option, loadings=scaled, shift=shift, average=weights.mean(axis=0))


def _ignoring_slow_convergence(model: "NMF", matrix: Matrix) -> None:
    """Fits; that 200 iterations end before the tolerance is reached is what was asked for."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(matrix)


def reconstruction(factors: Factors, first: Matrix, second: Matrix) -> tuple[float, float]:
    """Share of the second halves' squared deviation from their mean that traits of the first halves explain, and its standard error.

    Customers are others than those the traits were learnt from, and the second half is not looked at: so more traits are not better by themselves.
    """
    weights = factors.raw_weights(factors.shifted(first)[0])
    rebuilt = weights @ factors.loadings
    target = np.asarray(factors.shifted(second)[0].todense()) if sparse.issparse(second) else factors.shifted(second)[0]
    error = ((target - rebuilt) ** 2).sum(axis=1)
    around = ((target - target.mean(axis=0)) ** 2).sum(axis=1)
    share = 1 - error.sum() / around.sum()
    spread = (error - (1 - share) * around).std(ddof=1) * np.sqrt(len(error)) / around.sum()
    return float(share), float(spread)


def matched(one: Floats, other: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """For each row of `one` the row of `other` that it is matched with, one to one, and their cosine; -1 where none is left.

    The assignment of largest total cosine (Hungarian method).
    """
    from scipy.optimize import linear_sum_assignment

    def unit(matrix: Floats) -> Floats:
        lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
        scaled: Floats = np.divide(matrix, lengths, out=np.zeros_like(matrix), where=lengths > 0)
        return scaled

    cosines = unit(one) @ unit(other).T
    rows, columns = linear_sum_assignment(-cosines)
    partner, cosine = np.full(len(one), -1), np.zeros(len(one))
    partner[rows], cosine[rows] = columns, cosines[rows, columns]
    return partner, cosine


def stability(factors: Factors, matrix: Matrix, seeds: tuple[int, ...]) -> Floats:
    """Mean cosine of each trait with its match when fitted from other, random starts, shape (K,)."""
    cosines = [
        matched(
            factors.loadings, fit_factors(matrix, factors.option, factors.n_traits, init="random", seed=s).loadings
        )[1]
        for s in seeds
    ]
    means: Floats = np.mean(cosines, axis=0)
    return means


def coherence(shares: Floats, present: sparse.csr_matrix, top: int = 10) -> Floats:
    """Per trait, the mean normalised pointwise mutual information of its top columns, shape (K,): do they occur in the same customers.

    Args:
        shares: what a trait loads on, shape (K, C).
        present: customers by columns, non-zero where the customer has it.
    """
    binary = (present > 0).astype(np.float64).tocsc()
    n = present.shape[0]
    found = []
    for row in shares:
        best = np.argsort(-row, kind="stable")[:top]
        together = np.asarray((binary[:, best].T @ binary[:, best]).todense()) / n
        alone = np.diagonal(together)
        pairs = np.triu_indices(len(best), 1)
        joint, expected = together[pairs], np.outer(alone, alone)[pairs]
        known = (joint > 0) & (joint < 1)
        values = np.where(joint >= 1, 1.0, -1.0)
        values[known] = np.log(joint[known] / expected[known]) / -np.log(joint[known])
        found.append(values.mean() if len(values) else 0.0)
    return np.array(found)
