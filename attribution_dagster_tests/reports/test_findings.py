"""Findings and model cards as people read them, with names that mean harm."""

import re
from typing import Any

import pytest

from attribution_dagster.core.claims.experiment import Ground, plan
from attribution_dagster.core.claims.holding import Holding, Stability
from attribution_dagster.core.claims.raw_rates import CountRate, trend
from attribution_dagster.core.claims.standing import Standing, State
from attribution_dagster.reports import sentences
from attribution_dagster.reports.findings import FindingsPage, VariantFindings
from attribution_dagster.reports.sentences import Finding
from attribution_dagster_tests.reports.reading import GOOD, Tags

HOSTILE = [
    "<script>alert(1)</script>",
    "a|b",
    "two\nlines",
    "=1+1",
    "`code` [x](http://y) *b*",
    "<img src=x onerror=y>",
]
GROUND = Ground(sessions=10_000, converted=800, users=6_000, standard_error=0.003)


def row(count: int, rate: float) -> CountRate:
    return CountRate(
        count_low=count,
        count_high=count + (count > 1),
        mean_count=float(count),
        sessions=500,
        rate=rate,
        low=rate - 0.02,
        high=rate + 0.02,
        expected=0.11,
    )


def finding(**changes: Any) -> Finding:
    effect = changes.get("effect", 0.2)
    rates = changes.get("rates", (row(0, 0.09), row(1, 0.12), row(2, 0.15)))
    values: dict[str, Any] = dict(
        variant="no_funnel",
        event_type="card_click",
        rank=1,
        effect=effect,
        low=effect - 0.05,
        high=effect + 0.05,
        q_value=0.001,
        own_effect=effect,
        direction="driver" if effect > 0 else "brake",
        signal_strength="Strong positive signal",
        occurrences=900,
        users=400,
        ground=GROUND,
        rates=rates,
        trend=trend(rates),
        positions=Holding(same=("1-5",), opposite=("21-50",), unclear=("6-10",)),
        stores=Holding(),
        stability=Stability(same=2, windows=3),
        baseline_effect=0.1,
        experiment=plan(GROUND, effect),
    )
    return Finding(**{**values, **changes})


def page(*findings: Finding, standing: Standing = GOOD, tested: int = 5, known: int = 5) -> FindingsPage:
    found = VariantFindings(variant="no_funnel", standing=standing, tested=tested, known=known, findings=findings)
    return FindingsPage(title="Shop", window_key="2025-02-03", simulated=False, variants=[found])


def test_the_headline_has_odds_points_and_logits_with_their_interval() -> None:
    said = sentences.headline(finding())
    # exp(.2) = 1.2214, exp(.15) = 1.1618, exp(.25) = 1.2840; odds .08/.92 x 1.2214 give 9.60 %.
    for part in (
        "“card_click”",
        "22.1 % higher odds",
        "+16.2 % to +28.4 %",
        "+1.60 points",
        "8.0 %",
        "+0.200 (+0.150 to",
    ):
        assert part in said, part
    assert "CONTRADICT" not in said and "other sign" not in said
    assert "18.1 % lower odds" in sentences.headline(finding(effect=-0.2))


def test_what_does_nothing_by_itself_is_called_below_average_and_has_no_experiment() -> None:
    null = dict(effect=-0.33, own_effect=0.004, direction="below average", experiment=None)
    said = finding(**null, signal_strength="Negative signal")
    assert said.signal == "Below average"
    assert "By itself it is worth 0.00: below average, and no brake." in sentences.headline(said).replace(
        "+0.01", "0.00"
    )
    assert "nothing to test" in sentences.experiment_sentence(said)
    assert "Below average" in page(said).html() and "Negative signal" not in page(said).markdown()
    assert "By itself" not in sentences.headline(finding()) and finding().signal == "Strong positive signal"
    assert finding(**null, signal_strength="Neutral").signal == "Neutral"


def test_raw_rates_and_the_baseline_that_contradict_are_said_in_the_headline() -> None:
    against = finding(effect=-0.2)
    assert against.raw_verdict == "contradict" and "raw rates CONTRADICT it" in sentences.headline(against)
    assert "CONTRADICT the model: +3.00 points per further occurrence" in sentences.raw_sentence(against)
    assert "gives it the other sign" in sentences.headline(against)
    assert "They agree" in sentences.raw_sentence(finding())
    assert "They do not tell" in sentences.raw_sentence(finding(rates=(row(0, 0.1), row(1, 0.1))))
    assert "raw rates say nothing" in sentences.raw_sentence(finding(rates=(row(1, 0.1),)))


