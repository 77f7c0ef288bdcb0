"""Whom a treatment moves: learners of the effect per unit, how they are judged, and whether the experiment may be believed."""
