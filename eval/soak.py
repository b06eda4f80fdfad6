"""Whether a server that runs for long grows: questions, feedback and ingests, memory watched.

    python -m eval.soak [--minutes 60] [--rate 1] [--work DIR] [--passages 1000] [--hashing]

A real server in a process of its own is asked at a steady rate by several people; every tenth
answer is rated, and every half minute a document is brought in anew, in turn with its removal.
After a warm-up of a sixth of the time, the resident memory of the server and its children is
compared: the median of the last fifth of the samples with that of the first. More than 5 % fails.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from eval.serving import Person, people, prepare, serving
from rag.web.people.access import Right

ALLOWED_GROWTH = 1.05
WARM_UP_SHARE = 1 / 6
SAMPLE_SECONDS = 5.0
WRITE_SECONDS = 30.0
RATED = 10
TIMEOUT_SECONDS = 120.0
PEOPLE = 8


@dataclass(frozen=True)
class Sample:
    """What the server and its children hold at a moment."""

    seconds: float
    bytes: int
    files: int
    threads: int


@dataclass
class Counts:
    """What was done, and what came back that should not."""

    questions: int = 0
    ratings: int = 0
    writes: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list)


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return 1 when memory grew too much or a request failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=1.0, help="questions a second")
    parser.add_argument("--work", type=Path, help="where the store is kept, or made")
    parser.add_argument("--passages", type=int, default=1000)
    parser.add_argument("--hashing", action="store_true", help="hashed words instead of a model")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="footnote-soak-") as name:
        work = options.work or Path(name)
        questions = prepare(work, options.passages, hashing=options.hashing)
        asking = people(work, PEOPLE, Right.ASK, Right.INGEST)
        settings = {"uploads_dir": str((work / "uploads").resolve())}
        if options.hashing:
            settings["embedding_model"] = "hashing"
        with serving(work, **settings) as served:
            counts, samples = soak(
                served.url, served.pid, asking, questions, options.minutes * 60, options.rate
            )
    return report(counts, samples, options.minutes * 60)


def soak(
    url: str,
    pid: int,
    asking: Sequence[Person],
    questions: Sequence[str],
    seconds: float,
    rate: float,
) -> tuple[Counts, list[Sample]]:
    """Keep a server busy for a time, and watch it."""
    counts, samples = Counts(), []
    began = time.monotonic()
    next_sample = next_write = 0.0
    with httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS) as client:
        while (now := time.monotonic() - began) < seconds:
            if now >= next_sample:
                samples.append(sample(pid, now))
                next_sample = now + SAMPLE_SECONDS
            if now >= next_write:
                write(client, asking[0], counts)
                next_write = now + WRITE_SECONDS
            ask(client, asking[counts.questions % len(asking)], questions, counts)
            due = began + counts.questions / rate
            time.sleep(max(0.0, min(due - time.monotonic(), SAMPLE_SECONDS)))
    return counts, samples


def ask(client: httpx.Client, person: Person, questions: Sequence[str], counts: Counts) -> None:
    """Ask the next question, and rate every tenth answer."""
    question = questions[counts.questions % len(questions)]
    counts.questions += 1
    answer = client.post("/api/v1/chat", json={"question": question}, headers=person.headers)
    if answer.status_code in (429, 503):
        counts.refused += 1
    elif answer.status_code != 200:
        counts.failures.append(f"chat: {answer.status_code} {answer.text[:200]}")
    elif counts.questions % RATED == 0:
        said = {"answer_id": answer.json()["answer_id"], "rating": "up", "comment": "soak"}
        rated = client.post("/api/v1/feedback", json=said, headers=person.headers)
        counts.ratings += 1
        if rated.status_code != 204:
            counts.failures.append(f"feedback: {rated.status_code} {rated.text[:200]}")


def write(client: httpx.Client, person: Person, counts: Counts) -> None:
    """Bring a document in with new words, or take it out again."""
    number, is_removal = divmod(counts.writes, 2)
    counts.writes += 1
    if is_removal:
        listed = client.get("/api/v1/documents", headers=person.headers).json()["documents"]
        found = [one["doc_id"] for one in listed if "soak" in one["doc_id"]]
        answers = [
            client.delete(f"/api/v1/documents/{one}", headers=person.headers) for one in found
        ]
    else:
        text = f"# Soak\n\nThe ship number {number} arrived at dock {number * 7 % 90}.\n" * 40
        headers = {**person.headers, "Content-Type": "application/octet-stream"}
        address = "/api/v1/documents?name=soak.md"
        answers = [client.post(address, content=text.encode(), headers=headers)]
    for answer in answers:
        if answer.status_code not in (201, 204, 429, 503):
            counts.failures.append(f"write: {answer.status_code} {answer.text[:200]}")


def sample(pid: int, seconds: float) -> Sample:
    """Measure a process and its children; one that ends meanwhile counts as nothing."""
    server = psutil.Process(pid)
    held = files = threads = 0
    for process in [server, *server.children(recursive=True)]:
        try:
            held += process.memory_info().rss
            files += process.num_fds()
            threads += process.num_threads()
        except psutil.NoSuchProcess:
            continue
    return Sample(seconds, held, files, threads)


def growth(samples: Sequence[Sample], seconds: float) -> float:
    """Return the median memory of the last fifth over that of the first, warm-up left out."""
    warm = [one.bytes for one in samples if one.seconds >= WARM_UP_SHARE * seconds]
    fifth = max(1, len(warm) // 5)
    return statistics.median(warm[-fifth:]) / statistics.median(warm[:fifth])


def report(counts: Counts, samples: Sequence[Sample], seconds: float) -> int:
    """Print what was measured; return 0 when it is as promised."""
    ratio = growth(samples, seconds)
    warm = [one for one in samples if one.seconds >= WARM_UP_SHARE * seconds]
    first, last = warm[0], warm[-1]
    print(
        f"{seconds / 60:.0f} minutes: {counts.questions} questions ({counts.refused} refused), "
        f"{counts.ratings} ratings, {counts.writes} writes, {len(counts.failures)} failures"
    )
    print(
        f"memory {first.bytes / 2**20:.0f} MB after warm-up, {last.bytes / 2**20:.0f} MB at the "
        f"end; open files {first.files}, {last.files}; threads {first.threads}, {last.threads}"
    )
    for failure in counts.failures[:5]:
        print("  " + failure)
    held = ratio <= ALLOWED_GROWTH and not counts.failures
    print(f"last fifth over first fifth: {ratio:.3f}; promised at most {ALLOWED_GROWTH}: ", end="")
    print("held" if held else "NOT HELD")
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
