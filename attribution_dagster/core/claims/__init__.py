"""What may be claimed from effects: what stands behind them, whether a model may be believed, how to test it."""
