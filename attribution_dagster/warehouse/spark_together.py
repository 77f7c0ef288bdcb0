"""Processes that work together on Spark's executors, started and joined by Spark's own TorchDistributor."""

from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.ml.torch.distributor import TorchDistributor
from pyspark.sql import SparkSession

from attribution_dagster.errors import ConfigurationError, DataError
from attribution_dagster.warehouse.protocol import Joint


def run_together(session: SparkSession, processes: int, function: Joint, argument: Any) -> Any:
    """What the function returns in the first process. Each is a task of one barrier stage; if one fails, all do.

    Raises:
        ConfigurationError: Spark on this machine has too few cores for so many at once.
        DataError: a process failed, and why.
    """
    context = session.sparkContext
    # A cluster may grow; Spark waits for that, and says what it lacks.
    if context.master.startswith("local") and processes > context.defaultParallelism:
        raise ConfigurationError(
            f"ATTRIBUTION_SPARK_TRAINING_PROCESSES={processes} is more than Spark runs at once, {context.defaultParallelism}: set fewer, or give it more "
            "cores by ATTRIBUTION_THREADS"
        )
    try:
        found = TorchDistributor(num_processes=processes, local_mode=False, use_gpu=False).run(
            _joining, function, argument
        )
    except (Py4JError, PySparkException, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise DataError(
            f"a process of {processes} on Spark ended; its last words are in the log above: {first}"
        ) from error
    if isinstance(found, _Failed):
        raise DataError(f"{processes} processes on Spark failed: {found.message}")
    return found


@dataclass(frozen=True, kw_only=True)
class _Failed:
    message: str


def _joining(function: Joint, argument: Any) -> Any:
    """What the function returns, or why it failed: Spark would say that it failed, and not why."""
    try:
        return function(argument)
    except Exception as error:
        return _Failed(message=f"{type(error).__name__}: {error}")
