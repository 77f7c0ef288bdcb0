"""A small experiment as a dataset, on which the whole graph runs in seconds."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np

from attribution_dagster.build import definitions_of
from attribution_dagster.resources.progress import LoggedProgress
from attribution_dagster.resources.workspace import Workspace, open_workspace
from attribution_dagster.settings import Settings

WINDOW = "2025-03-01"
HOSTILE = "<script>alert(1)</script> | =HYPERLINK()"
"""Name of the arm that is compared: it comes from outside."""
PROFILE = f"""
kind: experiment
name: coupon
title: Coupon experiment
windows: {{length: month, start: 2025-03-01, end: 2025-04-01}}
experiment:
  arms: {{nothing: 1, "{HOSTILE}": 1}}
  control: nothing
  treatment: "{HOSTILE}"
  outcomes: [visit, bought]
  uplift_on: visit
  converts: bought
  numbers: [age, visits_before]
  categories: [device]
uplift: {{learners: [t, dr], splits: 4, folds: 2, resamples: 4, replicates: 40}}
decision: {{contact_cost_usd: 1, incentive_usd: 2, redeeming_share: 0.5, order_value_usd: 50}}
"""
STAGING = """
-- A coupon experiment; one row per customer.
SELECT
    CAST(raw_events.customer AS VARCHAR) AS unit_id,
    CAST(raw_events.customer AS VARCHAR) AS user_id,
    CAST(raw_events.arm AS VARCHAR) AS arm,
    TRY_CAST(CAST(raw_events.visit AS VARCHAR) AS BIGINT) AS visit,
    TRY_CAST(CAST(raw_events.bought AS VARCHAR) AS BIGINT) AS bought,
    TRY_CAST(CAST(raw_events.spent AS VARCHAR) AS DOUBLE) AS revenue_usd,
    TRY_CAST(CAST(raw_events.age AS VARCHAR) AS DOUBLE) AS age,
    TRY_CAST(CAST(raw_events.visits_before AS VARCHAR) AS DOUBLE) AS visits_before,
    CAST(raw_events.device AS VARCHAR) AS device
FROM raw_events
"""


def customers(n: int = 3000, *, seed: int = 0) -> list[dict[str, Any]]:
    """Customers of whom the young are persuadable and the old are disturbed."""
    generator = np.random.default_rng(seed)
    age = generator.uniform(20, 80, n).round(1)
    before = generator.poisson(2, n)
    treated = generator.permutation(np.arange(n) % 2)
    effect = np.where(age < 50, 0.3, -0.1)
    visit = generator.random(n) < 0.25 + 0.02 * before.clip(0, 5) + treated * effect
    bought = visit & (generator.random(n) < 0.5)
    device = generator.choice(["phone", "desktop", "tablet"], n)
    return [
        {
            "customer": f"c{number}",
            "arm": HOSTILE if treated[number] else "nothing",
            "visit": int(visit[number]),
            "bought": int(bought[number]),
            "spent": 20.0 * bought[number],
            "age": age[number] if number % 50 else "",
            "visits_before": before[number],
            "device": device[number],
        }
        for number in range(n)
    ]


def write_customers(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def shop(
    root: Path,
    rows: list[dict[str, Any]] | None = None,
    profile: str = PROFILE,
    settings: Mapping[str, str] | None = None,
) -> Workspace:
    """The workspace of dataset `coupon`, with everything under `root`; `settings` change the environment."""
    folder = root / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "coupon.yaml").write_text(profile)
    (folder / "stg_experiment__coupon.sql").write_text(STAGING)
    if rows is not None or not (root / "coupon.csv").exists():
        write_customers(root / "coupon.csv", rows or customers())
    return open_workspace(
        "coupon", Settings.from_environment(environment(root) | dict(settings or {})), LoggedProgress()
    )


def environment(root: Path) -> dict[str, str]:
    return {
        "ATTRIBUTION_HOME": str(root / "home"),
        "ATTRIBUTION_EXPORTS": str(root / "exports"),
        "ATTRIBUTION_DATASETS": "coupon",
        "ATTRIBUTION_DATASET_FOLDERS": str(root / "datasets"),
        "ATTRIBUTION_EVENTS_COUPON": str(root / "coupon.csv"),
        "ATTRIBUTION_THREADS": "1",
    }


def made(workspace: Workspace, *assets: str, config: Mapping[str, Any] | None = None) -> dg.ExecuteInProcessResult:
    """The run of these assets (of all without any) in the experiment's one window; failures are in the result."""
    definitions, name = definitions_of([workspace]), workspace.profile.name
    job = definitions.resolve_implicit_global_asset_job_def()
    chosen = assets or tuple(key.path[-1] for key in definitions.resolve_all_asset_keys())
    ops = {f"{name}__{asset}": {"config": dict(values)} for asset, values in (config or {}).items()}
    with dg.DagsterInstance.ephemeral() as instance:
        if "source" in chosen:
            job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey([name, "source"])])
        return job.execute_in_process(
            instance=instance,
            partition_key=workspace.windows()[0].key,
            asset_selection=[dg.AssetKey([name, asset]) for asset in chosen if asset != "source"],
            run_config={"ops": ops},
            raise_on_error=False,
        )
