"""The findings as rows of the published table."""

from typing import Any

from attribution_dagster.core.claims.standing import Standing
from attribution_dagster.reports import sentences
from attribution_dagster.reports.caveats import MODEL_NOT_CAUSE
from attribution_dagster.reports.findings import VariantFindings
from attribution_dagster.reports.sentences import Finding


def table_rows(of: VariantFindings) -> list[dict[str, Any]]:
    """The rows of a variant, without the window: one for each finding, or one that says that there is none."""
    caveat = _caveat(of.standing)
    if not of.findings:
        return [{"variant": of.variant, "sentence": of.instead, "caveat": caveat}]
    return [_row(finding, caveat) for finding in of.findings]


def _row(finding: Finding, caveat: str) -> dict[str, Any]:
    change, low, high = finding.odds
    slope, planned = finding.trend, finding.experiment
    return {
        "finding_rank": finding.rank,
        "variant": finding.variant,
        "event_type": finding.event_type,
        "sentence": sentences.headline(finding),
        "mean_centred_effect": finding.effect,
        "effect_low": finding.low,
        "effect_high": finding.high,
        "q_value": finding.q_value,
        "signal_strength": finding.signal,
        "odds_change": change,
        "odds_change_low": low,
        "odds_change_high": high,
        "base_rate": finding.ground.rate,
        "points_change": finding.points,
        "users": finding.users,
        "raw_verdict": finding.raw_verdict,
        "raw_slope": slope.slope if slope else None,
        "raw_slope_low": slope.low if slope else None,
        "raw_slope_high": slope.high if slope else None,
        "raw_rates": sentences.raw_sentence(finding),
        "positions": sentences.positions_sentence(finding),
        "stores": sentences.stores_sentence(finding),
        "windows_same_sign": finding.stability.same,
        "windows_compared": finding.stability.windows,
        "baseline_effect": finding.baseline_effect,
        "experiment": sentences.experiment_sentence(finding),
        "treated_rate": planned.treated_rate if planned else None,
        "sessions_per_arm": planned.sessions_per_arm if planned else None,
        "users_per_arm": planned.users_per_arm if planned else None,
        "caveat": caveat,
    }


def _caveat(verdict: Standing) -> str:
    """The model's state with its reasons, and what no model can say."""
    said = f"Model: {verdict.state}" + (f" ({'; '.join(verdict.reasons)})" if verdict.reasons else "")
    return f"{said}. {MODEL_NOT_CAUSE}"
