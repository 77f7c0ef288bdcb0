"""Warehouses: one protocol for reading and writing tables by window, and the SQL that runs on it."""
