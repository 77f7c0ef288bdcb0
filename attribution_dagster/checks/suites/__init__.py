"""The suites: what is expected of every published table and of what it is made from, as data, a file per stage."""

from attribution_dagster.checks.expectations import Expectation
from attribution_dagster.checks.suites.attribution import attribution_suite
from attribution_dagster.checks.suites.conversion import conversion_suite
from attribution_dagster.checks.suites.drift import drift_suite
from attribution_dagster.checks.suites.experiment import experiment_suite
from attribution_dagster.checks.suites.journeys import journeys_suite
from attribution_dagster.checks.suites.model import model_suite
from attribution_dagster.checks.suites.results import RETENTION_APPLIED, results_suite
from attribution_dagster.checks.suites.scoring import scoring_suite
from attribution_dagster.checks.suites.session_table import session_table_suite
from attribution_dagster.checks.suites.sessions import sessions_suite
from attribution_dagster.checks.suites.traits import traits_suite
from attribution_dagster.checks.suites.trust import trust_suite
from attribution_dagster.datasets.experiment import ExperimentProfile
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.session_table import SessionTableProfile


def expectations(profile: Profile) -> list[Expectation]:
    """All expectations of a dataset, in the order in which its assets are made."""
    if isinstance(profile, ExperimentProfile):
        return [*experiment_suite(profile), RETENTION_APPLIED]
    if isinstance(profile, SessionTableProfile):
        return [*session_table_suite(profile), RETENTION_APPLIED]
    return [
        *(sessions_suite(profile) if profile.variants else []),
        *(
            e
            for variant in profile.variants
            for suite in (model_suite, attribution_suite, trust_suite)
            for e in suite(profile, variant)
        ),
        *(conversion_suite(profile) if profile.variants else []),
        *journeys_suite(profile),
        *traits_suite(profile),
        *results_suite(profile),
        *(e for variant in profile.variants for suite in (drift_suite, scoring_suite) for e in suite(profile, variant)),
    ]
