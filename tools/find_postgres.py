"""See to it that the tests have a PostgreSQL server: find one, or install Debian's if possible."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Return 0: when there is none, the tests that need it are skipped and say what to do."""
    if shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("Installing postgresql for the tests of the history ...")
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"]
        subprocess.run(command, check=False, env=quiet, stdout=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
