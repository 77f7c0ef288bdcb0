"""A summary of a run to change in tests: event types with their errors, metrics, two variants."""

import pyarrow as pa

from attribution_dagster.reports.summary import RunSummary, VariantSummary


def events(*rows, average=0.0) -> pa.Table:
    """(event type, effect, half width of the interval or None, is_funnel) rows, strongest first, against an average event worth `average`."""
    names = (
        "event_type",
        "mean_centred_effect",
        "mean_signed_effect",
        "effect_low",
        "effect_high",
        "q_value",
        "signal_strength",
        "is_funnel",
        "users",
        "occurrences",
    )
    table = [
        (
            name,
            effect,
            effect + average,
            None if half is None else effect - half,
            None if half is None else effect + half,
            None if half is None else 0.0004 if half < abs(effect) else 0.321,
            "Neutral"
            if half is None or half >= abs(effect)
            else "Negative signal"
            if effect < 0
            else "Strong positive signal",
            funnel,
            1234,
            5000,
        )
        for name, effect, half, funnel in rows
    ]
    columns = (
        dict(zip(names, map(list, zip(*table, strict=True)), strict=True)) if table else {name: [] for name in names}
    )
    return pa.table(
        columns | {"has_minimum_support": [True] * len(table), "driver_rank": list(range(1, len(table) + 1))}
    )


METRICS = {
    "transformer": {"auc": 0.684, "auc_low": 0.66, "auc_high": 0.71, "average_precision": 0.31, "log_loss": 0.38},
    "logistic_regression": {"auc": 0.671},
    "length": {"auc": 0.512},
    "base_rate": {"auc": 0.5, "log_loss": 0.42},
}
FAIR = [("click", 0.25, 0.05, False), ("scroll", 0.01, 0.05, False), ("leave", -0.4, 0.1, False)]
LEAKY = [("checkout", 2.5, 0.2, True), ("click", 0.2, 0.05, False), ("cart", 0.1, 0.05, True)]


def summary(fair=FAIR, leaky=LEAKY, **changes) -> RunSummary:
    variants = [
        VariantSummary(
            variant="no_funnel", leaks=False, sessions=900, converted=120, events=events(*fair), metrics=METRICS
        ),
        VariantSummary(
            variant="with_funnel",
            leaks=True,
            sessions=900,
            converted=120,
            events=events(*leaky),
            metrics={"transformer": {"auc": 0.98}},
        ),
    ]
    values = {"dataset_title": "Shop", "window_key": "2025-02-03", "simulated": False, "variants": variants}
    return RunSummary(**(values | changes))


def line_of(text: str, part: str) -> str:
    return next(line for line in text.splitlines() if part in line)
