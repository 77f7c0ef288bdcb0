"""The commands about models and data, as a person types them."""

import os
import shutil
from pathlib import Path

from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.cli.test_commands import attribution
from attribution_dagster_tests.pipeline.small import EXPLAINED


def test_models_rollback_retention_and_forget(published: Workspace, tmp_path: Path) -> None:
    root, dataset = published.settings.home.parent, ["--dataset", "small"]
    for name in ("home", "datasets", "exports"):
        shutil.copytree(root / name, tmp_path / name)
    listed = attribution(tmp_path, "models", *dataset, "--close-abandoned")
    assert listed.returncode == 0 and "no run was left open" in listed.stdout
    assert "small-no_funnel" in listed.stdout and f"promoted on {EXPLAINED}" in listed.stdout

    refused = attribution(tmp_path, "rollback", *dataset, "--variant", "no_funnel")
    assert refused.returncode == 1 and "is the first champion" in refused.stderr
    unknown = attribution(tmp_path, "rollback", *dataset, "--variant", "some_funnel", "--to", "1")
    assert unknown.returncode == 1 and "is no variant of small: no_funnel, with_funnel" in unknown.stderr

    kept = attribution(tmp_path, "retention", *dataset, "--dry-run")
    assert kept.returncode == 0 and "would be removed: none" in kept.stdout

    user = published.slice_of("sessions", EXPLAINED)["user_id"][0].as_py()
    forgotten = attribution(tmp_path, "forget", user, *dataset)
    assert forgotten.returncode == 0 and "session_events" in forgotten.stdout and user not in forgotten.stdout
    assert "attribution run --dataset small" in forgotten.stdout and "backups" in forgotten.stdout
    again = attribution(tmp_path, "forget", user, *dataset)
    assert "nothing of this user was stored" in again.stdout and os.path.isdir(
        tmp_path / "exports" / "small" / EXPLAINED
    )
