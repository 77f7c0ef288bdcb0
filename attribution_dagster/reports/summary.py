"""What a person reads at the end of a run: drivers and brakes, how well the model predicts, leakage, files."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from attribution_dagster.core.claims.standing import State
from attribution_dagster.core.signals import average_event, retrained
from attribution_dagster.reports.caveats import LEAKAGE, LEAKAGE_SENTENCE, MODEL_NOT_CAUSE, SIMULATED
from attribution_dagster.reports.labels import one_line, shorten, signed
from attribution_dagster.reports.recovery import recovery
from attribution_dagster.reports.summary_effects import FUNNEL_MARK, effects, pair_line, table_of

_OTHER_TRAINING = "Intervals and q: a model trained on other users."
_THIS_MODEL = "Intervals and q: other users, this model; another training gives others."
Metrics = Mapping[str, Mapping[str, float | None]]
SHOWN_FINDINGS = 3
MODEL = "transformer"
MODEL_TITLES = {
    MODEL: "this model",
    "logistic_regression": "logistic regression, counts",
    "length": "session length alone",
    "base_rate": "base rate",
}


@dataclass(frozen=True, kw_only=True)
class VariantSummary:
    """One variant: its event-type rows, and metrics as {model: {auc, auc_low, auc_high, average_precision, log_loss}}.

    `sessions` and `converted` count the risk set. The model itself is the entry "transformer". `pairs` are the rows of
    its neighbours that are worth more together. `elsewhere`: further populations, by name, with metrics like those. `state` and
    `reasons`: what the model's card says may be done with it, and why. `is_ranked`: whether event types may be ranked by it.
    """

    variant: str
    leaks: bool
    sessions: int
    converted: int
    events: pa.Table
    metrics: Metrics
    pairs: Sequence[Mapping[str, Any]] = ()
    spread: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    elsewhere: Mapping[str, Metrics] = field(default_factory=dict)
    state: str = ""
    reasons: Sequence[str] = ()
    is_ranked: bool = True

    @property
    def auc(self) -> float | None:
        """AUC of the model itself, None where it was not computed."""
        return self.metrics.get(MODEL, {}).get("auc")


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """One explained window. findings: sentences, the weightiest first. planted: event type -> mean planted effect of an occurrence in logits, where known.

    traits: sentences on customer traits. suspected: event type that announces the conversion -> whether it is on the funnel list; None if nobody looked.
    """

    dataset_title: str
    window_key: str
    simulated: bool
    variants: Sequence[VariantSummary]
    planted: Mapping[str, float] | None = None
    suspected: Mapping[str, bool] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    findings: Sequence[str] = ()
    traits: Sequence[str] = ()
    duration_s: float | None = None
    events: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Events of the window, and how many of them were rejected, by reason."""


def render(summary: RunSummary) -> RenderableType:
    """The summary for a rich console; print it with `crop=False`, since paths are longer than lines."""
    title = Text(f"{one_line(summary.dataset_title)}, window {one_line(summary.window_key)}", style="bold")
    if summary.simulated:
        title.append(f"   {SIMULATED}", style="bold yellow")
    parts: list[RenderableType] = [Panel(title, box=box.HEAVY, expand=True)]
    for variant in summary.variants:
        parts += [*_variant(variant), Text()]
    parts += [*_leakage(summary.variants, summary.suspected), *_findings(summary), *_recovered(summary)]
    parts += [*_traits(summary), *_rejected(summary), *_files(summary)]
    parts.append(Text(f"Caution. {MODEL_NOT_CAUSE} Intervals: 95 %.", style="italic"))
    return Group(*parts)


def plain_text(summary: RunSummary, width: int = 100) -> str:
    """The same as plain lines without colours or terminal codes."""
    buffer = io.StringIO()
    Console(file=buffer, width=width, color_system=None, force_terminal=False, legacy_windows=False).print(
        render(summary), crop=False
    )
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _variant(variant: VariantSummary) -> Iterator[RenderableType]:
    style = "bold red" if variant.leaks else "bold cyan"
    heading = (
        f"{variant.variant}: {LEAKAGE}"
        if variant.leaks
        else f"{variant.variant}: what drives conversion, and what brakes it"
    )
    yield Rule(Text(heading, style=style), align="left", style=style)
    if variant.leaks:
        yield Text(f"{LEAKAGE_SENTENCE} Funnel events are marked{FUNNEL_MARK}.", style="red")
    share = f" ({variant.converted / variant.sessions:.1%})" if variant.sessions else ""
    yield Text(f"{variant.sessions:,} compared sessions, {variant.converted:,} converted{share}")
    rows = retrained([row for row in variant.events.to_pylist() if row["has_minimum_support"]], variant.spread)
    yield Text()
    yield effects(rows, variant.is_ranked) if rows else Text("No event type occurs for enough users.", style="yellow")
    if rows and not variant.is_ranked:
        yield Text("NO RANKING: listed by name; the model card says why.", style="yellow")
    average = average_event(variant.events.to_pylist())
    yield Text(
        f"Against an average event, which by itself is worth {signed(average)}: what does nothing lies near {signed(-average)}. "
        "△ ▽: above or below average, but no driver or brake by itself. Pale: neutral, within .05 of 0 or with q of .05 or more. "
        + (_OTHER_TRAINING if any(row["is_retrained"] for row in rows) else _THIS_MODEL),
        style="italic",
    )
    for pair in variant.pairs:
        yield pair_line(pair)
    yield Text()
    if variant.metrics:
        yield _metrics(variant.metrics)
    if variant.elsewhere:
        yield Text(_elsewhere(variant.elsewhere))
    if variant.state:
        why = f": {one_line('; '.join(reason.rstrip('.') for reason in variant.reasons))}" if variant.reasons else ""
        yield Text(f"Model card: {variant.state}{why}.", style="" if variant.state == State.PUBLISHABLE else "yellow")


