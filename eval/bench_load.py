"""How long people wait when many ask: a server with the reader, and questions that do not wait.

    python -m eval.bench_load [--work DIR] [--passages 10000] [--seconds 60] [--rate 5]

50 people ask a real server in a process of its own, over HTTP. The load is open: each question
has its moment, whether or not earlier ones are answered, and its time counts from that moment. So a
server that falls behind cannot slow down the clock that measures it. Then the same at four times
the rate, where a good server refuses some and answers the others in time.

They ask what the eval set asks of the sample corpus, which lies among the documentation of the
installed packages. The store is kept under --work and made once. Who asks runs on the same machine
and takes its part.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from eval.serving import Person, people, prepare, serving
from rag.web.people.access import Right

PEOPLE = 50
OVERLOAD = 4
TIMEOUT_SECONDS = 60.0
WARM_UP = 10


@dataclass(frozen=True)
class Asked:
    """What became of a question: seconds from its moment, the status (0 for none), and by stage.

    `told` is whether a refusal said when to come back; `working_ms` is what the server counts of
    its own work on the answer, waiting left out.
    """

    seconds: float
    status: int
    told: bool = False
    working_ms: float = 0.0


@dataclass(frozen=True)
class Figures:
    """A line of the table; seconds are from the moment a question was due."""

    rate: float
    asked: int
    answered: int
    refused: int
    failed: int
    refused_without_when: int
    p50: float
    p95: float
    p99: float
    working_p50: float
    late_p95: float


def main(arguments: list[str] | None = None) -> None:
    """Run both loads and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--work", type=Path, help="where the store is kept, or made")
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=5.0, help="questions a second")
    parser.add_argument("--random", action="store_true", help="arrivals by chance, not evenly")
    parser.add_argument("--hashing", action="store_true", help="hashed words instead of a model")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="footnote-load-") as name:
        figures = bench(options.work or Path(name), options)
    print_table(figures, options)
    if options.json:
        rows = [asdict(row) for row in figures]
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def bench(work: Path, options: argparse.Namespace) -> list[Figures]:
    """Prepare, serve and ask at both rates."""
    questions = prepare(work, options.passages, hashing=options.hashing)
    asking = people(work, PEOPLE, Right.ASK)
    figures = []
    with serving(work, embedding_model="hashing") if options.hashing else serving(work) as served:
        asyncio.run(load(served.url, asking, questions[:WARM_UP], [i / 2 for i in range(WARM_UP)]))
        for rate in (options.rate, OVERLOAD * options.rate):
            moments = arrivals(rate, options.seconds, by_chance=options.random)
            asked = asyncio.run(load(served.url, asking, questions[WARM_UP:], moments))
            figures.append(figures_of(rate, asked))
            time.sleep(min(10.0, options.seconds / 4))  # what is still in line is not the next's
    return figures


def arrivals(rate: float, seconds: float, *, by_chance: bool) -> list[float]:
    """Return the moments at which questions are due: evenly, or as a Poisson process."""
    if not by_chance:
        return [number / rate for number in range(round(rate * seconds))]
    draw = random.Random(1)
    moments = itertools.accumulate(draw.expovariate(rate) for _ in itertools.count())
    return list(itertools.takewhile(lambda moment: moment < seconds, moments))


async def load(
    url: str, asking: Sequence[Person], questions: Sequence[str], moments: Sequence[float]
) -> list[tuple[float, Asked]]:
    """Ask each question at its moment; returns how late it was sent, and what became of it."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=4 * len(asking))
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS, limits=limits) as client:
        begun = time.perf_counter()

        async def one(number: int, moment: float) -> tuple[float, Asked]:
            await asyncio.sleep(max(0.0, begun + moment - time.perf_counter()))
            late = time.perf_counter() - begun - moment
            person = asking[number % len(asking)]
            question = questions[number % len(questions)]
            status, told, working = await ask(client, person, question)
            return late, Asked(time.perf_counter() - begun - moment, status, told, working)

        return await asyncio.gather(*(one(n, moment) for n, moment in enumerate(moments)))


async def ask(client: httpx.AsyncClient, person: Person, question: str) -> tuple[int, bool, float]:
    """Ask; return the status, whether a refusal says when to return, and the server's own work."""
    try:
        body = {"question": question}
        answer = await client.post("/api/v1/chat", json=body, headers=person.headers)
    except httpx.HTTPError:
        return 0, False, 0.0
    working = 0.0
    if answer.status_code == 200:
        timings = answer.json().get("timings_ms") or {}
        working = float(timings.get("total", 0.0))
    return answer.status_code, "retry-after" in answer.headers, working


def figures_of(rate: float, asked: Sequence[tuple[float, Asked]]) -> Figures:
    """Count and sum up."""
    done = [one for _, one in asked]
    answered = [one for one in done if one.status == 200]
    refused = [one for one in done if one.status in (429, 503)]
    seconds = [one.seconds for one in answered]
    return Figures(
        rate=rate,
        asked=len(done),
        answered=len(answered),
        refused=len(refused),
        failed=len(done) - len(answered) - len(refused),
        refused_without_when=sum(not one.told for one in refused),
        p50=percentile(seconds, 0.50),
        p95=percentile(seconds, 0.95),
        p99=percentile(seconds, 0.99),
        working_p50=statistics.median([one.working_ms for one in answered] or [0.0]) / 1000,
        late_p95=percentile([late for late, _ in asked], 0.95),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is at least as large as a share of all; 0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 100) * len(ordered) // 100) - 1))]


def print_table(figures: Sequence[Figures], options: argparse.Namespace) -> None:
    """Print a line for each rate, and whether it is what is promised."""
    how = "by chance" if options.random else "evenly"
    print(f"{options.passages:,} passages, {PEOPLE} people, {options.seconds:.0f} s each, {how};")
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}. Seconds since due.")
    print("rate   asked answered refused failed    p50    p95    p99  work p50  sent late p95")
    for row in figures:
        print(
            f"{row.rate:4.0f}/s {row.asked:6} {row.answered:8} {row.refused:7} {row.failed:6} "
            f"{row.p50:6.2f} {row.p95:6.2f} {row.p99:6.2f} {row.working_p50:9.2f} "
            f"{row.late_p95:14.3f}"
        )
    base, over = figures
    held = base.p95 <= 2.0 and base.answered == base.asked
    print(f"promised: p95 within 2 s and no error at {base.rate:.0f}/s: {_word(held)}")
    held = over.p95 <= 3.0 and not over.failed and not over.refused_without_when
    print(
        f"promised: p95 of the answered within 3 s, others refused with Retry-After, "
        f"at {over.rate:.0f}/s: {_word(held)}"
    )


def _word(held: bool) -> str:
    return "held" if held else "NOT HELD"


if __name__ == "__main__":
    main()
