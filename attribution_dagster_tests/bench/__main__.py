"""`make bench`: every benchmark, one after the other, as one table. Ratios are between arms of one run; machines differ."""

import importlib
import pkgutil

from rich.console import Console
from rich.table import Table

import attribution_dagster_tests.bench as package


def main() -> None:
    """Prints a row for each figure."""
    console = Console()
    table = Table(title="Benchmarks", header_style="bold")
    for name in ("benchmark", "figure", "value", "unit", "ratio", "baseline"):
        table.add_column(name, justify="right" if name in ("value", "ratio") else "left")
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name.startswith("bench_")):
        with console.status(module):
            rows = importlib.import_module(f"{package.__name__}.{module}").run()
        for row in rows:
            table.add_row(
                module.removeprefix("bench_"),
                *(_cell(row.get(k)) for k in ("name", "value", "unit", "ratio_of", "baseline")),
            )
    console.print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
