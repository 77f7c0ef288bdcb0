"""What Dagster loads."""

from attribution_dagster.build import build_definitions
from attribution_dagster.settings import Settings

defs = build_definitions(Settings.from_environment())
