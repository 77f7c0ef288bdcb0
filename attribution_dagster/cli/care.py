"""What the commands about the care of data show: what was forgotten, what is past its retention."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from attribution_dagster.assets.forgetting import ForgottenUser
from attribution_dagster.resources.retention import Retired


def show_forgotten(forgotten: ForgottenUser, dataset: str) -> Group:
    """What was removed, what has to be made again, and what could not be reached. The user's id is not repeated."""
    removed = Table(title="removed", title_justify="left", header_style="bold")
    removed.add_column("from")
    removed.add_column("rows", justify="right")
    for name, rows in sorted(forgotten.removed.items()):
        removed.add_row(Text(name), f"{rows:,}")
    lines = [removed] if forgotten.removed else [Text("nothing of this user was stored")]
    again = {
        "windows that held the user": forgotten.windows,
        "models that learnt from them": forgotten.models,
        "published windows whose averages and counts still include the user": forgotten.published,
    }
    said = [Text(f"{name}: {', '.join(each) or 'none'}") for name, each in again.items()]
    todo = Text(f"make them again: attribution run --dataset {dataset}", style="bold")
    reach = [Text("out of reach:"), *(Text(f"  {each}") for each in forgotten.out_of_reach)]
    return Group(*lines, *said, *([todo] if forgotten.windows else []), *reach)


def show_retired(retired: Retired, dry_run: bool) -> Group:
    """What is past its retention, by kind."""
    kinds = {
        "superseded tensors, models and pictures": tuple(map("/".join, retired.superseded)),
        "windows, with their tables, tensors and models": retired.windows,
        "folders of exports": tuple(map(str, retired.exports)),
        "MLflow runs": retired.runs,
        "registered models": retired.models,
    }
    verb = "would be removed" if dry_run else "removed"
    return Group(*(Text(f"{name} {verb}: {', '.join(each) or 'none'}") for name, each in kinds.items()))
