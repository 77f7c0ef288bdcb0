"""Sessions of all users, what became of them, and which of them models are trained and explained on."""

from dataclasses import asdict
from datetime import datetime

import dagster as dg

from attribution_dagster.assets.showing import columns_from, top_rows
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.core.sequences.risk_set import draw_risk_set
from attribution_dagster.datasets.parameters import observation_end
from attribution_dagster.errors import DataError, MissingInputError
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster.warehouse.queries import load_query

_GROUP = "step2_sessions"
_CODE_SESSIONS = code_version("assets/sessions.py", "sql/sessions/session_events.sql", "sql/sessions/sessions.sql")
_CODE_FUNNELS = code_version("sql/sessions/session_funnels.sql", "sql/sessions/funnel_metrics.sql")
_CODE_SAMPLE = code_version("sql/sessions/sampled_users.sql")
_CODE_RISK_SET = code_version("core/sequences/risk_set.py", "sql/features/risk_set_candidates.sql")


def session_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The assets `sessions`, `session_funnels`, `funnel_metrics`, `sampled_users` and `risk_set`."""
    workspace, profile = assets.workspace, assets.workspace.profile

    @dg.asset(**assets.options("sessions", deps=["events"], kinds={"sql"}, group=_GROUP, code=_CODE_SESSIONS))
    def sessions(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Sessions (events of one user and device without a long pause) that begin in the window: which converted, are bots, or were still open."""
        return make(
            context,
            workspace,
            "sessions",
            reads=lambda key: [("events", key)],
            settings=lambda key: [
                profile.sessions.model_dump(),
                profile.roles.model_dump(),
                profile.time_zone,
                str(_observed_until(workspace, key)),
            ],
            code=_CODE_SESSIONS,
            exists=lambda step: step.table("session_events", "sessions"),
            build=_build_sessions,
        )

    @dg.asset(**assets.options("session_funnels", deps=["sessions"], kinds={"sql"}, group=_GROUP, code=_CODE_FUNNELS))
    def session_funnels(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """How far each session went: view, cart, checkout, transaction; when first, how often, how long between."""
        return make(
            context,
            workspace,
            "session_funnels",
            reads=lambda key: [("sessions", key)],
            settings=lambda _: profile.roles.model_dump(),
            code=_CODE_FUNNELS,
            exists=lambda step: step.table("session_funnels"),
            build=_build_funnels,
        )

    @dg.asset(
        **assets.options("funnel_metrics", deps=["session_funnels"], kinds={"sql"}, group=_GROUP, code=_CODE_FUNNELS)
    )
    def funnel_metrics(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """How many sessions reach each stage (view, cart, checkout, transaction), what share is lost between stages, and where most are lost."""
        return make(
            context,
            workspace,
            "funnel_metrics",
            reads=lambda key: [("session_funnels", key)],
            settings=lambda _: profile.roles.model_dump(),
            code=_CODE_FUNNELS,
            exists=lambda step: step.table("funnel_metrics"),
            build=_build_funnel_metrics,
        )

    @dg.asset(**assets.options("sampled_users", deps=["sessions"], kinds={"sql"}, group=_GROUP, code=_CODE_SAMPLE))
    def sampled_users(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The users whose sessions enter the sequences: the first by salted hash, so the same on every run and engine."""
        return make(
            context,
            workspace,
            "sampled_users",
            reads=lambda key: [("sessions", key)],
            settings=lambda _: profile.sampling.model_dump(),
            code=_CODE_SAMPLE,
            exists=lambda step: step.table("sampled_users"),
            build=_build_sample,
        )

    @dg.asset(
        **assets.options(
            "risk_set", deps=["sessions", "sampled_users"], kinds={"python"}, group=_GROUP, code=_CODE_RISK_SET
        )
    )
    def risk_set(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Converted sessions and non-converted ones matched and cut to their length, so that length alone says nothing about the outcome."""
        return make(
            context,
            workspace,
            "risk_set",
            reads=lambda key: [("sessions", key), ("sampled_users", key)],
            settings=lambda _: profile.risk_set.model_dump(),
            code=_CODE_RISK_SET,
            exists=lambda step: step.table("risk_set"),
            build=_build_risk_set,
        )

    return [sessions, session_funnels, funnel_metrics, sampled_users, risk_set]


def _build_funnels(step: Step) -> Report:
    query = load_query("sessions/session_funnels")
    rows = step.build_table("session_funnels", query)
    stages = ("started_at", "n_events", "has_view", "has_addtocart", "has_checkout", "has_transaction", "duration_s")
    furthest = top_rows(step, "session_funnels", stages, "has_transaction DESC, n_events DESC, session_id")
    return {"rows": rows} | furthest | columns_from(step, query)


def _build_sample(step: Step) -> Report:
    query = load_query("sessions/sampled_users")
    rows = step.build_table("sampled_users", query)
    first = top_rows(step, "sampled_users", ("sample_rank", "sample_hash"), "sample_rank")
    return {"rows": rows} | first | columns_from(step, query)


def _build_sessions(step: Step) -> Report:
    workspace = step.workspace
    numbered, summed = load_query("sessions/session_events"), load_query("sessions/sessions")
    in_sessions = step.build_table("session_events", numbered)
    rows = step.build_table("sessions", summed, observation_end=_observed_until(workspace, step.window_key))
    counts = workspace.fetch(load_query("sessions/session_counts"), step.window_key).to_pylist()[0]
    columns = ("started_at", "ended_at", "n_events", "n_no_funnel", "is_converted", "is_bot", "is_censored")
    longest = top_rows(step, "sessions", columns, "n_events DESC, session_id")
    report = {"rows": rows, "events_in_sessions": in_sessions, **counts}
    return report | longest | columns_from(step, summed, numbered)


def _observed_until(workspace: Workspace, key: str) -> datetime:
    record = workspace.artifacts.record("source", WHOLE)
    if record is None:
        raise MissingInputError("the source has not been profiled: materialise the asset `source` first")
    last_event_at = datetime.fromisoformat(record.report["last_event_at"])
    return observation_end(workspace.profile, workspace.window(key), last_event_at)


def _build_funnel_metrics(step: Step) -> Report:
    query = load_query("sessions/funnel_metrics")
    rows = step.build_table("funnel_metrics", query)
    stages = step.workspace.fetch(load_query("sessions/funnel_report"), step.window_key)
    return {"rows": rows, "funnel": {"markdown": markdown_table(stages)}} | columns_from(step, query)


def _build_risk_set(step: Step) -> Report:
    workspace, profile, key = step.workspace, step.workspace.profile, step.window_key
    drawn = draw_risk_set(
        workspace.fetch(load_query("features/risk_set_candidates"), key),
        window_start=workspace.window(key).start,
        cut=profile.risk_set.cut,
        controls_per_case=profile.risk_set.controls_per_case,
    )
    counts = drawn.counts
    if counts.cases == 0 or counts.controls == 0:
        raise DataError(
            f"dataset {profile.name}, window {key}: of {counts.sessions} usable sessions of sampled users, {counts.cases} "
            f"converted and {counts.controls} can be compared with them; both are needed to learn from. Conversion events are "
            f"{', '.join(profile.roles.conversion)}: check their names, or choose longer windows."
        )
    rows = workspace.warehouse.load("risk_set", key, step.version, drawn.table.to_batches())
    sample = workspace.fetch(load_query("features/sample_counts"), key)
    columns = ("label", "n_no_funnel", "cut_at", "in_risk_set")
    matched = top_rows(step, "risk_set", columns, "in_risk_set DESC, matched_case NULLS LAST, label DESC, session_id")
    return {"rows": rows, **asdict(counts), "sample": {"markdown": markdown_table(sample)}} | matched
