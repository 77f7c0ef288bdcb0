"""Data Docs: the stored verdicts of a window, as pages that one can open anywhere. One for each asset, one for the whole window."""

from attribution_dagster.checks.expectations import Expectation
from attribution_dagster.checks.gate import verdict_of
from attribution_dagster.checks.suites import expectations
from attribution_dagster.reports.checks_page import CheckShown, checks_page
from attribution_dagster.resources.workspace import Workspace

WINDOW = "window"
"""Name of the page that shows all assets."""


def asset_page(workspace: Workspace, asset: str, window_key: str) -> str | None:
    """Where the page of an asset will lie as soon as one of its checks has run; None for an asset without checks."""
    checked = any(e.asset == asset for e in expectations(workspace.profile))
    return workspace.artifacts.page(window_key, asset) if checked else None


def write_asset_page(workspace: Workspace, asset: str, window_key: str) -> str:
    """Where the page of one asset lies, written anew."""
    found = [e for e in expectations(workspace.profile) if e.asset == asset]
    return _write(workspace, found, window_key, asset)


def write_window_page(workspace: Workspace, window_key: str) -> str:
    """Where the page of all assets lies, written anew; checks that have not been asked are on it as such."""
    return _write(workspace, expectations(workspace.profile), window_key, WINDOW)


def has_window_page(workspace: Workspace, window_key: str) -> bool:
    """Whether the page of all assets has been written: then it has to be written anew with the page of each."""
    return workspace.artifacts.has_page(window_key, WINDOW)


def rewrite_pages(workspace: Workspace) -> None:
    """Writes every page anew from the verdicts as they are now; one of an asset that has no checks any more is deleted."""
    known = {expectation.asset for expectation in expectations(workspace.profile)}
    for window_key, name in workspace.artifacts.pages():
        if name == WINDOW:
            write_window_page(workspace, window_key)
        elif name in known:
            write_asset_page(workspace, name, window_key)
        else:
            workspace.artifacts.remove_page(window_key, name)


def _write(workspace: Workspace, suite: list[Expectation], window_key: str, name: str) -> str:
    profile = workspace.profile
    assets: dict[str, list[CheckShown]] = {}
    outdated: dict[tuple[str, str], bool] = {}
    for expectation in suite:
        asset = expectation.asset
        stands = not _is_outdated(workspace, asset, window_key, outdated)
        assets.setdefault(asset, []).append(_shown(workspace, expectation, window_key, stands))
    content = checks_page(profile.title, profile.name, window_key, assets, simulated=profile.simulated)
    return workspace.artifacts.save_page(window_key, name, content)


def _is_outdated(workspace: Workspace, asset: str, window_key: str, known: dict[tuple[str, str], bool]) -> bool:
    """Whether it has not been made, or something that it was made from has been made again since."""
    if (asset, window_key) not in known:
        record = workspace.artifacts.record(asset, window_key)
        known[asset, window_key] = record is None
        for name, version in record.inputs.items() if record else ():
            source, _, window = name.rpartition("@")
            now = workspace.artifacts.record(source, window)
            if now is None or now.version != version or _is_outdated(workspace, source, window, known):
                known[asset, window_key] = True
    return known[asset, window_key]


def _shown(workspace: Workspace, expectation: Expectation, window_key: str, stands: bool) -> CheckShown:
    record = workspace.artifacts.record(expectation.asset, window_key) if stands else None
    verdict = verdict_of(workspace, expectation, window_key, record.version) if record else None
    return CheckShown(
        name=expectation.name,
        description=expectation.description,
        severity="critical" if expectation.blocking else "warning",
        expected=[str(rule) for rule in expectation.rules],
        passed=verdict.passed if verdict else None,
        summary=verdict.summary
        if verdict
        else "has not been run, or what is checked was not made again from what there is now",
        observed=verdict.observed if verdict else {},
        offending=verdict.offending if verdict else 0,
        rows=verdict.rows if verdict else (),
    )
