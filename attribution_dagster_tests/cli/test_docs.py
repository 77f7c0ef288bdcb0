"""The documentation is true: targets, commands, options and settings it names exist, and those that exist are named."""

import importlib.util
import re
from pathlib import Path

import typer

from attribution_dagster.cli.main import app
from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.settings import _KNOWN
from attribution_dagster.warehouse.ddl import table_definition, table_names

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands() -> dict[str, set[str]]:
    group = typer.main.get_command(app)
    return {name: {o for p in c.params for o in p.opts} for name, c in group.commands.items()}  # type: ignore[attr-defined]


def options(command: str) -> dict[str, object]:
    """Option of the command -> its default."""
    group = typer.main.get_command(app)
    return {o: p.default for p in group.commands[command].params for o in p.opts}  # type: ignore[attr-defined]


def test_make_targets_are_those_in_the_readme() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert targets == set(re.findall(r"make ([a-z-]+)", README))


def test_every_command_and_option_in_the_pages_exists() -> None:
    known = commands()
    for page in PAGES:
        for name, rest in re.findall(r"^(?:\$ )?attribution ([a-z]+)(.*)$", page.read_text(), re.M):
            assert name in known, f"{page.name}: attribution {name}"
            assert set(re.findall(r"(--[a-z-]+)", rest.split("#")[0])) <= known[name] | {"--help"}, (
                f"{page.name}: {name} {rest}"
            )


def test_every_command_for_people_is_in_the_readme() -> None:
    assert set(re.findall(r"attribution ([a-z]+) ", README)) >= set(commands()) - {"home"}


def test_settings_in_the_readme_are_those_that_are_read() -> None:
    named = {name.rstrip("_") for name in re.findall(r"`(ATTRIBUTION_[A-Z_]+)", README)}
    assert named == _KNOWN | {"ATTRIBUTION_EVENTS"}


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_modules_and_tests_that_the_pages_run_exist() -> None:
    found = 0
    for page in PAGES:
        text = page.read_text()
        for module in re.findall(r"python -m ([\w.]*\w)(?![\w<])", text):
            assert importlib.util.find_spec(module) is not None, f"{page.name}: python -m {module}"
            found += 1
        for path in re.findall(r"\b(attribution_dagster_tests/[\w/]+\.py)", text):
            assert (ROOT / path).exists(), f"{page.name}: {path}"
            found += 1
    assert found > 20


def test_links_to_headings_lead_to_one() -> None:
    for page in PAGES:
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text()):
            linked = page.parent / target if target else page
            headings = re.findall(r"^#+ (.+)$", linked.read_text(), re.M)
            named = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in named, f"{page.name} links to {target}#{anchor}"


def test_every_table_and_column_is_documented() -> None:
    for name in table_names():
        table = table_definition(name if "{variant}" not in name else name.replace("{variant}", "no_funnel"))
        assert table.comment and all(column.comment for column in table.columns), name


def test_every_attribution_method_has_its_row_in_the_page_of_methods() -> None:
    listed = re.findall(r"^\| `(\w+)` \| .+ \| .+ \| .+ \|$", (ROOT / "docs" / "method.md").read_text(), re.M)
    assert listed == list(ATTRIBUTORS)