def _metrics(metrics: Metrics) -> Table:
    table = table_of("how well it predicts", "AUC (95 %)", "avg. prec.", "log-loss")
    for name, values in metrics.items():
        low, high = values.get("auc_low"), values.get("auc_high")
        between = "" if low is None or high is None else f" ({low:.3f} to {high:.3f})"
        cells = (
            _number(values.get("auc")) + between,
            _number(values.get("average_precision")),
            _number(values.get("log_loss")),
        )
        title = one_line(MODEL_TITLES.get(name, name.replace("_", " ")))
        table.add_row(Text(title), *map(Text, cells), style="bold" if name == MODEL else "")
    return table


def _elsewhere(populations: Mapping[str, Metrics]) -> str:
    """AUCs after landmarks, and without the cut, where length alone says how much the missing cut gives away."""
    auc = {name: _number(metrics.get(MODEL, {}).get("auc")) for name, metrics in populations.items()}
    after = [f"{auc[name]} after {name.removeprefix('after_')}" for name in auc if name.startswith("after_")]
    parts = [f"AUC in sessions still open, by what was seen: {', '.join(after)} events"] if after else []
    if "uncut" in populations:
        length = _number(populations["uncut"].get("length", {}).get("auc"))
        parts.append(f"uncut sessions: {auc['uncut']} (length alone {length})")
    return f"{'; '.join(parts)}."


def _leakage(variants: Sequence[VariantSummary], suspected: Mapping[str, bool] | None) -> Iterator[RenderableType]:
    fair = next((v for v in variants if not v.leaks), None)
    leaky = next((v for v in variants if v.leaks), None)
    compared = fair is not None and leaky is not None
    if suspected is None and not compared:
        return
    yield Rule(Text("Leakage", style="bold"), align="left")
    if fair is not None and leaky is not None:
        yield from _compared(fair, leaky)
    if suspected is not None:
        yield _suspected(suspected)
    yield Text()


def _compared(fair: VariantSummary, leaky: VariantSummary) -> Iterator[RenderableType]:
    if fair.auc is not None and leaky.auc is not None:
        added = signed(leaky.auc - fair.auc, 3)
        yield Text(f"Letting the model see the funnel takes the AUC from {fair.auc:.3f} to {leaky.auc:.3f} ({added}).")
    ranked = [row for row in leaky.events.to_pylist() if row["driver_rank"] is not None]
    funnel = sorted((row["driver_rank"], shorten(row["event_type"], 28)) for row in ranked if row["is_funnel"])
    places = ", ".join(f"{name} {rank}" for rank, name in funnel) or "none had enough users"
    yield Text(f"Rank of the funnel events among {len(ranked)} event types there: {places}.")


def _suspected(suspected: Mapping[str, bool]) -> Text:
    """What the search that knows no funnel list found, and whether the list lacks it."""
    named = ", ".join(shorten(name, 28) for name in suspected) or "none"
    lacking = [shorten(name, 28) for name, is_listed in suspected.items() if not is_listed]
    said = f"Announce the conversion, found without the funnel list: {named}."
    if not lacking:
        return Text(said)
    return Text(f"{said} Not on the list: {', '.join(lacking)}; add to roles.funnel.", style="bold red")


def _findings(summary: RunSummary) -> Iterator[RenderableType]:
    if not summary.findings:
        return
    yield Rule(Text("What to test next", style="bold"), align="left")
    for sentence in summary.findings[:SHOWN_FINDINGS]:
        yield Text(f"• {one_line(sentence)}")
    yield Text()


def _recovered(summary: RunSummary) -> Iterator[RenderableType]:
    fair = next((v for v in summary.variants if not v.leaks), None)
    found = recovery(fair.events, summary.planted) if fair is not None and summary.planted else None
    if found is None:
        return
    yield Rule(Text("Recovered against planted effects", style="bold"), align="left")
    yield Text(
        f"Correlation {found.correlation:.2f}, slope {found.slope:.2f} (1: right size) over {found.types} event types; "
        f"{found.right_signs} of {found.signs} signs right."
    )
    yield Text()


def _traits(summary: RunSummary) -> Iterator[RenderableType]:
    if summary.traits:
        yield Rule(Text("Customer traits", style="bold"), align="left")
        yield from (Text(one_line(sentence)) for sentence in summary.traits)
        yield Text()


def _rejected(summary: RunSummary) -> Iterator[RenderableType]:
    if any(summary.rejected.values()):
        most = sorted(summary.rejected.items(), key=lambda item: (-item[1], item[0]))
        reasons = ", ".join(f"{one_line(reason)} {n:,}" for reason, n in most)
        yield Rule(Text("Rejected", style="bold"), align="left")
        yield Text(
            f"{sum(summary.rejected.values()):,} of {summary.events:,} events: {reasons}. They are in the table rejected_events (sql --work)."
        )
        yield Text()


def _files(summary: RunSummary) -> Iterator[RenderableType]:
    if summary.files:
        yield Rule(Text("Where to look", style="bold"), align="left")
        widest = max(map(len, summary.files))
        for what, where in summary.files.items():
            # A path that is broken can't be copied: the terminal may wrap it, we don't.
            yield Text(f"{what:<{widest}}  {one_line(where)}", no_wrap=True, overflow="ignore")
        yield Text()
    if summary.duration_s is not None:
        yield Text(f"Took {summary.duration_s // 60:.0f} min {summary.duration_s % 60:.0f} s.")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
