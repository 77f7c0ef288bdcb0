"""`make bench` takes every benchmark by its `run`: one without it would end it. Programs that no test runs can at least be imported."""

import ast
import importlib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BENCHMARKS = sorted(HERE.glob("bench_*.py"))
PROGRAMS = [
    f"attribution_dagster_tests.{folder}.{path.stem}"
    for folder in ("bench", "verify")
    for path in sorted((HERE.parent / folder).glob("*.py"))
    if not path.stem.startswith(("test_", "__"))
]


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_a_benchmark_can_be_run_without_arguments(path: Path) -> None:
    [run] = [
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "run"
    ]
    assert len(run.args.defaults) == len(run.args.args)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_finds_what_it_imports(name: str) -> None:
    assert importlib.import_module(name).__doc__
