"""An experiment's units as arrays, read from the tables that `treatment_assignment` wrote."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from attribution_dagster.assets.step import Step
from attribution_dagster.warehouse.queries import load_query

if TYPE_CHECKING:
    import numpy.typing as npt

    from attribution_dagster.core.uplift.covariates import Covariates


@dataclass(frozen=True, kw_only=True)
class Units:
    """Of each unit (N,), by id: arm, whether it was treated (-1 in arms that are neither), outcome, what was known before, and the true effect
    where the treatment was simulated."""

    ids: list[str]
    users: list[str | None]
    arms: "npt.NDArray[Any]"
    treated: "npt.NDArray[Any]"
    y: "npt.NDArray[Any]"
    covariates: "Covariates"
    effect: "npt.NDArray[Any] | None"

    def compared(self) -> "Units":
        """The units of the two arms that are compared."""
        import numpy as np

        kept = np.flatnonzero(self.treated >= 0)
        return replace(
            self,
            ids=[self.ids[place] for place in kept],
            users=[self.users[place] for place in kept],
            arms=self.arms[kept],
            treated=self.treated[kept],
            y=self.y[kept],
            covariates=replace(self.covariates, x=self.covariates.x[kept]),
            effect=None if self.effect is None else self.effect[kept],
        )

    def outcomes(self, step: Step, names: Iterable[str]) -> "dict[str, npt.NDArray[Any]]":
        """Outcome -> values (N,) of 0 and 1, and what each unit spent where that is known, in the order of these units."""
        import numpy as np

        found: dict[str, npt.NDArray[Any]] = {}
        for name in names:
            rows = _assignment(step, name)
            happened = dict(zip(rows["session_id"].to_pylist(), rows["happened"].to_pylist(), strict=True))
            found[name] = np.array([happened[unit] for unit in self.ids], dtype=np.float64)
        spent = dict(zip(rows["session_id"].to_pylist(), rows["revenue_usd"].to_pylist(), strict=True))
        if None not in spent.values():
            found["revenue_usd"] = np.array([spent[unit] for unit in self.ids], dtype=np.float64)
        return found


def open_units(step: Step, outcome: str) -> Units:
    """All units of the window's experiment, with this outcome."""
    import numpy as np

    rows = _assignment(step, outcome)
    is_treated, effect = rows["is_treated"].to_pylist(), rows["true_effect"].to_pylist()
    return Units(
        ids=rows["session_id"].to_pylist(),
        users=rows["user_id"].to_pylist(),
        arms=np.array(rows["arm"].to_pylist()),
        treated=np.array([-1 if each is None else int(each) for each in is_treated]),
        y=np.array(rows["happened"].to_pylist(), dtype=np.int64),
        covariates=_covariates(step),
        effect=None if None in effect else np.array(effect, dtype=np.float64),
    )


def _assignment(step: Step, outcome: str) -> Any:
    return step.workspace.fetch(load_query("features/experiment_units"), step.window_key, outcome=outcome)


def _covariates(step: Step) -> "Covariates":
    from attribution_dagster.core.uplift.covariates import covariates

    rows = step.workspace.fetch(load_query("features/experiment_covariates"), step.window_key)
    numbers: dict[str, list[float | None]] = {}
    categories: dict[str, list[str | None]] = {}
    columns = (rows[name].to_pylist() for name in ("covariate", "is_number", "number", "category"))
    for name, is_number, number, category in zip(*columns, strict=True):
        if is_number:
            numbers.setdefault(name, []).append(number)
        else:
            categories.setdefault(name, []).append(category)
    return covariates(numbers, categories)
