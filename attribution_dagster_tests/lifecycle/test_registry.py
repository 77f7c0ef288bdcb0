"""Runs and registered models on a sqlite store and on a real server: the same behaviour."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from attribution_dagster.errors import AttributionError, ConfigurationError
from attribution_dagster.resources.model_registry import ModelRegistry, RegisteredVersion
from attribution_dagster.resources.tracker import Tracker
from attribution_dagster_tests.lifecycle.stores import GOOD, logged_model, mlflow_server, training

WEEKS = ["2025-01-20", "2025-01-27", "2025-02-03"]


@pytest.fixture(scope="module", params=["sqlite", "server"])
def uri(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        yield f"sqlite:///{root / 'mlflow.db'}"
    else:
        with mlflow_server(root) as url:
            yield url


def test_the_life_of_a_registered_model(uri: str, tmp_path: Path) -> None:
    tracker, registry = Tracker(uri, tmp_path), ModelRegistry(uri, "shop")
    assert registry.champion("no_funnel") is None and registry.versions("no_funnel") == []
    with pytest.raises(AttributionError, match="has no champion to roll back from"):
        registry.roll_back("no_funnel", None, "nothing there")

    logged = logged_model(tracker)
    first = registry.register("no_funnel", *logged, WEEKS[0])
    assert first.name == "shop-no_funnel version 1" and first.aliases == ("challenger",) and first.decision is None
    assert registry.champion("no_funnel") is None
    assert registry.record("no_funnel", first, WEEKS[0], GOOD, "nobody", seen=None)
    second = registry.register("no_funnel", *logged, WEEKS[1])
    registry.record(
        "no_funnel",
        second,
        WEEKS[1],
        replace(GOOD, promoted=False, objections=("log-loss is higher",)),
        first.name,
        seen=first,
    )
    third = registry.register("no_funnel", *logged, WEEKS[2])
    registry.record("no_funnel", third, WEEKS[2], replace(GOOD, champion_log_loss=0.5), first.name, seen=first)

    champion = registry.champion("no_funnel")
    assert champion is not None and champion.version == 3 and champion.aliases == ("challenger", "champion")
    said = [(v.version, v.decision, v.decided_on, v.was_champion) for v in registry.versions("no_funnel")]
    assert said == [(1, "promoted", WEEKS[0], True), (2, "refused", WEEKS[1], False), (3, "promoted", WEEKS[2], True)]
    assert registry.version("no_funnel", 2).tags["gate.objections"] == "log-loss is higher"
    assert registry.version("no_funnel", 3).tags["gate.against"] == "shop-no_funnel version 1"

    with pytest.raises(AttributionError, match=r"version 2 has never been champion: the gate said refused.* 1, 3"):
        registry.roll_back("no_funnel", 2, "no")
    with pytest.raises(ConfigurationError, match="has no version 9"):
        registry.roll_back("no_funnel", 9, "no")
    old, new = registry.roll_back("no_funnel", None, "orders fell")
    assert (old.version, new.version) == (3, 1) and "champion" in new.aliases
    assert new.tags["rollback.from"] == "3" and new.tags["rollback.reason"] == "orders fell"
    with pytest.raises(AttributionError, match="is the first champion"):
        registry.roll_back("no_funnel", None, "again")
    with pytest.raises(AttributionError, match="is the champion already"):
        registry.roll_back("no_funnel", 1, "again")
    assert registry.roll_back("no_funnel", 3, "forward again")[1].version == 3


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The registered versions of one model, all of them the same training; they are named by number."""

    registry: ModelRegistry
    logged: tuple[str, str]

    def train(self, week: str = WEEKS[0]) -> RegisteredVersion:
        return self.registry.register("no_funnel", *self.logged, week)

    def promote(self, week: str = WEEKS[0]) -> None:
        version, seen = self.train(week), self.registry.champion("no_funnel")
        assert self.registry.record("no_funnel", version, week, GOOD, "it", seen=seen)

    def roll_back(self, to: int | None = None) -> int:
        return self.registry.roll_back("no_funnel", to, "it is bad")[1].version

    def way_back(self) -> list[int]:
        return [version.version for version in self.registry.earlier_champions("no_funnel")]

    def bearer(self, alias: str) -> list[int]:
        return [v.version for v in self.registry.versions("no_funnel") if alias in v.aliases]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, tuple[str, str]]:
    folder = tmp_path_factory.mktemp("store")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    return uri, logged_model(Tracker(uri, folder))


@pytest.fixture()
def shop(store: tuple[str, tuple[str, str]], request: pytest.FixtureRequest) -> Shop:
    """A model of the test's own."""
    uri, logged = store
    return Shop(registry=ModelRegistry(uri, request.node.name), logged=logged)


def test_a_rollback_never_leads_to_what_was_rolled_back_from(shop: Shop) -> None:
    for _ in range(3):
        shop.promote()
    assert shop.way_back() == [2, 1]
    assert shop.roll_back() == 2 and shop.way_back() == [1]
    shop.promote()
    assert shop.way_back() == [2, 1], "version 3 was bad, and so it stays"
    assert shop.roll_back(to=1) == 1 and shop.way_back() == []
    assert shop.roll_back(to=3) == 3 and shop.way_back() == [1], "whom a person names comes after the present champion"
    assert shop.roll_back() == 1


def test_the_way_back_ends_where_a_version_was_deleted(shop: Shop) -> None:
    for _ in range(3):
        shop.promote()
    shop.registry.remove("no_funnel", shop.registry.version("no_funnel", 1))
    assert shop.way_back() == [2] and shop.roll_back() == 2
    with pytest.raises(AttributionError, match="is the first champion that is left"):
        shop.roll_back()


