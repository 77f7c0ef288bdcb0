"""Processes that work together on Spark's executors, started and joined by Spark's own TorchDistributor."""

from typing import Any

from pyspark.errors import PySparkException
from pyspark.ml.torch.distributor import TorchDistributor
from pyspark.sql import SparkSession

from attribution_dagster.errors import ConfigurationError, DataError
from attribution_dagster.warehouse.protocol import Joint
from attribution_dagster.warehouse.spark_session import told

_TOO_FEW_SLOTS = "SPARK-24819"


def run_together(session: SparkSession, processes: int, function: Joint, argument: Any) -> Any:
    """What the function returns in the first process. Each is a task of one barrier stage; if one fails, all do.

    Raises:
        ConfigurationError: Spark has no room for so many at once.
        DataError: a process failed; its last words are in the message.
    """
    distributor = TorchDistributor(num_processes=processes, local_mode=False, use_gpu=False)
    try:
        return distributor.run(function, argument)
    except PySparkException as error:
        if _TOO_FEW_SLOTS in str(error):
            cores = session.sparkContext.defaultParallelism
            raise ConfigurationError(
                f"ATTRIBUTION_SPARK_TRAINING_PROCESSES={processes} is more than Spark runs at once, {cores}: set fewer, or give Spark more cores "
                "(ATTRIBUTION_THREADS on this machine)"
            ) from error
        raise DataError(f"training on {processes} processes of Spark failed: {told(error)}") from error
