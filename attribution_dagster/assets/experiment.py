"""An experiment's way in: the table as a whole, its units with arm and outcomes, and whether it may be believed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.units import Units, open_units
from attribution_dagster.assets.whole_source import attach_as_looked_at, whole_source
from attribution_dagster.datasets.experiment import ExperimentProfile, ExperimentSpec
from attribution_dagster.errors import DataError
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.queries import Query, load_query, parse_query
from attribution_dagster.warehouse.source import Source, open_source

if TYPE_CHECKING:
    from attribution_dagster.core.uplift.validity import Test

REVENUE = "revenue_usd"
_GROUP = "step1_experiment"
_CODE_SOURCE = code_version("assets/experiment.py", "assets/whole_source.py", "sql/staging", "warehouse")
_CODE_SIMULATION = code_version("core/simulation", "core/uplift/simulation.py")
_CODE_VALIDITY = code_version("assets/experiment.py", "core/uplift")
Rows = Sequence[dict[str, Any]]


def profile_of(workspace: Workspace) -> ExperimentProfile:
    """The workspace's profile, which is an experiment's."""
    assert isinstance(workspace.profile, ExperimentProfile)
    return workspace.profile


def experiment_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The assets `source` (whole), `treatment_assignment` and `experiment_validity` of a dataset of `kind: experiment`."""
    workspace = assets.workspace
    spec = profile_of(workspace).experiment

    source = whole_source(
        assets,
        "Where the experiment table lies and how large each of its arms is. Nothing is left out here: a unit that is lost is a finding.",
        group=_GROUP,
        code=_CODE_SOURCE,
        find=_open,
        look=_profile_source,
    )

    @dg.asset(**assets.options("treatment_assignment", deps=["source"], kinds={"sql"}, group=_GROUP, code=_CODE_SOURCE))
    def treatment_assignment(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Each unit of the experiment with its arm, its outcomes and what was known of it before it was assigned."""
        return make(
            context,
            workspace,
            "treatment_assignment",
            reads=lambda _: [("source", WHOLE)],
            settings=lambda _: [spec.model_dump(), workspace.profile.simulated],
            code=_CODE_SOURCE,
            exists=lambda step: step.table("treatment_assignment", "experiment_covariates"),
            build=_assign,
        )

    @dg.asset(
        **assets.options(
            "experiment_validity", deps=["treatment_assignment"], kinds={"python"}, group=_GROUP, code=_CODE_VALIDITY
        )
    )
    def experiment_validity(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """What each arm did on average, and whether that may be believed: arms of the planned size, alike before the treatment, A/A without effect."""
        return make(
            context,
            workspace,
            "experiment_validity",
            reads=lambda key: [("treatment_assignment", key)],
            settings=lambda _: spec.model_dump(),
            code=_CODE_VALIDITY,
            exists=lambda step: step.table("experiment_effects", "experiment_validity"),
            build=_judge,
        )

    return [source, treatment_assignment, experiment_validity]


def data_of(workspace: Workspace) -> str:
    """What the column `data` of every table says."""
    return "simulated treatment" if workspace.profile.simulated else "real"


def load_rows(step: Step, table: str, rows: Rows) -> int:
    """Writes the table's slice from rows that lack window_start and `data`; its number of rows."""
    schema = table_definition(table).schema
    common = {"window_start": step.workspace.window(step.window_key).start, "data": data_of(step.workspace)}
    whole = pa.Table.from_pylist([{**row, **common} for row in rows], schema=schema)
    return step.workspace.warehouse.load(table, step.window_key, step.version, whole.to_batches())


def _open(workspace: Workspace) -> Source:
    settings, profile = workspace.settings, workspace.profile
    override = settings.events.get(profile.name)
    if override is None and profile.source is not None and profile.source.simulate is not None:
        return open_source(profile, _simulated(workspace) / "units", settings.dataset_folders)
    return open_source(profile, override, settings.dataset_folders, workspace.warehouse.describe_table)


def _simulated(workspace: Workspace) -> Path:
    """The folder of the profile's simulated experiment, made on first use; its name holds all that it depends on."""
    from attribution_dagster.core.uplift.simulation import simulate_experiment

    profile = workspace.profile
    assert profile.source is not None and profile.source.simulate is not None
    users, seed, start = profile.source.simulate.users, profile.source.simulate.seed, profile.windows.start
    name = f"{profile.name}-{users}-users-from-{start}-seed-{seed}-{_CODE_SIMULATION[:8]}"
    folder = workspace.settings.home / "simulated" / name
    if not folder.exists():
        simulate_experiment(folder, users=users, seed=seed, start=start)
    return folder


def _profile_source(step: Step, found: Source) -> Report:
    warehouse = step.workspace.warehouse
    warehouse.attach_source(found)
    arms = warehouse.fetch(load_query("staging/experiment_arms"), {})
    return {
        "digest": found.digest,
        "suppressed": warehouse.suppression().digest,
        "first_file": {"path": str(found.events.parts[0].path)},
        "simulated": step.workspace.profile.simulated,
        "rows": sum(arms["n_units"].to_pylist()),
        "arms": {"markdown": markdown_table(arms)},
    }


def _assign(step: Step) -> Report:
    workspace, spec = step.workspace, profile_of(step.workspace).experiment
    attach_as_looked_at(workspace, _open(workspace))
    units = workspace.warehouse.fetch(_units_query(workspace), {})
    _refuse_unusable(workspace, units)
    rows = load_rows(step, "treatment_assignment", _outcome_rows(workspace, units))
    load_rows(step, "experiment_covariates", _covariate_rows(workspace, units))
    sizes = Counter(units["arm"].to_pylist())
    table = pa.table({"arm": list(spec.arms), "units": [sizes[arm] for arm in spec.arms]})
    return {"rows": rows, "units": units.num_rows, "arms": {"markdown": markdown_table(table)}}


def _units_query(workspace: Workspace) -> Query:
    """The columns that the profile names; their names are checked by the profile."""
    spec = profile_of(workspace).experiment
    truth = [spec.truth] if spec.truth is not None else []
    names = ["unit_id", "user_id", "arm", REVENUE, *spec.outcomes, *spec.numbers, *spec.categories, *truth]
    return parse_query("units of the experiment", f"SELECT {', '.join(names)} FROM canonical_events ORDER BY unit_id")


def _refuse_unusable(workspace: Workspace, units: pa.Table) -> None:
    """Raises DataError for units without id or twice, arms that nobody planned, and outcomes that are not 0 or 1."""
    spec, name = profile_of(workspace).experiment, workspace.profile.name
    ids = units["unit_id"].to_pylist()
    if None in ids or len(set(ids)) < len(ids):
        raise DataError(
            f"dataset {name}: {len(ids) - len(set(ids))} units occur twice, or have no unit_id: one row per unit is needed"
        )
    unknown = sorted({str(arm) for arm in units["arm"].to_pylist()} - set(spec.arms))
    if unknown:
        raise DataError(
            f"dataset {name}: units of the arm {', '.join(map(repr, unknown))}, which experiment.arms does not have: add it with its "
            "planned share, or correct the staging SQL"
        )
    for outcome in spec.outcomes:
        wrong = {value for value in units[outcome].to_pylist() if value not in (0, 1)}
        if wrong:
            raise DataError(
                f"dataset {name}: outcome {outcome} holds {sorted(map(str, wrong))[:3]}: 0 and 1 are expected in every unit"
            )


def _outcome_rows(workspace: Workspace, units: pa.Table) -> Rows:
    spec = profile_of(workspace).experiment
    compared = {spec.control: False, spec.treatment: True}
    return [
        {
            "session_id": unit["unit_id"],
            "user_id": unit["user_id"],
            "arm": unit["arm"],
            "is_treated": compared.get(unit["arm"]),
            "outcome": outcome,
            "happened": unit[outcome] == 1,
            REVENUE: unit[REVENUE],
            "true_effect": unit[spec.truth] if spec.truth is not None and outcome == spec.uplift_on else None,
        }
        for outcome in spec.outcomes
        for unit in units.to_pylist()
    ]


def _covariate_rows(workspace: Workspace, units: pa.Table) -> Rows:
    spec = profile_of(workspace).experiment
    return [
        {"session_id": unit["unit_id"], "user_id": unit["user_id"], "covariate": name, kind: unit[name]}
        for kind, names in (("number", spec.numbers), ("category", spec.categories))
        for name in names
        for unit in units.to_pylist()
    ]


def _judge(step: Step) -> Report:
    from attribution_dagster.core.uplift.effects import average_effects

    spec = profile_of(step.workspace).experiment
    units = open_units(step, spec.uplift_on)
    tests = _tests(units, spec)
    effects = average_effects(units.arms, spec.control, units.outcomes(step, spec.outcomes))
    load_rows(step, "experiment_effects", [asdict(effect) for effect in effects])
    load_rows(step, "experiment_validity", [asdict(test) for test in tests])
    shown = ("arm", "outcome", "control_rate", "effect", "effect_low", "effect_high", "p_value")
    table = pa.Table.from_pylist([asdict(effect) for effect in effects]).select(list(shown))
    failed = [f"{test.test} {test.name}" for test in tests if not test.passed]
    return {
        "rows": len(effects),
        "effects": {"markdown": markdown_table(table)},
        "tests": {"markdown": markdown_table(pa.Table.from_pylist([asdict(test) for test in tests]))},
        "failed": ", ".join(failed) or "none",
    }


def _tests(units: Units, spec: ExperimentSpec) -> "list[Test]":
    from attribution_dagster.core.uplift.validity import a_a, balance, overall_balance, sample_ratio

    compared = units.compared()
    sizes = {arm: int((units.arms == arm).sum()) for arm in spec.arms}
    return [
        sample_ratio(sizes, spec.arms),
        *balance(compared.covariates.x, compared.covariates.names, compared.treated),
        overall_balance(compared.covariates.x, compared.treated),
        a_a(compared.y, compared.treated),
    ]
