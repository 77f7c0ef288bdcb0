"""The closing summary of a run."""

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from attribution_dagster.reports.recovery import recovery
from attribution_dagster.reports.summary import plain_text, render
from attribution_dagster_tests.reports.sample import HOSTILE
from attribution_dagster_tests.reports.summaries import FAIR, events, line_of, summary


def test_drivers_and_brakes_carry_effect_interval_odds_ratio_and_users():
    text = plain_text(summary())
    click = line_of(text, "▲ click")
    assert "+0.25 (+0.20 to +0.30)" in click and f"×{math.exp(0.25):.2f}" in click and "1,234" in click and "█" in click
    leave = line_of(text, "▼ leave")
    assert "−0.40 (−0.50 to −0.30)" in leave and "×0.67" in leave


def test_traits_are_told_a_sentence_a_line_and_not_at_all_without_any():
    text = plain_text(summary(traits=["2 traits: Shoe\x1b[31m\nfans 60%.", "Recommendations: a tie."]))
    after = text[text.index("Customer traits") :].splitlines()
    assert after[1].startswith("2 traits: Shoe") and "fans 60%." in after[1] and "\x1b" not in text
    assert after[2] == "Recommendations: a tie." and "Customer traits" not in plain_text(summary())


def test_an_effect_that_may_be_chance_has_a_pale_bar_and_each_its_q():
    scroll, click = (line_of(plain_text(summary()), name) for name in ("scroll", "▲ click"))
    assert "░" in scroll and "█" not in scroll
    assert ".321" in scroll and "<.001" in click


def test_strongest_first_on_both_sides_and_no_more_than_five_of_each():
    rows = [(f"t{n:02}", 1.0 - 0.1 * n, 0.01, False) for n in range(21)]
    lines = plain_text(summary(fair=rows)).split("with_funnel")[0].splitlines()
    drivers, brakes = ([line.split()[1] for line in lines if line.startswith(f"{mark} t")] for mark in "▲▼")
    assert drivers == ["t00", "t01", "t02", "t03", "t04"]
    assert brakes == ["t20", "t19", "t18", "t17", "t16"]


def test_what_does_nothing_is_no_brake_where_the_average_event_drives():
    # Planted 1, .6, 0 and -.2 against an average event of .33.
    rows = [
        ("one", 0.67, 0.05, False),
        ("some", 0.27, 0.05, False),
        ("null", -0.33, 0.05, False),
        ("bad", -0.53, 0.05, False),
    ]
    fair = replace(summary().variants[0], events=events(*rows, average=0.33))
    text = plain_text(summary(variants=[fair]), width=300)
    assert "which by itself is worth +0.33: what does nothing lies near −0.33" in text and "lies beside 0" not in text
    assert "▽ null" in text and "▼ bad" in text and "▲ one" in text and "▼ null" not in text


def test_where_nobody_may_rank_signals_are_listed_by_name():
    rows = [("zeta", 0.9, 0.01, False), ("mid", 0.02, 0.05, False), ("alpha", 0.3, 0.01, False), *FAIR[2:]]
    fair = replace(summary(fair=rows).variants[0], is_ranked=False)
    text = plain_text(summary(variants=[fair]), width=160)
    assert [line.split()[1] for line in text.splitlines() if line.startswith("▲ ") and "drivers" not in line] == [
        "alpha",
        "zeta",
    ]
    assert "NO RANKING" in text and "mid" not in text
    assert "NO RANKING" not in plain_text(summary())


def test_the_model_stands_beside_its_baselines():
    text = plain_text(summary())
    for part in (
        "0.684 (0.660 to 0.710)",
        "logistic regression, counts",
        "session length alone",
        "base rate",
        "0.671",
        "0.512",
    ):
        assert part in text


def test_leakage_says_what_the_funnel_adds_and_where_its_events_rank():
    text = plain_text(summary())
    assert "with_funnel: DATA LEAKAGE" in text
    assert "from 0.684 to 0.980 (+0.296)" in text
    assert "among 3 event types there: checkout 1, cart 3" in text
    assert "checkout ◆" in text


def test_aucs_of_other_populations_are_one_line():
    fair = summary().variants[0]
    elsewhere = {
        "uncut": {"transformer": {"auc": 0.71}, "length": {"auc": 0.622}},
        "after_5": {"transformer": {"auc": 0.6}},
        "after_10": {"transformer": {"auc": None}},
    }
    text = plain_text(summary(variants=[replace(fair, elsewhere=elsewhere)]), width=200)
    assert "by what was seen: 0.600 after 5, – after 10 events; uncut sessions: 0.710 (length alone 0.622)." in text


def test_what_announces_the_conversion_is_named_and_what_the_funnel_list_lacks():
    text = plain_text(summary(suspected={"checkout": True, "[bold]pay[/bold]": False}), width=200)
    assert "without the funnel list: checkout, [bold]pay[/bold]. Not on the list: [bold]pay[/bold]; add to" in text
    assert "funnel list: none." in plain_text(summary(suspected={}))
    assert "Not on the list" not in plain_text(summary(suspected={"checkout": True}))


def test_simulated_data_and_the_caution_are_said():
    assert "SIMULATED DATA" in plain_text(summary(simulated=True))
    assert "SIMULATED" not in plain_text(summary())
    assert "not causal" in plain_text(summary(), width=200)


def test_files_and_time_are_told():
    text = plain_text(summary(files={"tables": "exports/shop"}, duration_s=312.4))
    assert "exports/shop" in text and "Took 5 min 12 s." in text


