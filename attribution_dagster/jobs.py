"""The parts of a window that can run side by side, each as a job of its own: a run of one process, which on Kubernetes is a pod.

<dataset>_prepare           events to sequence tensors; needs no other window
<dataset>_explain_<variant> model, attribution and tables of one variant; needs `prepare` of the window and of its look-back
<dataset>_publish           comparison and publication; needs every variant, and asks for the verdicts of their checks again
"""

from typing import Any

import dagster as dg

from attribution_dagster.graph import DatasetAssets


def window_jobs(dataset: DatasetAssets) -> list[Any]:
    """The dataset's jobs. Together they hold everything that has windows, each asset with its checks in one of them."""
    name, variants = dataset.workspace.profile.name, dataset.workspace.profile.variants
    groups = dg.AssetSelection.groups
    tensors = dg.AssetSelection.assets(*(dataset.key(f"{variant}/sequence_tensors") for variant in variants))
    source = dg.AssetSelection.assets(dataset.key("source"))
    parts = {
        "prepare": groups(f"{name}_1_events", f"{name}_2_sessions") - source | tensors,
        **{f"explain_{variant}": groups(f"{name}_3_{variant}") - tensors for variant in variants},
        "publish": groups(f"{name}_4_results"),
    }
    return [
        dg.define_asset_job(f"{name}_{part}", selection, partitions_def=dataset.partitions)
        for part, selection in parts.items()
    ]
