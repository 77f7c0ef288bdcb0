"""`make bench` takes every benchmark by its `run`: one without it would end it."""

import ast
from pathlib import Path

import pytest

BENCHMARKS = sorted(Path(__file__).parent.glob("bench_*.py"))


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_a_benchmark_can_be_run_without_arguments(path: Path) -> None:
    [run] = [
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "run"
    ]
    assert len(run.args.defaults) == len(run.args.args)
