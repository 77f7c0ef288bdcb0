"""What the assets of customer traits have in common: which windows they read, customers read from SQL, tables written by columns."""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.step import Reads, Step, digest
from attribution_dagster.assets.tracking import dagster_run_is_over
from attribution_dagster.assets.training import training_keys
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.result_specs import TraitsSpec
from attribution_dagster.errors import MissingInputError
from attribution_dagster.resources.liveness import DAGSTER_RUN
from attribution_dagster.resources.tracker import Training, TrainingRun
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.queries import load_query

if TYPE_CHECKING:
    from attribution_dagster.core.traits.customers import CustomerTokens
    from attribution_dagster.core.traits.model import TraitModel

MODELS = ("item2vec", "customer_embeddings", "customer_traits")
"""The assets that learn something, each with a folder that the windows up to the next training share."""
_DAY_US = 86_400_000_000


def traits_spec(profile: Profile) -> TraitsSpec:
    """What the profile says of traits; whoever asks has them."""
    assert profile.traits is not None
    return profile.traits


def trait_settings(profile: Profile) -> list[Any]:
    """What of the profile decides traits."""
    return [traits_spec(profile).model_dump(), profile.windows.retrain_every, profile.roles.conversion]


def read_windows(workspace: Workspace, key: str) -> list[str]:
    """The windows whose sessions traits of the window are made from: those trained on, the look-back, and the window, oldest first."""
    return sorted({*training_keys(workspace, key), *workspace.look_back(key), key})


def reads_of(workspace: Workspace, key: str, *assets: str) -> Reads:
    """These assets of the window, and the sessions that they were made from."""
    return [*((name, key) for name in assets), *(("sessions", k) for k in read_windows(workspace, key))]


def read_customers(workspace: Workspace, keys: Sequence[str]) -> "CustomerTokens":
    """What customers did in these windows, which follow one another; the snapshot is at the end of the last."""
    from attribution_dagster.core.traits.customers import CustomerTokens

    query = load_query("traits/customer_tokens")
    return CustomerTokens.from_table(workspace.fetch(query, keys[-1], **customer_values(workspace, keys)))


def customer_values(workspace: Workspace, keys: Sequence[str]) -> dict[str, object]:
    """Values of the parameters of `customer_tokens.sql` for these windows."""
    spec, until = traits_spec(workspace.profile), workspace.window(keys[-1]).end
    return {
        "since": workspace.window(keys[0]).start,
        "until": until,
        "snapshot_at": until,
        "half_life_us": spec.half_life_days * _DAY_US,
        "item_column": spec.item,
    }


def trait_statements(workspace: Workspace, key: str) -> list[tuple[str, None, str, dict[str, object]]]:
    """What the assets of traits read out of the warehouse for a window: asset, no table, statement, values of its parameters."""
    if workspace.profile.traits is None:
        return []
    trained, item = training_keys(workspace, key), {"item_column": workspace.profile.traits.item}
    bounds = {"since": workspace.window(trained[0]).start, "until": workspace.window(trained[-1]).end}
    customers = customer_values(workspace, history_until(workspace, key))
    return [
        ("item2vec", None, "traits/session_tokens", item),
        ("item2vec", None, "traits/token_counts", {**bounds, **item}),
        *((asset, None, "traits/customer_tokens", customers) for asset in ("customer_embeddings", "customer_traits")),
        ("trait_profiles", None, "traits/customer_outcomes", {}),
    ]


def past_and_target(workspace: Workspace, key: str) -> tuple[list[str], list[str]]:
    """The training windows but the last, and the last: what a choice is made on; no target where only one window trains."""
    keys = training_keys(workspace, key)
    return (keys[:-1], keys[-1:]) if len(keys) > 1 else (keys, [])


def history_until(workspace: Workspace, key: str) -> list[str]:
    """The look-back and the window itself: what is published is of customers as they are at the window's end."""
    return [*workspace.look_back(key), key]


