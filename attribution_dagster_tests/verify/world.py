"""One simulated world at full size, run through the whole graph and held against its planted truth."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from attribution_dagster.cli.launch import launch
from attribution_dagster.core.models.calibration import fit_platt
from attribution_dagster.core.models.metrics import auc, log_loss
from attribution_dagster.core.simulation.marketplace import simulate_marketplace
from attribution_dagster.datasets.registry import BUILT_IN
from attribution_dagster.resources.progress import Progress
from attribution_dagster.resources.workspace import Workspace, open_workspace
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.queries import parse_query

WEEKS, START = 5, date(2025, 1, 6)
EXPLAINED = "2025-02-03"
_OCCURRENCES = """
WITH visible AS (
    SELECT e.session_id, e.event_id,
        ROW_NUMBER() OVER (PARTITION BY e.session_id ORDER BY e.event_index) - 1 AS event_position
    FROM session_events AS e
    INNER JOIN sessions AS s ON e.session_id = s.session_id AND e.window_start = s.window_start
    LEFT JOIN event_roles AS r ON e.event_type = r.event_type
    WHERE e.window_start = :window_start
        AND (s.conversion_event_index IS NULL OR e.event_index < s.conversion_event_index)
        AND NOT COALESCE(r.is_funnel, FALSE)
)
SELECT a.session_id, a.label, a.event_position, a.event_type, a.n_events, a.logit, a.centred_attribution, v.event_id
FROM gradient_attribution_no_funnel AS a
INNER JOIN visible AS v ON a.session_id = v.session_id AND a.event_position = v.event_position
WHERE a.window_start = :window_start AND a.in_risk_set
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one seed gave. Log-loss gains are over the base rate; the oracle knows the planted hazard of each prefix.

    pairs: the neighbours that the model weighs together. best_epoch: 0 where validation kept the additive start.
    """

    seed: int
    sessions: int
    converted: int
    metrics: dict[str, dict[str, float]]
    metrics_with_funnel: dict[str, dict[str, float]] | None
    oracle_auc: float
    gain_share: float
    gain_share_counts: float
    pair_auc: float
    pair_auc_counts: float
    types: pd.DataFrame
    pairs: list[tuple[str, str, bool]]
    best_epoch: float


def run_world(root: Path, seed: int, users: int, progress: Progress, variants: Sequence[str]) -> tuple[Workspace, Path]:
    """The published workspace of a seed, and the folder of its truth."""
    folder = root / f"seed-{seed}"
    if not (folder / "events").exists():
        simulate_marketplace(folder, users=users, weeks=WEEKS, start=START, seed=seed)
    datasets = root / f"datasets-{seed}"
    datasets.mkdir(parents=True, exist_ok=True)
    profile = yaml.safe_load((BUILT_IN / "marketplace.yaml").read_text())
    profile |= {"name": "world", "staging": "marketplace", "title": f"Simulated marketplace, seed {seed}"}
    profile |= {"source": {"path": str(folder / "events")}}
    profile["variants"] = {name: profile["variants"][name] for name in variants}
    (datasets / "world.yaml").write_text(yaml.safe_dump(profile))
    home = root / f"home-{seed}"
    os.environ["DAGSTER_HOME"] = str(home / "dagster")
    environment = {
        "ATTRIBUTION_HOME": str(home),
        "ATTRIBUTION_EXPORTS": str(home / "exports"),
        "ATTRIBUTION_DATASETS": "world",
        "ATTRIBUTION_DATASET_FOLDERS": str(datasets),
    }
    workspace = open_workspace("world", Settings.from_environment(environment), progress)
    launch(workspace, EXPLAINED)
    return workspace, folder / "truth"


def judge_world(workspace: Workspace, truth: Path, seed: int) -> Outcome:
    """Prediction and attribution of the explained window's risk set against the truth."""
    rows = workspace.fetch(parse_query("occurrences", _OCCURRENCES), EXPLAINED).to_pandas()
    planted = pd.concat(
        pd.read_parquet(p, columns=["event_id", "planted_effect_logits", "next_bonus_logits", "oracle_logit"])
        for p in sorted((truth / "occurrences").glob("*.parquet"))
    )
    rows = rows.merge(planted, on="event_id", how="left", validate="one_to_one").sort_values(
        ["session_id", "event_position"]
    )
    last = rows["event_position"] == rows["n_events"] - 1
    # The last kept event's partner, if it had one, was cut away, and the bonus of the pair with it.
    rows["planted"] = rows["planted_effect_logits"] - np.where(last, rows["next_bonus_logits"].fillna(0.0), 0.0)
    sessions = rows[last].set_index("session_id")
    paired = rows.groupby("session_id")["next_bonus_logits"].apply(
        lambda bonus: bool((bonus.fillna(0.0).to_numpy()[:-1] > 0).any())
    )
    metrics = {v: _metrics(workspace, v) for v in workspace.profile.variants}
    label, oracle = sessions["label"].to_numpy(), sessions["oracle_logit"].to_numpy()
    best = log_loss(_calibrated(oracle, label), label)
    base = metrics["no_funnel"]["base_rate"]["log_loss"]
    counts = _count_logits(workspace, sessions.index)
    pair = paired.reindex(sessions.index).to_numpy()
    return Outcome(
        seed=seed,
        sessions=len(sessions),
        converted=int(label.sum()),
        metrics=metrics["no_funnel"],
        metrics_with_funnel=metrics.get("with_funnel"),
        oracle_auc=auc(oracle, label),
        gain_share=(base - metrics["no_funnel"]["transformer"]["log_loss"]) / (base - best),
        gain_share_counts=(base - metrics["no_funnel"]["logistic_regression"]["log_loss"]) / (base - best),
        pair_auc=auc(sessions["logit"].to_numpy()[pair], label[pair]),
        pair_auc_counts=auc(counts[pair], label[pair]),
        types=_types(rows, seed),
        pairs=[
            (row["first_event_type"], row["second_event_type"], row["same_store"])
            for row in workspace.slice_of("transformer_pair_attribution_no_funnel", EXPLAINED).to_pylist()
        ],
        best_epoch=_best_epoch(workspace),
    )


