"""Methods of attribution and simple baselines on simulated worlds, held against the planted truth."""
