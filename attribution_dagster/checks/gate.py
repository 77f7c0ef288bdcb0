"""The gate: what a blocking check has said of a version keeps everybody from reading it, in this run and in later ones.

Dagster's blocking holds within one run only. So verdicts are stored with the version they were given on, and asked for again here;
a check that has not been asked of that version is asked.
"""

from collections.abc import Iterator, Mapping

from attribution_dagster.checks.expectations import Expectation
from attribution_dagster.checks.judging import judge
from attribution_dagster.checks.suites import expectations
from attribution_dagster.errors import DataError
from attribution_dagster.resources.artifacts import Verdict
from attribution_dagster.resources.workspace import Workspace

Made = Mapping[tuple[str, str], str]
"""(Asset, window key) -> version."""


def verdict_of(workspace: Workspace, expectation: Expectation, window_key: str, version: str) -> Verdict | None:
    """What the check, as it is now, said of this version; None if it has not been asked."""
    verdict = workspace.artifacts.verdict(expectation.asset, expectation.name, window_key)
    current = verdict is not None and (verdict.version, verdict.check) == (version, expectation.version)
    return verdict if current else None


def admit(workspace: Workspace, read: Made, refused: str) -> None:
    """Lets an asset be made from what is read, if the blocking checks of all of it passed, and none failed of what that was made from.

    Args:
        refused: what is not done if a check objects, such as `sessions of window 2025-01-20 is not made`.

    Raises:
        DataError: a blocking check failed; or the version that is read is no longer there to be asked about.
    """
    verdicts(workspace, read, refused)
    for expectation, window, verdict in _asked(workspace, _behind(workspace, read)):
        if expectation.blocking and verdict is not None and not verdict.passed:
            raise _objection(workspace, expectation, window, verdict, refused)


def verdicts(workspace: Workspace, made: Made, refused: str) -> dict[tuple[str, str, str], Verdict]:
    """What the checks say of what was made, by asset, check and window key.

    Raises:
        DataError: a blocking check failed; or this version is no longer there to be asked about.
    """
    said = {}
    for expectation, window, verdict in _asked(workspace, made):
        if expectation.blocking and (verdict is None or not verdict.passed):
            raise _objection(workspace, expectation, window, verdict, refused)
        if verdict is not None:
            said[expectation.asset, expectation.name, window] = verdict
    return said


def _asked(workspace: Workspace, made: Made) -> Iterator[tuple[Expectation, str, Verdict | None]]:
    for expectation in expectations(workspace.profile):
        for (asset, window), version in sorted(made.items()):
            if asset == expectation.asset:
                verdict = verdict_of(workspace, expectation, window, version)
                yield expectation, window, verdict or _asked_now(workspace, expectation, window, version)


def _asked_now(workspace: Workspace, expectation: Expectation, window: str, version: str) -> Verdict | None:
    """The verdict of a check that has not been asked, as it is now, of a version that is still there; None where it no longer is.

    A backfill starts a run as soon as what it reads is made, while the run that made it is still about to ask. A changed band would
    stop publication until every window of the look-back had been run again. Asking takes a query.
    """
    record = workspace.artifacts.record(expectation.asset, window)
    if record is None or record.version != version:
        return None
    (verdict,) = judge(workspace, [expectation], window)
    return verdict if verdict.version == version else None


def _behind(workspace: Workspace, read: Made) -> Made:
    """What that was made from, back to the source, as far as the records still tell."""
    found: dict[tuple[str, str], str] = {}
    open_ends = list(read.items())
    while open_ends:
        (asset, window), version = open_ends.pop()
        record = workspace.artifacts.record(asset, window)
        for name, used in record.inputs.items() if record is not None and record.version == version else ():
            source, _, source_window = name.rpartition("@")
            if (source, source_window) not in found:
                found[source, source_window] = used
                open_ends.append(((source, source_window), used))
    return found


def _objection(
    workspace: Workspace, expectation: Expectation, window: str, verdict: Verdict | None, refused: str
) -> DataError:
    why = (
        verdict.summary
        if verdict is not None
        else "it has not been run on this version, which is no longer what the tables hold"
    )
    return DataError(
        f"dataset {workspace.profile.name}: {refused}, what was there before stays: check {expectation.asset}: {expectation.name} "
        f"of window {window} blocks it ({why}). Mend the cause and materialise {expectation.asset} again, with its checks."
    )