def test_where_it_holds_how_long_it_held_and_how_to_test_it() -> None:
    found = finding()
    said = sentences.positions_sentence(found)
    assert said == (
        "Under this one model it holds at 1 of 3 positions with enough users (1-5); the opposite sign at 21-50; not clear at 6-10."
    )
    assert sentences.stores_sentence(found) == "No store has enough users with this event."
    assert (
        sentences.stability_sentence(found)
        == "Models trained on one of its training windows alone agree on the sign: 2 of 3."
    )
    assert "too rare in each of the windows" in sentences.stability_sentence(
        finding(stability=Stability(same=0, windows=0))
    )
    planned = plan(GROUND, 0.2)
    assert planned is not None
    said = sentences.experiment_sentence(found)
    assert "Association, not cause" in said and "one more “card_click”" in said
    assert f"{planned.sessions_per_arm:,} sessions per arm, or {planned.users_per_arm:,} users" in said
    assert "one fewer" in sentences.experiment_sentence(finding(effect=-0.2))
    assert "No experiment can be planned" in sentences.experiment_sentence(finding(experiment=None))


def test_many_stores_are_counted_and_five_are_named() -> None:
    said = sentences.stores_sentence(finding(stores=Holding(same=tuple(f"s{n}" for n in range(9)))))
    assert said == "Under this one model it holds at 9 of 9 stores with enough users (s0, s1, s2, s3, s4 and 4 more)."


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text_on_both_pages(name: str) -> None:
    harmless, harmful = page(finding()), page(finding(event_type=name, stores=Holding(same=(name,))))
    assert Tags(harmful.html()).tags == [*Tags(harmless.html()).tags]
    assert " ".join(name.split()) in Tags(harmful.html()).text
    markdown = harmful.markdown()
    table = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    assert "<script" not in markdown and "<img" not in markdown and "](http" not in markdown
    assert not re.search(r"^lines", markdown, re.M)


def test_small_findings_come_last_as_a_list_and_are_in_the_table_of_all() -> None:
    html = page(finding(), finding(event_type="map_view", effect=0.01, signal_strength="Neutral")).html()
    assert html.count("<article") == 1 and "Significant, but small" in html
    assert html.index("<article") < html.index("Significant, but small") and html.count("map_view") == 2


def test_without_a_finding_the_pages_say_so() -> None:
    for text in (page(tested=7, known=7).html(), page(tested=7, known=7).markdown()):
        assert "Nothing significant: of 7 event types with enough users" in text and "ot known" not in text


def test_what_could_not_be_compared_is_not_known_and_not_insignificant() -> None:
    for text in (page(tested=7, known=0).html(), page(tested=7, known=0).markdown()):
        assert "Not known: of 7 event types with enough users" in text and "significant: " not in text
    for findings in ([], [finding()]):
        for text in (page(*findings, tested=7, known=6).html(), page(*findings, tested=7, known=6).markdown()):
            assert "Not known of 1 event type: too rare" in text
    assert "Not known" not in page(finding(), tested=7, known=7).html()


def test_a_model_of_which_nothing_is_claimed_says_why_and_not_that_nothing_matters() -> None:
    silent = Standing(state=State.WARNINGS, reasons=("nothing is claimed: because",), claims=False, ranks=False)
    for text in (page(standing=silent).html(), page(standing=silent).markdown()):
        assert "No findings in variant no_funnel" in text and "nothing is claimed: because." in text
        assert "Nothing significant" not in text and "Not known" not in text


def test_without_a_ranking_the_pages_say_so_and_show_no_rank() -> None:
    withheld = Standing(state=State.WARNINGS, reasons=("ranking withheld: because",), claims=True, ranks=False)
    shown = page(finding(rank=None), standing=withheld)
    for text in (shown.html(), shown.markdown()):
        assert "No ranking." in text and "ranking withheld: because" in text
    assert 'class="rank"' not in shown.html() and "| – | card_click |" in shown.markdown()