def session_batches(workspace: Workspace, keys: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Tokens of the sessions of these windows, in order of time, batch by batch."""
    query = load_query("traits/session_tokens")
    item = traits_spec(workspace.profile).item
    for key in keys:
        with closing(workspace.warehouse.stream(query, workspace.bound(query, key, item_column=item))) as batches:
            yield from batches


def token_counts(workspace: Workspace, keys: Sequence[str]) -> dict[str, int]:
    """What of these windows' sessions becomes sentences, and what does not for which reason."""
    since, until = workspace.window(keys[0]).start, workspace.window(keys[-1]).end
    item = traits_spec(workspace.profile).item
    counted = workspace.fetch(load_query("traits/token_counts"), keys[-1], since=since, until=until, item_column=item)
    return {name: int(n) for name, n in counted.to_pylist()[0].items()}


def write_columns(step: Step, table: str, columns: Mapping[str, Any]) -> int:
    """Writes columns of equal length as the table's slice of the step's window; the number of rows. Lacking ones are NULL."""
    schema, n = table_definition(table).schema, len(next(iter(columns.values())))
    start = step.workspace.window(step.window_key).start
    given = {"window_start": pa.repeat(pa.scalar(start, pa.timestamp("us")), n), **columns}
    arrays = [
        pa.array(given[field.name], field.type, from_pandas=True) if field.name in given else pa.nulls(n, field.type)
        for field in schema
    ]
    return step.workspace.warehouse.load(
        table, step.window_key, step.version, pa.Table.from_arrays(arrays, schema=schema).to_batches()
    )


def write_dicts(step: Step, table: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Writes rows as the table's slice; names that the table has not are left out."""
    names = [field.name for field in table_definition(table).schema if field.name != "window_start"]
    return write_columns(step, table, {name: [row.get(name) for row in rows] for name in names})


def model_folder(workspace: Workspace, asset: str, key: str) -> Path:
    """Where what the asset learnt for the window lies. MissingInputError if it has not."""
    folder = known_folder(workspace, asset, key)
    if folder is None:
        raise MissingInputError(f"{asset} of window {key} is missing: materialise it first")
    return folder


def known_folder(workspace: Workspace, asset: str, key: str) -> Path | None:
    """The same, None if there is none."""
    record = workspace.artifacts.record(asset, key)
    if record is None:
        return None
    return workspace.artifacts.folder(asset, record.report["trained_for_window"], record.report["model_version"])


def open_trait_model(workspace: Workspace, key: str) -> "TraitModel":
    """Everything learnt of customers for the window."""
    from attribution_dagster.core.traits.model import TraitModel

    return TraitModel.load(*(model_folder(workspace, asset, key) for asset in MODELS))


def learnt(
    step: Step, instance: dg.DagsterInstance, code: str, learn: "Callable[[Path, TrainingRun, int], None]"
) -> tuple[str, str]:
    """The window trained for and the version of what `learn` fills a folder with, in an MLflow run; what is there is not learnt again.

    `learn` gets the folder, the run and a seed.
    """
    workspace, keys = step.workspace, training_keys(step.workspace, step.window_key)
    trained_for = workspace.retrain_key(step.window_key)
    inputs = [step.inputs[f"sessions@{k}"] for k in keys]
    version = digest(code, inputs, trait_settings(workspace.profile))

    def fill(folder: Path) -> None:
        seed = zlib.crc32(f"{workspace.profile.name}/{step.asset}/{trained_for}".encode()) % 2**31
        with workspace.tracker.training(_training(step, trained_for, keys, inputs, seed)) as run:
            learn(folder, run, seed)
            (folder / "mlflow_run_id").write_text(run.run_id)
            (folder / "mlflow_location").write_text(run.location)
            run.log_files(folder)

    if workspace.artifacts.folder(step.asset, trained_for, version) is None:
        workspace.tracker.close_abandoned(workspace.profile.name, lambda run_id: dagster_run_is_over(instance, run_id))
        workspace.artifacts.create(step.asset, trained_for, version, fill)
    return trained_for, version


def learnt_report(step: Step, trained_for: str, version: str) -> dict[str, Any]:
    """Where the window's model comes from: what every one of the three reports."""
    folder = step.workspace.artifacts.folder(step.asset, trained_for, version)
    assert folder is not None
    return {
        "trained_for_window": trained_for,
        "model_version": version,
        "mlflow_run_id": (folder / "mlflow_run_id").read_text(),
        **step.workspace.tracker.link((folder / "mlflow_location").read_text()),
    }


def _training(step: Step, trained_for: str, keys: list[str], inputs: list[str], seed: int) -> Training:
    profile, source = step.workspace.profile, step.workspace.artifacts.record("source", WHOLE)
    spec = traits_spec(profile).model_dump()
    return Training(
        dataset=profile.name,
        variant=step.asset,
        window_key=trained_for,
        parameters={**spec, "seed": seed, "training_windows": f"{keys[0]} to {keys[-1]}"},
        tags={
            DAGSTER_RUN: step.run_id,
            "dagster.asset": f"{profile.name}/{step.asset}",
            "dagster.partition": trained_for,
            "dagster.attempt": str(step.attempt),
            "data": "simulated" if profile.simulated else "real",
        },
        digest=digest(inputs),
        source=str(source.report["first_file"]["path"]) if source else profile.name,
    )
