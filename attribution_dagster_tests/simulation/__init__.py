"""Simulated events: that the planted truth is what the files say, and that the files are what was asked for."""
