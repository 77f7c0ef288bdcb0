"""How well conversion is predicted: a simulated marketplace, Taobao, and online shoppers. Writes docs/results-conversion.md.

python -m attribution_dagster_tests.verify.conversion --taobao taobao_userbehavior.csv --shoppers online_shoppers_intention.csv
"""

import argparse
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
from rich.console import Console

from attribution_dagster.assets.conversion_model import load_sample, open_models
from attribution_dagster.build import definitions_of
from attribution_dagster.cli.progress import TerminalProgress
from attribution_dagster.core.conversion.estimators import ESTIMATORS, LogisticRegression, XGBoost
from attribution_dagster.core.conversion.evaluation import RESAMPLES, metric_rows
from attribution_dagster.core.conversion.sample import Sample
from attribution_dagster.core.models.metrics import auc, average_precision
from attribution_dagster.datasets.one_window import OneWindowProfile
from attribution_dagster.reports.session_table import SessionTablePage
from attribution_dagster.resources.progress import Progress
from attribution_dagster.resources.workspace import Workspace, open_workspace
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.queries import load_query, parse_query

DOC = Path("docs/results-conversion.md")
SQL_LAYER = ("events", "sessions", "session_features")
MODEL = ("conversion_model",)
MARKETPLACE_WINDOW, TAOBAO_WINDOWS = "2025-02-03", ("2017-12-01", "2017-12-02", "2017-12-03")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
SMALL = {"trees": 200, "depth": 4, "learning_rate": 0.05}
_PLANTED = """
SELECT session_events.session_id AS session_id, session_events.event_id AS event_id, session_events.event_index AS place,
    CASE WHEN event_roles.is_funnel THEN 1 ELSE 0 END AS is_funnel
FROM session_events LEFT JOIN event_roles ON session_events.event_type = event_roles.event_type
WHERE session_events.window_start = :window_start
"""
_REFERENCE = """
SELECT session_events.session_id AS session_id, session_events.event_at AS event_at, session_events.event_type AS event_type,
    session_events.primary_category AS primary_category
FROM session_events INNER JOIN sessions
    ON session_events.session_id = sessions.session_id AND session_events.window_start = sessions.window_start
WHERE session_events.window_start = :window_start
    AND (sessions.conversion_event_index IS NULL OR session_events.event_index < sessions.conversion_event_index)
ORDER BY session_events.session_id, session_events.event_index
"""


