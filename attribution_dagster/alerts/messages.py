"""What people read: one message for each failure, or one digest when there are many. Pure.

Names, measured values and errors may hold anything, so each is one short line without secrets, and can neither call a whole channel nor hide a link.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from attribution_dagster.alerts.events import FailedCheck, FailedRun, Failure
from attribution_dagster.reports.labels import one_line, shorten
from attribution_dagster.resources.masking import masked
from attribution_dagster.resources.notifier import Message, Severity

DIGEST_BEYOND = 3
"""So many failures at once are a message each; more are one digest."""
_NAMED_WINDOWS = 40
_NAMED_VALUES = 12
_GROUPS = 60
_CALL = re.compile(r"@(?=everyone|here|channel|all\b)|(?<=<)(?=[!@#])", re.IGNORECASE)


class Writer:
    """Writes messages with links into the web interface at `ui_url`."""

    def __init__(self, ui_url: str, secrets: Sequence[str]) -> None:
        self._ui_url = ui_url
        self._secrets = secrets

    def messages(self, failures: Sequence[Failure]) -> Iterator[tuple[Message, Sequence[Failure]]]:
        """Each message with the failures it tells; all of them are told."""
        if len(failures) > DIGEST_BEYOND:
            yield self._digest(failures), failures
            return
        for failure in failures:
            yield self._single(failure), [failure]

    def _single(self, failure: Failure) -> Message:
        lines = {
            "dataset": self._safe(failure.dataset),
            "window": self._safe(failure.window) if failure.window else "none, the asset has no windows",
            **self._details(failure),
            "run": self._link(failure),
            "reference": f"{failure.run_id}/{failure.event}",
        }
        return Message(
            title=f"{self._headline(failure)}: {self._safe(failure.dataset, 60)} {self._safe(failure.window, 40)}".rstrip(),
            body="\n".join(f"{name}: {value}" for name, value in lines.items()),
            severity=_severity([failure]),
        )

    def _details(self, failure: Failure) -> dict[str, str]:
        if isinstance(failure, FailedRun):
            return {
                "failed at": self._safe(failure.asset) if failure.asset else "no step of its own",
                "error": self._safe(failure.error, 500),
            }
        observed = [f"{self._safe(k, 60)} = {self._safe(v, 120)}" for k, v in failure.observed.items()]
        left_out = len(observed) - _NAMED_VALUES
        shown = [*observed[:_NAMED_VALUES], *([f"{left_out} more in the run"] if left_out > 0 else [])]
        return {
            "check": f"{self._safe(failure.asset)}: {self._safe(failure.check)} ({_consequence(failure)})",
            "observed": "; ".join(shown) or self._safe(failure.said, 400) or "not said",
            "expected": self._safe(failure.expected, 400) or "that the check passes",
            **({"said": self._safe(failure.said, 400)} if failure.said and observed else {}),
        }

    def _digest(self, failures: Sequence[Failure]) -> Message:
        groups: dict[tuple[str, ...], list[Failure]] = defaultdict(list)
        for failure in failures:
            groups[self._headline(failure), failure.dataset, failure.asset].append(failure)
        ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
        lines = [f"{len(failures)} failures at once, of {len(groups)} kinds:"]
        lines += [f"- {self._group(name, dataset, asset, same)}" for (name, dataset, asset), same in ordered[:_GROUPS]]
        rest = [failure for _, same in ordered[_GROUPS:] for failure in same]
        lines += [f"- {len(rest)} more, of {len(ordered) - _GROUPS} other kinds"] if rest else []
        lines.append(f"all runs: {self._ui_url}/runs")
        return Message(
            title=f"{len(failures)} failed checks and runs", body="\n".join(lines), severity=_severity(failures)
        )

    def _group(self, name: str, dataset: str, asset: str, same: Sequence[Failure]) -> str:
        windows = list(dict.fromkeys(self._safe(f.window, 40) for f in same if f.window))
        named = ", ".join(windows[:_NAMED_WINDOWS])
        more = f" and {len(windows) - _NAMED_WINDOWS} more" if len(windows) > _NAMED_WINDOWS else ""
        where = f"{self._safe(dataset)}/{self._safe(asset)}" if asset else self._safe(dataset)
        of = f", {'windows' if len(windows) > 1 else 'window'} {named}{more}" if windows else ""
        last = same[-1]
        what = last.said if isinstance(last, FailedCheck) else last.error
        said = f": {self._safe(what, 160)}" if what else ""
        return f"{len(same)} x {name}, {where}{of}{said}. The last: {self._link(last)}"

    def _headline(self, failure: Failure) -> str:
        if isinstance(failure, FailedCheck):
            return f"{'ERROR' if failure.is_error else 'WARN'}: check {self._safe(failure.check, 60)} failed"
        return "ERROR: run failed"

    def _link(self, failure: Failure) -> str:
        return f"{self._ui_url}/runs/{failure.run_id}"

    def _safe(self, text: str, limit: int = 120) -> str:
        line = masked(one_line(text), self._secrets) if text else ""
        return (
            shorten(_CALL.sub(lambda found: "＠" if found.group() else " ", line).replace("](", "] ("), limit)
            if line
            else ""
        )


def _consequence(failure: FailedCheck) -> str:
    if failure.blocking:
        return "ERROR; it stopped its run, and what is downstream was not made"
    return "ERROR; it stops nothing" if failure.is_error else "WARN; it stops nothing"


def _severity(failures: Sequence[Failure]) -> Severity:
    only_warnings = all(isinstance(f, FailedCheck) and not f.is_error for f in failures)
    return Severity.WARNING if only_warnings else Severity.FAILURE
