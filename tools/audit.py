"""Look the pinned versions up among known weaknesses: `python tools/audit.py`.

pip-audit asks the package index's JSON interface, which a mirror may not have. Then nothing is
known, which is said and is no failure. A finding is one, unless tools/audit_accepted.txt has a line
with its id and the reason why it does not concern Footnote.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ACCEPTED = ROOT / "tools" / "audit_accepted.txt"
SECONDS = 600


@dataclass(frozen=True)
class Finding:
    """A weakness of a pinned version; `ids` are its names."""

    package: str
    version: str
    ids: frozenset[str]
    fixed_in: tuple[str, ...]


def main() -> int:
    """Print what is found; return 1 when something is that nobody has accepted."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    command += ["--requirement", str(ROOT / "constraints.txt"), "--no-deps", "--disable-pip"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        packages = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return _unknown(f"no answer within {SECONDS} s")
    except (ValueError, KeyError):
        return _unknown((done.stderr.strip().splitlines() or ["no answer"])[-1])
    known = [package for package in packages if "vulns" in package]
    if not known:
        return _unknown("the index knows none of the packages")
    return judge(findings_in(known), read_accepted(ACCEPTED.read_text("utf-8")), len(packages))


def findings_in(packages: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Return the weaknesses in pip-audit's report."""
    return [
        Finding(
            package["name"],
            package["version"],
            frozenset({one["id"], *one.get("aliases", ())}),
            tuple(one.get("fix_versions", ())),
        )
        for package in packages
        for one in package["vulns"]
    ]


def read_accepted(text: str) -> dict[str, str]:
    """Read lines of an id and a reason.

    Raises:
        SystemExit: a line without a reason.
    """
    accepted = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.strip().partition(" ")
            if not reason.strip():
                raise SystemExit(f"{ACCEPTED.name}: {name} is accepted without a reason.")
            accepted[name] = reason.strip()
    return accepted


def judge(findings: Sequence[Finding], accepted: Mapping[str, str], packages: int) -> int:
    """Print each finding; return 1 when one is not accepted."""
    is_bad = False
    for found in findings:
        reason = next((accepted[name] for name in sorted(found.ids) if name in accepted), "")
        is_bad = is_bad or not reason
        fixed = f"fixed in {', '.join(found.fixed_in)}" if found.fixed_in else "no fix yet"
        word = f"accepted: {reason}" if reason else "NOT ACCEPTED"
        print(f"{found.package} {found.version}: {', '.join(sorted(found.ids))} ({fixed}); {word}")
    print(f"{packages} packages looked up, {len(findings)} findings.")
    return int(is_bad)


def _unknown(why: str) -> int:
    print(f"Known weaknesses could not be looked up: {why}. Nothing is found, nothing ruled out.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
