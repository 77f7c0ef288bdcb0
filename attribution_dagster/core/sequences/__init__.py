"""Sessions as ragged sequences: stored sets, vocabularies, batches, the risk set."""