def _best_epoch(workspace: Workspace) -> float:
    record = workspace.artifacts.record("no_funnel/trained_model", EXPLAINED)
    assert record is not None
    return float(record.report["best_epoch"])


def _types(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Event type -> mean estimated and mean planted effect of an occurrence, both against the average occurrence."""
    table = rows.groupby("event_type").agg(
        estimated=("centred_attribution", "mean"), planted=("planted", "mean"), occurrences=("planted", "size")
    )
    # Planted effects are relative to nothing, estimated ones to an average event: both are centred before comparing.
    for side in ("estimated", "planted"):
        table[f"{side}_centred"] = table[side] - np.average(table[side], weights=table["occurrences"])
    return table.assign(seed=seed, is_null=table["planted"].abs() < 1e-12).reset_index()


def _metrics(workspace: Workspace, variant: str) -> dict[str, dict[str, float]]:
    rows = workspace.slice_of(f"model_metrics_{variant}", EXPLAINED).to_pylist()
    return {row["model"]: row for row in rows if row["population"] == "all"}


def _calibrated(logits: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The oracle's logits on the scale of the matched sample: slope and intercept fitted here, in the oracle's favour."""
    fitted = fit_platt(logits, label)
    return fitted.slope * logits + fitted.intercept


def _count_logits(workspace: Workspace, session_ids: pd.Index) -> np.ndarray:
    """The counts baseline's logits, refitted as the asset fits it, in the order of `session_ids`."""
    from attribution_dagster.assets.sequences import open_sequences
    from attribution_dagster.assets.training import split_sessions
    from attribution_dagster.core.models.baselines import fit_baselines
    from attribution_dagster.core.sequences.sequence_set import SequenceSet

    keys = workspace.look_back(EXPLAINED)
    parts = split_sessions([open_sequences(workspace, "no_funnel", k) for k in keys], "world", "no_funnel", keys)
    test = open_sequences(workspace, "no_funnel", EXPLAINED)
    scores = pd.Series(
        fit_baselines(SequenceSet.concatenate(parts[:2]))["counts"].predict(test), index=test.session_id.to_pylist()
    )
    return scores.reindex(session_ids).to_numpy()
