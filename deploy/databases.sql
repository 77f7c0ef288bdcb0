-- Run by Postgres when its volume is empty; Dagster's database is made by the container itself.
CREATE DATABASE mlflow;
