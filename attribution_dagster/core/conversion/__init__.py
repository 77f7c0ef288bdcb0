"""Who converts: estimators behind one contract, slices of time, calibration, evaluation, reasons."""