def test_a_path_longer_than_the_line_stays_whole():
    path = "/home/somebody/" + "a_long_folder/" * 10 + "2025-01-20"
    assert f"\nthe picture  {path}\n" in plain_text(summary(files={"the picture": path, "MLflow": "x"}), width=80)


def test_rejected_events_are_told_by_reason_the_most_frequent_first():
    text = plain_text(summary(events=3400, rejected={"too_late": 2, "[bold]bot": 1200}), width=160)
    assert "1,202 of 3,400 events: [bold]bot 1,200, too_late 2." in text
    assert "Rejected" not in plain_text(summary(events=3400, rejected={}))


def test_recovered_effects_are_told_when_the_truth_is_known():
    rows = [("a", 0.5, 0.1, False), ("b", 0.1, 0.1, False), ("c", -0.6, 0.1, False)]
    text = plain_text(summary(fair=rows, planted={"a": 0.5, "b": 0.1, "c": -0.6}))
    assert "Correlation 1.00, slope 1.00" in text and "3 of 3 signs right" in text


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_cut_short_or_too_wide(width):
    rows = [("x" * 200, -12.34, 10.0, True), *FAIR]
    lines = plain_text(summary(fair=rows, simulated=True), width).splitlines()
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines if "xxx" not in line)


def test_hostile_names_show_as_characters_on_a_colour_terminal():
    rows = [(name, 1.0 - 0.1 * n, 0.01, False) for n, name in enumerate(["[bold]x[/bold]", "[/]", *HOSTILE])]
    file = io.StringIO()
    for start in range(0, len(rows), 5):
        report = summary(fair=rows[start : start + 5], dataset_title="[red]\x1b]0;evil\x07")
        Console(file=file, width=100, force_terminal=True, color_system="truecolor").print(render(report))
        assert "evil\x07" not in file.getvalue() and "\x1b[31mred" not in file.getvalue()
    assert "[bold]x[/bold]" in file.getvalue()


def test_nothing_to_rank_is_said():
    assert "No event type occurs for enough users" in plain_text(summary(fair=[]))


def test_one_user_has_no_interval_and_one_variant_has_no_leakage_section():
    report = summary(fair=[("click", 0.25, None, False)])
    line = line_of(plain_text(report), "▲ click")
    assert "to" not in line and "░" in line
    alone = summary(variants=report.variants[:1])
    assert "Leakage" not in plain_text(alone)


def test_recovery_centres_both_sides_over_occurrences():
    # Estimates are the planted effects less their mean (0.2), half as large.
    planted = {"a": 0.6, "b": 0.0, "c": 0.0, "d": 0.2}
    rows = [(name, (effect - 0.2) / 2, 0.1, False) for name, effect in planted.items()]
    found = recovery(events(*rows), planted)
    assert (found.correlation, found.slope) == pytest.approx((1, 0.5))
    assert (found.types, found.signs) == (4, 2)


def test_recovery_counts_wrong_signs():
    planted = {"a": 0.4, "b": -0.4, "c": 0.2, "d": -0.2}
    estimates = {"a": 0.4, "b": 0.3, "c": -0.5, "d": -0.2}
    found = recovery(events(*[(name, value, 0.1, False) for name, value in estimates.items()]), planted)
    assert (found.right_signs, found.signs) == (2, 4)
    assert found.correlation == pytest.approx(np.corrcoef(list(planted.values()), list(estimates.values()))[0, 1])


@pytest.mark.parametrize("planted", [{}, {"click": 1.0}, {"click": 0.0, "scroll": 0.0, "leave": 0.0}])
def test_recovery_needs_three_types_that_differ(planted):
    assert recovery(events(*FAIR), planted) is None


def spread_of(error: float | None, models: int = 4) -> dict[str, object]:
    return {
        "retraining_error": error,
        "retraining_degrees": models // 2,
        "models": models,
        "windows_same_sign": 2,
        "windows_compared": 2,
    }


def test_intervals_of_another_training_replace_those_of_this_model_where_two_pairs_tell():
    fair = summary().variants[0]

    def told(**spread) -> str:
        return plain_text(summary(variants=[replace(fair, spread=spread)]), width=300)

    # Student's t with two degrees of freedom: 4.303 errors on either side; .25 / .02 = 12.5 has p = .0063, q = .0095 or so.
    again = told(click=spread_of(0.02), scroll=spread_of(0.02), leave=spread_of(0.02))
    click = line_of(again, "▲ click")
    assert "+0.25 (+0.16 to +0.34)" in click and ".010" in click and "█" in click
    assert "a model trained on other users" in again and "this model; another" not in again
    assert "░" in line_of(told(click=spread_of(0.1)), "▲ click")
    assert line_of(told(click=spread_of(0.1, models=2)), "▲ click") == line_of(plain_text(summary(), 300), "▲ click")


def test_a_type_that_no_other_training_tells_of_has_no_interval_beside_those_that_have():
    fair = summary().variants[0]
    text = plain_text(summary(variants=[replace(fair, spread={"leave": spread_of(0.02)})]), width=300)
    assert "(" not in line_of(text, "▲ click") and "–" in line_of(text, "▲ click") and "░" in line_of(text, "▲ click")
    assert "−0.40 (" in line_of(text, "▼ leave") and "a model trained on other users" in text


def test_the_cards_state_is_told_with_its_reasons():
    told = [replace(summary().variants[0], state="do not publish", reasons=["a", "b\nc"])]
    assert "Model card: do not publish: a; b c." in plain_text(summary(variants=told))
    assert "Model card" not in plain_text(summary())
