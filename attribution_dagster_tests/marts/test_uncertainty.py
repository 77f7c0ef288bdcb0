"""The experiments of `make verify` on uncertainty: their numpy is the SQL's formula, and they notice errors that are wrong."""

import numpy as np
import pyarrow as pa
import pytest

from attribution_dagster_tests.marts.engine import attribution_table, run_statistics
from attribution_dagster_tests.marts.test_statistics import users_with_habits
from attribution_dagster_tests.verify import uncertainty
from attribution_dagster_tests.verify.population import Population


@pytest.fixture(scope="module")
def attribution() -> pa.Table:
    """Occurrences with all kinds of groups, among them events without a store and events that were not read."""
    rng = np.random.default_rng(3)
    rows = []
    for row in users_with_habits(seed=8, users=120):
        store = rng.integers(0, 4)
        kind = {"event_type": str(rng.choice(["click", "view"])), "event_position": int(rng.integers(0, 60))}
        place = {"store_id": f"s{store}" if store else None, "store_name": "Sole" if store % 2 else None}
        rows.append(row | kind | place | {"in_risk_set": bool(rng.random() < 0.95)})
    return attribution_table(rows)


def of_groups(attribution: pa.Table, *columns: str) -> dict[tuple, tuple]:
    """Group -> these columns of the SQL's answer."""
    found = run_statistics(attribution).to_pylist()
    return {(row["granularity"], row["name_1"], row["name_2"]): tuple(row[c] for c in columns) for row in found}


def agrees(population: Population, said: dict[tuple, tuple], *found: np.ndarray) -> None:
    assert set(population.names) == set(said) and len(population.names) == len(said)
    for number, name in enumerate(population.names):
        if None not in said[name]:
            assert [values[number] for values in found] == pytest.approx(said[name], rel=1e-9), name


def test_effects_and_errors_are_those_of_the_sql(attribution: pa.Table) -> None:
    population = Population.of(attribution)
    said = of_groups(attribution, "mean_centred_effect", "standard_error", "users")
    agrees(population, said, *population.effects(np.ones(population.users)))


def test_a_user_drawn_twice_is_two_users(attribution: pa.Table) -> None:
    population = Population.of(attribution)
    drawn = 1 + np.arange(population.users) % 2
    users = sorted(set(attribution.filter(attribution["in_risk_set"])["user_id"].to_pylist()))
    twice = {user for user, times in zip(users, drawn, strict=True) if times == 2}
    again = [
        row | {"user_id": row["user_id"] + "'", "session_id": row["session_id"] + "'"}
        for row in attribution.to_pylist()
        if row["user_id"] in twice
    ]
    resample = pa.concat_tables([attribution, attribution_table(again)])
    said = of_groups(resample, "mean_centred_effect", "standard_error", "users")
    agrees(population, said, *population.effects(drawn))


def test_lifts_and_errors_are_those_of_the_sql_with_permuted_labels(attribution: pa.Table) -> None:
    population = Population.of(attribution)
    label = population.permuted(np.random.default_rng(1))
    kept = attribution.filter(attribution["in_risk_set"])
    owners = dict(zip(kept["session_id"].to_pylist(), kept["user_id"].to_pylist(), strict=True))
    labels = dict(zip(sorted(owners, key=lambda session: (owners[session], session)), label.tolist(), strict=True))
    rows = [row | {"label": labels[row["session_id"]]} for row in kept.to_pylist()]
    said = of_groups(attribution_table(rows), "centred_lift", "lift_standard_error")
    lift, error, _ = population.lifts(label)
    agrees(population, said, lift, error)
    assert sum(None not in values for values in said.values()) > 10


def test_permuted_labels_are_those_of_whole_users(attribution: pa.Table) -> None:
    population = Population.of(attribution)
    owns = {tuple(population.label[population.session_user == user]) for user in range(population.users)}
    permuted = population.permuted(np.random.default_rng(5))
    assert (permuted != population.label).any()
    for user in range(population.users):
        given = tuple(permuted[population.session_user == user])
        assert any((own * len(given))[: len(given)] == given for own in owns)


def test_both_experiments_come_out_and_errors_that_ignore_users_would_not(attribution: pa.Table) -> None:
    population = Population.of(attribution)
    false, covered = (each(population, 200) for each in (uncertainty.false_positives, uncertainty.coverage))
    assert false.pooled == pytest.approx(0.05, abs=3 * false.binomial_error) and 0.92 <= covered.pooled <= 0.98
    rows = [row | {"user_id": f"{n}", "session_id": f"{n}"} for n, row in enumerate(attribution.to_pylist())]
    population_of_events = Population.of(attribution_table(rows))
    _, apart, _ = population_of_events.effects(np.ones(population_of_events.users))
    _, together, _ = population.effects(np.ones(population.users))
    place = population.names.index(("event_type", "click", None))
    assert apart[population_of_events.names.index(("event_type", "click", None))] < together[place] / 1.5


def test_the_section_of_the_page_is_replaced_or_added(
    attribution: pa.Table, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uncertainty, "DOC", tmp_path / "page.md")
    page = "# Page\n\n## Uncertainty\n\nold\n\n## Next\n\nkept\n"
    uncertainty.DOC.write_text(page)
    for _ in range(2):
        uncertainty.write_section("Uncertainty", ["new"])
        assert uncertainty.DOC.read_text() == page.replace("old", "new")
    uncertainty.write_section("Other", ["more", ""])
    assert uncertainty.DOC.read_text() == page.replace("old", "new") + "\n## Other\n\nmore\n"
