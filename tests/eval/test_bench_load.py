"""The load: its arithmetic, and a small run against a real server."""

from __future__ import annotations

import json
import subprocess

import pytest

from eval.bench_load import Asked, arrivals, figures_of, main, percentile


def test_questions_have_their_moments():
    assert arrivals(2, 3, by_chance=False) == [0, 0.5, 1, 1.5, 2, 2.5]
    drawn = arrivals(50, 100, by_chance=True)
    assert drawn == sorted(drawn) == arrivals(50, 100, by_chance=True)
    assert 4700 < len(drawn) < 5300


def test_percentiles_are_values_that_occurred():
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99)] == [50, 95, 99]
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([7.0], 0.95) == 7.0
    assert percentile([], 0.95) == 0.0


def test_refusals_are_no_failures_but_have_to_say_when_to_return():
    done = [
        Asked(1.0, 200, working_ms=400.0), Asked(3.0, 200, working_ms=600.0),
        Asked(0.1, 429, told=True), Asked(0.1, 503), Asked(0.1, 500), Asked(60.0, 0),
    ]  # fmt: skip
    figures = figures_of(5.0, [(0.0, one) for one in done])
    assert (figures.asked, figures.answered, figures.refused, figures.failed) == (6, 2, 2, 2)
    assert figures.refused_without_when == 1
    assert (figures.p50, figures.p95, figures.working_p50) == (1.0, 3.0, 0.5)


@pytest.mark.model
def test_a_small_load_runs_from_end_to_end(tmp_path, capsys, footnote):
    """The store is there already, as after a first run: making one is what takes long."""
    folder = tmp_path / "text"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.txt").write_text(
            f"The bridge number {number} opened in {1900 + number}."
        )
    (tmp_path / "footnote.toml").write_text('embedding_model = "hashing"\n')
    questions = [f"When did bridge number {number % 6} open?" for number in range(30)]
    (tmp_path / "questions.json").write_text(json.dumps(questions))
    command = [*footnote, "ingest", "text", "--data-dir", "store"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "prepared").write_text("6")
    main(["--seconds", "1", "--rate", "2", "--hashing", "--work", str(tmp_path)])
    said = capsys.readouterr().out
    rows = [line.split() for line in said.splitlines() if line.lstrip()[:3] in ("2/s", "8/s")]
    assert [row[1] for row in rows] == ["2", "8"]
    assert [row[4] for row in rows] == ["0", "0"]  # nothing failed
    assert int(rows[1][2]) + int(rows[1][3]) == 8
