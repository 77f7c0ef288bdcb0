"""All attribution methods on one sample of the window's sessions: how far they agree, and what each costs."""

from typing import TYPE_CHECKING

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.sequences import open_sequences
from attribution_dagster.assets.showing import leakage_warning
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.training import open_model
from attribution_dagster.errors import AttributionError, ConfigurationError
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.workspace import Workspace

if TYPE_CHECKING:
    from attribution_dagster.core.attribution.comparison import MethodComparison

MOST_PASSES = 300_000
"""Events passed through the network over all methods: what bounds the time, whatever the sessions' lengths."""
_CODE = code_version("assets/method_comparison.py", "core/attribution", "core/models", "core/sequences")


def method_comparison_assets(assets: DatasetAssets, variant: str) -> list[dg.AssetsDefinition]:
    """The variant's asset `method_comparison`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    asset = f"{variant}/method_comparison"
    reads = [f"{variant}/sequence_tensors", f"{variant}/trained_model"]

    @dg.asset(
        **assets.options(
            asset,
            deps=reads,
            kinds={"pytorch"},
            group=f"step3_{variant}",
            code=_CODE,
            leaks=profile.variants[variant].leaks,
        )
    )
    def method_comparison(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Every attribution method on the same sample of sessions: do they rank events and event types alike, and how long does each take?"""
        return make(
            context,
            workspace,
            asset,
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda _: profile.attribution.model_dump(),
            code=_CODE,
            exists=lambda step: step.table(*_tables(variant)),
            build=lambda step: _compare(step, variant),
        )

    return [method_comparison]


def check_method(method: str, *, in_logits: bool = False) -> str:
    """The method, if the registry has it.

    Raises:
        AttributionError: it does not; or the values must be logits, and this method's are not.
    """
    from attribution_dagster.core.attribution.registry import ATTRIBUTORS, WITHOUT_UNIT

    known = [name for name in ATTRIBUTORS if not (in_logits and name in WITHOUT_UNIT)]
    if method not in known:
        what = "gives no effects in logits" if method in ATTRIBUTORS else "is no attribution method"
        raise AttributionError(f"{method!r} {what}: choose one of {', '.join(known)}")
    return method


def default_method(workspace: Workspace) -> str:
    """The method whose attributions are stored and published in full. ConfigurationError if there is none such."""
    profile = workspace.profile
    try:
        return check_method(profile.attribution.method, in_logits=True)
    except AttributionError as error:
        raise ConfigurationError(f"dataset {profile.name}: attribution.method: {error}") from error


def _tables(variant: str) -> tuple[str, str]:
    return f"method_comparison_{variant}", f"method_attribution_{variant}"


def _compare(step: Step, variant: str) -> Report:
    import time

    import torch

    from attribution_dagster.core.attribution.comparison import compare_methods, sample_sessions
    from attribution_dagster.reports.method_comparison import agreement_picture

    workspace, key = step.workspace, step.window_key
    torch.set_num_threads(workspace.settings.threads)
    sequences = open_sequences(workspace, variant, key)
    sample = sequences.select(sample_sessions(sequences, workspace.profile.attribution.compared_sessions, MOST_PASSES))
    found = compare_methods(open_model(workspace, variant, key), sample, time.perf_counter, workspace.progress.advance)
    start = workspace.window(key).start
    for name, table in zip(_tables(variant), (found.agreement, found.occurrences), strict=True):
        window = pa.array([start] * table.num_rows, type=pa.timestamp("us"))
        stamped = table.add_column(0, "window_start", window)
        workspace.warehouse.load(name, key, step.version, stamped.to_batches())
    chosen = default_method(workspace)
    warning = leakage_warning(workspace.profile, variant)
    return {
        "rows": found.agreement.num_rows,
        "methods": len(found.seconds),
        "sessions": sample.n_sessions,
        "seconds": round(sum(found.seconds.values()), 2),
        "agreement_with": chosen,
        "agreement": {"markdown": markdown_table(_beside(found, chosen))},
        "picture": {"markdown": f"![Rank correlations](data:image/png;base64,{agreement_picture(found.agreement)})"},
        **warning,
    }


def _beside(found: "MethodComparison", chosen: str) -> pa.Table:
    """Each other method beside the chosen one: correlations, top five, and what it costs."""
    rows = found.agreement.to_pylist()
    beside = {(row["granularity"], row["method"]): row for row in rows if row["other_method"] == chosen}
    return pa.Table.from_pylist(
        [
            {
                "method": method,
                "rank_correlation_in_sessions": beside["occurrence", method]["rank_correlation"],
                "top_five_in_sessions": beside["occurrence", method]["top_five_agreement"],
                "rank_correlation_of_types": beside["event_type", method]["rank_correlation"],
                "top_five_of_types": beside["event_type", method]["top_five_agreement"],
                "seconds_per_1000_sessions": beside["occurrence", method]["seconds_per_1000_sessions"],
                "share_over_bound": beside["occurrence", method]["share_over_bound"],
            }
            for granularity, method in beside
            if granularity == "occurrence"
        ]
    )
