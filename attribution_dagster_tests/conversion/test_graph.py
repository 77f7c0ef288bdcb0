"""Conversion in the graph that is published once for all tests: tables agree with each other, files are there, reasons add up."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from attribution_dagster.assets.conversion_features import feature_names
from attribution_dagster.assets.conversion_model import load_sample, open_models
from attribution_dagster.cli.reasons import session_reasons
from attribution_dagster.core.conversion.fitting import ModelSet
from attribution_dagster.errors import AttributionError
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.small import EXPLAINED


def rows(workspace: Workspace, table: str) -> list[dict]:
    return workspace.slice_of(table, EXPLAINED).to_pylist()


def test_there_are_thirty_to_fifty_features_each_with_its_kind_in_the_dictionary(published: Workspace) -> None:
    record = published.artifacts.record("session_features", EXPLAINED)
    assert record is not None and 30 <= len(feature_names()) <= 50
    kinds = {comment.split(":")[0] for comment in record.report["dictionary"].values()}
    assert kinds >= {"Temporal", "Timing", "Counts", "Ratios", "Diversity", "Repetition", "Price", "Recency"}
    assert kinds >= {"Category browsing", "User history"}


def test_every_session_has_one_probability_and_the_targeted_ones_reasons(published: Workspace) -> None:
    found = rows(published, "conversion_predictions")
    full = load_sample(published, [EXPLAINED], "full")
    assert sorted(row["session_id"] for row in found) == sorted(full.session)
    targeted = [row for row in found if row["is_targeted"]]
    assert len(targeted) == round(0.1 * len(found))
    assert min(r["conversion_probability"] for r in targeted) >= max(
        r["conversion_probability"] for r in found if not r["is_targeted"]
    )
    pattern = re.compile(r"^(\w+) = (missing|[-+.\de]+) \(\+\d+\.\d\d\)$")
    for row in targeted:
        said = pattern.match(row["reason_1"])
        assert said and said.group(1) in feature_names()


def test_exported_files_are_models_without_pickle_with_metrics_and_pictures(published: Workspace) -> None:
    folder = Path(published.settings.exports) / "small" / EXPLAINED
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "conversion_predictions.csv", "catboost_model.cbm", "xgboost_model.json", "logistic_regression.skops",
        "model_metrics.json", "shap_summary.png", "shap_summary.csv", "conversion_curves.png", "funnel_report.csv",
    }  # fmt: skip
    metrics = json.loads((folder / "model_metrics.json").read_text())
    assert {row["feature_set"] for row in metrics} == {"full", "early"}
    sample = load_sample(published, [EXPLAINED], "full")
    exported, kept = ModelSet.load(folder), open_models(published, EXPLAINED)["full"]
    assert np.allclose(exported.best.probability(sample.features), kept.best.probability(sample.features))


def test_models_and_the_transformer_are_measured_on_the_same_sessions(published: Workspace) -> None:
    compared = rows(published, "conversion_comparison")
    for segment in ("uncut", "after_5"):
        counts = {(row["n_sessions"], row["n_converted"]) for row in compared if row["segment"] == segment}
        assert len(counts) <= 1
    assert {"transformer", "catboost, full"} <= {row["model"] for row in compared}


def test_the_best_model_is_registered_with_its_run(published: Workspace) -> None:
    record = published.artifacts.record("conversion_model", EXPLAINED)
    assert record is not None
    (version,) = published.registry.versions("conversion_full")
    assert version.name == record.report["full_model"] and version.run_id == record.report["full_mlflow_run_id"]
    losses = record.report["full_losses"]
    assert min(losses, key=losses.get) == record.report["full_best"]


def test_reasons_of_any_session_start_at_the_base_and_end_at_its_log_odds(published: Workspace, tmp_path: Path) -> None:
    sample = load_sample(published, [EXPLAINED], "full")
    best = open_models(published, EXPLAINED)["full"].best
    assert np.allclose(best.contributions(sample.features).sum(axis=1), best.log_odds(sample.features), atol=1e-5)
    picture = tmp_path / "waterfall.png"
    shown = session_reasons(published, str(sample.session[-1]), "full", picture)
    assert f"{best.probability(sample.features[-1:])[0]:.1%}" in str(shown.renderables[0])
    assert picture.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(AttributionError, match="is no feature set: full, early"):
        session_reasons(published, "x", "late")
    with pytest.raises(AttributionError, match="no published prediction of small"):
        session_reasons(published, "x", "full")
