"""What the assets of customer traits read and write: which windows, customers from SQL, tables by columns."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from attribution_dagster.assets.step import Reads, Step
from attribution_dagster.assets.training import training_keys
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.result_specs import TraitsSpec
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.queries import load_query

if TYPE_CHECKING:
    from attribution_dagster.core.traits.customers import CustomerTokens

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
