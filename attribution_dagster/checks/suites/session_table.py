"""What is expected of a table with a row per session, of the models of conversion on it, and of what they predict."""

from attribution_dagster.checks.expectations import Expectation, between, equal, none_of
from attribution_dagster.checks.suites.conversion import conversion_model_suite
from attribution_dagster.datasets.session_table import SessionTableProfile

COUNTED = ("sessions", "converted", "later")


def session_table_suite(profile: SessionTableProfile) -> list[Expectation]:
    """The suites of a dataset of `kind: sessions`."""
    spec = profile.session_table
    return [
        Expectation(
            name="session_table_complete",
            asset="session_table",
            description=(
                "Sessions, conversions and later sessions, counted in Python as the source was read, equal those counted in SQL; each "
                "session stands once, with each attribute once."
            ),
            rules=(
                *(equal(f"python_{figure}", f"sql_{figure}") for figure in COUNTED),
                *none_of("n_repeated", "n_incomplete"),
            ),
            reported={"session_table": tuple(f"python_{figure}" for figure in COUNTED)},
            parameters={"n_attributes": len(spec.numbers) + len(spec.categories)},
        ),
        *conversion_model_suite(profile),
        Expectation(
            name="suspected_attributes_add_up",
            asset="conversion_model",
            description="Rows about suspected attributes stand once, are possible, and of as many sessions and conversions as there are.",
            rules=(between("n_rows", 2 * len(spec.suspected), None), *none_of("n_repeated", "n_wrong")),
        ),
        Expectation(
            name="later_sessions_predicted",
            asset="conversion_predictions",
            description="Every later session is predicted once, with its label; probabilities lie between 0 and 1, deciles and segments agree.",
            rules=none_of("n_not_once", "n_impossible"),
        ),
    ]
