"""Errors, p, q, signals and the standardised lift of attribution_statistics, against scipy, a bootstrap and hand calculation."""

import math

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from attribution_dagster.core.signals import MODERATE_EFFECT, NEGATIVE_EFFECT, STRONG_EFFECT
from attribution_dagster_tests.marts.engine import ATTRIBUTION, WINDOW, occurrence, run_statistics

SMALLEST_P = 2 * stats.norm.sf(37.5)


def by_type(rows, **options) -> dict[str, dict]:
    """Event type -> its statistics."""
    found = run_statistics(rows, **options).to_pylist()
    return {row["name_1"]: row for row in found if row["granularity"] == "event_type"}


def two_users(z: float, name: str) -> list[dict]:
    """Occurrences of two users whose mean effect is z standard errors: of (z - 1, z + 1) mean and error are z and 1."""
    return [occurrence(f"u{sign}", 1, z + sign, event_type=name) for sign in (-1, 1)]


def significant(effect: float, name: str, users: int = 40) -> list[dict]:
    """Occurrences whose mean is this effect, beyond doubt."""
    return [occurrence(f"u{n}", n % 2, effect + 0.001 * (-1) ** n, event_type=name) for n in range(users)]


def test_p_is_that_of_scipy_from_the_centre_to_the_far_tails() -> None:
    distances = [0.0, 1e-9, 1e-4, 0.01, 0.5, 1.0, 1.96, 3.0, 5.5, 8.0, 12.0, 20.0, 30.0, 37.0]
    found = by_type([row for z in distances for row in two_users(z, str(z))])
    for z in distances:
        expected = 2 * stats.norm.sf(found[str(z)]["mean_centred_effect"] / found[str(z)]["standard_error"])
        assert found[str(z)]["p_value"] == pytest.approx(expected, rel=2e-7), z
        assert 0 < found[str(z)]["p_value"] <= 1


def test_p_is_symmetric_and_stops_at_the_smallest_number_instead_of_0() -> None:
    found = by_type([row for z in (-2.5, 2.5, 1e6, -1e300) for row in two_users(z, str(z))])
    assert found["-2.5"]["p_value"] == pytest.approx(found["2.5"]["p_value"])
    for name in ("1000000.0", "-1e+300"):
        assert 0 < found[name]["p_value"] == pytest.approx(SMALLEST_P, rel=1e-6)


def test_without_an_error_there_is_no_p_and_an_effect_that_never_varies_is_certain() -> None:
    rows = [occurrence("a", 1, 0.4, event_type="one user")]
    rows += [occurrence(u, 1, 0.25, event_type="constant") for u in "abcd"]
    rows += [occurrence(u, 1, 0.0, event_type="nothing") for u in "abcd"]
    found = by_type(rows)
    assert found["one user"]["p_value"] is None and found["one user"]["q_value"] is None
    assert found["constant"]["standard_error"] == 0 and found["constant"]["p_value"] == pytest.approx(SMALLEST_P)
    assert found["nothing"]["p_value"] == pytest.approx(1, abs=1e-6)


def test_q_is_benjamini_and_hochberg_of_scipy_among_rows_with_support_ties_included() -> None:
    rng = np.random.default_rng(2)
    distances = [*rng.exponential(1.5, 25), 1.7, 1.7, 1.7, 40.0, 50.0]
    rows = [row for i, z in enumerate(distances) for row in two_users(z, f"t{i}")]
    rows += [occurrence("u1", 1, 0.3, event_type="one user")]
    found = by_type(rows, minimum_support=2)
    tested = [row for row in found.values() if row["has_minimum_support"]]
    expected = stats.false_discovery_control([row["p_value"] for row in tested])
    assert len(tested) == len(distances)
    assert [row["q_value"] for row in tested] == pytest.approx(list(expected), rel=1e-9)
    assert found["one user"]["q_value"] is None