def main() -> None:
    """Measures on all three and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--taobao", required=True, type=Path)
    parser.add_argument("--shoppers", required=True, type=Path)
    options = parser.parse_args()
    command = f"--taobao {options.taobao.name} --shoppers {options.shoppers.name}"
    with tempfile.TemporaryDirectory() as scratch, TerminalProgress(Console()) as progress:
        marketplace = run(Path(scratch), "marketplace", (MARKETPLACE_WINDOW,), progress)
        taobao = run(Path(scratch), "taobao_fixed_cut", TAOBAO_WINDOWS, progress, options.taobao)
        shoppers = run(Path(scratch), "online_shoppers", (), progress, options.shoppers)
        sections = [*_marketplace(marketplace), *_taobao(taobao), *_shoppers(shoppers)]
    DOC.write_text("\n".join([*_head(command), *sections, ""]))


def run(
    root: Path, dataset: str, windows: tuple[str, ...], progress: Progress, events: Path | None = None
) -> Workspace:
    """The dataset with features of all windows and models of conversion for these; no sequence model is trained."""
    environment = {"ATTRIBUTION_HOME": str(root / "home"), "ATTRIBUTION_DATASETS": dataset}
    environment |= {"ATTRIBUTION_EXPORTS": str(root / "exports"), "ATTRIBUTION_THREADS": "1"}
    if events is not None:
        environment[f"ATTRIBUTION_EVENTS_{dataset.upper()}"] = str(events.absolute())
    os.environ["DAGSTER_HOME"] = str(root / "dagster")
    workspace = open_workspace(dataset, Settings.from_environment(environment), progress)
    job = definitions_of([workspace]).resolve_implicit_global_asset_job_def()
    steps: list[tuple[tuple[str, ...], str | None]] = [(("source",), None), *_steps(workspace, windows)]
    with dg.DagsterInstance.ephemeral() as instance:
        for assets, key in steps:
            selection = [dg.AssetKey([dataset, name]) for name in assets]
            job.execute_in_process(instance=instance, partition_key=key, asset_selection=selection, run_config=QUIET)
    return workspace


def _steps(workspace: Workspace, windows: tuple[str, ...]) -> list[tuple[tuple[str, ...], str | None]]:
    """Assets and the window that they are made of: features of all that is learnt from, then models. A table of sessions has one window."""
    if isinstance(workspace.profile, OneWindowProfile):
        return [(("session_table", *MODEL), workspace.windows()[0].key)]
    needed = {key for window in windows for key in (*workspace.look_back(workspace.retrain_key(window)), window)}
    return [*((SQL_LAYER, key) for key in sorted(needed)), *((MODEL, key) for key in windows)]


def _marketplace(workspace: Workspace) -> list[str]:
    metrics = workspace.slice_of("conversion_metrics", MARKETPLACE_WINDOW).to_pandas()
    shown = metrics[
        (metrics["segment"] == "all") & metrics["metric"].isin(["auc", "average_precision", "log_loss", "ece"])
    ]
    lines = [
        "## Simulated marketplace",
        "",
        "| feature set | model | metric | value (95 %) | chosen model less it (95 %) |",
    ]
    lines += ["|---|---|---|---|---|"]
    for row in shown.to_dict("records"):
        gain = "" if pd.isna(row["gain"]) else _interval(row["gain"], row["gain_low"], row["gain_high"])
        value = _interval(row["value"], row["value_low"], row["value_high"])
        lines.append(f"| {row['feature_set']} | {row['model']} | {row['metric']} | {value} | {gain} |")
    count = shown.iloc[0]
    said = f"{count['n_sessions']} sessions of window {MARKETPLACE_WINDOW}, {count['n_converted']} converted. "
    return [*lines, "", said + _adversarial(metrics), "", *_oracle(workspace), ""]


def _adversarial(metrics: pd.DataFrame) -> str:
    found = metrics[metrics["model"] == "adversarial"].set_index("feature_set")
    parts = [f"{row['value']:.3f} on `{name}` ({row['segment']})" for name, row in found.iterrows()]
    return (
        f"A model tells these sessions from those learnt from with an AUC of {' and '.join(parts)}: the history of users is "
        "longer in later weeks, since the data begin with the first."
    )


def _oracle(workspace: Workspace) -> list[str]:
    """The share of the oracle's log-loss gain on `early`, over resampled users."""
    keys = workspace.look_back(MARKETPLACE_WINDOW)
    learnt, predicted = (load_sample(workspace, k, "early") for k in (keys, [MARKETPLACE_WINDOW]))
    known = [_planted(workspace, k, s) for k, s in ((keys, learnt), ([MARKETPLACE_WINDOW], predicted))]
    oracle = LogisticRegression().fit(known[0], learnt.label).predict_proba(known[1])
    best = open_models(workspace, MARKETPLACE_WINDOW)["early"].best
    model, base = best.probability(predicted.features), np.full(len(predicted), learnt.label.mean())
    losses = [_losses(p, predicted.label) for p in (base, model, oracle)]
    _, user = np.unique(predicted.user.astype(str), return_inverse=True)
    draws = np.random.default_rng(0).multinomial(
        user.max() + 1, np.full(user.max() + 1, 1 / (user.max() + 1)), RESAMPLES
    )
    drawn = [_share([(draw[user] * loss).sum() for loss in losses]) for draw in draws]
    share = _interval(_share([loss.sum() for loss in losses]), *np.percentile(drawn, [2.5, 97.5]))
    return [
        f"On `early` {best.name} has **{share}** of the oracle's log-loss gain over the base rate "
        f"({losses[0].mean():.4f}; {losses[1].mean():.4f}; oracle {losses[2].mean():.4f}; AUC {auc(model, predicted.label):.3f}, "
        f"oracle {auc(oracle, predicted.label):.3f}). The oracle is logistic regression on what the simulator alone knows, its own log-odds of "
        "converting at the last event seen, with the events of the funnel among those and their number.",
    ]


