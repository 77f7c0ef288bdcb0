"""The views for BI tools, as SQL for Snowflake or as CSV files."""

from pathlib import Path

from attribution_dagster.reports.exports import replaced_folder, warning_of, write_csv
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.published_columns import VERSION
from attribution_dagster.warehouse.views import create_statements, view_query, views_of


def print_views(workspace: Workspace) -> str:
    """The statements that make the views, in the schema that the dataset is published in."""
    snowflake = workspace.settings.snowflake
    where = f"USE SCHEMA {snowflake.database}.{snowflake.schema_of(workspace.profile.name)};\n\n" if snowflake else ""
    statements = ";\n\n".join(create_statements(workspace.profile))
    return f"-- Views of {workspace.profile.name} for BI tools; version {VERSION} of the published columns.\n{where}{statements};"


def write_views(workspace: Workspace, folder: Path) -> list[Path]:
    """What the views hold, all published windows together, as a CSV file each; an older folder is replaced whole."""
    profile = workspace.profile
    leaking = [name for name, variant in profile.variants.items() if variant.leaks]
    with replaced_folder(folder) as fresh:
        for name in views_of(profile):
            query = view_query(name, list(profile.variants))
            rows = workspace.warehouse.stream(query, {}, scope="published")
            said = warning_of(name, leaking=leaking, simulated=profile.simulated)
            write_csv(fresh / f"{name}.csv", rows, said, keeps_window=True)
    return sorted(folder.glob("*.csv"))
