"""A sample of what `make crash` does in full."""

from __future__ import annotations

import ast

from rag.store import faults
from tests.conftest import PROJECT
from tests.crash.harness import Harness


def test_kills_at_random_moments_lose_and_double_nothing(tmp_path):
    harness = Harness(tmp_path, seed=11)
    harness.random_kills(6)
    assert harness.tally.wrong == []
    assert harness.tally.kills == 6


def test_failures_at_named_points_lose_and_double_nothing(tmp_path):
    harness = Harness(tmp_path, seed=5)
    harness.named_points(lambda point: True, most=10)
    assert harness.tally.wrong == []
    assert harness.tally.faults == 10


def test_the_list_of_points_is_that_of_the_code():
    reached = [
        node.args[0].value
        for path in (PROJECT / "rag").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "reach"
        and isinstance(node.args[0], ast.Constant)
    ]
    assert sorted(reached) == sorted(faults.POINTS)
    assert len(reached) >= 40