def test_each_granularity_is_a_family_of_its_own() -> None:
    rows = [row | {"event_position": 0} for z in (1.0, 2.0, 3.0) for row in two_users(z, str(z))]
    found = run_statistics(rows).to_pylist()
    (position,) = [row for row in found if row["granularity"] == "position"]
    assert position["q_value"] == position["p_value"]
    strongest = next(row for row in found if row["granularity"] == "event_type" and row["name_1"] == "3.0")
    assert strongest["q_value"] == pytest.approx(3 * strongest["p_value"])


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (STRONG_EFFECT + 0.01, "Strong positive signal"),
        (STRONG_EFFECT - 0.01, "Moderate positive signal"),
        (MODERATE_EFFECT - 0.01, "Neutral"),
        (NEGATIVE_EFFECT + 0.01, "Neutral"),
        (NEGATIVE_EFFECT - 0.01, "Negative signal"),
    ],
)
def test_a_signal_takes_size_and_significance(effect: float, expected: str) -> None:
    noise = [occurrence(f"u{n}", n % 2, effect + 5.0 * (-1) ** n, event_type="noisy") for n in range(40)]
    rare = significant(effect, "rare", users=20)
    found = by_type([*significant(effect, "clear"), *noise, *rare], minimum_support=30)
    assert found["clear"]["signal_strength"] == expected
    assert found["noisy"]["signal_strength"] == found["rare"]["signal_strength"] == "Neutral"
    assert found["noisy"]["q_value"] > 0.05 and found["rare"]["q_value"] is None


