"""The scoring model as MLflow loads it: from this file and the champion's files, without pickle."""

import logging
from pathlib import Path
from typing import Any

import mlflow
import torch
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR

from attribution_dagster.serving.service import ScoringService

ARTIFACT = "champion"
_logger = logging.getLogger(__name__)


class SessionScorer(mlflow.pyfunc.PythonModel):
    """Sessions of raw events in, an answer each out."""

    def load_context(self, context: Any) -> None:
        """Load the champion that lies beside this file."""
        torch.set_num_threads(1)  # requests run side by side in threads; one is too short to be split
        self._service = ScoringService(Path(context.artifacts[ARTIFACT]))

    # Any: MLflow's own reading of a request would put all of it into the answer. Ours names the field instead.
    def predict(self, model_input: list[Any]) -> list[dict[str, Any]]:
        """Answer a request."""
        try:
            return self._service.answer(model_input)
        except MlflowException:
            raise
        except Exception:
            # MLflow would call it the caller's fault, and show the traceback.
            _logger.exception("a request that could be read was not answered")
            raise MlflowException("the model failed; the server's log says why", error_code=INTERNAL_ERROR) from None


mlflow.models.set_model(SessionScorer())