def test_a_decision_that_was_made_against_another_champion_counts_for_nothing(shop: Shop) -> None:
    """Of two gates at once, the second would else let an older model take the place of a newer one."""
    older, newer = shop.train(WEEKS[0]), shop.train(WEEKS[1])
    assert shop.registry.record("no_funnel", newer, WEEKS[1], GOOD, "nobody", seen=None)
    assert not shop.registry.record("no_funnel", older, WEEKS[0], GOOD, "nobody", seen=None)
    assert shop.bearer("champion") == [newer.version]
    assert shop.registry.version("no_funnel", older.version).decision is None


def test_a_gate_that_died_after_it_moved_the_alias_ends_where_it_would_have(shop: Shop) -> None:
    shop.promote()
    version, first = shop.train(), shop.registry.champion("no_funnel")
    shop.registry._crown("no_funnel", version, over=first)
    champion = shop.registry.champion("no_funnel")
    assert champion is not None and champion.decision is None
    assert shop.registry.record("no_funnel", champion, WEEKS[0], GOOD, "itself", seen=champion)
    assert shop.way_back() == [1]


def test_a_backfill_leaves_the_challenger(shop: Shop) -> None:
    shop.train(WEEKS[1])
    shop.train(WEEKS[0])
    assert shop.bearer("challenger") == [1]
    shop.train(WEEKS[1])
    assert shop.bearer("challenger") == [3], "another training for the same window"


def test_a_run_holds_its_story_and_a_failed_training_is_marked(uri: str, tmp_path: Path) -> None:
    tracker, client = Tracker(uri, tmp_path), MlflowClient(uri)
    with pytest.raises(FloatingPointError), tracker.training(training(WEEKS[0])) as failed:
        raise FloatingPointError("the loss became nan")
    with tracker.training(training(WEEKS[0])) as run:
        run.log_curves({"validation_loss": [0.7, 0.6, 0.65]})
        run.log_metrics({"best_epoch": 1.0})
    assert client.get_run(failed.run_id).info.status == "FAILED"
    found = client.get_run(run.run_id)
    assert found.info.status == "FINISHED" and found.data.params["d_model"] == "8"
    assert found.inputs.dataset_inputs[0].dataset.digest == "abc"
    assert [m.value for m in client.get_metric_history(run.run_id, "validation_loss")] == [0.7, 0.6, 0.65]


def test_results_of_a_window_replace_those_logged_before(uri: str, tmp_path: Path) -> None:
    tracker, client = Tracker(uri, tmp_path), MlflowClient(uri)
    with tracker.training(training(WEEKS[0])) as run:
        pass
    (tmp_path / "files").mkdir()
    for text, auc in (("old", 0.6), ("old", 0.6), ("new", 0.7)):
        (tmp_path / "files" / "table.csv").write_text(text)
        assert tracker.log_window(run.run_id, WEEKS[0], {"window_auc": auc}, tmp_path / "files")
    tracker.log_window(run.run_id, WEEKS[1], {"window_auc": 0.5}, None)
    history = [(m.step, m.value) for m in client.get_metric_history(run.run_id, "window_auc")]
    assert sorted(history) == [(20250120, 0.6), (20250120, 0.7), (20250127, 0.5)]
    assert [f.path for f in client.list_artifacts(run.run_id, f"windows/{WEEKS[0]}")] == [
        f"windows/{WEEKS[0]}/table.csv"
    ]
    stored = client.download_artifacts(run.run_id, f"windows/{WEEKS[0]}/table.csv", str(tmp_path))
    assert Path(stored).read_text() == "new"
    assert not tracker.log_window("0" * 32, WEEKS[0], {"window_auc": 0.5}, None)


def test_who_is_alive_is_decided_by_the_process_then_by_dagster_then_by_the_heartbeat(uri: str, tmp_path: Path) -> None:
    tracker, client = Tracker(uri, tmp_path), MlflowClient(uri)
    with tracker.training(training(WEEKS[0])) as alive:
        assert tracker.close_abandoned("shop", lambda run_id: True) == []
        experiment = client.get_run(alive.run_id).info.experiment_id

        def running(**tags: str) -> str:
            own = client.get_run(alive.run_id).data.tags
            named = {k: v for k, v in own.items() if k.startswith("attribution.")}
            changed = {f"attribution.{k}": v for k, v in tags.items() if k != "dagster"}
            run_id = {"dagster.run_id": tags.get("dagster", "")}
            return client.create_run(experiment, tags={**named, **changed, **run_id}).info.run_id

        gone = running(pid="99999999")
        reused = running(process_started="1")
        silent = running(host="elsewhere", heartbeat="2020-01-01T00:00:00+00:00")
        ended = running(host="elsewhere", dagster="ended")
        heard = running(host="elsewhere")
        busy = running(host="elsewhere", dagster="busy", heartbeat="2020-01-01T00:00:00+00:00")
        foreign = client.create_run(experiment).info.run_id
        known = {"ended": True, "busy": False}
        closed = tracker.close_abandoned("shop", known.get)
    assert sorted(closed) == sorted([gone, reused, silent, ended])
    assert {client.get_run(r).info.status for r in closed} == {"KILLED"}
    assert {client.get_run(r).info.status for r in (heard, busy, foreign)} == {"RUNNING"}
    assert tracker.close_abandoned("nobody", known.get) == []
