"""The known effects of Hillstrom's experiment, through the staging SQL; skipped where the file isn't."""

from collections.abc import Iterator

import pytest

from attribution_dagster.resources.progress import LoggedProgress
from attribution_dagster.resources.workspace import Workspace, open_workspace
from attribution_dagster.settings import Settings
from attribution_dagster_tests.datasets.real import HILLSTROM, needs_file
from attribution_dagster_tests.uplift.shop import made

WINDOW = "2008-03-01"
pytestmark = needs_file(HILLSTROM)


@pytest.fixture(scope="module")
def hillstrom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("hillstrom")
    settings = Settings.from_environment(
        {
            "ATTRIBUTION_HOME": str(root / "home"),
            "ATTRIBUTION_EXPORTS": str(root / "exports"),
            "ATTRIBUTION_EVENTS_HILLSTROM": str(HILLSTROM),
            "ATTRIBUTION_THREADS": "1",
        }
    )
    workspace = open_workspace("hillstrom", settings, LoggedProgress())
    assert made(workspace, "source", "treatment_assignment", "experiment_validity").success
    yield workspace
    workspace.warehouse.close()


def test_the_known_effects_are_found_again(hillstrom: Workspace) -> None:
    effects = {
        (row["arm"], row["outcome"]): row for row in hillstrom.slice_of("experiment_effects", WINDOW).to_pylist()
    }
    womens = effects["Womens E-Mail", "visit"]
    assert womens["effect"] == pytest.approx(0.0452, abs=5e-5)
    assert womens["units"] + womens["control_units"] == 42_693
    rates = {
        arm: [effects[arm, outcome]["rate"] for outcome in ("visit", "conversion")]
        for arm in ("Mens E-Mail", "Womens E-Mail")
    }
    assert rates["Mens E-Mail"] == pytest.approx([0.1828, 0.0125], abs=5e-5)
    assert rates["Womens E-Mail"] == pytest.approx([0.1514, 0.0088], abs=5e-5)
    assert [womens["control_rate"], effects["Womens E-Mail", "conversion"]["control_rate"]] == pytest.approx(
        [0.1062, 0.0057], abs=5e-5
    )


def test_every_customer_is_there_once_and_the_experiment_is_valid(hillstrom: Workspace) -> None:
    units = hillstrom.slice_of("treatment_assignment", WINDOW)
    assert len(set(units["session_id"].to_pylist())) == 64_000 and units.num_rows == 128_000
    assert all(row["passed"] for row in hillstrom.slice_of("experiment_validity", WINDOW).to_pylist())
