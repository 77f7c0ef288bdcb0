"""What the commands about the care of data show: what was forgotten, what is past its retention."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from attribution_dagster.assets.forgetting import ForgottenUser


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
        "models that learnt from them or were measured on them": forgotten.models,
        "published windows whose averages and counts still include the user": forgotten.published,
    }
    said = [Text(f"{name}: {', '.join(each) or 'none'}") for name, each in again.items()]
    todo = Text(f"make them again: attribution run --dataset {dataset}", style="bold")
    reach = [Text("out of reach:"), *(Text(f"  {each}") for each in forgotten.out_of_reach)]
    return Group(*lines, *said, *([todo] if forgotten.windows else []), *reach)
