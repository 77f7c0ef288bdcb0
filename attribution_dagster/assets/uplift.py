"""Whom the treatment moves: learners compared out of sample, then every unit scored by a model that has not seen it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.experiment import data_of, load_rows, profile_of
from attribution_dagster.assets.report import inline_picture
from attribution_dagster.assets.showing import top_rows
from attribution_dagster.assets.step import Report, Step, code_version, digest, make
from attribution_dagster.assets.tracking import run_tags
from attribution_dagster.assets.units import Units, open_units
from attribution_dagster.graph import TRAINING_POOL, DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.tracker import Training, TrainingRun
from attribution_dagster.resources.workspace import WHOLE, Workspace

if TYPE_CHECKING:
    import numpy.typing as npt

    from attribution_dagster.core.uplift.learners import UpliftLearner
    from attribution_dagster.core.uplift.metrics import Estimate
    from attribution_dagster.core.uplift.scoring import GroupEffects, OutOfSample, Scores

PICTURE = "uplift_curves.png"
_GROUP = "step2_uplift"
_CODE_MODEL = code_version(
    "assets/uplift.py", "assets/units.py", "core/uplift", "reports/uplift.py", "reports/palette.py", "reports/style.py"
)
_CODE_SCORES = code_version("assets/uplift.py", "assets/units.py", "core/uplift")
SHOWN = ("learner", "metric", "value", "out_of_sample", "over_random_low", "over_random_high", "beats_random")


def uplift_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The assets `uplift_model` and `uplift_scores`."""
    workspace = assets.workspace
    profile = profile_of(workspace)
    reads = ["treatment_assignment", "experiment_validity"]
    settings = [profile.uplift.model_dump(), profile.experiment.uplift_on, profile.title, profile.simulated]

    @dg.asset(
        **assets.options(
            "uplift_model",
            deps=reads,
            kinds={"scikitlearn", "mlflow"},
            group=_GROUP,
            code=_CODE_MODEL,
            pool=TRAINING_POOL,
        )
    )
    def uplift_model(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Which learners tell whom the treatment moves? Qini, AUUC and uplift at 10, 20, 30 % out of sample, beside a random score."""
        return make(
            context,
            workspace,
            "uplift_model",
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda _: settings,
            code=_CODE_MODEL,
            exists=lambda step: step.table("uplift_metrics") and step.artifact(),
            build=_compare,
        )

    @dg.asset(
        **assets.options(
            "uplift_scores", deps=[*reads, "uplift_model"], kinds={"scikitlearn"}, group=_GROUP, code=_CODE_SCORES
        )
    )
    def uplift_scores(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """How much the treatment would move each unit, with an interval, its quadrant, and what to do with it."""
        return make(
            context,
            workspace,
            "uplift_scores",
            reads=lambda key: [(name, key) for name in (*reads, "uplift_model")],
            settings=lambda _: settings,
            code=_CODE_SCORES,
            exists=lambda step: step.table("uplift_scores", "uplift_truth"),
            build=_score,
        )

    return [uplift_model, uplift_scores]


def makes(workspace: Workspace) -> "dict[str, Callable[[], UpliftLearner]]":
    """Learner's name -> what makes a fresh one, of those that the profile compares."""
    from attribution_dagster.core.uplift.base_models import BASE_MODELS
    from attribution_dagster.core.uplift.learners import LEARNERS

    spec = profile_of(workspace).uplift
    base = BASE_MODELS[spec.base_model](spec.seed)
    return {name: lambda kind=LEARNERS[name]: kind(base, spec.seed) for name in spec.learners}  # type: ignore[misc]


def _compare(step: Step) -> Report:
    from attribution_dagster.core.uplift.learners import RandomScore
    from attribution_dagster.core.uplift.metrics import RANDOM, metric_estimates
    from attribution_dagster.core.uplift.scoring import cross_fitted_uplift, over_splits

    workspace, profile = step.workspace, profile_of(step.workspace)
    spec = profile.uplift
    units = open_units(step, profile.experiment.uplift_on).compared()
    data = (units.covariates.x, units.treated, units.y)
    learners = makes(workspace)
    with workspace.tracker.training(_training(step, units)) as run:
        scores = {
            name: cross_fitted_uplift(make_one, *data, n_folds=spec.folds, seed=spec.seed)
            for name, make_one in learners.items()
        }
        found = metric_estimates(scores, units.treated, units.y, replicates=spec.replicates, seed=spec.seed)
        with_control = {**learners, RANDOM: lambda: RandomScore(learners[spec.used]().base, spec.seed)}
        splits = over_splits(with_control, *data, splits=spec.splits, seed=spec.seed)
        rows = [
            _metric_row(step, learner, metric, found[learner][metric], splits[learner][metric])
            for learner in found
            for metric in found[learner]
        ]
        load_rows(step, "uplift_metrics", rows)
        workspace.artifacts.create(
            step.asset, step.window_key, step.version, lambda folder: _draw(step, units, scores, folder)
        )
        _log(step, run, rows)
    table = pa.Table.from_pylist(rows).select(list(SHOWN))
    losing = sorted({row["learner"] for row in rows if row["metric"] == "qini" and not row["beats_random"]} - {RANDOM})
    return {
        "rows": len(rows),
        "metrics": {"markdown": markdown_table(table, rows=len(rows))},
        "do_not_beat_random": ", ".join(losing) or "none",
        "curves": {"markdown": f"![Gain curves](data:image/png;base64,{inline_picture(_picture(step))})"},
        "mlflow_run_id": run.run_id,
        "data": data_of(workspace),
        **workspace.tracker.link(run.location),
    }


def _metric_row(step: Step, learner: str, metric: str, found: "Estimate", splits: "OutOfSample") -> dict[str, Any]:
    from attribution_dagster.core.uplift.metrics import RANDOM

    profile = profile_of(step.workspace)
    return {
        "learner": learner,
        "base_model": None if learner == RANDOM else profile.uplift.base_model,
        "outcome": profile.experiment.uplift_on,
        "metric": metric,
        "value": found.value,
        "value_low": found.low,
        "value_high": found.high,
        "out_of_sample": splits.figure.value,
        "out_of_sample_low": splits.figure.low,
        "out_of_sample_high": splits.figure.high,
        "over_random": splits.over_random.value,
        "over_random_low": splits.over_random.low,
        "over_random_high": splits.over_random.high,
        "beats_random": splits.over_random.low > 0,
        "is_used": learner == profile.uplift.used,
        "splits": profile.uplift.splits,
    }


def _training(step: Step, units: Units) -> Training:
    """What MLflow is told before anything is learnt."""
    workspace, profile = step.workspace, profile_of(step.workspace)
    source = workspace.artifacts.record("source", WHOLE)
    place = str(source.report["first_file"]["path"]) if source else profile.name
    return Training(
        dataset=profile.name,
        variant="uplift",
        window_key=step.window_key,
        parameters={
            **profile.uplift.model_dump(),
            "outcome": profile.experiment.uplift_on,
            "treatment": profile.experiment.treatment,
            "control": profile.experiment.control,
            "units": len(units.ids),
            "covariates": len(units.covariates.names),
        },
        tags={**run_tags(step, step.window_key), "data": data_of(workspace)},
        digest=digest(dict(step.inputs)),
        source=place,
    )


def _draw(step: Step, units: Units, scores: "dict[str, npt.NDArray[Any]]", folder: Path) -> None:
    from attribution_dagster.reports.uplift import gain_curves

    profile = profile_of(step.workspace)
    png = gain_curves(
        f"{profile.title}: {profile.experiment.treatment} against {profile.experiment.control}, {profile.experiment.uplift_on}",
        scores,
        units.treated,
        units.y,
        simulated=profile.simulated,
        replicates=profile.uplift.replicates,
    )
    (folder / PICTURE).write_bytes(png)


def _picture(step: Step) -> Path:
    folder = step.workspace.artifacts.folder(step.asset, step.window_key, step.version)
    assert folder is not None
    return folder / PICTURE


def _log(step: Step, run: TrainingRun, rows: list[dict[str, Any]]) -> None:
    run.log_metrics({f"{row['learner']}_{row['metric']}": row["out_of_sample"] for row in rows})
    run.log_picture(PICTURE, _picture(step).read_bytes())


def _score(step: Step) -> Report:
    from attribution_dagster.core.uplift.base_models import BASE_MODELS
    from attribution_dagster.core.uplift.quadrants import actions, quadrants
    from attribution_dagster.core.uplift.scoring import cross_fitted_scores, group_effects

    profile = profile_of(step.workspace)
    spec = profile.uplift
    units = open_units(step, profile.experiment.uplift_on).compared()
    scores = cross_fitted_scores(
        makes(step.workspace)[spec.used],
        BASE_MODELS[spec.base_model](spec.seed),
        units.covariates.x,
        units.treated,
        units.y,
        n_folds=spec.folds,
        resamples=spec.resamples,
        seed=spec.seed,
    )
    groups = group_effects(scores.uplift, units.treated, units.y)
    found = quadrants(scores, groups)
    order = sorted(range(len(units.ids)), key=lambda place: (-scores.uplift[place], units.ids[place]))
    rank = {place: number for number, place in enumerate(order, start=1)}
    columns: dict[str, Sequence[Any]] = {
        "session_id": units.ids,
        "user_id": units.users,
        "uplift": scores.uplift,
        "uplift_low": scores.low,
        "uplift_high": scores.high,
        "quadrant": found.tolist(),
        "action": actions(found),
        "control_rate": scores.control_rate,
        "treated_rate": scores.treated_rate,
        "score_group": groups.group,
        "group_effect": groups.effect,
        "group_effect_low": groups.low,
        "group_effect_high": groups.high,
    }
    rows = [
        {
            **dict(zip(columns, values, strict=True)),
            "uplift_rank": rank[place],
            "outcome": profile.experiment.uplift_on,
            "learner": spec.used,
        }
        for place, values in enumerate(zip(*columns.values(), strict=True))
    ]
    written = load_rows(step, "uplift_scores", rows)
    truth = _truth_rows(scores, groups, units)
    load_rows(step, "uplift_truth", truth)
    sizes = {name: int((found == name).sum()) for name in sorted(set(found.tolist()))}
    shown = ("uplift_rank", "uplift", "uplift_low", "uplift_high", "quadrant", "control_rate")
    return {
        "rows": written,
        "quadrants": {"markdown": markdown_table(pa.table({"quadrant": list(sizes), "units": list(sizes.values())}))},
        "data": data_of(step.workspace),
        **({"truth": {"markdown": markdown_table(pa.Table.from_pylist(truth))}} if truth else {}),
        **top_rows(step, "uplift_scores", shown, "uplift_rank"),
    }


def _truth_rows(scores: "Scores", groups: "GroupEffects", units: Units) -> list[dict[str, Any]]:
    """How near the scores come to the truth; nothing where it is unknown."""
    from attribution_dagster.core.uplift.truth import truth_figures

    if units.effect is None:
        return []
    rows = [asdict(figure) for figure in truth_figures(scores, groups, units.effect)]
    return [{**row, "of_average": row["of_average"] if isfinite(row["of_average"]) else None} for row in rows]
