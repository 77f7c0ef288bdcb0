"""The one adapter from expectations to Dagster asset checks, through Great Expectations; it also stores verdicts and writes pages.

The suite of an asset is one step of Dagster's and one validation: a step for each check would cost more than the checks.
"""

import warnings
from collections.abc import Iterator, Mapping

import dagster as dg
import pyarrow as pa

from attribution_dagster.checks.expectations import Expectation
from attribution_dagster.checks.judging import judge
from attribution_dagster.checks.pages import has_window_page, write_asset_page, write_window_page
from attribution_dagster.checks.suites import expectations
from attribution_dagster.graph import FORCE_TAG, DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.artifacts import Verdict
from attribution_dagster.retries import retried_after_io_errors


def asset_checks(assets: DatasetAssets) -> list[dg.AssetChecksDefinition]:
    """Dagster's checks of the dataset, one for each expectation."""
    # Partitions of checks are a preview in Dagster 1.13; a test watches that they keep working.
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
    suites: dict[str, list[Expectation]] = {}
    for expectation in expectations(assets.workspace.profile):
        suites.setdefault(expectation.asset, []).append(expectation)
    return [_checks_of(assets, asset, suite) for asset, suite in suites.items()]


def _checks_of(assets: DatasetAssets, asset: str, suite: list[Expectation]) -> dg.AssetChecksDefinition:
    key = assets.key(asset)

    @dg.multi_asset_check(
        name="__".join([*key.path, "checks"]),
        description=f"The expectations of {asset}.",
        specs=[
            dg.AssetCheckSpec(
                expectation.name,
                asset=key,
                description=expectation.description,
                blocking=expectation.blocking,
                partitions_def=assets.partitions(asset),
            )
            for expectation in suite
        ],
    )
    def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        yield from _results(context, assets, asset, suite)

    return checks


@retried_after_io_errors
def _results(
    context: dg.AssetCheckExecutionContext, assets: DatasetAssets, asset: str, suite: list[Expectation]
) -> list[dg.AssetCheckResult]:
    """What each expectation found; all of them, before Dagster is told of any, so that the step can be tried again."""
    workspace, reuse = assets.workspace, context.run.tags.get(FORCE_TAG) != "true"
    judged = {window: judge(workspace, suite, window, reuse=reuse) for window in context.partition_keys}
    for window, verdicts in judged.items():
        page = write_asset_page(workspace, asset, window)
        failed = not all(verdict.passed for verdict in verdicts)
        # If there is one, nobody else may write it anew; if a check failed, nobody else may write it at all.
        if failed or has_window_page(workspace, window):
            of_all = write_window_page(workspace, window)
            page = of_all if failed else page
    return [
        _result(assets.key(asset), expectation, {window: verdicts[place] for window, verdicts in judged.items()}, page)
        for place, expectation in enumerate(suite)
    ]


def _result(
    key: dg.AssetKey, expectation: Expectation, verdicts: Mapping[str, Verdict], page: str
) -> dg.AssetCheckResult:
    """What Dagster keeps: of a run over a range it is one result for all windows, and shows the first that failed."""
    failed = [window for window, verdict in verdicts.items() if not verdict.passed]
    shown = verdicts[failed[0] if failed else max(verdicts)]
    said = (
        [f"window {window}: {verdicts[window].summary}" for window in failed] if len(verdicts) > 1 else [shown.summary]
    )
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=expectation.name,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if shown.blocking else dg.AssetCheckSeverity.WARN,
        description=f"{'; '.join(said)} (see {page})" if failed else shown.summary,
        metadata=check_metadata(expectation, shown, page),
    )


def check_metadata(expectation: Expectation, verdict: Verdict, page: str) -> dict[str, object]:
    """What a check's page in Dagster shows: figures, bounds, the number of offending rows and the first of them."""
    shown: dict[str, object] = {
        **verdict.observed,
        "expected": "; ".join(map(str, expectation.rules)),
        "offending_rows": verdict.offending,
        "page": dg.MetadataValue.path(page),
    }
    if verdict.rows:
        table = markdown_table(pa.Table.from_pylist([dict(row) for row in verdict.rows]))
        left_out = verdict.offending - len(verdict.rows)
        shown["rows"] = dg.MetadataValue.md(f"{table}\n\n*{left_out:,} more rows*" if left_out else table)
    return shown