def _planted(workspace: Workspace, keys: list[str], sample: Sample) -> np.ndarray:
    """(N, 4): the simulator's log-odds at the last of the events seen, funnel events among them, checkouts, events."""
    (truth,) = (workspace.settings.home / "simulated").glob("marketplace-*/truth")
    events = pd.concat(workspace.fetch(parse_query("planted", _PLANTED), key).to_pandas() for key in keys)
    columns = ["event_id", "oracle_logit"]
    logits = pd.concat(pd.read_parquet(p, columns=columns) for p in sorted((truth / "occurrences").glob("*.parquet")))
    events = events.merge(logits, on="event_id", how="left")
    seen = pd.Series(sample.column("n_events"), index=sample.session)
    events = events[events["place"] <= events["session_id"].map(seen)].sort_values(["session_id", "place"])
    last = events.groupby("session_id")["oracle_logit"].last().reindex(sample.session).to_numpy()
    counts = [sample.column(name) for name in ("n_funnel_events", "n_checkouts", "n_events")]
    return np.column_stack([last, *counts])


def _losses(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return -np.where(labels > 0, np.log(probabilities), np.log1p(-probabilities))


def _share(losses: list[float]) -> float:
    base, model, oracle = losses
    return (base - model) / (base - oracle)


def _taobao(workspace: Workspace) -> list[str]:
    keys = workspace.look_back(workspace.retrain_key(TAOBAO_WINDOWS[0]))
    lines = [
        "## Taobao",
        "",
        "| events seen | predictor | AUC | average precision | it less the reference, AUC (95 %) |",
        "|---|---|---|---|---|",
    ]
    for name, kinds in (("views, carts, favourites", ("pv", "cart", "fav")), ("views", ("pv",))):
        if name == "views":
            _see_only_views(workspace, [*keys, *TAOBAO_WINDOWS])
        learnt, predicted = (_reference_features(workspace, each, kinds) for each in (keys, list(TAOBAO_WINDOWS)))
        scores = _taobao_scores(workspace, keys, learnt, predicted)
        y, users = predicted["label"].to_numpy(), predicted["user"].to_numpy()
        rows = {
            r.model: r
            for r in metric_rows(scores, y, users, reference="reference: logistic regression")
            if r.metric == "auc"
        }
        for model, row in rows.items():
            gain = "" if row.gain is None else _interval(-row.gain, -(row.gain_high or 0.0), -(row.gain_low or 0.0))
            value = _interval(row.value, row.value_low, row.value_high)
            lines.append(f"| {name} | {model} | {value} | {average_precision(scores[model], y):.3f} | {gain} |")
        lines.append(f"| | *{len(y)} sessions, {y.mean():.1%} convert; learnt from {len(learnt)}* | | | |")
    return [*lines, "", *_TAOBAO_SAID, ""]


def _see_only_views(workspace: Workspace, keys: list[str]) -> None:
    """Makes `session_features` again as if nothing but views and buys had happened, in sessions and in the users' history."""
    text = load_query("features/session_features").text
    for table in ("session_events", "canonical_events"):
        views = f"FROM (SELECT * FROM {table} WHERE event_type IN ('pv', 'buy')) AS {table}\n"
        text = text.replace(f"FROM {table}\n", views)
    query = parse_query("features of views", text)
    for key in keys:
        workspace.warehouse.build("session_features", key, "views", query, workspace.bound(query, key))


def _taobao_scores(
    workspace: Workspace, keys: list[str], learnt: pd.DataFrame, predicted: pd.DataFrame
) -> Mapping[str, np.ndarray]:
    """The reference of ten hand-made counts and times; and models on our features of the same events."""
    names = [c for c in learnt.columns if c not in ("label", "user")]
    x, z, y = learnt[names].to_numpy(), predicted[names].to_numpy(), learnt["label"].to_numpy()
    scores = {
        "reference: logistic regression": LogisticRegression().fit(x, y).predict_proba(z),
        "reference: gradient boosting": XGBoost(**SMALL).fit(x, y).predict_proba(z),
    }
    ours = [load_sample(workspace, k, "full") for k in (keys, list(TAOBAO_WINDOWS))]
    train, test = (
        s.features[pd.Index(s.session).get_indexer(rows.index)]
        for s, rows in zip(ours, (learnt, predicted), strict=True)
    )
    for name, model in open_models(workspace, TAOBAO_WINDOWS[0])["full"].models.items():
        scores[f"features, {name}"] = ESTIMATORS[name](**model.parameters).fit(train, y).predict_proba(test)
    return scores


def _reference_features(workspace: Workspace, keys: list[str], kinds: tuple[str, ...]) -> pd.DataFrame:
    """Ten counts and times of each session with at least two events of these kinds before the buy."""
    events = pd.concat(workspace.fetch(parse_query("reference", _REFERENCE), key).to_pandas() for key in keys)
    events = events[events["event_type"].isin(kinds)]
    events["gap"] = events.groupby("session_id")["event_at"].diff().dt.total_seconds()
    events["repeat"] = events.duplicated(["session_id", "primary_category"])
    groups = events.groupby("session_id")
    events["same"] = events["primary_category"] == groups["primary_category"].shift()
    table = pd.DataFrame(
        {
            "events": groups.size(),
            "types": groups["event_type"].nunique(),
            "categories": groups["primary_category"].nunique(),
            "repeats": groups["repeat"].sum(),
            "repeat_share": groups["repeat"].mean(),
            "same_share": groups["same"].mean(),
            "duration_s": groups["gap"].sum(),
            "mean_gap_s": groups["gap"].mean(),
            "longest_gap_s": groups["gap"].max(),
            "hour": (groups["event_at"].min().dt.hour + 8) % 24,
        }
    )
    sample = pd.concat(_labels(load_sample(workspace, [key], "full")) for key in keys)
    return table[table["events"] >= 2].join(sample, how="inner").astype({"label": int})


def _labels(sample: Sample) -> pd.DataFrame:
    return pd.DataFrame({"label": sample.label, "user": sample.user}, index=pd.Index(sample.session, name="session_id"))


def _shoppers(workspace: Workspace) -> list[str]:
    """What the dataset's own page says, under a heading of this one."""
    (key,) = (window.key for window in workspace.windows())
    metrics, suspects = (
        workspace.slice_of(table, key).to_pylist() for table in ("conversion_metrics", "suspected_attributes")
    )
    page = SessionTablePage(
        title=workspace.profile.title, window_key=key, simulated=False, metrics=metrics, suspects=suspects
    )
    _, _, said = page.markdown().partition("\n")
    return ["## Online shoppers", said.replace("## Why", "### Why").rstrip(), ""]


def _interval(value: Any, low: Any, high: Any) -> str:
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _head(command: str) -> list[str]:
    return [
        "# How well conversion is predicted",
        "",
        f"Made by `python -m attribution_dagster_tests.verify.conversion {command}`. The data are not part of the project.",
        "",
    ]


_TAOBAO_SAID = [
    "Sessions of 1 to 3 December 2017 with at least two of these events before the buy, predicted by models of those from 25 November on. The reference "
    "is ten hand-made counts and times, with logistic regression or boosting. The models on features see the same events, and the user's history of them; "
    "their parameters were chosen before those days, on views, carts and favourites. All are compared on the same sessions, resampled by user.",
]

if __name__ == "__main__":
    main()
