"""See to it that tests have the programs they talk to: `python tools/find_programs.py NAME...`.

What is missing is installed from Debian where that is possible. Where it is not, the tests that
need it are skipped or say what to do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = {"chromium": "chromium", "nginx": "nginx-light", "initdb": "postgresql"}
"""The Debian package that brings each program."""
ELSEWHERE = {"nginx": "/usr/sbin/nginx", "initdb": "/usr/lib/postgresql/*/bin/initdb"}
"""Where programs lie that are not on the path of everybody."""


def is_there(program: str) -> bool:
    """Tell whether a program is installed."""
    elsewhere = ELSEWHERE.get(program, "").lstrip("/")
    return bool(shutil.which(program) or (elsewhere and any(Path("/").glob(elsewhere))))


def main(programs: list[str]) -> int:
    """Install what is missing; return 0 whatever comes of it, 2 for a name that is not known."""
    if unknown := set(programs) - set(PACKAGES):
        print(f"Unknown: {', '.join(sorted(unknown))}; there are {', '.join(PACKAGES)}.")
        return 2
    packages = [PACKAGES[program] for program in programs if not is_there(program)]
    if packages and shutil.which("apt-get") and os.geteuid() == 0:
        print(f"Installing {' '.join(packages)} for the tests ...", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        subprocess.run(command, check=False, env=quiet, stdout=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
