"""Tables of changes of effects: SQL computes a change and its standard error, and what follows from these is put beside them."""

from attribution_dagster.assets.showing import columns_from
from attribution_dagster.assets.step import Report, Step
from attribution_dagster.core.signals import MINIMUM_SUPPORT_USERS
from attribution_dagster.core.uncertainty import with_test
from attribution_dagster.warehouse.queries import Query

CODE = ("assets/changes.py", "core/signals.py", "core/uncertainty.py")
"""What a table of changes is made by, besides its query."""
CHANGE, ERROR = "effect_change", "effect_change_error"
BOUNDS = ("effect_change_low", "effect_change_high")


def build_changes(step: Step, table: str, query: Query, **more: object) -> Report:
    """Writes the table's slice of this version from a query, with interval, p and q of `effect_change`; rows and where columns come from."""
    workspace, key = step.workspace, step.window_key
    changes = workspace.fetch(query, key, minimum_support=MINIMUM_SUPPORT_USERS, **more)
    tested = with_test(changes, CHANGE, ERROR, BOUNDS)
    rows = workspace.warehouse.load(table, key, step.version, tested.to_batches())
    return {
        "rows": rows,
        **columns_from(step, query, added=dict.fromkeys((*BOUNDS, "p_value", "q_value"), (CHANGE, ERROR))),
    }
