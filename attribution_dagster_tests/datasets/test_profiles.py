"""Profiles: those that come with the package are sound, and a wrong one is told its file, line, key and remedy."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from attribution_dagster.datasets.experiment import ExperimentProfile
from attribution_dagster.datasets.parameters import observation_end, parameters
from attribution_dagster.datasets.registry import BUILT_IN, known_datasets, load_profile
from attribution_dagster.datasets.session_table import SessionTableProfile
from attribution_dagster.datasets.windows import windows
from attribution_dagster.errors import ConfigurationError
from attribution_dagster.warehouse.queries import load_query, sql_folder
from attribution_dagster_tests.warehouse.shop import OPEN_END, shop_profile

MINIMAL = """\
name: mine
title: My shop
time_zone: UTC
windows: {length: day, start: 2025-01-06, end: 2025-01-10, look_back: 1}
roles:
  conversion: [order]
variants:
  no_funnel: {funnel: drop}
"""


EVENTS = [name for name in known_datasets() if load_profile(name).kind == "events"]


@pytest.mark.parametrize("name", EVENTS)
def test_dataset_of_the_package_is_sound(name: str) -> None:
    profile = load_profile(name)
    assert (sql_folder() / "staging" / f"stg_events__{profile.staging}.sql").is_file()
    assert len(windows(profile)) > profile.windows.look_back
    leaks = {name: each.leaks for name, each in profile.variants.items()}
    assert leaks == ({} if name == "ads" else {"no_funnel": False, "with_funnel": True})


def test_table_of_sessions_of_the_package_is_sound() -> None:
    profile = load_profile("online_shoppers")
    assert isinstance(profile, SessionTableProfile) and profile.variants == {} and len(windows(profile)) == 1
    for name in ("session_id", "user_id", *profile.session_table.columns):
        assert f" AS {name}" in load_query(profile.staging_sql).text, name


@pytest.mark.parametrize("name", [name for name in known_datasets() if load_profile(name).kind == "experiment"])
def test_experiment_of_the_package_is_sound(name: str) -> None:
    profile = load_profile(name)
    assert isinstance(profile, ExperimentProfile) and profile.variants == {}
    assert profile.simulated == (profile.experiment.truth is not None) == (name == "simulated_coupon")
    assert (sql_folder() / f"{profile.staging_sql}.sql").is_file() and len(windows(profile)) == 1
    staging, spec = load_query(profile.staging_sql), profile.experiment
    for name in ("unit_id", "user_id", "arm", "revenue_usd", *spec.outcomes, *spec.numbers, *spec.categories):
        assert f" AS {name}" in staging.text, name


def test_marketplace_roles_are_the_simulators_events() -> None:
    from attribution_dagster.core.simulation.world import MarketplaceWorld

    profile, events = load_profile("marketplace"), set(MarketplaceWorld().event_names)
    assert set(profile.roles.event_types()) <= events
    assert {"action_add_item", "cart_page_load", "checkout_page_load"} <= set(profile.roles.funnel)
    assert profile.roles.conversion == ("order_placed",)


def test_own_dataset_is_found_before_ours_and_minimal_is_enough(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(MINIMAL)
    profile = load_profile("mine", [tmp_path])
    assert profile.staging == "mine" and profile.sessions.inactivity_minutes == 30
    with pytest.raises(
        ConfigurationError,
        match=r"no dataset is called 'taoboa'\. Did you mean taobao\? Known: ads, hillstrom, marketplace, mine",
    ):
        load_profile("taoboa", [tmp_path])


def test_extending_lays_over_and_shares_the_staging_sql(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(MINIMAL)
    (tmp_path / "other.yaml").write_text(
        "extends: mine\nname: other\nwindows: {look_back: 2}\nroles: {conversion: [buy]}\n"
    )
    profile = load_profile("other", [tmp_path])
    assert profile.staging == "mine" and profile.title == "My shop"
    assert (profile.windows.look_back, profile.windows.length, profile.roles.conversion) == (2, "day", ("buy",))
    (tmp_path / "mine.yaml").write_text(MINIMAL + "extends: other\n")
    with pytest.raises(ConfigurationError, match="circle: other -> mine -> other"):
        load_profile("other", [tmp_path])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("roles:\n", "roles\n", r"line [56]: is not valid YAML"),
        ("title: My shop", "titel: My shop", r"title is missing\. Add it"),
        ("title: My shop", "title: My shop\ntitel: x", r"line 3: titel is no setting here\. Did you mean title\?"),
        ("title: My shop", "title: My shop\ntitle: x", r"line 3: title appears twice\. Keep one"),
        ("look_back: 1", "lookback: 1", r"line 4: windows\.look_back is missing"),
        ("look_back: 1", "look_back: 1, lookback: 1", r"line 4: windows\.lookback is no .* Did you mean look_back\?"),
        ("look_back: 1", "look_back: none", r"line 4: windows\.look_back .*integer.*found 'none'"),
        ("length: day", "length: hour", r"line 4: windows\.length .*'day', 'week' or 'month'.*found 'hour'"),
        ("length: day", "length: month", r"line 4: windows .*2025-01-06: a monthly window begins on the 1st"),
        ("start: 2025-01-06", "start: 2025-02-06", r"line 4: windows end 2025-01-10 is not after start 2025-02-06"),
        ("time_zone: UTC", "time_zone: Mars/Phobos", r"line 3: time_zone 'Mars/Phobos' is no IANA time zone"),
        ("  conversion: [order]", "  conversions: [order]", r"line 5: roles\.conversion is missing"),
        ("  conversion: [order]", "  conversion: [order]\n  funnel: [order]", r"line 5: roles order cannot be both"),
        ("  no_funnel:", "  No-Funnel:", r"line 7: variants variant 'No-Funnel': use lower-case"),
        ("funnel: drop", "funnel: hide", r"line 8: variants\.no_funnel\.funnel .*'drop', 'keep' or 'stop'"),
        ("title:", "sessions: {max_hours: 24}\ntitle:", r"max_hours 24 is longer than a day can be \(23 h\)"),
        ("title:", "model: {categories: [event_type, colour]}\ntitle:", r"line 2: model\.categories 'colour' is no"),
        ("title:", "model: {numbers: [speed]}\ntitle:", r"line 2: model\.numbers 'speed' is no number .* event_rank"),
        ("title:", "model: {categories: [store_id]}\ntitle:", r"event_type is missing"),
        ("name: mine", "name: yours", r"line 1: name is 'yours' in a file called mine\.yaml"),
    ],
)  # fmt: skip
def test_wrong_profile_is_told_file_line_key_and_remedy(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in MINIMAL
    (tmp_path / "mine.yaml").write_text(MINIMAL.replace(old, new, 1))
    with pytest.raises(ConfigurationError, match=told) as caught:
        load_profile("mine", [tmp_path])
    assert "mine.yaml" in str(caught.value)


@pytest.mark.parametrize("content", ["", "- a\n- b\n", "just text"])
def test_file_that_is_no_mapping_is_told_so(tmp_path: Path, content: str) -> None:
    (tmp_path / "mine.yaml").write_text(content)
    with pytest.raises(ConfigurationError, match="expected `key: value` lines"):
        load_profile("mine", [tmp_path])


def test_parameters_name_what_nobody_gave() -> None:
    profile, query = shop_profile(), load_query("sessions/sessions")
    window = windows(profile)[0]
    with pytest.raises(ConfigurationError, match="no value for the parameter observation_end"):
        parameters(profile, window, query.parameters)
    values = parameters(profile, window, query.parameters, {"observation_end": OPEN_END, "unused": 1})
    assert set(values) == query.parameters and values["inactivity_us"] == 1_800_000_000


def test_observation_ends_with_the_events_or_the_windows_but_not_after_all_sessions() -> None:
    profile = shop_profile()
    first, last = windows(profile)[0], windows(profile)[-1]
    assert observation_end(profile, last, OPEN_END) == last.end
    assert observation_end(profile, first, first.end) == first.end
    ended = observation_end(profile, first, OPEN_END)
    assert ended == observation_end(profile, first, last.end - timedelta(days=1)), "later events don't change a window"
    assert ended > first.end + timedelta(hours=profile.sessions.max_hours, minutes=profile.sessions.inactivity_minutes)


def test_profiles_have_no_yaml_that_only_our_reader_takes() -> None:
    for path in BUILT_IN.glob("*.yaml"):
        assert yaml.safe_load(path.read_text())["name"] == path.stem
