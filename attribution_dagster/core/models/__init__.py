"""The transformer with its additive term: specification, layers, training, calibration, metrics, baselines."""
