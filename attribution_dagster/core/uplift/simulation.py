"""A treatment whose truth is known: sessions of the simulated marketplace, both potential outcomes drawn, one of them revealed.

Covariates are taken from the first events of a session, before any treatment. The log-odds of converting without treatment, and
what the treatment adds to them, are functions with thresholds and products that no learner here assumes: the generator is not the
estimator. One uniform number per session decides both outcomes, so the one with the higher probability happens whenever the other
does. The treatment is dealt by a fair coin. Nothing is multiplied by 1.15: outcomes stay 0 and 1.

    out/GENERATED.txt                     says that nothing here is real
    out/units/part-00000.parquet          a row per session: arm, the outcome that is revealed, covariates, true_effect
    out/truth/potential_outcomes.parquet  both probabilities and both outcomes
"""

import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

from attribution_dagster.core.simulation.folder import generated_folder
from attribution_dagster.core.simulation.marketplace import simulate_marketplace
from attribution_dagster.core.uplift.base_models import Floats, Ints

LABEL = "Simulated treatment of simulated sessions, made by attribution_dagster. No real person is in it."
CONTROL, TREATED = "no coupon", "coupon"
RELATIVE_EFFECT = 0.15
"""Average effect over all sessions, relative to their conversion rate without treatment."""
FIRST_EVENTS = 5
_GAP_US = 30 * 60 * 1_000_000
_WEEKS = 5
_BASE_LOGIT = -1.9


@dataclass(frozen=True, kw_only=True)
class PotentialOutcomes:
    """Of each session (N,): probability without and with treatment, both outcomes, which one was dealt."""

    p0: Floats
    p1: Floats
    y0: Ints
    y1: Ints
    treated: Ints

    @property
    def effect(self) -> Floats:
        """Return the true effect (N,): the change of the probability."""
        return self.p1 - self.p0

    @property
    def y(self) -> Ints:
        """Return the outcome (N,) that is revealed."""
        return np.where(self.treated == 1, self.y1, self.y0)


def simulate_experiment(out: Path, *, users: int, seed: int, start: date) -> int:
    """Write the experiment to the folder `out`, whole or not at all; the number of its sessions.

    The same arguments give the same rows.
    """
    with tempfile.TemporaryDirectory() as scratch:
        marketplace = Path(scratch) / "marketplace"
        simulate_marketplace(marketplace, users=users, weeks=_WEEKS, start=start, seed=seed)
        events = pyarrow.dataset.dataset(marketplace / "events").to_table()
    sessions = session_covariates(events)
    drawn = draw_outcomes(sessions, seed=seed)
    arms = pa.array(np.where(drawn.treated == 1, TREATED, CONTROL))
    units = sessions.append_column("arm", arms)
    units = units.append_column("converted", pa.array(drawn.y)).append_column("true_effect", pa.array(drawn.effect))
    truth = {name: pa.array(getattr(drawn, name)) for name in ("p0", "p1", "y0", "y1")}
    with generated_folder(out, LABEL) as fresh:
        for folder in ("units", "truth"):
            (fresh / folder).mkdir()
        pq.write_table(units, fresh / "units" / "part-00000.parquet")
        pq.write_table(pa.table({"unit_id": units["unit_id"], **truth}), fresh / "truth" / "potential_outcomes.parquet")
    return int(units.num_rows)


def session_covariates(events: pa.Table) -> pa.Table:
    """Return a row per session with what its first events say: unit_id, user_id and the covariates.

    A session ends with 30 minutes without an event of the same user and device.
    """
    known = events.filter(pa.compute.is_valid(events["user_id"])).sort_by(
        [("user_id", "ascending"), ("device_id", "ascending"), ("event_at", "ascending"), ("event_id", "ascending")]
    )
    user, device, kind, store, feature = (
        np.asarray(known[name].fill_null("").to_pylist(), dtype=str)
        for name in ("user_id", "device_id", "event_type", "store_id", "discovery_feature")
    )
    at = known["event_at"].cast(pa.int64()).to_numpy()
    is_new = np.ones(len(at), dtype=bool)
    is_new[1:] = (user[1:] != user[:-1]) | (device[1:] != device[:-1]) | (np.diff(at) > _GAP_US)
    starts, session = np.flatnonzero(is_new), np.cumsum(is_new) - 1
    early = np.arange(len(at)) - starts[session] < FIRST_EVENTS

    def count(chosen: npt.NDArray[np.bool_]) -> Floats:
        return np.bincount(session[early & chosen], minlength=len(starts)).astype(np.float64)

    last = np.maximum.reduceat(np.where(early, at, 0), starts)
    before = np.arange(len(starts)) - np.searchsorted(user[starts], user[starts])
    hour = (at[starts] // 3_600_000_000) % 24
    return pa.table(
        {
            "unit_id": [f"s{number:07d}" for number in range(len(starts))],
            "user_id": user[starts],
            "early_events": count(np.ones(len(at), dtype=bool)),
            "early_views": count(np.isin(kind, ["store_page_load", "item_view"])),
            "early_impressions": count(kind == "store_impression"),
            "early_minutes": (last - at[starts]) / 60e6,
            "sessions_before": before.astype(np.float64),
            "hour": hour.astype(np.float64),
            "first_store": store[starts],
            "first_feature": feature[starts],
        }
    )


def draw_outcomes(sessions: pa.Table, *, seed: int, relative_effect: float = RELATIVE_EFFECT) -> PotentialOutcomes:
    """Return both outcomes of each session, and the arm that a fair coin dealt it.

    New visitors who look around gain most; frequent ones in the evening are disturbed. A constant makes the average effect
    `relative_effect` of the rate without treatment.
    """
    from scipy.optimize import brentq
    from scipy.special import expit

    views, minutes, before, hour = (
        sessions[name].to_numpy() for name in ("early_views", "early_minutes", "sessions_before", "hour")
    )
    evening = (hour >= 18).astype(np.float64)
    logit = (
        _BASE_LOGIT + 0.5 * np.log1p(views) + 0.25 * (before >= 2) - 0.6 * (minutes > 10) + 0.3 * evening * (views > 1)
    )
    gain = 0.9 * (before == 0) * (views >= 1) + 0.4 * np.exp(-minutes) - 0.8 * (before >= 2) * evening
    p0 = expit(logit)

    def excess(constant: float) -> float:
        return float(expit(logit + gain + constant).mean() / p0.mean() - 1 - relative_effect)

    p1 = expit(logit + gain + brentq(excess, -5, 5))
    generator = np.random.default_rng([seed, 1])
    luck, treated = generator.random(len(p0)), generator.integers(0, 2, len(p0))
    return PotentialOutcomes(
        p0=p0, p1=p1, y0=(luck < p0).astype(np.int64), y1=(luck < p1).astype(np.int64), treated=treated
    )