def users_with_habits(seed: int, users: int = 400) -> list[dict]:
    """Occurrences of users who differ in taste, in how much they do, and in how often they convert."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        taste, rate = rng.normal(0.1, 0.4), rng.beta(1, 2)
        for session in range(1 + rng.poisson(1.5)):
            label, events = int(rng.random() < rate), 1 + rng.poisson(4)
            shares = rng.dirichlet(np.full(events, 2.0))
            for share in shares:
                effect = taste + 0.2 * label + rng.normal(0, 0.3)
                more = {"session_id": f"{user}-{session}", "gradient_attribution": float(share), "n_events": events}
                rows.append(occurrence(f"u{user}", label, effect, **more))
    return rows


def user_table(rows: list[dict]) -> np.ndarray:
    """(users, 4): occurrences, sum of effects, and both in converted sessions only."""
    sums: dict[str, np.ndarray] = {}
    for row in rows:
        effect, label = row["centred_attribution"], row["label"]
        added = (1, effect, label, label * effect)
        sums.setdefault(row["user_id"], np.zeros(4))[:] += added
    return np.array(list(sums.values()))


def test_errors_of_effect_and_lift_are_those_of_a_bootstrap_over_users() -> None:
    rows = users_with_habits(seed=4)
    found = by_type(rows)["click"]
    sums = user_table(rows)
    rng = np.random.default_rng(0)
    drawn = np.stack([sums[rng.integers(0, len(sums), len(sums))].sum(axis=0) for _ in range(6000)])
    n, effect, n_converted, effect_converted = drawn.T
    # The Monte-Carlo error of a standard deviation over 6,000 draws is 1/sqrt(12000) = .9 %.
    assert found["standard_error"] == pytest.approx((effect / n).std(ddof=1), rel=0.05)
    lifts = effect_converted / n_converted - (effect - effect_converted) / (n - n_converted)
    assert found["lift_standard_error"] == pytest.approx(lifts.std(ddof=1), rel=0.05)
    naive = np.std([row["centred_attribution"] for row in rows], ddof=1) / math.sqrt(len(rows))
    assert found["standard_error"] > 1.5 * naive


def test_error_and_p_of_a_lift_by_hand() -> None:
    # Converted: a .2, b .4 (one each); other: c .1, d .3. Residuals -.1 and .1 on both sides, each half of its side.
    effects = {"a": (1, 0.2), "b": (1, 0.4), "c": (0, 0.1), "d": (0, 0.3)}
    rows = [occurrence(user, label, effect) for user, (label, effect) in effects.items()]
    found = by_type(rows, minimum_support=2)["click"]
    error = math.sqrt(4 * 0.1**2 / (1 - 1 / 2)) / 2
    assert (found["centred_lift"], found["lift_standard_error"]) == pytest.approx((0.1, error))
    assert found["lift_p_value"] == pytest.approx(2 * stats.norm.sf(0.1 / error), rel=2e-7)
    with_less = by_type(rows, minimum_support=3)["click"]
    assert with_less["lift_standard_error"] == pytest.approx(error) and with_less["lift_p_value"] is None
    one_sided = by_type([row for row in rows if row["user_id"] != "d"], minimum_support=1)["click"]
    assert one_sided["lift_standard_error"] is None and one_sided["lift_p_value"] is None


def test_a_user_on_both_sides_counts_once_so_what_is_usual_for_a_person_cancels_out() -> None:
    pairs = [(f"u{n}", 0.2 + 0.05 * n) for n in range(8)]
    both = [occurrence(user, label, habit + 0.01 * label) for user, habit in pairs for label in (0, 1)]
    apart = [row | {"user_id": f"{row['user_id']}{row['label']}"} for row in both]
    assert by_type(both)["click"]["lift_standard_error"] == pytest.approx(0, abs=1e-9)
    assert by_type(apart)["click"]["lift_standard_error"] > 0.05


def test_sessions_that_differ_only_in_length_have_a_lift_but_no_standardised_lift() -> None:
    """Converted sessions have 20 events on average, others 8; nothing else is different, and no event has an effect."""
    rng = np.random.default_rng(1)
    label = (np.arange(4000) % 2).astype(np.int8)
    lengths = rng.geometric(np.where(label == 1, 1 / 20, 1 / 8))
    session = np.repeat(np.arange(4000), lengths)
    weight = rng.gamma(2.0, size=len(session))
    share = weight / np.bincount(session, weight)[session]
    none = pa.nulls(len(session), pa.string())
    columns = {
        "window_start": pa.array([WINDOW] * len(session), pa.timestamp("us")),
        "session_id": [f"s{i}" for i in session],
        "user_id": [f"u{i}" for i in session],
        "label": label[session],
        "event_position": np.zeros(len(session), np.int32),
        "event_type": rng.choice(["click", "view"], len(session)),
        "gradient_attribution": share,
        "relative_attribution": share * lengths[session],
        **dict.fromkeys(("signed_attribution", "centred_attribution"), rng.normal(size=len(session))),
        **dict.fromkeys(("store_id", "store_name", "primary_category", "primary_tag"), none),
        "in_risk_set": [True] * len(session),
        "n_events": lengths[session].astype(np.int32),
        "probability": np.full(len(session), 0.5),
    }
    for row in by_type(pa.table(columns, schema=ATTRIBUTION)).values():
        assert row["attribution_lift"] < -0.06
        assert abs(row["standardised_lift"]) < 0.004


def test_standardised_lift_by_hand() -> None:
    def event(user: str, label: int, n_events: int, share: float) -> dict:
        return occurrence(user, label, 0.1, n_events=n_events, gradient_attribution=share)

    # Two events: .5 against .3, three occurrences. Four events: .2 against .3, two occurrences. Nine: no other side.
    rows = [event("a", 1, 2, 0.5), event("b", 0, 2, 0.2), event("c", 0, 2, 0.4)]
    rows += [event("d", 1, 4, 0.2), event("e", 0, 4, 0.3), event("f", 1, 9, 0.9)]
    assert by_type(rows)["click"]["standardised_lift"] == pytest.approx((3 * 0.2 - 2 * 0.1) / 5)
    assert by_type(rows[2:4])["click"]["standardised_lift"] is None


def test_hostile_names_keep_their_statistics_apart() -> None:
    names = ["it's", "a,b", "two\nlines", "<script>", "", "{variant}", ":window_start", "NULL", "1"]
    rows = [row | {"store_id": name, "store_name": None} for i, name in enumerate(names) for row in two_users(i, name)]
    found = run_statistics(rows).to_pylist()
    for granularity in ("event_type", "store"):
        effects = {row["name_1"]: row["mean_centred_effect"] for row in found if row["granularity"] == granularity}
        assert effects == pytest.approx({name: float(i) for i, name in enumerate(names)})
