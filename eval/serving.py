"""What the benchmarks of a running server share: a store to serve, the process, and people."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eval.bench_scale import write_texts
from eval.loaders import load_jsonl
from rag.settings import PROJECT_ROOT
from rag.web.people.access import Right
from rag.web.people.keys import KeyFile

DATASETS = Path(__file__).parent / "datasets"

READY_SECONDS = 300.0
_FOOTNOTE = [sys.executable, "-c", "from rag.cli import main; main()"]
_READY = re.compile(r"Footnote is ready: (http://\S+)")


@dataclass(frozen=True)
class Person:
    """Somebody who asks: a key, and an address that the server takes for theirs."""

    key: str
    address: str

    @property
    def headers(self) -> dict[str, str]:
        """What goes along with each request."""
        return {
            "Authorization": f"Bearer {self.key}",
            "X-Forwarded-For": self.address,
            "Accept": "application/json",
        }


@dataclass(frozen=True)
class Served:
    """A server in a process of its own."""

    url: str
    pid: int


def prepare(work: Path, passages: int, *, hashing: bool = False) -> list[str]:
    """Make a store of the sample corpus among about so many passages, unless it is there.

    Returns what the eval set asks about the corpus, each question once, in an order of chance.
    """
    done = work / "prepared"
    if not done.exists():
        work.mkdir(parents=True, exist_ok=True)
        write_texts(work, passages)
        shutil.copytree(PROJECT_ROOT / "corpus", work / "text" / "corpus", dirs_exist_ok=True)
        cases = load_jsonl(DATASETS / "corpus.jsonl").cases
        asked = sorted({case.question for case in cases if not case.history})
        random.Random(1).shuffle(asked)
        (work / "questions.json").write_text(json.dumps(asked), encoding="utf-8")
        model = 'embedding_model = "hashing"\n' if hashing else ""
        (work / "footnote.toml").write_text(model, encoding="utf-8")
        command = [*_FOOTNOTE, "ingest", "text", "--data-dir", "store"]
        subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL)
        done.write_text(f"{passages}\n", encoding="utf-8")
    found: list[str] = json.loads((work / "questions.json").read_text(encoding="utf-8"))
    return found


def people(work: Path, count: int, *rights: Right) -> list[Person]:
    """Make keys for so many people, for a day."""
    keys = KeyFile(work / "store" / "keys.json")
    return [
        Person(keys.create(f"person {number}", rights, days=1)[1], f"10.9.{number // 250}.{number}")
        for number in range(count)
    ]


@contextmanager
def serving(work: Path, **settings: str) -> Iterator[Served]:
    """Run `footnote serve` on a store in the mode `token`; wait until its models are loaded.

    Settings are written into the store's own footnote.toml.
    It takes this machine for a proxy, so that each person has an address to be counted by.
    """
    given: dict[str, object] = {"access": "token", "proxy_networks": ["127.0.0.1"], "port": 0}
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in {**given, **settings}.items()]
    (work / "footnote.toml").write_text("".join(lines), encoding="utf-8")
    command = [*_FOOTNOTE, "serve", "--data-dir", "store"]
    with (
        (work / "server.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(
            command, cwd=work, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = _READY.match(line)
            if found is None:
                raise SystemExit(f"The server did not start; see {work / 'server.log'}.")
            _wait_until_ready(found[1])
            yield Served(found[1], process.pid)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=10):
                return
        except OSError:
            time.sleep(0.5)
    raise SystemExit(f"The server's models were not loaded within {READY_SECONDS:.0f} s.")
