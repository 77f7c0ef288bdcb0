import os

# Small models gain nothing from threads, and two test workers share two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("MPLBACKEND", "Agg")
for name in [n for n in os.environ if n.startswith("ATTRIBUTION_")]:
    del os.environ[name]
os.environ.pop("DAGSTER_HOME", None)
