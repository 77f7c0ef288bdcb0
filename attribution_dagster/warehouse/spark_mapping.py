"""A function over Arrow batches on Spark's executors, chunk by chunk of sessions."""

from collections.abc import Iterable, Iterator
from functools import partial

import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as sf
from pyspark.sql.pandas.types import from_arrow_schema

from attribution_dagster.warehouse.ddl import Table
from attribution_dagster.warehouse.protocol import RowsFunction

_TASKS_PER_CORE = 4
"""So that a core that is done early finds more to do."""


def mapped_sessions(
    events: DataFrame, definition: Table, function: RowsFunction, shared: object, events_per_chunk: int
) -> DataFrame:
    """What the function makes of the events, as rows of the table; `shared` is broadcast, which is once per executor."""
    context = events.sparkSession.sparkContext
    tasks = context.defaultParallelism * _TASKS_PER_CORE
    # A number of tasks that is given is kept: by bytes, Spark would put so few rows into one.
    placed = _chunked(events, events_per_chunk).repartition(tasks, "chunk")
    ordered = placed.sortWithinPartitions("chunk", "session_id", "event_index")
    work = partial(_work, function=function, shared=context.broadcast(shared), definition=definition)
    return ordered.mapInArrow(work, from_arrow_schema(definition.schema))


def _chunked(events: DataFrame, events_per_chunk: int) -> DataFrame:
    """The events with the chunk of their session. What is put in order in one place is a row per session."""
    sessions = events.groupBy("session_id").agg(sf.count("event_at").alias("n_events"))
    so_far = Window.orderBy("session_id").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    first_event = sf.sum("n_events").over(so_far) - sf.col("n_events")
    chunk = sf.floor(first_event / events_per_chunk).cast("long")
    return events.join(sessions.select("session_id", chunk.alias("chunk")), "session_id")


def _work(
    batches: Iterable[pa.RecordBatch], *, function: RowsFunction, shared: Broadcast[object], definition: Table
) -> Iterator[pa.RecordBatch]:
    """One task, on an executor."""
    for batch in function(batches, shared.value):
        yield definition.fitted(batch)
