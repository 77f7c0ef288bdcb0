from collections.abc import Iterator
from pathlib import Path

import pytest

from attribution_dagster.cli.launch import launch
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.small import own_dagster_home, small_workspace


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share the published dataset run in one worker, so it is made once."""
    for item in items:
        if "published" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("published"))


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The small dataset, run to its publication. Tests read it; those that break something work on a copy."""
    root: Path = tmp_path_factory.mktemp("published")
    with own_dagster_home(root):
        workspace = small_workspace(root)
        launch(workspace, None)
        yield workspace
        workspace.warehouse.close()
