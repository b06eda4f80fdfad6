"""Kill, break and fill up `footnote` commands; then see that nothing was lost or doubled."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.retrieval.packaged import PACKAGED_MODEL
from rag.store import faults
from tests.conftest import PROJECT
from tests.crash import child
from tests.crash.child import ACKNOWLEDGED, Fault, Seen
from tests.crash.world import World
from tests.store.test_catalog import as_before_collections

ACTIONS = ("kill", "error", "full")
DAMAGED = "restore-damaged"  # a scenario that begins with a catalogue nobody can read
OLD = "migrate"  # one that begins with a catalogue of before collections, as on disk otherwise
LONGEST_SECONDS = 60.0  # a command that takes longer counts as hanging
FOOTNOTE = [sys.executable, "-c", "from rag.cli import main; main()"]
STORE = ("--data-dir", "store")
INGEST = ("ingest", "docs", "--prune", *STORE)

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.crash.child"])


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative: the signal), what it printed, how long."""

    code: int
    printed: str
    seconds: float

    @property
    def acknowledged(self) -> int:
        return self.printed.count(ACKNOWLEDGED)


@dataclass
class Tally:
    """What was run, and everything that was not as it should be."""

    kills: int = 0
    faults: int = 0
    points: set[str] = field(default_factory=set)
    commands: int = 0
    recovery_seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Harness:
    """Runs commands on a world and keeps account of what its store may and must hold."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        say: Callable[[str], None] = lambda line: None,
        *,
        real: bool = False,
    ) -> None:
        """When `real`, commands are started as a person starts them, with the packaged model."""
        self._real = real
        self.world = World(folder, seed)
        self.tally = Tally()
        self._tell = say
        self._draw = random.Random(seed + 1)
        self._seq = 0
        self._held: dict[str, str] = {}  # what the store was last seen to hold

    # -- random kills -------------------------------------------------------------------------

    def random_kills(self, count: int) -> None:
        """Kill ingests, updates and deletions at moments drawn at random."""
        self.world.add(10)
        usual = self._settle("before the kills")
        while self.tally.kills < count:
            name = f"random kill {self.tally.kills + 1}"
            self.world.change(self._draw.randrange(1, 6))
            moment = self._draw.uniform(0.0, usual)
            ended = self._run(INGEST, kill_after=moment)
            if ended.code == -signal.SIGKILL:
                self.tally.kills += 1
            else:
                usual = 0.5 * usual + 0.5 * ended.seconds
            self._check(f"{name} after {moment:.2f} s", ended)
            self._say(name)
            if self._draw.random() < 0.6:
                usual = 0.5 * usual + 0.5 * self._settle(name)
        self._settle("after the kills")

    # -- named points -------------------------------------------------------------------------

    def named_points(
        self, wanted: Callable[[str], bool], *, most: int | None = None, thorough: bool = False
    ) -> None:
        """Try every point with every action, in a scenario and at a visit drawn at random.

        When thorough, in every scenario that reaches the point, at its first and last visit.
        """
        trials = [t for t in self._trials() if wanted(t[2].point)]
        if not thorough:
            self._draw.shuffle(trials)
            trials = list({(t[2].point, t[2].action): t for t in trials}.values())
        if most is not None:
            trials = trials[:most]
        for scenario, arguments, fault in trials:
            name = f"{fault.action} at {fault.point} ({fault.visit}) in {scenario}"
            self._begin(scenario)
            ended = self._run(arguments, fault)
            self.tally.faults += 1
            self.tally.points.add(fault.point)
            if fault.action == "kill" and ended.code != -signal.SIGKILL:
                self.tally.wrong.append(f"{name}: the point was not reached")
            self._check(name, ended, readable=scenario != DAMAGED)
            if scenario == DAMAGED and (again := self._run(arguments)).code:
                self.tally.wrong.append(f"{name}: restoring again failed: {again.printed[-600:]}")
            self._settle(name)
            self._say(name)

    def _trials(self) -> Iterator[tuple[str, Sequence[str], Fault]]:
        reached: set[str] = set()
        for scenario, arguments in self._scenarios():
            self._begin(scenario)
            visits = self._visits(arguments)
            reached |= set(visits)
            for point in dict.fromkeys(visits):
                for visit in sorted({1, visits.count(point)}):
                    for action in ACTIONS:
                        yield scenario, arguments, Fault(point, visit, action)
        if missed := set(faults.POINTS) - reached:
            self.tally.wrong.append(f"no scenario reaches {', '.join(sorted(missed))}")

    def _scenarios(self) -> Iterator[tuple[str, Sequence[str]]]:
        world = self.world
        world.load("nothing")
        world.docs.mkdir(exist_ok=True)
        world.add(4)
        world.save("first")
        yield "first", INGEST
        world.load("first")
        self._settle("scenarios")
        world.save("remove")
        yield "remove", ("remove", "docs/letter-001.txt", "docs/letter-002.txt", *STORE)
        world.load("remove")
        state = world.store / "vectors" / "state.json"
        state.unlink()
        os.truncate(world.store / "lexical.sqlite3", 100)
        world.save("heal")
        yield "heal", INGEST
        world.load("remove")
        world.change(8)
        world.add(1)
        sorted(world.docs.iterdir())[0].unlink()
        world.save("update")
        yield "update", INGEST
        world.load("remove")
        world.change(2)
        world.save("collect")
        yield "collect", (*INGEST, "--collection", "hr")
        world.load("remove")
        as_before_collections(world.store / "catalog.sqlite3")
        world.save(OLD)
        yield OLD, INGEST
        yield from self._scenarios_of_backup()

    def _scenarios_of_backup(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Back up; put the backup back over a store that went on, and over a damaged one."""
        world = self.world
        world.load("remove")
        world.save("backup")
        yield "backup", ("backup", "docs.footnote", *STORE)
        world.load("backup")
        self._run(("backup", "docs.footnote", *STORE))
        self._run(("remove", "docs/letter-003.txt", *STORE))
        world.save("restore")
        yield "restore", ("restore", "docs.footnote", *STORE)
        world.load("restore")
        os.truncate(world.store / "catalog.sqlite3", 5000)
        world.save(DAMAGED)
        yield DAMAGED, ("restore", "docs.footnote", *STORE)

    def _say(self, name: str) -> None:
        self._tell(f"{name}: {len(self.tally.wrong)} violations so far")

    def _begin(self, scenario: str) -> None:
        self.world.load(scenario)
        self._held, self._seq = {}, 0
        # To look at an old store is to bring it up to date.
        if scenario not in (DAMAGED, OLD) and (self.world.store / "catalog.sqlite3").exists():
            seen = self._look(with_followers=False)
            self._held, self._seq = seen.versions, seen.seq

    # -- what every round does ------------------------------------------------------------------

    def _check(self, name: str, ended: Ended, *, readable: bool = True) -> None:
        """See that each document is whole, and either as it was or as it was to become."""
        wrong: list[str] = []
        if "Traceback" in ended.printed or "panicked" in ended.printed:
            wrong.append(f"it ended in a traceback: {ended.printed[-600:]}")
        if ended.code not in (0, 74, -signal.SIGKILL):
            wrong.append(f"its exit code is {ended.code}: {ended.printed[-600:]}")
        if readable and (self.world.store / "catalog.sqlite3").exists():
            seen = self._look(with_followers=False)
            wrong += seen.wrong
            # A restored backup has a past of its own.
            if "restore" not in name and seen.seq < self._seq + ended.acknowledged:
                wrong.append(f"change {self._seq + ended.acknowledged} was acknowledged and lost")
            now = self.world.versions()
            for source in self._held.keys() | seen.versions.keys() | now.keys():
                found = seen.versions.get(source)
                if found not in (self._held.get(source), now.get(source)) and not (
                    found is None and "remove" in name
                ):
                    wrong.append(f"{source} is {found}, neither as before nor as on disk")
            self._held, self._seq = seen.versions, seen.seq
        self.tally.wrong += [f"{name}: {one}" for one in wrong]

    def _settle(self, name: str) -> float:
        """Ingest without a fault: the store and its followers must equal the folder."""
        ended = self._run(INGEST)
        self.tally.recovery_seconds.append(ended.seconds)
        if ended.code:
            self.tally.wrong.append(f"{name}: the next command failed: {ended.printed[-600:]}")
            return ended.seconds
        seen = self._look(with_followers=True)
        wrong = seen.wrong
        if seen.versions != self.world.versions():
            wrong = [*wrong, "the next command did not bring the store up to date"]
        self.tally.wrong += [f"{name}, afterwards: {one}" for one in wrong]
        self._held, self._seq = seen.versions, seen.seq
        return ended.seconds

    def _run(
        self, arguments: Sequence[str], fault: Fault | None = None, kill_after: float | None = None
    ) -> Ended:
        self.tally.commands += 1
        if self._real:
            return self._run_real(arguments, kill_after)
        ours, theirs = _processes.Pipe(duplex=False)
        started = time.perf_counter()
        process = _processes.Process(
            target=child.command, args=(list(arguments), str(self.world.folder), fault, theirs)
        )
        process.start()
        theirs.close()
        process.join(LONGEST_SECONDS if kill_after is None else kill_after)
        hangs = process.is_alive() and kill_after is None
        process.kill()
        process.join()
        seconds = time.perf_counter() - started
        printed = b""
        while part := os.read(ours.fileno(), 65536):
            printed += part
        ours.close()
        if hangs:
            self.tally.wrong.append(f"{arguments} with {fault} hung for {LONGEST_SECONDS} s")
        return Ended(process.exitcode or 0, printed.decode(errors="replace"), seconds)

    def _run_real(self, arguments: Sequence[str], kill_after: float | None) -> Ended:
        started = time.perf_counter()
        process = subprocess.Popen(
            [*FOOTNOTE, *arguments],
            cwd=self.world.folder,
            env={
                **os.environ,
                **child.ENVIRONMENT,
                "FOOTNOTE_EMBEDDING_MODEL": PACKAGED_MODEL,
                "PYTHONPATH": str(PROJECT),  # this checkout, whichever one is installed
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            printed, _ = process.communicate(timeout=kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
            printed, _ = process.communicate()
        seconds = time.perf_counter() - started
        return Ended(process.returncode, printed.decode(errors="replace"), seconds)

    def _visits(self, arguments: Sequence[str]) -> list[str]:
        ours, theirs = _processes.Pipe(duplex=False)
        process = _processes.Process(
            target=child.visits, args=(list(arguments), str(self.world.folder), theirs)
        )
        process.start()
        theirs.close()
        printed = b""
        while part := os.read(ours.fileno(), 65536):
            printed += part
        process.join()
        ours.close()
        return printed.decode().split()

    def _look(self, *, with_followers: bool) -> Seen:
        model = PACKAGED_MODEL if self._real else "hashing"
        ours, theirs = _processes.Pipe(duplex=False)
        process = _processes.Process(
            target=child.look, args=(str(self.world.store), model, with_followers, theirs)
        )
        process.start()
        theirs.close()
        try:
            seen: Seen = ours.recv()
        except EOFError:
            seen = Seen(0, {}, ["the store could not be looked at"])
        process.join()
        ours.close()
        return seen
