"""`make bench`: every benchmark, one after the other, as one Markdown table. Ratios are between arms of one run; machines differ."""

import importlib
import pkgutil
import sys

import attribution_dagster_tests.bench as package


def main() -> None:
    """Prints a row for each figure as soon as its benchmark is done."""
    print("| benchmark | figure | value | unit |\n|---|---|---|---|", flush=True)
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name.startswith("bench_")):
        print(f"running {module} ...", file=sys.stderr, flush=True)
        for row in importlib.import_module(f"{package.__name__}.{module}").run():
            print(
                f"| {module.removeprefix('bench_')} | {row['name']} | {_said(row['value'])} | {row['unit']} |",
                flush=True,
            )


def _said(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


if __name__ == "__main__":
    main()
