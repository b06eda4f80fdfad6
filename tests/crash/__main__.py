"""`make crash`: all of it, or a part: `python -m tests.crash --kills 20 --points catalog`."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from rag.store import faults
from tests.crash.harness import Harness


def main() -> int:
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="random kills (200)")
    parser.add_argument("--real", type=int, default=10, help="kills with the packaged model (10)")
    parser.add_argument("--points", default="", help="only points that begin so; 'none': no points")
    parser.add_argument("--most", type=int, help="at most so many faults, drawn at random")
    parser.add_argument("--thorough", action="store_true", help="points in every scenario")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="a line for every round")
    given = parser.parse_args()
    started = time.perf_counter()

    def say(line: str) -> None:
        if given.verbose:
            print(f"{time.perf_counter() - started:6.0f} s  {line}", file=sys.stderr, flush=True)

    harness_results = []
    with tempfile.TemporaryDirectory() as folder:
        if given.kills:
            kills = Harness(Path(folder) / "kills", given.seed, say)
            kills.random_kills(given.kills)
            harness_results.append(kills.tally)
        if given.real:
            real = Harness(Path(folder) / "real", given.seed, say, real=True)
            real.random_kills(given.real)
            harness_results.append(real.tally)
        if given.points != "none":
            points = Harness(Path(folder) / "points", given.seed, say)
            points.named_points(
                lambda point: point.startswith(given.points),
                most=given.most,
                thorough=given.thorough,
            )
            harness_results.append(points.tally)
    recoveries = [s for tally in harness_results for s in tally.recovery_seconds]
    wrong = [one for tally in harness_results for one in tally.wrong]
    reached = {point for tally in harness_results for point in tally.points}
    print(
        f"random kills         {sum(tally.kills for tally in harness_results)}, "
        f"{given.real} of them with the packaged model"
    )
    print(
        f"faults at points     {sum(tally.faults for tally in harness_results)}, at "
        f"{len(reached)} of {len(faults.POINTS)} points, each killed, failing and full"
    )
    print(f"commands run         {sum(tally.commands for tally in harness_results)}")
    print(
        f"next command         median {statistics.median(recoveries):.2f} s, "
        f"longest {max(recoveries):.2f} s"
    )
    print(f"violations           {len(wrong)}")
    print(f"time                 {time.perf_counter() - started:.0f} s, seed {given.seed}")
    for one in wrong:
        print(f"  {one}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
